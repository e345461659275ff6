"""Image filters of images with holes, by their formulas on SciPy's own filters in float64."""

import numpy as np
import pytest
from scipy import ndimage as scipys

import konvolve
from konvolve import ndimage
from libraries import LIBRARIES

CROSS = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
SOBEL = np.outer([1, 2, 1], [-1, 0, 1])


def gaussian(x, **edges):
    return scipys.gaussian_filter(x, 1.3, **edges)


def support(kernel):
    """Return the filter that takes the mean over a kernel's taps."""
    taps = (kernel != 0) / np.count_nonzero(kernel)
    return lambda x, **edges: scipys.correlate(x, taps, **edges)


def part(axis):
    """Return a part of the Gaussian gradient."""
    order = [int(each == axis) for each in range(2)]
    return lambda x, **edges: scipys.gaussian_filter(x, 1.3, order=order, **edges)


# Each filter: its arguments, SciPy's filter of which it is, and that of the means. None: the filter is a mean itself.
FILTERS = {
    "gaussian_filter": ((1.3,), None, gaussian),
    "uniform_filter": (((3, 4),), None, lambda x, **edges: scipys.uniform_filter(x, (3, 4), **edges)),
    "sobel": ((), [scipys.sobel], support(SOBEL)),
    "prewitt": ((0,), [lambda x, **edges: scipys.prewitt(x, 0, **edges)], support(SOBEL.T)),
    "laplace": ((), [scipys.laplace], support(CROSS)),
    "gaussian_laplace": ((1.3,), [lambda x, **edges: scipys.gaussian_laplace(x, 1.3, **edges)], gaussian),
    "gaussian_gradient_magnitude": ((1.3,), [part(0), part(1)], gaussian),
}


def image(seed, shape=(14, 17), share=0.2, dtype="float64"):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape) + 3
    x[2:9, 3:11] = np.nan  # a hole that no small kernel bridges
    return np.where(rng.random(shape) < share, rng.choice([np.nan, np.inf, -np.inf], shape), x).astype(dtype)


def omitted(x, steps, mean, mode, cval=0.0, min_weight=0.0):
    """Return "omit" by its formula."""
    hole = ~np.isfinite(x)
    z, h = np.where(hole, 0, x), hole.astype(float)
    lost = not np.isfinite(cval)
    data, holes = {"mode": mode, "cval": 0.0 if lost else cval}, {"mode": mode, "cval": float(lost)}
    left = 1 - mean(h, **holes)
    m = mean(z, **data) / np.where(left > 1e-9, left, 1)
    parts = [m] if steps is None else [step(z, **data) + m * step(h, **holes) for step in steps]
    y = parts[0] if len(parts) == 1 else np.sqrt(sum(each**2 for each in parts))
    return np.where((left > 1e-9) & (left >= min_weight - 1e-9), y, np.nan)


