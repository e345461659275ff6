"""SciPy's image filters beside SciPy's own, on every library."""

import numpy as np
import pytest
from scipy import ndimage as scipys

from konvolve import ndimage
from libraries import LIBRARIES

rng = np.random.default_rng(12)
MODES = ("reflect", "grid-mirror", "constant", "grid-constant", "nearest", "mirror", "wrap", "grid-wrap")
IMAGE, SMALL = rng.standard_normal((13, 17)), rng.integers(0, 200, (9, 8))
KERNEL = rng.standard_normal((3, 4))
CALLS = {
    "correlate": (KERNEL,),
    "convolve": (KERNEL,),
    "correlate1d": (KERNEL[0], 0),
    "convolve1d": (KERNEL[1],),
    "gaussian_filter": (1.3,),
    "gaussian_filter1d": (2.0, 0),
    "uniform_filter": ((3, 4),),
    "uniform_filter1d": (5,),
    "sobel": (),
    "prewitt": (0,),
    "laplace": (),
    "gaussian_laplace": (1.0,),
    "gaussian_gradient_magnitude": (1.0,),
}


@pytest.fixture(params=LIBRARIES.values(), ids=LIBRARIES)
def library(request):
    return request.param


def same(found, expected, tolerance=1e-10):
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def few(library):
    """Return whether each call compiles, so that few are made."""
    return library.name == "jax"


@pytest.mark.parametrize("name", CALLS)
def test_each_filter_is_scipys(library, name):
    for mode in MODES[:: 3 if few(library) else 1]:
        for image in (IMAGE, SMALL.astype("uint8"), SMALL.astype("int32")):
            expected = getattr(scipys, name)(image, *CALLS[name], mode=mode, cval=1.5)
            same(
                library.numpy(getattr(ndimage, name)(library.array(image), *CALLS[name], mode=mode, cval=1.5)), expected
            )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("function", ["correlate", "convolve"])
