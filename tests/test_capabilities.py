"""Each cell of the table in the documentation, run in a process that has called nothing before (run_cells.py)."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import capabilities

FOLDER = pathlib.Path(__file__).parent


@pytest.fixture(scope="module")
def servers():
    """Return a function that runs a cell in a process of its own: a server for each library, one at a time."""
    running = {}

    def stop():
        while running:
            server = running.popitem()[1]
            server.kill()
            server.communicate()

    def run(library, *cell):
        if library not in running:
            stop()
            running[library] = subprocess.Popen(
                [sys.executable, str(FOLDER / "support" / "run_cells.py"), library],
                env={**os.environ, "JAX_DISABLE_MOST_OPTIMIZATIONS": "0"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        server = running[library]
        print(json.dumps(cell), file=server.stdin, flush=True)
        return server.stdout.readline().strip()

    yield run
    stop()


def slopes(ask, a, b, step):
    """Return the gradients of the sum of squares: a step at each sample in turn, exact for a parabola of any step."""
    found = []
    for which in (0, 1):
        gradient = np.zeros_like((a, b)[which])
        for place in np.ndindex(*gradient.shape):
            sides = []
            for each in (step, -step):
                pair = [a.copy(), b.copy()]
                pair[which][place] += each
                sides.append((ask(*pair) ** 2).sum())
            gradient[place] = (sides[0] - sides[1]) / (2 * step)
        found.append(gradient)
    return found


CELLS = [
    pytest.param(*cell, marks=[pytest.mark.slow] if capabilities.takes_long(cell[0], cell[2]) else [])
    for cell in sorted(capabilities.cells(), key=lambda cell: cell[1])  # a library's one after the other
]


@pytest.mark.one_in(6)
@pytest.mark.parametrize(("function", "library", "way", "kernel", "reason"), CELLS)
def test_what_works_where(function, library, way, kernel, reason, tmp_path, servers):
    assert servers(library, function, way, kernel, str(tmp_path)) == "0"
    raised = tmp_path / "raised.txt"
    if reason is not None:
        assert raised.exists()  # each library refuses in its own way
        return
    assert not raised.exists(), raised.read_text()
    with np.load(tmp_path / "results.npz") as results:
        found = [results[name] for name in results.files]
    ask, a, b, _ = capabilities.question(function, way)
    if way != "gradient":
        for each in found:
            np.testing.assert_allclose(each, ask(a, b), rtol=0, atol=1e-11)
        return
    if function == "sepfir2d":  # the kernel enters twice: no longer a parabola, so only the image's slope is exact
        found = found[:1]
    curved = any(word in function for word in ("normalize", "gaussian", "omit"))  # no parabola, in sigma either
    # What a difference leaves out falls with the square of the step: in sigma it was 1.3e-6 of 40 for 1e-4.
    step, tolerance = (2e-5, 1e-6) if curved else (1.0, 1e-9)
    for gradient, expected in zip(found, slopes(ask, a, b, step), strict=False):
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=tolerance)


def test_the_documentation_shows_this_table():
    page = FOLDER.parent / "docs" / "what-works-where.md"
    assert capabilities.table() in page.read_text()
