"""`konvolve blur` and `konvolve filter` of arrays in files: values, memory, stops and what is refused."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal

from konvolve.command.main import main

zarr = pytest.importorskip("zarr")
pytest.importorskip("dask")
tifffile = pytest.importorskip("tifffile")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stored(path, x, chunks, **how):
    array = zarr.create_array(path, shape=x.shape, dtype=x.dtype, chunks=chunks, **how)
    array[...] = x
    return x


def asked(*arguments):
    return main([*arguments, "--no-figure", "-q"])


def test_a_blurred_zarr_is_scipys(folder):
    x = stored("v.zarr", np.random.default_rng(0).standard_normal((30, 40, 50)).astype("f4"), (16, 16, 16))
    for boundary, mode in (("reflect", "mirror"), ("symmetric", "reflect"), ("zero", "constant"), ("wrap", "wrap")):
        assert asked("blur", "v.zarr", "--sigma", "2", "--boundary", boundary, "--overwrite") == 0
        y = zarr.open_array("v-blur.zarr", mode="r")
        assert (y.chunks, y.dtype) == ((16, 16, 16), x.dtype)
        np.testing.assert_allclose(y[...], scipy.ndimage.gaussian_filter(x.astype("f8"), 2, mode=mode), atol=1e-5)
    assert sorted(os.listdir()) == ["v-blur.zarr", "v.zarr"]


@pytest.mark.parametrize("mode", ["same", "full", "valid"])
@pytest.mark.parametrize("version", [2, 3])
def test_a_filtered_array_in_a_group_is_scipys(folder, mode, version):
    rng = np.random.default_rng(0)
    group = zarr.open_group("v.zarr", mode="w", zarr_format=version)
    x = rng.standard_normal((30, 40, 50))
    group.create_array("raw/0", shape=x.shape, dtype=x.dtype, chunks=(7, 40, 50))[...] = x
    kernel = rng.standard_normal((4, 5, 3))
    np.save("k.npy", kernel)
    assert (
        asked(
            "filter",
            "v.zarr/raw/0",
            "k.npy",
            "-o",
            "y.zarr",
            "--mode",
            mode,
            "--boundary",
            "zero",
            "--chunks",
            "9,16,50",
        )
        == 0
    )
    np.testing.assert_allclose(zarr.open_array("y.zarr")[...], scipy.signal.convolve(x, kernel, mode), atol=1e-9)


def test_npy_and_tiff_are_rounded_to_their_integers(folder):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 255, (6, 40, 50)).astype("u1")
    np.save("x.npy", x)
    tifffile.imwrite("x.tif", x, metadata={"axes": "ZYX"})
    tifffile.imwrite("x.ome.tif", x, metadata={"axes": "ZYX"})
    kernel = rng.standard_normal((5, 7))
    np.save("k.npy", kernel)
    sums = scipy.signal.convolve(x.astype("f8"), kernel[None], "same")
    wanted = np.clip(np.rint(sums), 0, 255)
    how = ["--axes", "1,2", "--boundary", "zero", "--chunks", "2,17,50"]
    for name, output in (("x.npy", "y.npy"), ("x.tif", "y.tif"), ("x.ome.tif", "z.tif"), ("x.npy", "y.zarr")):
        assert asked("filter", name, "k.npy", "-o", output, *how) == 0
        read = np.load if output.endswith("npy") else tifffile.imread
        found = zarr.open_array(output)[...] if output.endswith("zarr") else read(output)
        assert found.dtype == np.uint8
        off = np.abs(found.astype(int) - wanted)
        assert off.max() <= 1
        assert (off[np.abs(sums % 1 - 0.5) > 1e-3] == 0).all()
    with tifffile.TiffFile("y.tif") as file:
        assert file.is_bigtiff
        assert file.series[0].axes == "ZYX"


def test_chunks_that_were_never_written_are_the_fill_value_where_that_is_allowed(folder):
    x = np.zeros((16, 16))
    x[3, 4] = 1
    zarr.config.set({"array.write_empty_chunks": False})  # as zarr has it by default, and the command has not
    stored("v.zarr", x, (8, 8))
    assert asked("blur", "v.zarr", "--sigma", "1") == 2
    assert asked("blur", "v.zarr", "--sigma", "1", "--sparse", "--overwrite") == 0
    wanted = scipy.ndimage.gaussian_filter(x, 1, mode="mirror")
    np.testing.assert_allclose(zarr.open_array("v-blur.zarr")[...], wanted, atol=1e-12)
    assert asked("blur", "v-blur.zarr", "--sigma", "1") == 0  # which has all of its chunks, empty ones too


def test_named_kernels_are_for_the_last_two_axes(folder):
    x = np.random.default_rng(0).standard_normal((5, 20, 30))
    np.save("x.npy", x)
    assert asked("filter", "x.npy", "edges", "--boundary", "symmetric") == 0
    taps = np.array([[[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]])
    np.testing.assert_allclose(np.load("x-filter.npy"), scipy.ndimage.convolve(x, taps), atol=1e-12)


@pytest.mark.parametrize("library", ["tensorflow", "torch"])
def test_blocks_are_computed_on_a_library(folder, library):
    pytest.importorskip(library)
    x = np.random.default_rng(0).standard_normal((40, 50)).astype("f4")
    np.save("x.npy", x)
    assert asked("blur", "x.npy", "--sigma", "1.5", "--library", library, "--chunks", "16") == 0
    np.testing.assert_allclose(np.load("x-blur.npy"), scipy.ndimage.gaussian_filter(x, 1.5, mode="mirror"), atol=1e-5)


def test_the_plan_is_printed_and_nothing_written(folder, capsys):
    stored("v.zarr", np.ones((64, 64, 64), "f4"), (32, 32, 32))
    assert main(["blur", "v.zarr", "--sigma", "2", "--plan", "--memory", "1G"]) == 0
    said = capsys.readouterr().out
    assert "blur v.zarr: 64x64x64 float32, 1.0 MiB, chunks of 32x32x32" in said
    assert re.search(r"memory   [\d.]+ MiB predicted, of 1G", said)
    assert os.listdir() == ["v.zarr"]


def test_three_lines_and_a_figure(folder, capsys):
    np.save("x.npy", np.random.default_rng(0).standard_normal((8, 30, 40)))
    assert main(["blur", "x.npy", "--sigma", "1"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("blurred x.npy: 8x30x40 float64, Gaussian of sigma 1, 1 blocks, ")
    assert said[1].endswith("x-blur.npy, x-blur-npy-figure.png")
    assert len(said) == 3
    assert pathlib.Path("x-blur-npy-figure.png").stat().st_size > 10_000


_SLOW = """
import sys, time
from konvolve.command import work
from konvolve.command.main import main
write = work.Sink.write
def slowly(self, region, samples):
    time.sleep(0.05)
    write(self, region, samples)
