"""Every option drawn at once, on every library and in every way to ask it, against the sum itself.

A failure names its seed and its number: ``pytest tests/test_draws.py --seed 0 --draw 123`` asks that one alone. With
``--slow`` there are ten thousand draws and more; a few hundred are always made. What compiles is drawn less often.
"""

import traceback

import numpy as np
import pytest

import asking
import channel_draws
import comparing
import draws
import konvolve
import oracle
from konvolve.planning import dtypes
from libraries import LIBRARIES

# Library, way, and how many questions are drawn: always, and with --slow.
FAMILY = [
    ("numpy", "eager", 800, 4000),
    ("tensorflow", "eager", 250, 1500),
    ("tensorflow", "graph", 60, 300),
    ("tensorflow", "unknown sizes", 60, 200),
    ("tensorflow", "xla", 25, 100),
    ("jax", "eager", 40, 300),
    ("jax", "first call", 100, 500),
    ("jax", "vmap", 12, 60),
    ("torch", "eager", 300, 2500),
    ("torch", "compiled", 10, 40),
    ("torch", "compiled, any size", 3, 10),
]
CHANNELS = [
    ("numpy", "eager", 300, 2500),
    ("tensorflow", "eager", 150, 1000),
    ("tensorflow", "graph", 40, 200),
    ("tensorflow", "unknown sizes", 40, 150),
    ("tensorflow", "xla", 12, 60),
    ("jax", "eager", 20, 150),
    ("torch", "eager", 200, 2000),
    ("torch", "compiled", 8, 30),
]
FOURIER = ("fftconvolve", "oaconvolve")

pytestmark = pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # PyTorch's own


def over_draws(request, table, library, way, check):
    """Check so many draws, and tell of all that failed; a method may refuse, but not everything."""
    often, slow = next(counts for name, each, *counts in table if (name, each) == (library, way))
    seed, one = request.config.getoption("--seed"), request.config.getoption("--draw")
    numbers = range(slow if request.config.getoption("--slow") else often) if one is None else [one]
    failed, refused, asked = [], {}, {}
    for number in numbers:
        question, problem = check(LIBRARIES[library], way, seed, number)
        method = question.options.get("method")
        asked[method] = asked.get(method, 0) + 1
        if problem == "refused":
            refused[method] = refused.get(method, 0) + 1
        elif problem is not None:
            failed.append(f"{question}\n    {problem}")
    if failed:
        pytest.fail("\n".join([f"{len(failed)} of {len(numbers)} draws are wrong on {library}, {way}:", *failed[:10]]))
    for method, count in refused.items():
        # A product with the kernel's matrix is for known sizes, and nearly no draw with unknown sizes leaves it those.
        if asked[method] > 20 and (method, way) != ("matrix", "unknown sizes"):
            assert count < 0.8 * asked[method], f"{method} was refused {count} times of {asked[method]}"


def derived(library, ask, question, answers, rng, allowed):
    """Return what is wrong with the gradients: a convolution is linear in each operand, so along a direction they are
    the convolution with that direction."""
    wanted = answers[0][0]
    weights = rng.standard_normal(wanted.shape).astype(question.result)
    for name, gradient, (direction, (along, wide)) in zip(
        "ab", asking.derivatives(library, ask, question, weights), answers[1], strict=True
    ):
        operand = getattr(question, name)
        if gradient.shape != operand.shape or gradient.dtype != operand.dtype:
            return f"gradient by {name}: {gradient.dtype}{gradient.shape}"
        found = (gradient.astype(float) * direction).sum()
        expected = (weights * along.astype(float)).sum()
        bound = 4 * np.linalg.norm(weights) * allowed(name, direction, wide)
        if not abs(found - expected) <= bound:
            return f"gradient by {name}: {found:.6g} along a direction, and not {expected:.6g} (allowed {bound:.2g})"
    return None


def family(library, way, seed, number):
    """Ask the family one question; return it, and what is wrong with the answer."""
    question = draws.question(seed, number)
    rng = np.random.default_rng((seed, number, 2))
    ask = asking.call(question, library)
    try:
        with np.errstate(invalid="warn" if question.finite else "ignore"):
            found = asking.answer(library, way, question, ask, rng)
        problem = planned(library, question, found) if way == "eager" else None
        problem = problem or compared(way, question, found)
        if problem is None and derivable(library, way, question, rng):
            problem = family_derivatives(library, ask, question, rng)
    except Exception as error:
        problem = "refused" if asking.refused(error) else told(error)
    return question, problem


