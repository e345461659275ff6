"""What is asked where derivatives are tested: every function and method, few samples each."""

import konvolve


def function(name, **options):
    """Return a public function of two arrays, its options settled."""
    return lambda a, b: getattr(konvolve, name)(a, b, **options)


# What is asked and the shapes of its operands; broadcast batches on either side
QUESTIONS = {
    "fft": (function("fftconvolve", mode="same"), (30,), (7,)),
    "fft, full": (function("fftconvolve"), (2, 12), (2, 8)),
    "fft, picture": (function("fftconvolve", mode="same", axes=(1, 2)), (2, 9, 7, 3), (1, 2, 3, 3)),
    "fft, broadcast signal": (function("fftconvolve", mode="valid", axes=1), (1, 12), (3, 4)),
    "fft, volume": (function("fftconvolve", mode="valid"), (6, 7, 5), (3, 2, 3)),
    "fft, four axes": (function("fftconvolve"), (4, 3, 3, 4), (2, 2, 3, 2)),
    "overlap": (function("oaconvolve", mode="same"), (700,), (9,)),
    "overlap, picture": (function("convolve", mode="valid", method="overlap"), (220, 190), (9, 13)),
    "direct": (function("convolve", method="direct"), (20, 10), (5, 6)),
    "direct, few taps": (function("convolve", mode="same", method="direct"), (20,), (3,)),
    "direct, swapped": (function("correlate", method="direct"), (4,), (11,)),
    "correlate": (function("correlate", mode="same"), (12, 9), (5, 4)),
    "wrap": (function("convolve2d", boundary="wrap", method="fft"), (9, 8), (5, 11)),
    "symm": (function("correlate2d", mode="same", boundary="symm"), (9, 8), (4, 5)),
    "sepfir2d": (lambda a, b: konvolve.sepfir2d(a, b, b), (9, 8), (5,)),
}
