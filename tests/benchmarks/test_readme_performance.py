"""The figures of the README and of docs/speed.md are those of the results file that they name."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
specification = importlib.util.spec_from_file_location("benchmarks_readme", ROOT / "benchmarks" / "readme.py")
readme = importlib.util.module_from_spec(specification)
specification.loader.exec_module(readme)
PAGES = {"README.md": readme.facts, "docs/speed.md": readme.section}
SPEED = (ROOT / "docs" / "speed.md").read_text()


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_say_what_the_results_say(name):
    """If this fails: python -m benchmarks --readme benchmarks/results/NAME.json."""
    text = (ROOT / name).read_text()
    results = readme.source(text)
    assert results is not None
    assert readme.rewritten(text, ROOT / results, ROOT / name, PAGES[name]) == text


def test_a_changed_result_is_seen(monkeypatch, tmp_path):
    results = json.loads((ROOT / readme.source(SPEED)).read_text())
    rows = results["workloads"]["face"]["contestants"]
    next(row for row in rows if row["name"] == "SciPy fftconvolve")["median_ms"] = 123456.0
    (tmp_path / "changed.json").write_text(json.dumps(results))
    monkeypatch.setattr(readme, "ROOT", tmp_path)
    assert "| 123456 |" in readme.section(tmp_path / "changed.json", tmp_path / "page.md")


def test_what_lies_beside_is_taken_in(monkeypatch, tmp_path):
    results = json.loads((ROOT / readme.source(SPEED)).read_text())
    monkeypatch.setattr(readme, "ROOT", tmp_path)
    (tmp_path / "r.json").write_text(json.dumps(results))
    found = {"median": 1.02, "p95": 1.234, "problems": 300}
    (tmp_path / "r-choice.json").write_text(json.dumps({"validation": {"numpy": found}}))
    busy = found | {"p95": 1.9, "problems": 100}
    (tmp_path / "r-kernels-busy.json").write_text(json.dumps({"validation": {"numpy": busy}}))
    (tmp_path / "r-sweep.png").touch()
    text = readme.section(tmp_path / "r.json", tmp_path / "page.md")
    assert "1.02 and 1.23 on numpy (300 problems)" in text
    assert "on these while another program has one of the cores: 1.02 and 1.90" in text.replace("\n", " ")
    assert "](r-sweep.png)" in text
    assert "r-choice.png" not in text


def test_a_readme_without_the_section_is_refused():
    with pytest.raises(ValueError, match="no section"):
        readme.rewritten("# konvolve\n", ROOT / "nothing.json", ROOT / "README.md")
