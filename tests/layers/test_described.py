"""The docstrings of the layers that stand in for Keras's: every argument of the signature, and nothing else."""

import inspect
import re

import keras
import pytest

from konvolve import layers
from konvolve.layers import convert
from konvolve.layers.described import ARGUMENTS, described


@pytest.mark.parametrize("name", convert.NAMES)
def test_each_argument_has_its_sentence(name):
    layer = getattr(layers, name)
    told = re.findall(r"^    \*{0,2}(\w+): \S", inspect.getdoc(layer).split("Args:")[1].split("Raises:")[0], re.M)
    assert told == list(inspect.signature(layer).parameters)
    assert set(told) <= set(ARGUMENTS)
    assert f"keras.layers.{name}" in layer.__doc__


def test_only_conv1d_has_causal_padding():
    causal = {name for name in convert.NAMES if 'Or "causal"' in getattr(layers, name).__doc__}
    assert causal == {"Conv1D"}
    for name in set(convert.NAMES) - causal:
        given = (4, 3) if "filters" in inspect.signature(getattr(layers, name)).parameters else (3,)
        with pytest.raises(ValueError, match="padding"):
            getattr(layers, name)(*given, padding="causal")


def test_an_argument_that_keras_adds_one_day_refers_to_keras():
    signature = inspect.Signature(
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("self", "filters", "new")]
    )
    text = described("A layer.\n\n>>> 1\n1\n", keras.layers.Conv2D, signature)
    assert "    new: As in ``keras.layers.Conv2D``." in text
    assert text.endswith("when the layer is made or first called.\n\n>>> 1\n1")