def test_kernels_of_any_size_and_every_origin(function, mode):
    for taps in (1, 2, 3, 4, 7, 40):
        weights = rng.standard_normal(taps)
        for origin in {0, -(taps // 2), (taps - 1) // 2}:
            asked = {"axis": 0, "mode": mode, "cval": 1.5, "origin": origin}
            expected = getattr(scipys, f"{function}1d")(IMAGE, weights, **asked)
            same(getattr(ndimage, f"{function}1d")(IMAGE, weights, **asked), expected)
    for shape in ((3, 3), (2, 4), (1, 5), (30, 3)):
        for origin in (0, (-(shape[0] // 2), (shape[1] - 1) // 2)):
            asked = {"weights": rng.standard_normal(shape), "mode": mode, "cval": 1.5, "origin": origin}
            same(getattr(ndimage, function)(IMAGE, **asked), getattr(scipys, function)(IMAGE, **asked))


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int16", "uint32", "int64", "float32", "float64", "complex64", "complex128"]
)
@pytest.mark.parametrize("output", [None, "float64", "int32", "complex64"])
def test_dtypes(dtype, output):
    image = SMALL % 2 == 0 if dtype == "bool" else SMALL.astype(dtype)
    if dtype.startswith("complex"):
        image = (image * (1 + 2j)).astype(dtype)
    for name in ("gaussian_filter", "uniform_filter", "correlate", "gaussian_gradient_magnitude", "convolve1d"):
        if dtype == "bool" and "gradient" in name:
            continue  # SciPy's sum of the squares of truths is a truth whose root is taken in half precision
        if (output == "complex64") != dtype.startswith("complex") and output is not None:
            continue  # SciPy has no complex result of a real image, nor a real one of a complex image
        try:
            expected = getattr(scipys, name)(image, *CALLS[name], output=output)
        except RuntimeError:
            continue
        single = ("float32", "complex64")
        tolerance = 1e-5 if expected.dtype.name in single or dtype in single else 1e-10
        if expected.dtype.kind in "iub" and image.dtype.kind == "f":
            tolerance = 1  # float32 sums may be cut off to the neighbouring integer
        found = getattr(ndimage, name)(image, *CALLS[name], output=output)
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=200 * tolerance if tolerance < 1 else 1)


@pytest.mark.parametrize("order", [0, 1, 2, 3, 4, 7, (0, 2)])
def test_derivatives_of_gaussians(order):
    same(ndimage.gaussian_filter(IMAGE, 1.7, order), scipys.gaussian_filter(IMAGE, 1.7, order))


def test_settings_of_gaussians():
    for asked in ({"truncate": 2.0}, {"radius": 3}, {"radius": (2, 5)}, {"axes": 0}, {"mode": ("wrap", "mirror")}):
        sigma = 2.0 if asked == {"axes": 0} else (0.7, 2.0)
        same(ndimage.gaussian_filter(IMAGE, sigma, **asked), scipys.gaussian_filter(IMAGE, sigma, **asked))
    same(ndimage.gaussian_filter(IMAGE, (0, 30.0)), scipys.gaussian_filter(IMAGE, (0, 30.0)))
    asked = {"truncate": 3.0, "axes": (1,)}
    same(ndimage.gaussian_laplace(IMAGE, 1.0, **asked), scipys.gaussian_laplace(IMAGE, 1.0, **asked))


def test_a_batch(library):
    batch = rng.standard_normal((3, 10, 11))
    for name, arguments in (("gaussian_filter", (1.3,)), ("uniform_filter", (4,)), ("correlate", (KERNEL,))):
        expected = np.stack([getattr(scipys, name)(image, *arguments) for image in batch])
        same(library.numpy(getattr(ndimage, name)(library.array(batch), *arguments, axes=(1, 2))), expected)


def test_an_array_to_write_into():
    into = np.zeros(IMAGE.shape, "float32")
    found = ndimage.gaussian_filter(IMAGE, 1.0, output=into)
    assert found is into
    same(into, scipys.gaussian_filter(IMAGE, 1.0, output="float32"), 1e-6)


def test_functions_of_the_users(library):
    def second(input, axis, output, mode, cval, weights, scale=1):
        return ndimage.correlate1d(input, weights, axis, output, mode, cval) * scale

    image = library.array(IMAGE)
    found = ndimage.generic_laplace(image, second, extra_arguments=([1, -2, 1],), extra_keywords={"scale": 2})
    same(library.numpy(found), 2 * scipys.laplace(IMAGE))
    found = ndimage.generic_gradient_magnitude(image, ndimage.sobel)
    same(library.numpy(found), scipys.generic_gradient_magnitude(IMAGE, scipys.sobel))


def test_what_is_not_finite_stays_where_a_tap_meets_it():
    image = IMAGE.copy()
    image[4, 5] = np.nan
    found = ndimage.gaussian_filter(image, 1.0)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(scipys.gaussian_filter(image, 1.0)))


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_half_precision(half):
    import tensorflow as tf

    image = tf.cast(IMAGE, half)
    found = ndimage.gaussian_filter(image, 1.0)
    assert found.dtype == image.dtype
    np.testing.assert_allclose(tf.cast(found, "float64"), scipys.gaussian_filter(IMAGE, 1.0), atol=0.02)


SIGMAS = {
    "one": (np.array(1.7), None, lambda x: scipys.gaussian_filter(x, 1.7, radius=7)),
    "one for each axis": (np.array([1.0, 2.0]), None, lambda x: scipys.gaussian_filter(x, (1.0, 2.0), radius=7)),
    "one for each sample": (
        np.array([[0.5], [1.0], [2.0]]), (1, 2),
        lambda x: np.stack([scipys.gaussian_filter(x[i], s, radius=7) for i, s in enumerate((0.5, 1.0, 2.0))]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("given", SIGMAS)
@pytest.mark.parametrize("name", ["tensorflow", "jax", "torch"])
def test_sigma_may_be_a_tensor(given, name):
    sigma, axes, expected = SIGMAS[given]
    image = rng.standard_normal((3, 10, 11)) if axes else IMAGE
    library = LIBRARIES[name]
    found = ndimage.gaussian_filter(library.array(image), library.array(sigma), radius=7, axes=axes)
    same(library.numpy(found), expected(image), 1e-11)


def test_the_radius_follows_a_sigma_that_is_seen():
    import tensorflow as tf

    found = ndimage.gaussian_filter(tf.constant(IMAGE), tf.constant([1.0, 2.0], tf.float64), truncate=3.0)
    same(found.numpy(), scipys.gaussian_filter(IMAGE, (1.0, 2.0), truncate=3.0), 1e-11)
    with pytest.raises(ValueError, match="radius must be given where sigma is traced"):
        tf.function(lambda sigma: ndimage.gaussian_filter(tf.constant(IMAGE), sigma))(tf.constant(1.0))


def loss(sigma, order):
    return (scipys.gaussian_filter(IMAGE, sigma, order, radius=7) ** 2).sum()


@pytest.mark.parametrize("order", [0, 1])
def test_derivatives_to_sigma(order):
    import jax
    import tensorflow as tf
    import torch

    slope = (loss(1.7 + 1e-5, order) - loss(1.7 - 1e-5, order)) / 2e-5
    with tf.GradientTape() as tape:
        sigma = tf.Variable(1.7, dtype=tf.float64)
        y = tf.reduce_sum(ndimage.gaussian_filter(tf.constant(IMAGE), sigma, order, radius=7) ** 2)
    found = [tape.gradient(y, sigma).numpy()]
    image, sigma = torch.from_numpy(IMAGE), torch.tensor(1.7, dtype=torch.float64, requires_grad=True)
    (ndimage.gaussian_filter(image, sigma, order, radius=7) ** 2).sum().backward()
    found.append(sigma.grad.item())
    x = LIBRARIES["jax"].array(IMAGE)
    found.append(jax.grad(lambda s: (ndimage.gaussian_filter(x, s, order, radius=7) ** 2).sum())(1.7))
    np.testing.assert_allclose(found, slope, rtol=1e-6)


def test_the_length_of_a_gradient_of_nothing_has_a_derivative():
    import tensorflow as tf

    x = tf.zeros((6, 6))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = ndimage.gaussian_gradient_magnitude(x, 1.0)
    np.testing.assert_array_equal(tape.gradient(y, x), np.zeros((6, 6)))


@pytest.mark.parametrize("name", ["correlate", "uniform_filter", "gaussian_gradient_magnitude", "sobel"])
def test_compiled_before_sizes_are_known(name):
    import tensorflow as tf

    for image in (IMAGE, SMALL.astype("uint8")):
        unknown = tf.TensorSpec([None, None], image.dtype)
        call = tf.function(lambda x: getattr(ndimage, name)(x, *CALLS[name]), input_signature=[unknown])
        same(call(tf.constant(image)).numpy(), getattr(scipys, name)(image, *CALLS[name]))


@pytest.mark.parametrize("name", ["convolve", "gaussian_laplace"])
def test_compiled_by_jax_and_torch(name):
    import jax
    import torch

    expected = getattr(scipys, name)(IMAGE, *CALLS[name])
    x = LIBRARIES["jax"].array(IMAGE)
    same(np.asarray(jax.jit(lambda x: getattr(ndimage, name)(x, *CALLS[name]))(x)), expected)
    call = torch.compile(lambda x: getattr(ndimage, name)(x, *CALLS[name]), fullgraph=True, backend="eager")
    same(call(torch.from_numpy(IMAGE)).numpy(), expected)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras 3.15, of saving a weight
@pytest.mark.parametrize("name", CALLS)
def test_symbolic_tensors_and_saved_models(name, tmp_path):
    import keras

    inputs = keras.Input((17,), batch_size=13, dtype="float64")
    model = keras.Model(inputs, getattr(ndimage, name)(inputs, *CALLS[name]))
    model.save(tmp_path / "model.keras")
    expected = getattr(scipys, name)(IMAGE, *CALLS[name])
    for each in (model, keras.models.load_model(tmp_path / "model.keras")):
        same(np.asarray(each(IMAGE)), expected)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: ndimage.gaussian_filter(IMAGE, 1.0, mode="fill"), RuntimeError, "mode must be one of .*mode='fill'"),
        (lambda: ndimage.gaussian_filter(IMAGE, -1.0), ValueError, "sigma must be numbers from 0 on, not sigma=-1.0"),
        (lambda: ndimage.gaussian_filter(IMAGE, np.nan), ValueError, "sigma must be a number"),
        (lambda: ndimage.gaussian_filter(IMAGE, (1, 2, 3)), RuntimeError, "sigma must be one, or one for each of"),
        (lambda: ndimage.gaussian_filter(IMAGE, 1.0, radius=1.5), ValueError, "Radius must be a nonnegative integer"),
        (lambda: ndimage.gaussian_filter(IMAGE, 1.0, order=-1), ValueError, "order must be an integer of at least 0"),
        (lambda: ndimage.gaussian_filter(IMAGE, 1e9), ValueError, "reaches 4e\\+09 samples; allowed: 0 to 1048576"),
        (lambda: ndimage.gaussian_laplace(IMAGE, 1.0, order=2), TypeError, "no argument 'order' beside truncate"),
        (lambda: ndimage.correlate(IMAGE, [1, 2, 3]), RuntimeError, "weights.ndim .1. must match len.axes. .2."),
        (lambda: ndimage.correlate1d(IMAGE, []), RuntimeError, "no filter weights given"),
        (lambda: ndimage.correlate1d(IMAGE, [1, 2, 3], origin=2), ValueError, "of 3 taps it must be .* from -1 to 1"),
        (lambda: ndimage.correlate1d(IMAGE, [1, 2], axis=2), ValueError, "axis=2 is out of range"),
        (lambda: ndimage.correlate(IMAGE, KERNEL, axes=(0, 0)), ValueError, "axes must be unique"),
        (lambda: ndimage.correlate(IMAGE, KERNEL, cval="x", mode="constant"), TypeError, "cval must be a number"),
        (lambda: ndimage.uniform_filter1d(IMAGE, 0), RuntimeError, "size must be an integer of at least 1"),
        (lambda: ndimage.sobel(IMAGE, output="words"), RuntimeError, "output must be a dtype of numbers"),
        (lambda: ndimage.sobel(IMAGE, output=np.zeros(3)), RuntimeError, "output shape not correct"),
        (lambda: ndimage.generic_laplace(IMAGE, lambda *_: None), TypeError, "must return an array, not None"),
    ],
)  # fmt: skip
def test_errors_name_the_argument(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_other_libraries_cannot_write_into_an_array():
    import torch

    with pytest.raises(TypeError, match="output must be a dtype: torch cannot write into an array"):
        ndimage.sobel(torch.ones(3, 3), output=np.zeros((3, 3)))
