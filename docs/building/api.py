"""The API pages: one for each public name, with what works where and the examples that use it."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import capabilities  # tests/support: the table that the tests check cell by cell
from docs.building.links import write as write_page

# Every public name, by the page of the index that lists it; tests/docs/test_building.py holds them against the modules.
GROUPS = {
    "SciPy's functions": (
        "konvolve",
        "With the names, arguments and results of ``scipy.signal``.",
        (
            "fftconvolve oaconvolve convolve correlate convolve2d correlate2d sepfir2d correlation_lags "
            "choose_conv_method"
        ),
    ),
    "Kernels, plans and streams": (
        "konvolve",
        "What SciPy has no word for.",
        "Kernel plan Stream",
    ),
    "Image filters": (
        "konvolve.ndimage",
        "With the names, arguments and results of ``scipy.ndimage``.",
        (
            "correlate convolve correlate1d convolve1d gaussian_filter gaussian_filter1d uniform_filter "
            "uniform_filter1d sobel prewitt laplace gaussian_laplace gaussian_gradient_magnitude generic_laplace "
            "generic_gradient_magnitude"
        ),
    ),
    "Convolutions on channels": (
        "konvolve.nn",
        "With the names, arguments and results of ``keras.ops``.",
        "conv depthwise_conv separable_conv conv_transpose plan",
    ),
    "Keras layers": (
        "konvolve.layers",
        "With the names, arguments and weights of ``keras.layers``, and a few more.",
        (
            "Conv1D Conv2D Conv3D DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D Conv1DTranspose "
            "Conv2DTranspose Conv3DTranspose LongConv1D Filter GaussianBlur"
        ),
    ),
    "Whole models": ("konvolve", "A model's convolutions, there and back.", "to_konvolve to_keras"),
    "astropy's functions": (
        "konvolve.compat.astropy",
        "With the names, arguments and results of ``astropy.convolution``.",
        "convolve convolve_fft",
    ),
}


def names() -> list[tuple[str, str]]:
    """Return (module, name) of everything public."""
    return [(module, name) for module, _, listed in GROUPS.values() for name in listed.split()]


def write(folder: Path) -> None:
    """Write the index and the pages; pages of names that are gone are removed."""
    pages = {f"{module}.{name}": _page(module, name) for module, name in names()}
    pages["index"] = _index()
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.rst"):
        if path.stem not in pages:
            path.unlink()
    for name, text in pages.items():
        write_page(folder / f"{name}.rst", text)


def first_line(module: str, name: str) -> str:
    """Return the first sentence of a docstring."""
    text = inspect.getdoc(getattr(importlib.import_module(module), name)) or ""
    return text.partition("\n\n")[0].replace("\n", " ")


def _heading(text: str, line: str) -> list[str]:
    return [text, line * len(text), ""]


def _index() -> str:
    lines = [*_heading("API", "="), "Every public name has a page. ``help(konvolve.fftconvolve)`` says the same.", ""]
    for title, (module, words, listed) in GROUPS.items():
        lines += [*_heading(title, "-"), f"``{module}``. {words}", "", ".. list-table::", "   :widths: 35 65", ""]
        for name in listed.split():
            lines += [f"   * - :doc:`{name} <{module}.{name}>`", f"     - {first_line(module, name)}"]
        lines += ["", ".. toctree::", "   :hidden:", ""]
        lines += [f"   {name} <{module}.{name}>" for name in listed.split()]
        lines += [""]
    return "\n".join(lines)


def _page(module: str, name: str) -> str:
    whole = f"{module}.{name}"
    is_class = inspect.isclass(getattr(importlib.import_module(module), name))
    lines = _heading(whole, "=")
    if is_class:
        lines += [f".. autoclass:: {whole}", *_members(module, name)]
    else:
        lines += [f".. autofunction:: {whole}"]
    lines += ["", *_heading("What works where", "-"), *_works(module, name), ""]
    lines += [f".. minigallery:: {whole}", "   :add-heading: Examples that use it", "   :heading-level: -", ""]
    return "\n".join(lines)


def _members(module: str, name: str) -> list[str]:
    """The methods shown: of our own classes all, of layers those that Keras's layer has not."""
    cls = getattr(importlib.import_module(module), name)
    if module == "konvolve.layers":
        found = [each for each in ("plan", "stream", "step", "initial_state") if hasattr(cls, each)]
    else:
        found = [
            each
            for each, value in vars(cls).items()
            if not each.startswith("_") and (callable(value) or isinstance(value, property)) and inspect.getdoc(value)
        ]
        found += ["__call__"] if "__call__" in vars(cls) else []
    return [f"   :members: {', '.join(found)}"] if found else []