def check(found, wanted, tolerance=1e-9):
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
@pytest.mark.parametrize("name", FILTERS)
def test_what_is_there_is_made_up_for_what_is_missing(library, name):
    arguments, steps, mean = FILTERS[name]
    for seed, (mode, cval) in enumerate([("reflect", 0.0), ("constant", 2.0), ("wrap", 0.0), ("constant", np.nan)]):
        if library.name == "jax" and seed % 2:
            continue
        x = image(seed)
        least = 0.4 * (seed % 2)
        ask = {"mode": mode, "cval": cval, "nan": "omit", "min_weight": least}
        found = library.numpy(getattr(ndimage, name)(library.array(x), *arguments, **ask))
        wanted = omitted(x, steps, mean, mode, cval, least)
        assert np.isnan(wanted).any() or name in ("gaussian_laplace", "gaussian_filter", "gaussian_gradient_magnitude")
        check(found, wanted)


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
@pytest.mark.parametrize("function", ["convolve", "correlate"])
def test_kernels_of_the_users_with_an_origin(library, function):
    for seed, kernel in enumerate([np.random.default_rng(5).random((3, 4)) + 0.1, np.outer([1.0, 0, -1], [1.0, 2, 1])]):
        x, origin = image(seed), (1, -1)
        ask = {"mode": "nearest", "origin": origin}
        hole = ~np.isfinite(x)
        z, h = np.where(hole, 0, x), hole * 1.0
        run = getattr(scipys, function)
        if seed:
            s = (kernel != 0) * 1.0
            left = s.sum() - run(h, s, **ask)
            y = run(z, kernel, **ask) + run(z, s, **ask) / np.where(left > 1e-9, left, 1) * run(h, kernel, **ask)
        else:
            left = kernel.sum() - run(h, kernel, **ask)
            y = kernel.sum() * run(z, kernel, **ask) / np.where(left > 1e-9, left, 1)
        wanted = np.where(left > 1e-9, y, np.nan)
        array, taps = library.array(x), library.array(kernel)
        check(library.numpy(getattr(ndimage, function)(array, taps, nan="omit", **ask)), wanted)
        if not seed:
            filled = np.where(hole, wanted, x)
            expected = run(filled, kernel, **ask)
            found = library.numpy(getattr(ndimage, function)(array, taps, nan="interpolate", **ask))
            check(found, expected)
        elif library.name == "numpy":
            with pytest.raises(ValueError, match="takes differences"):
                getattr(ndimage, function)(array, taps, nan="interpolate", **ask)


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
def test_the_other_choices(library):
    x = image(3)
    array, hole = library.array(x), ~np.isfinite(x)
    found = library.numpy(ndimage.gaussian_filter(array, 1.0, nan="fill", fill_value=3.0))
    check(found, scipys.gaussian_filter(np.where(hole, 3.0, x), 1.0))
    kept = library.numpy(ndimage.gaussian_filter(array, 1.0, nan="fill", fill_value=3.0, keep_nan=True))
    check(kept, np.where(hole, np.nan, found))
    reached = scipys.gaussian_filter(hole * 1.0, 1.0) > 0  # to four sigma
    propagated = library.numpy(ndimage.gaussian_filter(array, 1.0, nan="propagate"))
    np.testing.assert_array_equal(np.isfinite(propagated), ~reached)
    means = omitted(x, None, lambda a, **edges: scipys.uniform_filter(a, 3, **edges), "reflect")
    found = library.numpy(ndimage.uniform_filter(array, 3, nan="interpolate"))
    check(found, scipys.correlate(np.where(hole, means, x), np.full((3, 3), 1 / 9)))
    with pytest.raises(ValueError, match="input has holes: "):
        ndimage.laplace(array, nan="raise")
    check(library.numpy(ndimage.laplace(library.array(np.eye(4)), nan="raise")), scipys.laplace(np.eye(4)))


def test_integers_have_no_holes_and_half_precision_stays():
    whole = np.arange(20).reshape(4, 5)
    np.testing.assert_array_equal(ndimage.uniform_filter(whole, 3, nan="omit"), scipys.uniform_filter(whole, 3))
    x = image(1, dtype="float16")
    found = ndimage.gaussian_filter(x, 2.0, nan="omit")
    assert found.dtype == "float16"
    check(
        found.astype(float),
        omitted(x.astype(float), None, lambda a, **e: scipys.gaussian_filter(a, 2.0, **e), "reflect"),
        4e-3,
    )
    assert ndimage.gaussian_filter(image(1, dtype="float32"), 2.0, output="float64", nan="omit").dtype == "float64"


def test_complex_images():
    x = image(1).astype(complex)
    x.imag = image(2)
    hole = ~np.isfinite(x)
    z, left = np.where(hole, 0, x), 1 - scipys.gaussian_filter(hole * 1.0, 2.0)
    check(ndimage.gaussian_filter(x, 2.0, nan="omit"), scipys.gaussian_filter(z, 2.0) / left)


