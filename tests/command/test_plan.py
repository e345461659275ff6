"""`konvolve plan`: the table says what the plan says, and mistakes are one line."""

import dataclasses
import re

import pytest

pytest.importorskip("typer", reason="the [cli] extra is not installed")

import konvolve
from konvolve.command import main as cli
from konvolve.command import plan as explain
from konvolve.command.terminal import duration
from konvolve.planning.signal import plan as plans


def shown(capsys, *arguments):
    """The exit code, the lines above the table, its rows by method, and standard error."""
    code = cli.main(["plan", *map(str, arguments)])
    out, err = capsys.readouterr()
    lines = out.splitlines()
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]
    return code, [line for line in lines if line[0] not in "│┏┡└┃"], {row[0]: row[1:] for row in rows}, err


@pytest.mark.parametrize("library", ["tensorflow", "numpy", "jax32"])
def test_the_table_is_the_plan(capsys, library):
    options = {"mode": "same", "axes": (0, 1), "library": library}
    plan = konvolve.plan((768, 1024, 3), (60, 60, 1), **options)
    arguments = ("768x1024x3", "60x60x1", "--mode", "same", "--axes", "0,1", "--library", library)
    code, head, rows, err = shown(capsys, *arguments)
    assert (code, err) == (0, "")
    assert head[0] == f"{str(plan).splitlines()[0]}, on {library}"
    assert f"method   {plan.method}: {plan.reason}" in head[2]
    assert "transforms of " + " x ".join(map(str, plan.lengths)) in rows[f"→ {plan.method}"][3]
    seconds = {each.method: each.seconds for each in plan.estimates}
    seconds["separable"] = konvolve.plan((768, 1024, 3), (60, 60, 1), method="separable", **options).seconds
    assert {name.split()[-1] for name in rows} == set(seconds)
    assert "if the kernel is a product" in rows["separable"][3]
    for name, row in rows.items():
        assert row[0] == duration(seconds[name.split()[-1]])
        assert float(row[1]) == pytest.approx(seconds[name.split()[-1]] / min(seconds.values()), rel=0.01)


def test_a_method_that_is_asked_for_stands_beside_the_others(capsys):
    _, _, rows, _ = shown(capsys, 64, 8, "--method", "fft")
    free = {name.split()[-1]: row for name, row in shown(capsys, 64, 8)[2].items()}
    assert set(rows) == {"→ fft", "direct", "matrix", "overlap"}
    assert rows["→ fft"] == free["fft"]


def test_a_ceiling_of_memory(capsys):
    free = konvolve.plan((128, 128, 128), (31, 31, 31), mode="same", library="numpy")
    arguments = ("128x128x128", "31x31x31", "--mode", "same", "--library", "numpy")
    bound = free.bytes // 2**20 - 1
    code, head, rows, _ = shown(capsys, *arguments, "--max-memory", f"{bound}M")
    assert (code, f"the quickest within {bound} MiB" in head[2]) == (0, True)
    taken = next(row for name, row in rows.items() if name.startswith("→"))
    assert float(taken[2].removesuffix(" MiB")) <= bound


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("512x512", "31x31", "--mode", "same", "--library", "numpy"), "auto takes separable where it can look at"),
        (("512x512", "31x31", "--method", "separable", "--library", "numpy"), None),
        (("768x1024x3", "60x60x1", "--mode", "same", "--axes", "0,1"), None),
        (("1000", "100"), None),
    ],
)
def test_a_separable_plan_that_is_quicker_is_explained(capsys, arguments, words):
    """The arrow points at another method, since the plan knows no values: what auto does with them is said."""
    _, head, rows, _ = shown(capsys, *arguments)
    quicker = next(iter(rows)) == "separable"  # the first row is the quickest
    assert quicker == (words is not None)
    assert ("auto takes separable" in " ".join(head)) == quicker
    if words:
        assert words in " ".join(head)
        assert max(len(line) for line in head[-3:]) <= 80


def test_a_separable_plan_that_is_hardly_quicker_is_not_taken():
    plan = konvolve.plan((512, 512), (31, 31), mode="same", library="numpy", explain=True)
    assert plan.separable is not None
    without = dataclasses.replace(plan, separable=None)
    assert explain.separable_hint(without, plans.rows(plan)).startswith("auto takes fft for a product")


def test_huge_shapes_are_in_units_that_can_be_read(capsys):
    _, _, rows, _ = shown(capsys, "100000000000x100000", "1000x1000")
    for seconds, _, size, _ in rows.values():
        assert re.fullmatch(r"\d+ years", seconds)
        assert re.fullmatch(r"\d{1,4}\.\d PiB", size)
    assert "e+" not in str(konvolve.plan((10**7, 10**6), (2000, 2000))).split("->")[1].split("\n")[0]


def test_sizes_not_known_have_no_figures(capsys):
    _, head, rows, _ = shown(capsys, "?", 9)
    assert "known only at run time" in head[2]
    assert all(row[0] == "?" for row in rows.values())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("3x", "4"), "SIGNAL '3x': allowed: sizes"),
        (("5", "a"), "KERNEL 'a': allowed: sizes"),
        (("5", "3", "--axes", "one"), "--axes 'one': allowed: whole numbers"),
        (("5", "3", "--axes", "7"), "axes"),
        (("5", "3", "--mode", "some"), "'valid', 'same', or 'full', not mode='some'"),
        (("5", "3", "--method", "fast"), "'auto', 'direct'"),
        (("5", "3", "--library", "mxnet"), "library must be one of"),
        (("5", "3", "--boundary", "mirror"), "'reflect'"),
        (("5", "3", "--dtype", "text"), "dtype must be a dtype of numbers"),
        (("5", "3", "--function", "conv"), "function must be convolve"),
        (("5", "3", "--function", "fftconvolve", "--method", "fft"), "neither --method nor --boundary"),
        (("5", "3", "--function", "oaconvolve", "--max-memory", "1G"), "nor --max-memory"),
        (("5", "3", "--max-memory", "much"), "--max-memory 'much': allowed: a number of bytes"),
        (("5x5x5", "3x3x3", "--max-memory", "8"), "max_memory=8 bytes are not enough: the least would be"),
        (("5x5", "3"), "dimensionality"),
        (("5",), "Missing argument"),
    ],
)
def test_mistakes_are_one_line(capsys, arguments, words):
    code, head, rows, err = shown(capsys, *arguments)
    assert (code, head, rows) == (2, [], {})
    assert words in err
    assert re.fullmatch(r"konvolve: [^\n]+\n", err)
