"""Blocks of a signal, brought in front of their samples, and laid side by side again."""

import itertools

import numpy as np
import pytest

from konvolve.backends import registry
from konvolve.methods import blocks
from libraries import LIBRARIES

CUTS = [list(cut) for n in range(4) for cut in itertools.combinations(range(3), n)]


@pytest.mark.parametrize("tiled", CUTS, ids=str)
@pytest.mark.parametrize("name", LIBRARIES)
def test_blocks_side_by_side_are_the_signal(name, tiled):
    library, xp = LIBRARIES[name], registry.backend(name)
    rank, lengths = 3, (4, 3, 5)
    signal = np.random.default_rng(len(tiled)).standard_normal((2, 6, 8, 6, 10)).astype("float32")
    sizes = [2, 6]
    for i, (length, whole) in enumerate(zip(lengths, signal.shape[2:], strict=True)):
        sizes += [whole // length, length] if i in tiled else [whole]
    counts, samples = blocks.axes(2, rank, tiled)
    order = [*range(2), *counts, *samples]
    cut = signal.reshape(sizes).transpose(order)
    assert cut.shape[-rank:] == tuple(lengths[i] if i in tiled else signal.shape[2 + i] for i in range(rank))
    found = blocks.side_by_side(xp, library.array(np.ascontiguousarray(cut)), order, [12], rank, tiled)
    np.testing.assert_array_equal(library.numpy(found), signal.reshape(12, 8, 6, 10))