def test_compiled_of_unknown_sizes_recorded_and_differentiated():
    import tensorflow as tf

    x = image(4)
    wanted = ndimage.gaussian_gradient_magnitude(x, 1.3, nan="omit")

    @tf.function(input_signature=[tf.TensorSpec([None, None], "float64")])
    def compiled(a):
        return ndimage.gaussian_gradient_magnitude(a, 1.3, nan="omit")

    check(compiled(tf.constant(x)).numpy(), wanted)
    a = tf.Variable(x)
    weights = np.random.default_rng(0).standard_normal(x.shape)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(ndimage.gaussian_filter(a, 1.3, nan="omit") * weights)
    gradient = tape.gradient(y, a).numpy()
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[~np.isfinite(x)], 0)
    moved = np.array(x)
    moved[0, 1] += 1e-4
    changed = np.sum(
        (ndimage.gaussian_filter(moved, 1.3, nan="omit") - ndimage.gaussian_filter(x, 1.3, nan="omit")) * weights
    )
    assert np.isfinite(x[0, 1])
    np.testing.assert_allclose(gradient[0, 1], changed / 1e-4, rtol=1e-5)


def test_saved_in_a_model(tmp_path):
    import keras

    entry = keras.Input((14, 17), dtype="float32")
    model = keras.Model(entry, ndimage.gaussian_filter(entry, 1.3, axes=(1, 2), nan="omit", keep_nan=True))
    x = np.stack([image(5, dtype="float32"), image(6, dtype="float32")])
    wanted = ndimage.gaussian_filter(x, 1.3, axes=(1, 2), nan="omit", keep_nan=True)
    model.save(tmp_path / "model.keras")
    for one in (model, keras.saving.load_model(tmp_path / "model.keras")):
        check(keras.ops.convert_to_numpy(one(x)), wanted, 1e-5)
    with pytest.raises(ValueError, match="values are not known yet"):
        ndimage.gaussian_filter(entry, 1.3, nan="raise")


def test_layers_are_the_functions(tmp_path):
    import keras

    from konvolve import layers

    x = np.stack([image(7, dtype="float32"), image(8, dtype="float32")])[..., None]
    blur = layers.GaussianBlur(1.3, nan="omit", min_weight=0.3)
    wanted = ndimage.gaussian_filter(x, 1.3, axes=(1, 2), nan="omit", min_weight=0.3)
    check(keras.ops.convert_to_numpy(blur(x)), wanted, 1e-5)
    again = layers.GaussianBlur.from_config(blur.get_config())
    check(keras.ops.convert_to_numpy(again(x)), wanted, 1e-5)
    kernel = np.random.default_rng(1).random((3, 3))
    layer = layers.Filter(kernel, "valid", nan="interpolate")
    expected = konvolve.convolve(x[..., 0], kernel.astype("float32")[None], "valid", axes=(1, 2), nan="interpolate")
    check(keras.ops.convert_to_numpy(layer(x))[..., 0], expected, 1e-5)
    for wrong in ({"nan": "spam"}, {"nan": "raise"}, {"min_weight": 0.5}, {"nan": "fill", "keep_nan": True}):
        with pytest.raises(ValueError, match="nan"):
            layers.Filter(kernel, "valid", **wrong)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"nan": "spam"}, "nan must be None or one of"),
        ({"nan": "omit", "min_weight": 2}, "min_weight must be a share"),
        ({"min_weight": 0.5}, "min_weight is for nan='omit'"),
        ({"nan": "omit", "fill_value": 1.0}, "fill_value is for nan='fill'"),
        ({"keep_nan": True}, "keep_nan is for a choice of nan"),
        ({"nan": "interpolate", "order": 1}, "takes differences"),
    ],
)
def test_wrong_arguments(wrong, text):
    with pytest.raises(ValueError, match=text):
        ndimage.gaussian_filter(image(0), 1.0, **wrong)
