"""Which library an array belongs to, and what happens when two of them meet."""

import itertools

import numpy as np
import pytest

import konvolve
from konvolve.backends import interface, registry
from libraries import LIBRARIES

OTHERS = [name for name in LIBRARIES if name != "numpy"]
PRIMITIVES = [name for name, value in vars(interface.Backend).items() if callable(value) and not name.startswith("_")]


@pytest.mark.parametrize("name", LIBRARIES)
def test_every_backend_has_every_primitive(name):
    backend = registry.backend(name)
    assert backend.name == name
    assert len(PRIMITIVES) > 30
    assert not [primitive for primitive in PRIMITIVES if not callable(getattr(backend, primitive, None))]


@pytest.mark.parametrize("name", OTHERS)
def test_numpy_and_python_give_way(name):
    library = LIBRARIES[name]
    signal = np.arange(6.0)
    for kernel in (np.ones(2), [1.0, 1.0], (1, 1)):
        for operands in ((library.array(signal), kernel), (kernel, library.array(signal))):
            found = library.numpy(konvolve.convolve(*operands))
            np.testing.assert_array_equal(found, np.convolve(signal, [1, 1]))


@pytest.mark.parametrize(("one", "two"), list(itertools.permutations(OTHERS, 2)))
@pytest.mark.parametrize("function", ["fftconvolve", "convolve2d"])
def test_two_libraries_are_a_type_error_that_names_both(one, two, function):
    x = np.ones((3, 3))
    with pytest.raises(TypeError, match=f"in1 is of {one} and in2 of {two}"):
        getattr(konvolve, function)(LIBRARIES[one].array(x), LIBRARIES[two].array(x))


@pytest.mark.parametrize("name", OTHERS)
def test_sepfir2d_names_its_own_arguments(name):
    other = next(library for library in OTHERS if library != name)
    with pytest.raises(TypeError, match=r"hrow is of .* and hcol of"):
        konvolve.sepfir2d(np.ones((5, 5)), LIBRARIES[name].array(np.ones(3)), LIBRARIES[other].array(np.ones(3)))


def test_an_unknown_library_is_named():
    with pytest.raises(ValueError, match="no backend for 'cupy'"):
        registry.backend("cupy")
