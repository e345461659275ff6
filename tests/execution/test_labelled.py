"""xarray's DataArray in and out: names, coordinates, attributes and laziness."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal

import konvolve
from konvolve import ndimage

xr = pytest.importorskip("xarray")


def field(rng, lazy=False):
    x = xr.DataArray(
        rng.standard_normal((40, 20, 3)),
        dims=("time", "x", "channel"),
        coords={
            "time": np.datetime64("2020-01-01", "ns") + np.arange(40) * np.timedelta64(3600, "s"),
            "x": ("x", 0.5 + 0.25 * np.arange(20), {"units": "m"}),
            "channel": ["r", "g", "b"],
            "where": (("x", "channel"), np.arange(60).reshape(20, 3)),
            "run": 7,
        },
        attrs={"units": "K"},
        name="warmth",
    )
    return x.chunk({"time": 16, "x": 7}) if lazy else x


@pytest.mark.parametrize("lazy", [False, True])
def test_same_keeps_everything(lazy):
    rng = np.random.default_rng(0)
    x, kernel = field(rng, lazy), rng.standard_normal((5, 4))
    y = konvolve.convolve(x, kernel, mode="same", axes=("time", "x"))
    wanted = scipy.signal.convolve(x.values, kernel[..., None], "same")
    assert (y.dims, y.name, y.attrs) == (x.dims, x.name, x.attrs)
    assert (y.chunks is not None) == lazy
    np.testing.assert_allclose(y.values, wanted, atol=1e-12)
    xr.testing.assert_identical(y.coords.to_dataset(), x.coords.to_dataset())
    turned = konvolve.convolve(x, kernel.T, mode="same", axes=("x", "time"))
    np.testing.assert_allclose(turned.values, wanted, atol=1e-12)


@pytest.mark.parametrize("lazy", [False, True])
def test_valid_cuts_coordinates_and_full_continues_them(lazy):
    rng = np.random.default_rng(0)
    x = field(rng, lazy)
    kernel = xr.DataArray(rng.standard_normal((4, 5)), dims=("x", "time"))  # which names its own dimensions
    y = konvolve.fftconvolve(x, kernel, mode="valid")
    wanted = scipy.signal.convolve(x.values, kernel.values.T[..., None], "valid")
    np.testing.assert_allclose(y.values, wanted, atol=1e-12)
    np.testing.assert_array_equal(y["x"], x["x"][2:19])
    np.testing.assert_array_equal(y["time"], x["time"][2:38])
    np.testing.assert_array_equal(y["where"], x["where"][2:19])
    assert y["x"].attrs == {"units": "m"}
    with pytest.warns(UserWarning, match="the coordinate 'where' is dropped: it is not regular along 'x'"):
        z = konvolve.fftconvolve(x, kernel)
    np.testing.assert_allclose(z["x"].values, 0.5 + 0.25 * np.arange(-1, 22))
    assert z["time"].values[0] == x["time"].values[0] - 2 * np.timedelta64(3600, "s")
    assert z.sizes == {"time": 44, "x": 23, "channel": 3}
    np.testing.assert_allclose(z.sel(x=y["x"], time=y["time"]), y, atol=1e-12)
    assert "where" not in z.coords
    assert z["run"] == 7


def test_an_irregular_coordinate_is_dropped_with_the_reason():
    x = xr.DataArray([1.0, 2.0, 3.0], dims="x", coords={"x": [0.0, 1.0, 4.0]})
    with pytest.warns(UserWarning, match="'x' is dropped"):
        y = konvolve.convolve(x, [1.0, 1.0])
    assert "x" not in y.coords
    same = konvolve.convolve(x, [1.0, 1.0], mode="same")
    np.testing.assert_array_equal(same["x"], x["x"])


def test_filters_by_name():
    rng = np.random.default_rng(0)
    x = field(rng)
    for each in (x, field(np.random.default_rng(0), lazy=True)):
        y = ndimage.gaussian_filter(each, 1.5, axes=("x", "time"))
        np.testing.assert_allclose(y.values, scipy.ndimage.gaussian_filter(x.values, 1.5, axes=(0, 1)), atol=1e-12)
        z = ndimage.uniform_filter1d(each, 3, axis="time")
        np.testing.assert_allclose(z.values, scipy.ndimage.uniform_filter1d(x.values, 3, axis=0), atol=1e-12)
        xr.testing.assert_identical(y.coords.to_dataset(), x.coords.to_dataset())
        assert (y.name, y.attrs) == (x.name, x.attrs)


def test_holes_masks_and_planes():
    rng = np.random.default_rng(0)
    x = field(rng).isel(channel=0)
    x = x.where(rng.random(x.shape) < 0.8)
    weights = xr.ones_like(x)
    y = konvolve.convolve(x, np.ones((3, 3)), mode="same", nan="omit", weights=weights.transpose("x", "time"))
    wanted = konvolve.convolve(x.values, np.ones((3, 3)), mode="same", nan="omit")
    np.testing.assert_allclose(y.values, wanted, atol=1e-12)
    whole = x.fillna(0)
    found = konvolve.correlate(whole, whole[3:8, 2:9], mode="same", normalize=True, mask1=whole != 0)
    assert found.dims == x.dims
    assert float(found.max()) == pytest.approx(1.0)
    plane = konvolve.sepfir2d(whole, [0.25, 0.5, 0.25], [0.0, 1.0, 0.0])
    np.testing.assert_allclose(plane.values, scipy.signal.sepfir2d(whole.values, [0.25, 0.5, 0.25], [0.0, 1.0, 0.0]))


def test_what_cannot_be_is_told():
    x = field(np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"axes must name dimensions of the array, .*, not 'y'"):
        konvolve.convolve(x, np.ones(3), axes="y")
    with pytest.raises(ValueError, match=r"in2 has the dimension 'y', and in1 has"):
        konvolve.convolve(x, xr.DataArray(np.ones(3), dims="y"))
    with pytest.raises(TypeError, match="a Dataset holds several arrays"):
        konvolve.convolve(x.to_dataset(), np.ones(3))
    with pytest.raises(ValueError, match="same dimensionality"):
        konvolve.convolve(x, np.ones(3), axes=("x", "time"))
