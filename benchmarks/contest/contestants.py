"""Who takes part in the contest: those of the short race, and the many more that are entered in this folder.

konvolve's other entries are in `ours.py`; the others in `peers.py` and `networks.py` (ready-made functions of other
libraries), `recipes.py` (the code that people write themselves), `gradients.py` and `layers.py` (workloads with a
backward pass, and with channels), `filters.py` (image filters, and data with holes) and `transforms.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from konvolve.bench import contestants
from konvolve.bench import everyone as race
from konvolve.bench.contestants import Contestant

EASIER = "easier"  # answers an easier question, knowing more than the others; shown, and compared with nobody
TRANSFORMS = "transforms"  # the bare transforms of konvolve's own plan: no method of that plan can take less
PART = "forward"  # the forward pass alone of a workload that has a backward pass

_CONTEST: list[Contestant] = []
contestant = functools.partial(contestants.contestant, among=_CONTEST)


def everyone() -> Sequence[Contestant]:
    """All contestants, which are entered when their modules are imported."""
    from benchmarks.contest import filters, gradients, layers, networks, ours, peers, recipes, transforms  # noqa: F401

    return (*race.everyone(), *_CONTEST)
