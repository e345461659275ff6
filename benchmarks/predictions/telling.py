"""The problems that docs/performance.md tells of: each method on each library, and pairs of ways to ask the same.

They are chosen by hand, to show what decides between methods; `validate.py` has the ones that are drawn at random.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.predictions import kernels
from benchmarks.process import HERE
from konvolve.backends import registry
from konvolve.bench import problems
from konvolve.bench.libraries import compiled
from konvolve.bench.results import digits
from konvolve.planning.cost import Estimate

LIBRARIES = {"numpy": "NumPy", "tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}


@dataclass(frozen=True)
class Telling(kernels.Question):
    """A problem of a ``group``, in the words of ``title``."""

    group: str = ""
    title: str = ""

    def told(self) -> dict:
        """What a record says of it."""
        return {"group": self.group, "title": self.title}


Way = Callable[[str, Any, Any], Callable[[], Any]]
"""Given a library and two arrays, a function without arguments that asks in one way, compiled as its users do."""


@dataclass(frozen=True)
class Pair(problems.Question):
    """A problem of a ``group`` that is asked in several ways, of which the first is the one the page speaks for."""

    group: str
    title: str
    ways: tuple[tuple[str, Way], ...]

    def weighed(self, library: str) -> tuple[str, tuple[Estimate, ...]]:
        """The first way; no times are predicted."""
        return self.ways[0][0], tuple(Estimate(name, 1e-3, 0) for name, _ in self.ways)

    def compiled(self, library: str, method: str, x: Any, k: Any) -> Callable[[], Any]:
        """A function without arguments that asks in the way that stands in the place of a method."""
        return dict(self.ways)[method](library, x, k)

    def told(self) -> dict:
        """What a record says of it."""
        return {"group": self.group, "title": self.title}


def _problem(
    group: str, title: str, signal: tuple[int, ...], kernel: tuple[int, ...], terms: int = 0, dtype: str = "float32"
) -> Telling:
    """Return a "same" convolution over all axes along which the kernel has more than one tap."""
    axes = tuple(axis for axis, taps in enumerate(kernel) if taps > 1)
    return Telling(signal, kernel, "same", axes, dtype, "zero", terms, False, None, group, title)


def _pair(title: str, signal: tuple[int, ...], kernel: tuple[int, ...], **ways: Way) -> Pair:
    named = tuple((name.replace("_", " "), way) for name, way in ways.items())
    return Pair(signal, kernel, "same", tuple(range(len(signal))), "float32", "pairs", title, named)


def _convolve(samples: int | None = None, **options: Any) -> Way:
    """A convolution of the first so many samples."""
    import konvolve

    return lambda library, x, k: compiled(library, lambda x, k: konvolve.convolve(x[:samples], k, **options), x, k)


def _prepared(**options: Any) -> Way:
    """A convolution with a `Kernel`, which is made before."""
    import konvolve

    def way(library: str, x: Any, k: Any) -> Callable[[], Any]:
        kernel = konvolve.Kernel(k)
        return compiled(library, lambda x: konvolve.convolve(x, kernel, **options), x)

    return way


def _transform(samples: int, one_by_one: bool = False) -> Way:
    """A transform of the first so many samples of each row, of all rows together or of each by itself."""

    def transform(x: Any) -> Any:
        xp = registry.resolve({"x": x})[0]
        rows = [x[i] for i in range(x.shape[0])] if one_by_one else [x]
        return [xp.rfftn(row[..., :samples], (samples,)) for row in rows]

    return lambda library, x, k: compiled(library, transform, x)


PROBLEMS: tuple[Telling | Pair, ...] = (
    _problem("blocks", "10^7 samples, 1001 taps", (10**7,), (1001,)),
    _problem("blocks", "10^6 samples, 30000 taps", (10**6,), (30000,)),
    _problem("blocks", "2048 x 2048, 31 x 31", (2048, 2048), (31, 31)),
    _problem("blocks", "128^3, 21^3", (128,) * 3, (21,) * 3),
    _problem("sums", "10^6 samples, 10 taps", (10**6,), (10,)),
    _problem("sums", "10^6 samples, 256 taps", (10**6,), (256,)),
    _problem("sums", "8192 x 1000, 64 taps along the rows", (8192, 1000), (1, 64)),
    _problem("sums", "64 x 65536, 128 taps along the rows", (64, 65536), (1, 128)),
    _problem("sums", "2048 x 2048, 17 taps along the columns", (2048, 2048), (17, 1)),
    _problem("sums", "1024 x 1024, 5 x 5", (1024, 1024), (5, 5)),
    _problem("sums", "1024 x 1024, 7 x 7", (1024, 1024), (7, 7)),
    _problem("sums", "1024 x 1024, 15 x 15", (1024, 1024), (15, 15)),
    _problem("sums", "1024 x 1024, 21 x 21", (1024, 1024), (21, 21)),
    _problem("sums", "500 x 500 of int64, 31 x 31", (500, 500), (31, 31), dtype="int64"),
    _problem("products", "2048 x 2048, 17 x 17", (2048, 2048), (17, 17), 1),
    _problem("products", "2048 x 2048, 31 x 31", (2048, 2048), (31, 31), 1),
    _problem("products", "2048 x 2048, 81 x 81", (2048, 2048), (81, 81), 1),
    _problem("products", "128^3, 7^3", (128,) * 3, (7,) * 3, 1),
    _problem("products", "128^3, 21^3", (128,) * 3, (21,) * 3, 1),
    _pair(
        "a transform of 531441 samples, 3^12, and of 530841, 3 19 67 139", (531441,), (1,),
        longer=_transform(531441), shorter=_transform(530841),
    ),
    _pair(
        "8 rows of 147456 samples transformed", (8, 147456), (1, 1),
        together=_transform(147456), one_by_one=_transform(147456, True),
    ),
    _pair(
        "10^6 samples, 1001 taps, where what is not finite is looked for", (10**6,), (1001,),
        looked_for=_convolve(), not_looked_for=_convolve(method="overlap"),
    ),
    _pair(
        "17 taps, an odd and an even number of outputs", (1000018,), (17,),
        odd=_convolve(1000017, mode="valid", method="direct"), even=_convolve(mode="valid", method="direct"),
    ),
    _pair(
        "1024 x 1024, 101 x 101, periodic or reflected", (1024, 1024), (101, 101),
        periodic=_convolve(mode="same", boundary="wrap"), reflected=_convolve(mode="same", boundary="symmetric"),
    ),
    _pair(
        "128^3, 21^3, the kernel a `Kernel`", (128,) * 3, (21,) * 3,
        prepared=_prepared(mode="same"), an_array=_convolve(mode="same"),
    ),
)  # fmt: skip


def draw(seed: int, double: bool = True) -> Iterator[Telling | Pair]:
    """The problems in turn; integers only where there is float64, for otherwise they have one method."""
    for problem in PROBLEMS:
        if double or not problem.dtype.startswith("int"):
            yield problem


def measured(libraries: Sequence[str], tick: Callable[[], None]) -> dict[str, list[dict]]:
    """Time them; a record of each by library."""
    return {
        library: problems.measured(library, len(PROBLEMS), 0, tick, __name__, "median", **HERE) for library in libraries
    }


def rows(result: dict[str, list[dict]], group: str | None = None) -> tuple[list[str], list[list[str]]]:
    """Head and body of a table, of one group or all: a line for each problem, and in it what each library takes."""
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for library, records in result.items():
        for record in records:
            if group in (None, record["group"]):
                lines.setdefault((record["group"], record["title"]), {})[library] = _cell(record)
    head = ["problem", *(LIBRARIES[library] for library in result)]
    return head, [[title, *(cells.get(name, "") for name in result)] for (_, title), cells in lines.items()]


def _cell(record: dict) -> str:
    """The milliseconds of each method, the least first, that of "auto" in bold."""
    said = []
    for method, seconds in sorted(record["measured_s"].items(), key=lambda each: each[1]):
        words = f"{method} {digits(1e3 * seconds)}"
        said.append(f"**{words}**" if method == record["chosen"] else words)
    return ", ".join(said)


if __name__ == "__main__":
    problems.serve(draw)
