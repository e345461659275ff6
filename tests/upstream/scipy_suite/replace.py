"""The functions that stand in for SciPy's while a test runs."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .adapters import LIBRARIES, CannotConvertError, Library
from .narrow import allow_few_roundings, loosen_assertions, widen
from .subjects import ARRAYS, NO_ARRAY_BACK, asks_the_oracle, subjects_of

Function = Callable[..., Any]

#: Deliberate errors, with which the tests prove that they can fail.
FAULTS: dict[str, Function] = {
    "shift": lambda x: np.roll(x, 1) if np.size(x) > 1 else x + 1,
    "scale": lambda x: x * 1.01 if np.issubdtype(np.asarray(x).dtype, np.inexact) else x + 1,
}


class Replacement:
    """All functions of one implementation on one library, switched on test by test.

    The stand-ins are put into `scipy.signal` before a test module is imported, because decorators there
    capture the functions. A stand-in hands over to SciPy unless its function is the subject of the test that
    runs. SciPy's own modules never see the stand-ins: they call each other inside `_signaltools`.
    """

    def __init__(self, library: str, implementation: str, fault: str | None) -> None:
        self._library = LIBRARIES[library]()
        self._fault = fault
        self._test: str | None = None
        self._active: tuple[str, ...] = ()
        self._inside = False
        self.calls: Counter[str] = Counter()
        self.borrowed: Counter[str] = Counter()

        import scipy.signal
        from scipy._lib import _array_api

        if self._library.narrows:
            loosen_assertions()
        if self._library.rounds_more:
            allow_few_roundings()
        # SciPy 1.16 and later: decorators look the capabilities up by function.
        capabilities = getattr(_array_api, "xp_capabilities_table", {})
        for name in ARRAYS:
            original = getattr(scipy.signal, name)
            stand_in = self._stand_in(name, original, implementation)
            if original in capabilities:
                capabilities[stand_in] = capabilities[original]
            setattr(scipy.signal, name, stand_in)

    def begin(self, test_id: str) -> None:
        """Switch on the functions a test is about."""
        self._test, self._active = test_id, subjects_of(test_id)
        self.calls, self.borrowed = Counter(), Counter()

    def end(self) -> None:
        """Switch all off."""
        self._test, self._active = None, ()

    def _stand_in(self, name: str, original: Function, implementation: str) -> Function:
        replaced = self._adapted(name, _through(self._library, original, name))
        if implementation == "konvolve":
            replaced = self._adapted(name, _konvolve(name))

        @functools.wraps(original)
        def stand_in(*args: Any, **kwargs: Any) -> Any:
            if name not in self._active or asks_the_oracle(self._test or "", args[: len(ARRAYS[name])]):
                return original(*args, **kwargs)
            if self._inside:
                # The implementation itself has come back to SciPy for an answer.
                self.borrowed[name] += 1
                return original(*args, **kwargs)
            self.calls[name] += 1
            self._inside = True
            try:
                return replaced(*args, **kwargs)
            finally:
                self._inside = False

        return stand_in

    def _adapted(self, name: str, function: Function) -> Function:
        parameters, library, fault = ARRAYS[name], self._library, FAULTS.get(self._fault or "")

        def adapted(*args: Any, **kwargs: Any) -> Any:
            given = [*args[: len(parameters)], *(kwargs[p] for p in parameters if p in kwargs)]
            encode = _encoder(name, library, given)
            args = tuple(encode(x) if i < len(parameters) else x for i, x in enumerate(args))
            kwargs = {k: encode(x) if k in parameters else x for k, x in kwargs.items()}
            answer = function(*args, **kwargs)
            if name not in NO_ARRAY_BACK:
                answer = library.decode(answer)
                answer = widen(name, answer, given) if library.narrows else answer
            if name == "choose_conv_method":
                return _other_method(answer) if fault else answer
            return fault(answer) if fault else answer

        return adapted


def _encoder(name: str, library: Library, given: Sequence[Any]) -> Function:
    some_are_arrays = any(isinstance(x, np.ndarray | np.generic) for x in given)

    def encode(value: Any) -> Any:
        if some_are_arrays and not isinstance(value, np.ndarray | np.generic):
            return value  # a list or number beside an array gives way to it, and konvolve has to see to that
        try:
            return library.encode(value)
        except CannotConvertError:
            if name in NO_ARRAY_BACK:
                return value  # one can still ask about a dtype the library lacks, with the NumPy array
            raise

    return encode


def _konvolve(name: str) -> Function:
    def call(*args: Any, **kwargs: Any) -> Any:
        import konvolve

        return getattr(konvolve, name)(*args, **kwargs)

    return call


def _through(library: Library, original: Function, name: str) -> Function:
    """Take SciPy's own function as the implementation, on arrays of the library.

    What fails with this fails because of the library's dtypes or of this harness, not because of konvolve.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        args = tuple(_back(library, x) for x in args)
        kwargs = {k: _back(library, x) for k, x in kwargs.items()}
        answer = original(*args, **kwargs)
        return answer if name in NO_ARRAY_BACK else library.encode(answer)

    return call


def _back(library: Library, value: Any) -> Any:
    return library.to_numpy(value) if isinstance(value, library.array_type) else value


def _other_method(answer: Any) -> Any:
    if isinstance(answer, tuple):
        return (_other_method(answer[0]), *answer[1:])
    return "direct" if answer == "fft" else "fft"