_ELSEWHERE = {
    "konvolve.compat.astropy": "Wherever :doc:`konvolve.convolve <konvolve.convolve>` with ``nan=`` works.",
    "plan": "Arithmetic on shapes: no array and no array library is needed.",
    "Kernel": "In the functions of the family and of ``konvolve.nn``, on every library. It is a constant: no "
    "derivative is taken to it.",
    "Stream": "Eager on NumPy, TensorFlow, JAX and PyTorch; ``step`` is compiled and differentiated: "
    ":doc:`streams <../streams>`.",
    "correlation_lags": "Arithmetic on lengths: the result is a NumPy array.",
    "choose_conv_method": "A verdict, which is a word: on arrays of every library.",
    "to_konvolve": "Models of Keras on TensorFlow, JAX and PyTorch.",
    "to_keras": "Models of Keras on TensorFlow, JAX and PyTorch.",
}
# Filters that have no row of their own are correlations along the axes, like one of these two, which have.
_WIDTHS = ("gaussian_filter1d", "gaussian_laplace", "gaussian_gradient_magnitude")


# What a layer of Keras calls, by the end of its name; the first that fits.
_CALLED = {
    "Transpose": "nn.conv_transpose",
    "DepthwiseConv1D": "nn.depthwise_conv",
    "DepthwiseConv2D": "nn.depthwise_conv",
    "SeparableConv1D": "nn.depthwise_conv",
    "SeparableConv2D": "nn.depthwise_conv",
    "Conv1D": "nn.conv",
    "Conv2D": "nn.conv",
    "Conv3D": "nn.conv",
    "GaussianBlur": "ndimage.gaussian_filter",
    "Filter": "ndimage.correlate",
}


def _works(module: str, name: str) -> list[str]:
    row, said, libraries = name, "", dict(capabilities.LIBRARIES)
    if module == "konvolve.layers":
        row = next(row for end, row in _CALLED.items() if name.endswith(end))
        said = f"A layer works as ``{row}`` does, which it calls, on the library that Keras computes with. "
        said += ":doc:`The page on layers <../layers>` says in which formats it is saved."
        del libraries["numpy"]
    elif module == "konvolve.ndimage":
        row = f"ndimage.{name}"
        if row not in capabilities.FUNCTIONS:
            row = "ndimage.gaussian_filter" if name in _WIDTHS else "ndimage.correlate"
            said = f"As ``{row}``, which is computed in the same way and tested cell by cell."
    elif module == "konvolve.nn" and name != "plan":
        row = f"nn.{name}"
        if row not in capabilities.FUNCTIONS:
            row, said = "nn.depthwise_conv", "As ``nn.depthwise_conv``, with which it begins and which is tested so."
    elif module != "konvolve" or name not in capabilities.FUNCTIONS:
        return [_ELSEWHERE[name if name in _ELSEWHERE else module], ""]
    lines = [said, ""] if said else []
    lines += [".. list-table::", "   :header-rows: 1", "", "   * - way"]
    lines += [f"     - {library}" for library in libraries.values()]
    for way, meaning in capabilities.WAYS.items():
        lines += [f"   * - **{way}**: {meaning}"]
        for library in libraries:
            missing = capabilities.reason(row, library, way)
            batchless = way == "unknown batch" and capabilities.FUNCTIONS[row][-1] is None
            lines += [f"     - {'no batch' if batchless else 'yes' if missing is None else 'no'}"]
    return [*lines, "", "Each cell is a test; :doc:`the whole table <../what-works-where>` says more."]
