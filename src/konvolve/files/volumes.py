"""Arrays in files that need not fit into memory: zarr, .npy and stacks of TIFF, read and written region by region.

A path names a zarr array, or one in a group: ``scan.zarr/raw/0``. Everything here opens a file anew for each region,
so that it can be pickled, and holds no more than the region.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from konvolve.files.errors import VolumeError

TIFFS = (".tif", ".tiff")
ALLOWED = "a .zarr array, or one in a group (path.zarr/name); .npy; .tif, .tiff"
AT_ONCE = 4
"""So many chunks of a zarr array are read and decoded at once."""

# Chunks for what has none in its file: at most so many samples.
_SAMPLES = 2**22

Region = tuple[slice, ...]


@dataclass(frozen=True)
class Volume:
    """An array in a file: its shape, dtype and chunks, and what is read of it when it is indexed."""

    path: Path
    name: str  # within a zarr group; empty for the array at the path itself
    shape: tuple[int, ...]
    dtype: np.dtype
    chunks: tuple[int, ...]
    axes: str = ""  # of a TIFF, in its own letters
    sparse: bool = False  # whether a chunk that a zarr array does not have is read as its fill value

    @property
    def nbytes(self) -> int:
        """The bytes of all samples."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @property
    def stamp(self) -> dict[str, Any]:
        """What tells this file from another, or from itself after a change."""
        size, changed = _stamp(self.path / self.name)
        return {
            "path": str(self.path.resolve()), "name": self.name, "shape": list(self.shape), "dtype": str(self.dtype),
            "size": size, "changed": changed,
        }  # fmt: skip

    def __getitem__(self, region: Region) -> np.ndarray:
        """Read a region; VolumeError where the file is damaged."""
        try:
            if self.path.suffix.lower() == ".npy":
                return np.array(np.load(self.path, mmap_mode="r")[region])
            if self.path.suffix.lower() in TIFFS:
                return _tiff(self.path, region)
            array = _zarr(self.path, self.name)
            if not self.sparse:
                _check_there(array, region, self)
            return np.asarray(array[region])
        except VolumeError:
            raise
        except Exception as error:
            raise VolumeError(f"{self}: can't read {_told(region)}: {_first_line(error)}") from error

    def __str__(self) -> str:
        return f"{self.path}/{self.name}" if self.name else str(self.path)


