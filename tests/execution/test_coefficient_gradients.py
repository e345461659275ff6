"""Derivatives of the correlation coefficient against differences of its definition in long doubles."""

import numpy as np
import pytest

import konvolve

N, K = 300, 30
CALM = 150  # lags below it see nothing of what stands from sample 200 on


def definition(a, b):
    """Return the coefficient of b with each window of a, in long doubles; NaN where a window has one."""
    windows = np.lib.stride_tricks.sliding_window_view(a, len(b))
    u, v = windows - windows.mean(-1, keepdims=True), b - b.mean()
    return (u * v).sum(-1) / np.sqrt((u * u).sum(-1) * (v * v).sum())


def differences(a, b, weights, places, step):
    """Return the derivatives of the weighted sum of calm lags by some samples of (a, b), by central differences."""
    pair = [a.astype(np.longdouble), b.astype(np.longdouble)]

    def loss(which, sample, change):
        moved = [x.copy() for x in pair]
        moved[which][sample] += change
        return (definition(*moved)[:CALM] * weights[:CALM]).sum()

    return np.array([(loss(*each, step) - loss(*each, -step)) / (2 * step) for each in places], float)


def by_tensorflow(a, b, weights, compiled):
    tf = pytest.importorskip("tensorflow")

    def derivatives(a, b):
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            y = konvolve.correlate(a, b, "valid", normalize=True)
            loss = tf.reduce_sum(y[:CALM] * weights[:CALM])
        return tape.gradient(loss, [a, b])

    return (tf.function(derivatives) if compiled else derivatives)(tf.constant(a), tf.constant(b))


def by_jax(a, b, weights, compiled):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)

    def loss(a, b):
        return (konvolve.correlate(a, b, "valid", normalize=True)[:CALM] * weights[:CALM]).sum()

    derivatives = jax.grad(loss, (0, 1))
    return (jax.jit(derivatives) if compiled else derivatives)(jax.numpy.asarray(a), jax.numpy.asarray(b))


def by_torch(a, b, weights, compiled):
    torch = pytest.importorskip("torch")
    pair = [torch.tensor(x, requires_grad=True) for x in (a, b)]

    def ask(a, b):
        return konvolve.correlate(a, b, "valid", normalize=True)

    y = (torch.compile(ask, fullgraph=True, backend="aot_eager") if compiled else ask)(*pair)
    return torch.autograd.grad((y[:CALM] * torch.from_numpy(weights[:CALM])).sum(), pair)


@pytest.mark.one_in(5)
@pytest.mark.parametrize("ask", [by_tensorflow, by_jax, by_torch])
@pytest.mark.parametrize(
    ("case", "compiled"),
    [*((case, False) for case in ("plain", "spike", "quiet", "step", "nan", "inf")), ("spike", True), ("inf", True)],
)
def test_derivatives_at_calm_lags(case, ask, compiled):
    """Where lags are computed again from their own samples, their derivatives are right as well.

    A sample that is not finite leaves all derivatives of the other lags finite.
    """
    rng = np.random.default_rng(6)
    a = rng.standard_normal(N)
    level = 1e-7 if case == "quiet" else 1.0
    a[:200] *= level
    b = a[50 : 50 + K] + level * 0.3 * rng.standard_normal(K)
    if case == "step":
        a[200:] += 1e4
    elif case != "plain":
        a[200] = {"spike": 1e9, "quiet": a[200], "nan": np.nan, "inf": np.inf}[case]
    weights = rng.standard_normal(N - K + 1)
    found = [np.asarray(x) for x in ask(a, b, weights, compiled)]
    assert all(np.isfinite(x).all() for x in found)
    a[200:] = rng.standard_normal(N - 200)  # calm lags don't see it, and NumPy would warn of what is not finite
    places = [(0, 0), (0, 10), (0, 60), (0, 100), (0, 170), (1, 0), (1, 7), (1, K - 1)]
    wanted = differences(a, b, weights, places, 1e-6 * level)
    np.testing.assert_allclose([found[i][at] for i, at in places], wanted, atol=1e-7 * np.abs(wanted).max())
