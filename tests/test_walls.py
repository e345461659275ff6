"""The walls of the house (docs/architecture.md), read from the source and seen in fresh processes."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

import house
import konvolve
from house import FILES, SOURCE, imports, room

LIBRARIES = {"tensorflow", "keras", "jax", "torch", "dask"}
STANDARD = set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_each_room_imports_only_what_it_may(path):
    names = imports(path)
    tops = {name.split(".")[0] for name in names}
    rooms = {name.split(".")[1] for name in names if name.startswith("konvolve.")}
    match room(path):
        case "planning":
            assert rooms <= {"planning"}
            assert not tops & (LIBRARIES | {"numpy", "scipy"})
        case "methods":
            assert rooms <= {"planning", "methods", "backends"}
            assert {n for n in names if n.startswith("konvolve.backends.")} <= {
                "konvolve.backends.interface",
                *(f"konvolve.backends.interface.{name}" for name in ("Array", "Backend", "Native", "Size")),
            }
            assert not tops & (LIBRARIES | {"numpy", "scipy"})
        case "backends":
            assert rooms <= {"backends"}
            own = path.parent.name
            assert not tops & (LIBRARIES - {own})
        case "bench":  # any library, but only once a contestant that needs it is asked
            at_once = {name.split(".")[0] for name in imports(path, top_level=True)}
            assert at_once - STANDARD <= {"konvolve", "numpy", "scipy"}
        case "command" | "__main__.py":
            pass
        case "execution" if path.name == "symbolic.py":
            assert not tops & (LIBRARIES - {"keras"})
        case "execution" if path.name == "dask.py":
            assert not tops & (LIBRARIES - {"dask"})
        case "files":
            assert rooms <= {"files"}
            assert not tops & LIBRARIES
        case "layers":
            assert not tops & (LIBRARIES - {"keras"})
        case _:
            assert not tops & LIBRARIES
            assert "keras" not in tops
    assert "benchmarks" not in tops  # which are not in the wheel
    if room(path) not in ("bench", "command"):
        assert "bench" not in rooms
    if room(path) not in ("bench", "command", "__main__.py"):
        assert not rooms & {"command", "files"} or room(path) == "files"


#: What each room may import beside itself: those on the floors below it. What users import stands on the floor above.
BELOW = {
    "planning": set(),
    "backends": set(),
    "files": set(),
    "methods": {"planning", "backends"},
    "profiles": {"planning", "_version"},
    "execution": {"methods", "profiles", "planning", "backends"},
    "signal": {"execution", "planning"},
    "ndimage": {"execution"},
    "stream": {"execution", "planning", "backends"},
    "compat": {"signal", "planning", "backends"},
    "nn": {"execution", "planning"},
    "layers": {"nn", "execution", "planning", "backends"},
    "bench": {"profiles", "planning", "backends"},
    "command": {"bench", "files", "execution", "profiles", "planning", "backends"},
}


@pytest.mark.parametrize("name", BELOW)
def test_no_arrow_runs_up(name):
    """Not even from inside a function; only bench and the command are users of konvolve themselves."""
    paths = [path for path in FILES if room(path) in (name, f"{name}.py")]
    assert paths
    for path in paths:
        tops = {target.split(".")[1] for target in imports(path) if target.startswith("konvolve.")}
        public = {"layers"} if name == "layers" else set()
        public |= set(dir(konvolve)) if name in ("bench", "command") else set()
        assert tops <= BELOW[name] | {name} | public, path
        if name not in ("bench", "command", "layers"):
            assert "konvolve" not in imports(path), path


def test_no_two_files_import_each_other():
    """Not even by way of others, or inside functions."""
    assert not house.circles()


def test_the_drawing_is_that_of_the_code():
    """``python tests/support/house.py`` draws it anew."""
    assert house.drawn() == house.drawing()


def test_what_stands_at_the_root_is_public():
    rest = {"__init__", "__main__", "_former", "_version"}
    assert {path.stem for path in SOURCE.glob("*.py")} - rest == {"ndimage", "signal", "nn", "stream"}


@pytest.mark.parametrize("folder", ["planning", "methods"])
def test_planning_and_methods_never_name_a_library(folder):
    """In code; a comment may say where a figure was measured."""
    for path in sorted((SOURCE / folder).rglob("*.py")):
        tree = ast.parse(path.read_text())
        docstrings = {
            ast.get_docstring(node, clean=False)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in docstrings:
                assert not re.search("tensorflow|keras|jax|torch|numpy", node.value, re.IGNORECASE), (path, node.value)
            if isinstance(node, ast.Name | ast.Attribute):
                assert (node.id if isinstance(node, ast.Name) else node.attr) not in LIBRARIES


def fresh(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_and_calling_imports_no_other_library():
    loaded = fresh(
        "import sys, numpy, konvolve; konvolve.fftconvolve(numpy.ones(9), numpy.ones(3));"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    ).split()
    assert (
        fresh("import konvolve; print(konvolve.layers.Conv1D.__name__, konvolve.to_keras.__name__)")
        == "Conv1D to_keras"
    )
    assert not set(loaded) & (LIBRARIES | {"typer", "rich", "matplotlib", "skimage"})


def test_importing_konvolve_leaves_the_benchmarks_alone():
    assert fresh("import sys, konvolve; print(*(name for name in sys.modules if 'konvolve.bench' in name))") == ""


@pytest.mark.parametrize("module", ["konvolve.bench.everyone", "benchmarks.contest.contestants"])
def test_benchmarks_load_libraries_only_when_they_are_asked(module):
    root = pathlib.Path(__file__).parents[1]
    loaded = fresh(
        f"import sys; sys.path.insert(0, {str(root)!r}); from {module} import everyone; everyone();"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    ).split()
    assert not set(loaded) & (LIBRARIES | {"typer", "rich", "matplotlib", "cv2", "cupy"})


def test_layers_have_no_second_mechanism():
    """They ask konvolve.nn, which looks at the arrays; not Keras for the name of its backend."""
    for path in sorted((SOURCE / "layers").glob("*.py")):
        text = path.read_text()
        assert not re.search(r"backend\(\)", text), path
        assert not re.search("tensorflow|jax|torch", re.sub(r"``tf.data``.*", "", text)), path
        rooms = {name.split(".")[1] for name in imports(path) if name.startswith("konvolve.")}
        # Two more are imported and not used: what has to be settled before Keras is imported, and other saved classes.
        assert rooms <= {"nn", "layers", "planning", "backends", "execution"}, path


def test_importing_leaves_scipys_signal_alone():
    """scipy.signal takes half a second to import; scipy.fft is enough."""
    assert fresh("import sys, konvolve; print('scipy.signal' in sys.modules)") == "False"


def test_planning_runs_without_numpy():
    """The whole room works where no array library can be imported."""
    code = f"""
import sys, types
sys.path.insert(0, {str(SOURCE.parent)!r})
for name in ("numpy", "scipy", "tensorflow"):
    sys.modules[name] = None
package = types.ModuleType("konvolve")
package.__path__ = [{str(SOURCE)!r}]
sys.modules["konvolve"] = package
from konvolve.planning import profile
from konvolve.planning.signal import planner
from konvolve.planning.signal import problem
question = problem.fourier("fftconvolve", ((768, 1024, 3), "float32"), ((60, 60, 1), "float32"), "same", (0, 1))
speeds = profile.Profile(1e-10, 1.6, 1.3, 8, 1e-9, {{1: 1e-10}}, 1e-11, 1e-10, 1e-6, 0.0, False, False, 2**20)
print(planner.make_plan(question, speeds).lengths)
"""
    assert fresh(code) == "(800, 1080)"