def _stamp(path: Path) -> tuple[int, int]:
    """Return the bytes of a file, or of all in a store, and when the last of them was changed."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    found = [each.stat() for each in files]
    return sum(each.st_size for each in found), max((each.st_mtime_ns for each in found), default=0)


def is_volume(given: str) -> bool:
    """Whether a path names an array and no picture: by its suffix, or by what a TIFF holds."""
    path, _ = split(given)
    suffix = path.suffix.lower()
    if suffix in (".zarr", ".npy"):
        return True
    if suffix not in TIFFS or not path.is_file():
        return False
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            return len(file.pages) > 1
    except Exception:  # not a TIFF: pictures tell that better
        return False


def split(given: str) -> tuple[Path, str]:
    """Return the file or store of a path, and the name of an array in a zarr group."""
    parts = Path(given).parts
    for place, part in enumerate(parts):
        if part.lower().endswith(".zarr"):
            return Path(*parts[: place + 1]), "/".join(parts[place + 1 :])
    return Path(given), ""


def opened(given: str) -> Volume:
    """Return the array that a path names; VolumeError for one that is not there, damaged, or of no numbers."""
    path, name = split(given)
    if not path.exists():
        raise VolumeError(f"{given}: no such file; allowed: {ALLOWED}")
    try:
        found = _described(path, name)
    except VolumeError:
        raise
    except Exception as error:
        raise VolumeError(f"{given}: can't be read: {_first_line(error)}; allowed: {ALLOWED}") from error
    if found.dtype.kind not in "biufc":
        raise VolumeError(f"{given}: holds {found.dtype}, no numbers; allowed: integers, floating point or complex")
    if 0 in found.shape or not found.shape:
        raise VolumeError(f"{given}: has no samples, its shape is {found.shape}; allowed: at least one along each axis")
    return found


def _described(path: Path, name: str) -> Volume:
    suffix = path.suffix.lower()
    if suffix == ".npy":
        array = np.load(path, mmap_mode="r")
        return Volume(path, "", array.shape, array.dtype, _rows(array.shape))
    if suffix in TIFFS:
        import tifffile

        with tifffile.TiffFile(path) as file:
            series = file.series[0]
            return Volume(path, "", series.shape, series.dtype, _rows(series.shape), series.axes)
    array = _zarr(path, name)
    if not hasattr(array, "chunks"):
        names = ", ".join(sorted(key for key, _ in array.arrays())) or "none"
        raise VolumeError(f"{path}/{name}: a group of arrays; allowed: one of them: {names}".replace("//", "/"))
    return Volume(path, name, array.shape, array.dtype, tuple(array.chunks))


def _zarr(path: Path, name: str) -> Any:
    import zarr

    zarr.config.set({"async.concurrency": AT_ONCE})
    return zarr.open(store=str(path), path=name, mode="r")


def _tiff(path: Path, region: Region) -> np.ndarray:
    import tifffile
    import zarr

    with tifffile.imread(path, aszarr=True) as store:
        array: Any = zarr.open(store, mode="r")
        return np.asarray(array[region])


def _check_there(array: Any, region: Region, volume: Volume) -> None:
    """Raise VolumeError where a chunk is missing, which zarr reads as the fill value: is it lost, or is it empty?"""
    folder = volume.path / volume.name
    if getattr(array, "shards", None) is not None:
        return
    for place in np.ndindex(*(len(_chunks_of(s, n)) for s, n in zip(region, array.chunks, strict=True))):
        chunk = [_chunks_of(s, n)[at] for at, s, n in zip(place, region, array.chunks, strict=True)]
        key = array.metadata.encode_chunk_key(tuple(chunk))
        if not (folder / key).exists():
            raise VolumeError(
                f"{volume}: the chunk {key} is missing; allowed: --sparse, which reads its fill value "
                f"{array.fill_value} there, or a whole array"
            )


def _chunks_of(part: slice, size: int) -> range:
    return range(part.start // size, -(-part.stop // size))


def _rows(shape: Sequence[int]) -> tuple[int, ...]:
    """Return chunks for an array that lies in a file row by row: whole rows, as many as there may be samples."""
    left, found = _SAMPLES, []
    for n in reversed(shape):
        size = max(1, min(n, left))
        found.append(size)
        left //= size
    return tuple(reversed(found))


@dataclass(frozen=True)
class Sink:
    """An array that is written region by region, in a file of its own."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype
    chunks: tuple[int, ...]
    axes: str = ""

    def create(self) -> None:
        """Make the file, with room for all samples: a disk that is too small is noticed now."""
        suffix = self.path.suffix.lower()
        if suffix == ".zarr":
            import zarr

            zarr.create_array(str(self.path), shape=self.shape, dtype=self.dtype, chunks=self.chunks)
            return
        if suffix == ".npy":
            np.lib.format.open_memmap(self.path, "w+", self.dtype, self.shape)
        else:
            import tifffile

            metadata = {"axes": self.axes} if len(self.axes) == len(self.shape) else None
            made = tifffile.memmap(
                self.path, shape=self.shape, dtype=self.dtype, bigtiff=True, photometric="minisblack", metadata=metadata
            )
            del made
        if hasattr(os, "posix_fallocate"):  # or a full disk would be noticed by a crash
            with open(self.path, "r+b") as file:
                os.posix_fallocate(file.fileno(), 0, self.path.stat().st_size)

    def write(self, region: Region, samples: np.ndarray) -> None:
        """Write a region, whole chunks of the file."""
        suffix = self.path.suffix.lower()
        if suffix == ".zarr":
            import zarr

            zarr.config.set({"array.write_empty_chunks": True})  # so that a chunk that is lost is missed
            zarr.open_array(store=str(self.path), mode="r+")[region] = samples
            return
        if suffix == ".npy":
            array = np.load(self.path, mmap_mode="r+")
        else:
            import tifffile

            array = tifffile.memmap(self.path, mode="r+")
        array[region] = samples
        array.flush()


def _told(region: Region) -> str:
    return ", ".join(f"{part.start}:{part.stop}" for part in region)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
