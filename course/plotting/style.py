"""One style for every figure, safe for colour-blind readers.

Blue and orange are those of Okabe and Ito (2008, "Color universal design").
"""

import matplotlib.pyplot as plt
from cycler import cycler

DATA = "#767676"  # grey: what was observed
MODEL = "#0072B2"  # blue: the model of the chapter
SECOND = "#D55E00"  # orange: what it is compared with
EXTRA = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # beyond the three

LIGHT = {"ink": "#222222", "paper": "#ffffff", "grid": "#dddddd"}
DARK = {"ink": "#e6e6e6", "paper": "#14181e", "grid": "#3a424c"}


LAYOUT = {
    "figure.figsize": (7, 3),
    "figure.dpi": 150,
    "figure.constrained_layout.use": True,
    "axes.prop_cycle": cycler(color=[MODEL, SECOND, DATA, *EXTRA]),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
    "font.size": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}
INKED = (
    "axes.edgecolor",
    "axes.labelcolor",
    "axes.titlecolor",
    "text.color",
    "xtick.color",
    "ytick.color",
)


def use_style(*, dark: bool = False) -> None:
    """Set matplotlib's defaults to the style of the course.

    Args:
        dark: light ink on dark paper, for a notebook in a dark theme.
    """
    colours = DARK if dark else LIGHT
    papers = ("figure.facecolor", "savefig.facecolor", "axes.facecolor")
    plt.rcParams.update(LAYOUT)
    plt.rcParams.update(dict.fromkeys(INKED, colours["ink"]))
    plt.rcParams.update(dict.fromkeys(papers, colours["paper"]))
    plt.rcParams["grid.color"] = colours["grid"]
