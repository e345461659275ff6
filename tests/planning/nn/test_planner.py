"""Plans on channels: phases against their definition, the choice, and what a plan says."""

import dataclasses
import pathlib
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import konvolve
from konvolve.execution import nn as execute_nn
from konvolve.planning.nn.phases import phases, place
from konvolve.planning.nn.problem import Axis

OPTIONS = {
    "strides": 1, "padding": "same", "data_format": "channels_last", "dilation_rate": 1, "method": "auto",
    "padding_mode": "zeros",
}  # fmt: skip


def make(shape, kernel, *changes, function="conv", library="tensorflow"):
    options = OPTIONS | dict(zip(OPTIONS, changes, strict=False))
    return execute_nn.make(function, ((shape, "float32"), (kernel, "float32")), library, **options)


def convolved(x, k):
    return [sum(x[i - j] * k[j] for j in range(len(k)) if 0 <= i - j < len(x)) for i in range(len(x) + len(k) - 1)]


def at(values, index):
    return values[index] if 0 <= index < len(values) else 0


@given(
    n=st.integers(1, 30), taps=st.integers(1, 7), stride=st.integers(1, 4), dilation=st.integers(1, 3),
    padding=st.sampled_from(["valid", "same", "causal"]),
)  # fmt: skip
def test_phases_put_together_are_the_strided_dilated_sum(n, taps, stride, dilation, padding):
    axis = Axis(taps, stride, dilation, padding)
    before, size = axis.convolved(n)
    if size < 1:
        return
    x, k = [1 + 3 * i * i for i in range(n)], [2 + 5 * i for i in range(taps)]
    expected = [sum(at(x, p * stride - before + t * dilation) * k[t] for t in range(taps)) for p in range(size)]
    split = phases(axis, False)
    found = place(axis, split, False, n)
    spread = [0] * ((taps - 1) * split.spread + 1)
    spread[:: split.spread] = k
    results = []
    for r in range(split.number):
        part = [at(x, m * split.number + r - found.before) for m in range(found.size)]
        step = split.number if split.kind == "inputs" else 1
        own = [at(spread, m * step + (r if step > 1 else 0)) for m in range(split.taps)]
        whole = convolved(part, own[::-1])
        results.append([at(whole, found.window.start + i) for i in range(found.window.size)])
    if split.kind == "inputs":  # the phases are channels: summed
        got = [sum(values) for values in zip(*results, strict=True)]
    else:  # samples of the batch: side by side
        got = [value for values in zip(*results, strict=True) for value in values]
    assert got[found.crop : found.crop + found.output] == expected


@given(
    n=st.integers(1, 20), taps=st.integers(1, 7), stride=st.integers(1, 4), dilation=st.integers(1, 3),
    padding=st.sampled_from(["valid", "same"]), extra=st.sampled_from([None, 0, 1]),
)  # fmt: skip
def test_the_transposed_sizes_are_those_of_keras(n, taps, stride, dilation, padding, extra):
    from keras.src.backend.common.backend_utils import compute_conv_transpose_output_shape as theirs

    axis = Axis(taps, stride, dilation, padding, output_padding=extra)
    expected = theirs((1, n, 1), (taps,), 1, stride, padding, extra, "channels_last", dilation)[1]
    assert axis.transposed(n)[1] == expected


@pytest.mark.parametrize("library", ["tensorflow", "jax", "torch", "numpy"])
def test_short_kernels_are_direct_and_long_ones_are_not(library):
    assert make((8, 56, 56, 64), (3, 3, 64, 64), library=library).method == "direct"
    assert make((8, 64, 64, 8), (31, 31, 8, 8), library=library).method != "direct"
    assert make((2, 16384, 16), (1024, 16, 16), library=library).method in ("fft", "overlap")


def test_blocks_are_taken_for_a_medium_kernel_on_a_long_signal():
    plan = make((2, 200_000, 16), (256, 16, 16))
    assert plan.method == "overlap"
    assert 256 < plan.lengths[0] < 20_000
    assert plan.way.steps == (plan.lengths[0] - 255,)


def test_the_adjoint_is_planned_where_the_own_gradient_is_slow():
    assert make((2, 8192, 16), (256, 16, 16), 1, "same", "channels_last", 1, "direct").adjoint.method != "direct"
    assert make((2, 8192, 16), (64, 16, 16), 1, "same", "channels_last", 1, "direct").adjoint is None
    assert make((2, 8192, 16), (256, 16, 16), 1, "same", "channels_last", 1, "direct", library="jax").adjoint is None


def test_unknown_sizes_are_assumed_and_the_plan_says_so():
    plan = make((None, None, None, 16), (31, 31, 16, 16))
    assert plan.output_shape == (None, None, None, 16)
    assert plan.places == (None, None)
    assert "assumed" in plan.reason


def test_a_plan_tells_its_story():
    text = str(make((8, 128, 128, 16), (31, 31, 16, 32)))
    for part in ("conv: 8x128x128x16 with 31x31x16x32", "result   8x128x128x32", "method   fft", "-> fft", "MiB"):
        assert part in text
    plan = make((8, 128, 128, 16), (31, 31, 16, 32))
    assert dataclasses.replace(plan) == plan
    assert hash(plan) == hash(make((8, 128, 128, 16), (31, 31, 16, 32)))


def test_planning_on_channels_needs_no_array_library():
    source = str(pathlib.Path(konvolve.__file__).parent)
    code = f"""
import sys, types
for name in ("numpy", "scipy", "tensorflow", "keras"):
    sys.modules[name] = None
package = types.ModuleType("konvolve")
package.__path__ = [{source!r}]
sys.modules["konvolve"] = package
from konvolve.profiles import shipped
from konvolve.planning import profile
from konvolve.planning.nn import planner as channel_choice
from konvolve.planning.nn import problem as channels
one, two = ((2, 4096, 4), "float32"), ((512, 4, 4), "float32")
question = channels.convolution("conv", one, two, 1, "causal", "channels_last", 1, "fft", "zeros")
speeds = profile.Profile(**shipped.CONSTANTS["tensorflow"])
channel_speeds = profile.ChannelProfile(**shipped.CHANNELS["tensorflow"])
print(channel_choice.make_plan(question, speeds, channel_speeds).lengths)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(4608,)"
