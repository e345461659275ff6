"""Where `konvolve blur` and `konvolve filter` write: the names of pictures and figures, checked before any work."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from konvolve.command.mistake import Mistake
from konvolve.files.decoding import READ
from konvolve.files.encoding import FORMATS, check_holds, check_writable
from konvolve.files.errors import PictureError
from konvolve.files.pictures import Picture

_LONGEST = 200  # bytes of a picture's name in those made from it; a file's name has at most 255


def inputs(given: list[Path], output: Path | None) -> list[Path]:
    """The pictures asked for, those of a folder one by one; `Mistake` if one is missing or the output is wrong."""
    found: list[Path] = []
    for path in given:
        if not path.is_dir():
            found.append(path)
            continue
        if output is None or not _is_folder(output, several=True):
            raise Mistake(f"{path}: a folder of pictures needs a folder to write to; allowed: -o FOLDER")
        if output.exists() and output.samefile(path):
            raise Mistake(f"{path}: pictures would be written between their inputs; allowed: another folder for -o")
        inside = sorted(each for each in path.iterdir() if each.suffix.lower() in READ and each.is_file())
        if not inside:
            raise Mistake(f"{path}: no picture in this folder; allowed: {', '.join(READ)}")
        found += inside
    if len(found) > 1 and output is not None and not _is_folder(output, several=True):
        raise Mistake(f"--output {output}: one file for {len(found)} pictures; allowed: a folder")
    for path in found[1:]:
        if not os.path.exists(path) and path.suffix.lower() in FORMATS:
            first = str(found[0])
            raise Mistake(f"{path}: no such file; the output is named by -o: {first} -o {path}")
    return found


def _is_folder(output: Path, several: bool) -> bool:
    """Whether an output is a folder: one that is there, or for several pictures a name without a picture's suffix."""
    if output.is_dir():
        return True
    return several and output.suffix.lower() not in FORMATS and not output.exists()


class Names:
    """The names of the outputs of one command: no two pictures are given the same."""

    def __init__(self, output: str | None, verb: str, several: bool):
        if output is not None and not output.strip():
            raise Mistake(f"--output {output!r}: empty; allowed: a file or a folder")
        self.output = None if output is None else Path(output)
        self.verb = verb
        ends_in_slash = output is not None and output.endswith(("/", os.sep))
        self.folder = self.output is not None and (ends_in_slash or _is_folder(self.output, several))
        self.taken: set[Path] = set()

    def of(self, source: Path | None, picture: Picture) -> Path:
        """The name for a picture: the one asked for, or one made from its own."""
        if self.output is not None and not self.folder:
            return self.output
        folder = self.output or Path()
        suffix = source.suffix if source and source.suffix.lower() in FORMATS else ".png"
        stem = f"{_shortened(picture.name)}-{self.verb}"
        try:
            check_holds(Path(stem + suffix), picture)
        except PictureError:
            suffix = ".png"  # its name says JPEG, its content is more
        path, number = folder / (stem + suffix), 2
        while path in self.taken:
            path, number = folder / f"{stem}-{number}{suffix}", number + 1
        self.taken.add(path)
        return path

    def ready(self) -> None:
        """Make the folder of the outputs where it is wanted."""
        if self.folder and self.output is not None:
            try:
                self.output.mkdir(exist_ok=True)
            except OSError as error:
                raise Mistake(f"--output {self.output}: can't make this folder: {error.strerror}") from error


def figure_name(output: Path) -> Path:
    """The figure's name beside a picture's: of two pictures that differ in the format alone the figures differ too."""
    kind = "" if output.suffix.lower() == ".png" else f"-{output.suffix[1:].lower()}"
    return output.with_name(f"{_shortened(output.stem)}{kind}-figure.png")


def _shortened(name: str) -> str:
    """A name that leaves room for an addition, the same for the same name and another for another."""
    coded = os.fsencode(name)
    if len(coded) <= _LONGEST:
        return name
    return f"{coded[:_LONGEST].decode(errors='ignore')}-{zlib.crc32(coded):08x}"


def check_output(path: Path, sources: tuple[Path, ...]) -> None:
    """Raise `Mistake` unless `path` can be written, is of a known format, and is none of the inputs."""
    if path.suffix.lower() not in FORMATS:
        raise Mistake(f"{path}: unknown output format {path.suffix!r}; allowed: {', '.join(FORMATS)}")
    for source in sources:
        # samefile sees through links; the comparison of names is for an input that is not there.
        if path == source or (os.path.exists(path) and os.path.exists(source) and path.samefile(source)):
            raise Mistake(f"{path}: the output is the input {source}; allowed: any other name")
    check_writable(path)
