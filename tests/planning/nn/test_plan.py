"""konvolve.nn.plan: the plan that the functions use, told in words that agree with it."""

import re

import numpy as np
import pytest

import channel_draws
from konvolve import nn
from konvolve.backends import registry
from konvolve.execution import plans
from libraries import LIBRARIES
from test_nn import METHODS, K, X, normal


@pytest.fixture(params=LIBRARIES.values(), ids=LIBRARIES)
def library(request):
    return request.param


def planned():
    return list(plans._PLANS.values())


@pytest.mark.parametrize("kind", ["conv", "depthwise_conv", "conv_transpose"])
@pytest.mark.parametrize("seed", range(3))
def test_the_functions_use_that_plan(library, seed, kind):
    rng = np.random.default_rng((seed, len(kind)))
    drawn = channel_draws.question(seed, len(kind), functions=(kind,))
    shape, kernel, options = drawn.a.shape, drawn.b.shape, drawn.options | {"method": METHODS[seed]}
    if seed == 2 and kind != "conv_transpose":
        options |= {"padding": "same", "padding_mode": "reflect"}
    x, k = library.array(normal(rng, shape, "float32")), library.array(normal(rng, kernel, "float64"))
    plans.forget()
    given = {"function": kind, "dtype": "float32", "kernel_dtype": "float64"} | options
    given["library"] = registry.backend(library.name).profile()
    try:
        getattr(nn, kind)(x, k, **options)
    except ValueError as error:
        with pytest.raises(ValueError, match=re.escape(str(error))):
            nn.plan(shape, kernel, **given)
        return
    assert planned() == [nn.plan(shape, kernel, **given)]


def test_a_second_kernel_is_planned_with(library):
    plans.forget()
    arrays = [library.array(normal(np.random.default_rng(0), shape)) for shape in ((2, 30, 4), (5, 4, 1), (9, 4, 1))]
    options = {"padding": "causal", "data_format": "channels_last"}
    nn.depthwise_conv(*arrays[:2], bidirectional=arrays[2], **options)
    more = {"dtype": "float64", "library": registry.backend(library.name).profile()}
    plan = nn.plan((2, 30, 4), (5, 4, 1), function="depthwise_conv", bidirectional=(9, 4, 1), **options, **more)
    assert plan.problem.axes[0].taps == 13
    assert planned() == [plan]


def told(plan):
    """Return the methods that a plan's text lists, with their milliseconds and MiB, and the one it points at."""
    rows = [line.split() for line in str(plan).splitlines() if line.endswith("MiB")]
    chosen = [row[1] for row in rows if row[0] == "->"]
    rows = [row[1:] if row[0] == "->" else row for row in rows]
    scale = {"ms": 1e-3, "s": 1.0}
    return {row[0]: (float(row[1]) * scale[row[2]], float(row[3])) for row in rows}, chosen


@pytest.mark.parametrize(
    ("shapes", "options"),
    [
        (((8, 56, 56, 64), (3, 3, 64, 64)), {}),
        (((8, 128, 128, 16), (31, 31, 16, 32)), {"padding": "same"}),
        (((2, 200_000, 16), (256, 16, 16)), {"padding": "causal", "library": "jax"}),
        (((2, 4000, 16), (256, 16, 1)), {"function": "depthwise_conv", "library": "torch", "method": "fft"}),
    ],
)
def test_what_is_printed_agrees_with_the_fields(shapes, options):
    plan = nn.plan(*shapes, **options)
    listed, chosen = told(plan)
    assert chosen == [plan.method]
    assert set(listed) == {each.method for each in plan.estimates}
    assert set(listed) == {"direct", "fft", "overlap"} if "method" not in options else {options["method"]}
    for each in plan.estimates:
        assert listed[each.method] == pytest.approx((each.seconds, each.bytes / 2**20), rel=6e-3, abs=0.06)
    assert (plan.seconds, plan.bytes) == next((e.seconds, e.bytes) for e in plan.estimates if e.method == plan.method)
    text = str(plan)
    assert f"  method   {plan.method}: {plan.reason}" in text
    assert ("lengths" in text) == (plan.method != "direct")
    for length, step in zip(plan.lengths, getattr(plan.way, "steps", (0,) * len(plan.lengths)), strict=True):
        assert f"{length} in blocks of {step} new samples" * bool(step) in text
        assert str(length) in text
    assert ("rows of blocks" in text) == (plan.method == "overlap")
    assert "gradient" not in text


def test_the_kernels_gradient_is_told_where_it_is_planned():
    plan = nn.plan((2, 8192, 16), (256, 16, 16), padding="same", method="direct", library="tensorflow")
    assert plan.adjoint is not None
    assert f"the kernel's gradient by {plan.adjoint.method}" in str(plan)
    assert str(plan.adjoint.lengths[0]) in str(plan)
    assert plan.adjoint.seconds > 0


def test_sizes_not_known_are_assumed_in_the_open():
    plan = nn.plan((None, None, 16), (100, 16, 16), method="fft")
    assert (plan.output_shape, plan.lengths) == ((None, None, 16), (None,))
    assert "assumed to be 8x1600x16" in plan.reason
    assert "known at run time" in str(plan)


def test_narrow_and_padded_questions_say_so():
    text = str(nn.plan((2, 9, 9, 4), (3, 3, 4, 6), 2, "same", "channels_last", dtype="float16",
                       padding_mode=("zeros", "circular"), library="numpy"))  # fmt: skip
    for words in ("float16, computed in float32", "padding_mode ('zeros', 'circular')", "strides (2, 2)", "tap by tap"):
        assert words in text


WRONG = {
    "function": ({"function": "separable_conv"}, "function must be conv, depthwise_conv or conv_transpose"),
    "library": ({"library": "keras"}, "library must be one of numpy"),
    "inputs": ({"inputs": (2, -1, 4)}, "inputs must be sizes"),
    "kernel": ({"kernel": "3x3"}, "kernel must be sizes"),
    "dtype": ({"dtype": "fp32"}, "dtype must be a dtype of numbers"),
    "kernel_dtype": ({"kernel_dtype": "fp32"}, "kernel_dtype must be a dtype of numbers"),
    "strides": ({"strides": 0}, "strides must be a positive integer"),
    "method": ({"method": "matrix"}, "method must be 'auto', 'direct', 'fft' or 'overlap'"),
    "channels": ({"kernel": (3, 3, 6)}, "cannot be divided among 3"),
    "output_padding": ({"output_padding": 1}, "conv has no output_padding"),
    "padding_mode": ({"function": "conv_transpose", "padding_mode": "reflect"}, "conv_transpose has no padding_mode"),
    "bidirectional": ({"function": "conv_transpose", "bidirectional": (3, 2, 6)}, "conv_transpose has no bidirection"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments_are_named(case):
    options, words = WRONG[case]
    with pytest.raises(ValueError, match=words):
        nn.plan(**{"inputs": X.shape, "kernel": K.shape} | options)
    with pytest.raises(TypeError, match="floating or complex"):
        nn.plan(X.shape, K.shape, dtype="int32")