work.Sink.write = slowly
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("output", ["y.zarr", "y.npy"])
def test_a_stopped_run_is_taken_up_and_gives_the_same_bits(folder, how, output):
    x = np.random.default_rng(0).standard_normal((64, 64, 32)).astype("f4")
    stored("v.zarr", x, (8, 8, 32))
    arguments = ["blur", "v.zarr", "--sigma", "1", "--chunks", "8,8,32", "--no-figure", "-q", "-o"]
    script = folder / "slow.py"
    script.write_text("import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n" + _SLOW)
    process = subprocess.Popen([sys.executable, script, *arguments, output], stderr=subprocess.DEVNULL)
    log = folder / f"{output}.konvolve" / "done"
    until = time.monotonic() + 60
    while time.monotonic() < until and not (log.exists() and log.read_text().count("\n") >= 5):
        time.sleep(0.02)
    process.send_signal(how)
    process.wait(60)
    assert not (folder / output).exists()
    done = log.read_text().count("\n")
    assert 5 <= done < 64
    assert main([*arguments, output]) == 2  # a run was stopped here
    assert main([*arguments, output, "--resume", "--sigma", "2"]) == 2  # another question
    chunk = folder / "v.zarr" / "c" / "0" / "0" / "0"
    when = chunk.stat()
    os.utime(chunk)  # as if a chunk of the input had been written again
    assert main([*arguments, output, "--resume"]) == 2
    os.utime(chunk, ns=(when.st_atime_ns, when.st_mtime_ns))
    assert main([*arguments, output, "--resume"]) == 0
    assert main([*arguments, "whole" + output]) == 0
    read = (lambda path: zarr.open_array(path)[...]) if output.endswith("zarr") else np.load
    np.testing.assert_array_equal(read(output), read("whole" + output))
    assert not log.parent.exists()
    assert main([*arguments, output, "--resume"]) == 2  # is there already


