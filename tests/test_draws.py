"""Every option drawn at once, on every library and in every way to ask it, against the sum itself.

A failure names its seed and its number: ``pytest tests/test_draws.py --seed 0 --draw 123`` asks that one alone. A few
hundred questions are always drawn, thousands with ``--slow``, with ``--draws 10000 --seed 7`` so many others of each
library and way. What compiles is drawn less often.
"""

import pytest

import checking
from libraries import LIBRARIES

# Library, way, and how many questions are drawn: always, and with --slow, then more than ten thousand in all.
FAMILY = [
    ("numpy", "eager", 1500, 5000),
    ("numpy", "chunks", 300, 3000),
    ("tensorflow", "eager", 120, 600),
    ("tensorflow", "graph", 16, 150),
    ("tensorflow", "constants", 10, 150),
    ("tensorflow", "unknown sizes", 8, 40),
    ("tensorflow", "xla", 4, 25),
    ("jax", "eager", 10, 60),
    ("jax", "first call", 30, 300),
    ("jax", "vmap", 4, 16),
    ("torch", "eager", 120, 1000),
    ("torch", "autocast", 40, 300),
    ("torch", "recorded", 20, 200),
    ("torch", "compiled", 4, 20),
    ("torch", "compiled, any size", 1, 6),
]
CHANNELS = [
    ("numpy", "eager", 120, 1500),
    ("tensorflow", "eager", 50, 250),
    ("tensorflow", "graph", 12, 100),
    ("tensorflow", "unknown sizes", 8, 40),
    ("tensorflow", "xla", 3, 16),
    ("jax", "eager", 6, 40),
    ("torch", "eager", 50, 500),
    ("torch", "autocast", 20, 200),
    ("torch", "recorded", 15, 150),
    ("torch", "compiled", 3, 15),
]


@pytest.fixture
def optimized(library):
    """Have JAX optimize as it does for users, which conftest.py turns off."""
    if library != "jax":
        yield
        return
    import jax

    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


pytestmark = pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # PyTorch's own


def over_draws(request, table, library, way, check):
    """Check so many draws, and tell of all that failed; a method may refuse, but not everything."""
    often, slow = next(counts for name, each, *counts in table if (name, each) == (library, way))
    seed, one = request.config.getoption("--seed"), request.config.getoption("--draw")
    many = request.config.getoption("--draws") or (slow if request.config.getoption("--slow") else often)
    numbers = range(many) if one is None else [one]
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


@pytest.mark.usefixtures("optimized")
@pytest.mark.parametrize(("library", "way"), [each[:2] for each in FAMILY])
def test_the_family_is_the_sum(request, monkeypatch, library, way):
    monkeypatch.setattr(LIBRARIES["jax"], "by_numpy", way == "first call")
    over_draws(request, FAMILY, library, way, checking.family)


@pytest.mark.usefixtures("optimized")
@pytest.mark.parametrize(("library", "way"), [each[:2] for each in CHANNELS])
def test_convolutions_on_channels_are_the_sum(request, library, way):
    over_draws(request, CHANNELS, library, way, checking.on_channels)