def told(error):
    """Return an error and where it comes from."""
    return "".join(traceback.format_exception_only(error)) + "".join(traceback.format_tb(error.__traceback__)[-3:])


def derivable(library, way, question, rng):
    """Whether the gradients are looked at: eagerly, and on JAX, which compiles them, now and then."""
    often = {"numpy": 0.0, "jax": 0.3}.get(library.name, 1.0)
    return way == "eager" and asking.differentiable(question) and rng.random() < often


def compared(way, question, found):
    """Return what is wrong with an answer of the family."""
    if question.normalized:
        return comparing.coefficient(found, question.coefficient())
    wanted, wide = question.answer()
    if way == "unknown sizes" and question.function in FOURIER and wanted.shape == (0,):
        wanted = wanted.reshape(found.shape) if 0 in found.shape else wanted  # nor does a graph know that one is empty
    name = question.result
    floating = dtypes.result_type(*(dtypes.as_float(x.dtype.name) for x in (question.a, question.b)))
    if way == "unknown sizes" and question.function in FOURIER and found.dtype.name == floating:
        name = floating  # a graph does not know that an axis has a single sample, and takes transforms
        wanted = wanted.astype(name)
    wide = np.concatenate([wide.ravel(), question.a.ravel()])
    return comparing.near(found, wanted, wide, question.b, name, signs=not question.product)


def family_derivatives(library, ask, question, rng):
    along = []
    for name in "ab":
        direction = asking.direction(question, name, rng)
        along.append((direction, question.answer(**{name: direction}, linear=name == "a")))

    def allowed(name, direction, wide):
        wide = np.concatenate([wide.ravel(), direction.ravel() if name == "a" else question.a.ravel()])
        return oracle.tolerance(wide, question.b if name == "a" else direction, asking.narrower(question))

    return derived(library, ask, question, (question.answer(), along), rng, allowed)


def planned(library, question, found):
    """Return what is wrong with the shape that ``konvolve.plan`` foretells."""
    if question.function.endswith("2d") or question.normalized or 0 in question.a.shape + question.b.shape:
        return None
    names = {"dtype": question.a.dtype.name, "dtype2": question.b.dtype.name, "library": library.name}
    options = {name: value for name, value in question.options.items() if name != "max_memory"}
    shapes = question.a.shape, question.b.shape
    plan = konvolve.plan(*shapes, function=question.function, **names, **options)
    return None if plan.output_shape == found.shape else f"shape {found.shape}, and planned {plan.output_shape}"


@pytest.mark.parametrize(("library", "way"), [each[:2] for each in FAMILY])
def test_the_family_is_the_sum(request, monkeypatch, library, way):
    monkeypatch.setattr(LIBRARIES["jax"], "by_numpy", way == "first call")
    over_draws(request, FAMILY, library, way, family)


def on_channels(library, way, seed, number):
    """Ask ``konvolve.nn`` one question; return it, and what is wrong with the answer."""
    question = channel_draws.question(seed, number)
    rng = np.random.default_rng((seed, number, 2))
    ask = asking.call_channels(question, library)
    first = question.options["data_format"] == "channels_first"

    def hide(which, axis):
        return which == 0 and axis != (1 if first else question.a.ndim - 1)

    wanted, wide = question.answer()
    nowhere = 0 in np.delete(wanted.shape, [0, 1 if first else wanted.ndim - 1])
    if nowhere and way == "unknown sizes":
        return question, "refused"
    try:
        with np.errstate(invalid="warn" if question.finite else "ignore"):
            found = asking.answer(library, way, question, ask, rng, hide)
        if nowhere:
            return question, "there is no place to compute, and no error"
        problem = comparing.near(found, wanted, wide, question.kernels, question.result, question.slack)
        if problem is None and derivable(library, way, question, rng):
            problem = channel_derivatives(library, ask, question, rng)
    except Exception as error:
        problem = None if nowhere and "would be empty" in str(error) else told(error)
    return question, problem


def channel_derivatives(library, ask, question, rng):
    if question.second is not None and question.function != "separable_conv":
        return None  # the sum has a part that does not depend on the kernel
    along = []
    for name in "ab":
        direction = asking.direction(question, name, rng)
        along.append((direction, question.answer(**{name: direction})))

    def allowed(name, direction, wide):
        return oracle.tolerance(wide, question.b if name == "a" else direction, asking.narrower(question))

    return derived(library, ask, question, (question.answer(), along), rng, allowed)


@pytest.mark.parametrize(("library", "way"), [each[:2] for each in CHANNELS])
def test_convolutions_on_channels_are_the_sum(request, library, way):
    over_draws(request, CHANNELS, library, way, on_channels)