def test_only_what_is_left_is_done(folder, monkeypatch):
    from konvolve.command import work

    stored("v.zarr", np.ones((32, 32), "f4"), (8, 8))
    arguments = ["blur", "v.zarr", "--sigma", "1", "--chunks", "8", "--no-figure", "-q", "-o", "y.zarr"]
    write, written = work.Sink.write, []

    def fails(self, region, samples):
        if len(written) == 6:
            raise OSError(28, "No space left on device")
        written.append(region)
        write(self, region, samples)

    monkeypatch.setattr(work.Sink, "write", fails)
    assert main(arguments) == 2
    assert not pathlib.Path("y.zarr").exists()
    before, again = len(written), []
    monkeypatch.setattr(
        work.Sink, "write", lambda self, region, samples: (again.append(region), write(self, region, samples))
    )
    assert main([*arguments, "--resume"]) == 0
    assert 16 - before - 2 <= len(again) <= 16 - before + 2  # two threads were at work
    np.testing.assert_allclose(zarr.open_array("y.zarr")[...], 1.0, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["blur", "gone.zarr"], "gone.zarr: no such file"),
        (["blur", "group.zarr"], "a group of arrays; allowed: one of them: inner"),
        (["blur", "text.npy"], "text.npy: holds <U1, no numbers"),
        (["blur", "empty.npy"], "empty.npy: has no samples, its shape is (0, 3)"),
        (["blur", "torn.npy"], "torn.npy: can't be read"),
        (["blur", "v.zarr", "-o", "v.zarr"], "v.zarr: the output is the input v.zarr, or in it"),
        (["blur", "v.zarr", "-o", "v.zarr/y.zarr"], "the output is the input v.zarr, or in it"),
        (["blur", "v.zarr", "-o", "there.zarr"], "there.zarr: is there already; allowed: --overwrite"),
        (["blur", "v.zarr", "-o", "y.png"], "y.png: unknown output format '.png'; allowed: .zarr"),
        (["blur", "v.zarr", "--memory", "lots"], "--memory 'lots': allowed: a number of bytes"),
        (["blur", "v.zarr", "--memory", "100M"], "--memory 100M: a block needs"),
        (["blur", "v.zarr", "--chunks", "3,4,5"], "--chunks 3,4,5: allowed: a number of samples, or 2 with commas"),
        (["blur", "v.zarr", "--axes", "0,5"], "--axes 0,5: allowed: different numbers from -2 to 1"),
        (["blur", "v.zarr", "--size", "3"], "--size: for pictures, and v.zarr is an array in a file"),
        (["blur", "v.zarr", "--workers", "0"], "--workers 0: allowed: 1 or more"),
        (["blur", "v.zarr", "--sigma", "-1"], "--sigma -1: allowed: a finite number above 0"),
        (["blur", "v.zarr", "--library", "numpi"], "--library numpi: unknown"),
        (["blur", "v.zarr", "--resume"], "--resume: no run for v-blur.zarr was stopped"),
        (["blur", "v.zarr", "x.npy"], "v.zarr: an array in a file; allowed: one at a time"),
        (["blur", "missing.zarr"], "missing.zarr: the chunk c/1/1 is missing"),
        (["blur", "corrupt.zarr"], "corrupt.zarr: can't read "),
        (["filter", "v.zarr", "x.npy"], "KERNEL x.npy: 3 axes, the array v.zarr has 2"),
        (["filter", "v.zarr", "nan.npy"], "KERNEL nan.npy: holds NaN or infinities"),
        (["filter", "v.zarr", "box:3", "--mode", "all"], "--mode all: "),
        (["blur", "--memory", "1G"], "--memory: for arrays in files; allowed with a .zarr array"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(folder, capsys, arguments, said):
    stored("v.zarr", np.ones((16, 16), "f4"), (8, 8))
    stored("there.zarr", np.ones((2, 2)), (2, 2))
    stored("missing.zarr", np.ones((16, 16)), (8, 8))
    os.remove("missing.zarr/c/1/1")
    stored("corrupt.zarr", np.ones((16, 16)), (8, 8))
    pathlib.Path("corrupt.zarr/c/1/1").write_bytes(b"torn")
    zarr.open_group("group.zarr", mode="w").create_array("inner", shape=(2,), dtype="f4")
    np.save("x.npy", np.ones((3, 3, 3)))
    np.save("nan.npy", np.full((3, 3), np.nan))
    np.save("text.npy", np.array(["a"]))
    np.save("empty.npy", np.ones((0, 3)))
    pathlib.Path("torn.npy").write_bytes(pathlib.Path("x.npy").read_bytes()[:100])
    before = {path: path.stat().st_mtime_ns for path in pathlib.Path().rglob("*")}
    assert main([*arguments, "--no-figure"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert said in captured.err, captured.err
    after = {path: path.stat().st_mtime_ns for path in pathlib.Path().rglob("*") if not str(path).endswith(".konvolve")}
    assert {path: when for path, when in after.items() if path in before and path.is_file()} == {
        path: when for path, when in before.items() if path.is_file()
    }


_PEAK = """
import re, sys
from konvolve.command.main import main
code = main(sys.argv[1:])
print(int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024)
sys.exit(code)
"""


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="the peak of a process's memory is read there")
def test_a_gigabyte_passes_under_300_megabytes(folder):
    array = zarr.create_array("v.zarr", shape=(256, 1024, 1024), dtype="f4", chunks=(64, 128, 128))
    rng = np.random.default_rng(0)
    for start in range(0, 256, 64):
        array[start : start + 64] = rng.standard_normal((64, 1024, 1024), dtype="f4")
    arguments = ["blur", "v.zarr", "--sigma", "1", "--memory", "300M", "-o", "y.zarr", "-q"]
    done = subprocess.run([sys.executable, "-c", _PEAK, *arguments], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 300
    y = zarr.open_array("y.zarr")
    wanted = scipy.ndimage.gaussian_filter(array[40:90, 100:160, 500:560].astype("f8"), 1)[8:-8, 8:-8, 8:-8]
    np.testing.assert_allclose(y[48:82, 108:152, 508:552], wanted, atol=1e-5)


@pytest.mark.slow
def test_a_cluster_of_two_processes_gives_the_same(folder):
    pytest.importorskip("distributed")
    x = stored("v.zarr", np.random.default_rng(0).standard_normal((40, 40)), (16, 16))
    arguments = [sys.executable, "-m", "konvolve", "blur", "v.zarr", "--sigma", "1", "--workers", "2", "-q"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = zarr.open_array("v-blur.zarr")[...]
    np.testing.assert_allclose(found, scipy.ndimage.gaussian_filter(x, 1, mode="mirror"), atol=1e-12)


def test_a_scheduler_that_does_not_answer_is_told_and_nothing_written(folder, capsys, monkeypatch):
    pytest.importorskip("distributed")
    from konvolve.command import running

    monkeypatch.setattr(running, "_PATIENCE", 1)
    stored("v.zarr", np.ones((16, 16), "f4"), (8, 8))
    assert asked("blur", "v.zarr", "--sigma", "1", "--scheduler", "tcp://127.0.0.1:9") == 2
    said = capsys.readouterr().err
    assert "--scheduler tcp://127.0.0.1:9: no answer in 1 s; allowed: the address that" in said
    assert os.listdir() == ["v.zarr"]


def test_a_worker_without_konvolve_is_named(folder, capsys, monkeypatch):
    pytest.importorskip("distributed")
    from konvolve.command import running

    class Client:
        def __init__(self, address, timeout):
            self.address = address

        def run(self, function):
            return {"tcp://one:1": True, "tcp://two:2": False}

        def close(self):
            pass

    monkeypatch.setattr("dask.distributed.Client", Client)
    with pytest.raises(running.Mistake, match="worker tcp://two:2 has no konvolve"):
        running.Cluster(None, "tcp://here:8786", 2**30).__enter__()


def test_the_manifest_says_what_the_result_depends_on(folder, monkeypatch):
    from konvolve.command import work

    stored("v.zarr", np.ones((16, 16), "f4"), (8, 8))
    monkeypatch.setattr(work.Work, "__call__", lambda self, piece: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        asked("blur", "v.zarr", "--sigma", "1")
    manifest = json.loads(pathlib.Path("v-blur.zarr.konvolve/manifest.json").read_text())
    assert manifest["sigma"] == 1.0
    assert manifest["input"]["shape"] == [16, 16]
    assert manifest["blocks"] == [8, 8]
