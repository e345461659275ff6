"""One question drawn, asked in one of the ways of a library, and what is wrong with the answer."""

import traceback

import numpy as np

import asking
import channel_draws
import comparing
import draws
import konvolve
import oracle
from konvolve.planning import dtypes

FOURIER = ("fftconvolve", "oaconvolve")


def derived(library, way, ask, question, answers, rng, allowed):
    """Return what is wrong with the gradients: a convolution is linear in each operand, so along a direction they are
    the convolution with that direction."""
    wanted = answers[0][0]
    weights = rng.standard_normal(wanted.shape).astype(question.result)
    for name, gradient, (direction, (along, wide)) in zip(
        "ab", asking.derivatives(library, way, ask, question, weights), answers[1], strict=True
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
    allowed = ("float32", "float64") if way == "constants" else draws.DTYPES  # which have derivatives
    question = draws.question(seed, number, allowed)
    rng = np.random.default_rng((seed, number, 2))
    ask = asking.call(question, library)
    if asking.spreads(library, way, question):
        return question, "refused"
    try:
        with asking.steered(question.steered), np.errstate(invalid="warn" if question.finite else "ignore"):
            found = asking.answer(library, way, question, ask, rng)
        problem = planned(library, question, found) if way == "eager" else None
        problem = problem or compared(way, question, found)
        if problem is None and derivable(library, way, question, rng):
            problem = family_derivatives(library, way, ask, question, rng)
    except Exception as error:
        problem = "refused" if asking.refused(error) else told(error)
    return question, problem


def told(error):
    """Return an error and where it comes from."""
    return "".join(traceback.format_exception_only(error)) + "".join(traceback.format_tb(error.__traceback__)[-3:])


def derivable(library, way, question, rng):
    """Whether the gradients are looked at, on JAX, which compiles them, now and then."""
    often = {"numpy": 0.0, "jax": 0.3}.get(library.name, 1.0)
    return way in ("eager", "constants") and asking.differentiable(question) and rng.random() < often


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


def family_derivatives(library, way, ask, question, rng):
    along = []
    for name in "ab":
        direction = asking.direction(question, name, rng)
        along.append((direction, question.answer(**{name: direction}, linear=name == "a")))

    def allowed(name, direction, wide):
        wide = np.concatenate([wide.ravel(), direction.ravel() if name == "a" else question.a.ravel()])
        return oracle.tolerance(wide, question.b if name == "a" else direction, asking.narrower(question))

    return derived(library, way, ask, question, (question.answer(), along), rng, allowed)


def planned(library, question, found):
    """Return what is wrong with the shape that ``konvolve.plan`` foretells."""
    if question.function.endswith("2d") or question.normalized or 0 in question.a.shape + question.b.shape:
        return None
    names = {"dtype": question.a.dtype.name, "dtype2": question.b.dtype.name, "library": library.name}
    options = {name: value for name, value in question.options.items() if name != "max_memory"}
    shapes = question.a.shape, question.b.shape
    plan = konvolve.plan(*shapes, function=question.function, **names, **options)
    return None if plan.output_shape == found.shape else f"shape {found.shape}, and planned {plan.output_shape}"


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
    # XLA's own convolution in groups is on CPU one of all channels, with zeros for those that do not belong together.
    spread = way in asking.SPREADING or library.name == "jax" or way == "xla"
    if (nowhere and way == "unknown sizes") or (spread and not question.finite):
        return question, "refused"
    try:
        with asking.steered(question.steered), np.errstate(invalid="warn" if question.finite else "ignore"):
            found = asking.answer(library, way, question, ask, rng, hide)
        if nowhere:
            return question, "there is no place to compute, and no error"
        # Of two kernels the taps that meet the same sample are added up first, and may not be infinite together.
        signs = question.second is None or question.function == "separable_conv"
        problem = comparing.near(found, wanted, wide, question.kernels, question.result, question.slack, signs)
        if problem is None and derivable(library, way, question, rng):
            problem = channel_derivatives(library, way, ask, question, rng)
    except Exception as error:
        problem = None if nowhere and "would be empty" in str(error) else told(error)
    return question, problem


def channel_derivatives(library, way, ask, question, rng):
    if question.second is not None and question.function != "separable_conv":
        return None  # the sum has a part that does not depend on the kernel
    along = []
    for name in "ab":
        direction = asking.direction(question, name, rng)
        along.append((direction, question.answer(**{name: direction})))

    def allowed(name, direction, wide):
        return oracle.tolerance(wide, question.b if name == "a" else direction, asking.narrower(question))

    return derived(library, way, ask, question, (question.answer(), along), rng, allowed)
