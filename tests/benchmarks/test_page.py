"""The page on performance: its tables are those of the results files, and no other figure of time is typed into it."""

import json
import re

import pytest

from benchmarks import page, readme, report

TEXT = page.PAGE.read_text(encoding="utf-8")
FOUND = page.MEASURED.findall(TEXT)


def test_the_tables_are_those_of_the_results_files():
    """``python -m benchmarks --readme benchmarks/results/cpu.json`` writes them."""
    assert page.filled(TEXT) == TEXT


def test_everything_that_is_measured_is_told():
    assert sorted(FOUND) == sorted(page.KINDS)


WRITTEN = [page.ROOT / "README.md", *sorted(page.PAGE.parent.glob("*.md"))]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_no_time_is_typed_by_hand(path):
    if path.stem in ("changelog", "command"):
        pytest.skip("the building of the site has written it")
    written = readme.SECTION.sub("", page.MEASURED.sub("", path.read_text(encoding="utf-8")))
    # Limits of planning, which say from where on something else is done, are not measurements.
    limits = ("50 ms in all is traced", "20 ms are compiled at once")
    found = [" ".join(words.split()) for words in re.findall(r"\d[\d.]* (?:us|µs|ms|s)\b[^.,;:]*", written)]
    assert [words for words in found if not words.startswith(limits)] == []


def changed(kind, make):
    """The text of a table from results that were changed."""
    name, _, table = page.KINDS[kind]
    results = json.loads((page.RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    make(results)
    return table(results)[1]


def test_the_quickest_comes_first_and_the_chosen_one_is_bold():
    def make(results):
        results["methods"] = {
            "numpy": [
                {"group": "sums", "title": "a sum", "chosen": "fft", "measured_s": {"fft": 0.002, "direct": 0.001}},
                {"group": "blocks", "title": "blocks", "chosen": "fft", "measured_s": {"fft": 0.002}},
            ]
        }

    assert changed("sums", make) == [["a sum", "direct 1, **fft 2**"]]


def test_peaks_of_memory_are_counted_by_library():
    def make(results):
        peaks = ([110], [50], [])
        results["memory"] = [{"way": "torch", "peaks": each, "predicted": 100} for each in peaks]

    assert changed("memory", make) == [["torch", "2", "0.80", "1.10", "1"]]


@pytest.mark.parametrize("eager", [None, 3.0])
def test_eager_calls_stand_beside_compiled_ones(eager):
    def make(results):
        rows = [{"name": "konvolve.convolve, tf.function", "median_ms": 2.0}]
        if eager:
            rows.append({"name": "konvolve.convolve, TF eager", "median_ms": eager})
        results["workloads"] = {"face": {"title": "a face", "contestants": rows}}

    assert changed("eager", make) == ([["a face", "3", "2", "1.50"]] if eager else [])


@pytest.mark.parametrize("path", sorted(page.RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_the_page_of_a_results_file_is_made_from_it(path):
    made = report.markdown(json.loads(path.read_text(encoding="utf-8")))
    assert path.with_suffix(".md").read_text(encoding="utf-8") == made


def test_each_results_file_has_a_heading_of_its_own():
    files = page.RESULTS.glob("*.json")
    headings = [report.heading(json.loads(path.read_text(encoding="utf-8"))) for path in files]
    assert len(set(headings)) == len(headings)
