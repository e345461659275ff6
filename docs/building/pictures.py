"""How the gallery's pictures look, and the order of its sections."""

SECTIONS = ("first", "pictures", "filters", "sounds", "networks", "large", "choices")

# Okabe and Ito's colours, which people of every colour vision tell apart, the lightest left out.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


def reset(gallery_conf, fname):
    """Sphinx-gallery's hook before each example: the same look and the same random numbers, whatever ran before."""
    import matplotlib.pyplot as plt
    from cycler import cycler

    plt.close("all")
    plt.rcdefaults()
    plt.rcParams.update(
        {
            "figure.dpi": 100,
            "figure.constrained_layout.use": True,
            "axes.prop_cycle": cycler(color=COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "image.cmap": "gray",
            "image.interpolation": "nearest",
            "legend.frameon": False,
        }
    )
