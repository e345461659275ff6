"""What the project has promised itself: the largest ratio of konvolve's time to another's, by workload."""

from __future__ import annotations

from dataclasses import dataclass, field

NDIMAGE, OPENCV = "scipy.ndimage.gaussian_filter", "OpenCV GaussianBlur"
TF, TORCH, JAX = "tf.nn.convolution", "torch.nn.functional conv", "jax.lax.conv_general_dilated"

# Above the bare transforms of its own plan konvolve may take this much, and for the forward pass with both gradients
# this many times the forward pass alone.
TRANSFORMS_AIM, PART_AIM = 1.4, 2.5
# Layers on PyTorch, against those that use transforms as well.
THIRD_AIM = 1 / 3


@dataclass(frozen=True)
class Aim:
    """What is aimed at in one workload.

    `best` is the aim on TensorFlow against the best of all (None: nothing promised), `own` the same for other
    libraries, against the functions that the same library brings. `rivals` has one for each named function of
    TensorFlow's and others, instead of `best`.
    """

    best: float | None = None
    own: dict[str, float] = field(default_factory=lambda: {"jax": 1.0, "torch": 1.0})
    rivals: dict[str, float] = field(default_factory=dict)


# What the project has promised itself of JAX, where jax.scipy.signal is the peer.
_HALF = {"jax": 0.5, "torch": 1.0}

AIMS = {
    "face": Aim(0.5, _HALF),
    "reverb": Aim(0.6, _HALF),
    "fir": Aim(0.4, _HALF),
    "volume": Aim(0.5),
    "short_signals": Aim(0.4, _HALF),
    "template": Aim(1.0),
    "eager_small": Aim(2.0, {"numpy": 2.0, "jax": 2.0, "torch": 2.0}),
    "gradient_2d": Aim(0.5),
    "conv2d_7": Aim(rivals={TF: 1.05, TORCH: 1.05}),
    "conv2d_15": Aim(rivals={TF: 0.5}),
    "conv2d_31": Aim(rivals={TF: 0.2}),
    "depthwise_31": Aim(rivals={TF: 1.0}),
    "conv1d_step": Aim(rivals={TF: 0.02, JAX: 0.6}),
    "blur_2": Aim(rivals={NDIMAGE: 0.35}),
    "blur_10": Aim(rivals={OPENCV: 1.0}),
    "blur_30": Aim(rivals={NDIMAGE: 0.15, OPENCV: 1.0}),
    "gaps": Aim(rivals={"astropy convolve_fft": 0.4}),
}
