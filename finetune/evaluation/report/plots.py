"""Pictures for a model card: which class is taken for which, how far to trust a number.

Where scores are predicted, how far they lie from the true ones.
"""

import unicodedata
import warnings
from collections.abc import Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from finetune.data.tables.safe_text import printable
from finetune.errors import number_of
from finetune.run.atomic_files import write_atomically
from finetune.run.measurements import AnyMetrics, CalibrationMetrics, Metrics, RegressionMetrics

CONFUSION_FILE = "confusion.png"
RELIABILITY_FILE = "reliability.png"
SCATTER_FILE = "scores.png"

DPI = 150
# The colors of the app's light theme; a test compares them, since viz is not imported here.
INK, QUIET, LINE = "#1c2430", "#667085", "#e3e7ee"
BLUE, ORANGE = "#1f5fbf", "#e08e2f"
SEQUENTIAL = ("#ffffff", "#deebf7", "#b7d2ec", "#7fb2dc", "#4490c8", "#1b67ad", "#08306b")
COLORMAP = LinearSegmentedColormap.from_list("sequential", SEQUENTIAL)
FONTS = (
    "DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "PingFang SC",
    "Hiragino Sans GB", "Microsoft YaHei", "SimHei", "WenQuanYi Micro Hei", "Arial Unicode MS",
    "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Thai",
)  # fmt: skip
"""Looked through for each letter, as far as they are installed."""

MAX_NUMBERED_CLASSES = 80
"""Classes from which on numbers are written only where they are LARGE shares of the true class."""
MIN_NUMBERED_SHARE = 0.05
CELL_SIZES = (
    (8, 0.62, 9.0),
    (30, 0.42, 7.0),
    (MAX_NUMBERED_CLASSES, 0.22, 4.5),
    (10**9, 0.15, 3.2),
)
"""Up to how many classes: inches of a cell, and points of its number."""
MAX_SIDE_INCHES = 25.5
"""Inches of a side at most: some 3,900 pixels."""

MAX_NAME_WIDTH = 24
"""Half-width letters of a class name; what is longer loses its middle."""
MAX_TITLE_WIDTH = 100
MIN_DARK_SHARE = 0.33
"""Shares of a row on whose shade white letters are read better."""


def metrics_plot(metrics: AnyMetrics, folder: Path, *, title: str) -> list[Path]:
    """Draw what *metrics* have a picture of into *folder*: none where rows have several classes.

    Returns the files.
    """
    if isinstance(metrics, RegressionMetrics):
        scatter_plot(metrics, folder / SCATTER_FILE, title=title)
        return [folder / SCATTER_FILE]
    if metrics.confusion is None:
        return []
    confusion_plot(metrics, folder / CONFUSION_FILE, title=title)
    return [folder / CONFUSION_FILE]


def confusion_plot(metrics: Metrics, path: Path, *, title: str) -> None:
    """Draw `confusion_figure` into a PNG file."""
    write_atomically(path, png(confusion_figure(metrics, title=title)))


def scatter_plot(metrics: RegressionMetrics, path: Path, *, title: str) -> None:
    """Draw `scatter_figure` into a PNG file."""
    write_atomically(path, png(scatter_figure(metrics, title=title)))


def reliability_plot(
    curves: Sequence[tuple[str, CalibrationMetrics]], path: Path, *, title: str
) -> None:
    """Draw `reliability_figure` into a PNG file."""
    write_atomically(path, png(reliability_figure(curves, title=title)))


def confusion_figure(metrics: Metrics, *, title: str) -> Figure:
    """The confusion matrix: shades are shares of a row, numbers are rows.

    Raises:
        ValueError: where the rows have several classes, which have no such matrix.
    """
    if metrics.confusion is None:
        raise ValueError("several classes per row have no confusion matrix")
    counts = np.array(metrics.confusion)
    names = [_short(name) for name in metrics.confusion_labels]
    classes = metrics.classes
    shown = range(len(classes)) if metrics.confused is None else metrics.confused
    shares = counts / np.maximum([[classes[number].support] for number in shown], 1)
    cell, size = next((cell, size) for most, cell, size in CELL_SIZES if len(names) <= most)
    edge = 0.35 + 0.085 * max(_width(name) for name in names)
    side = min(max(cell * len(names), 1.9), MAX_SIDE_INCHES - edge - 0.9)
    figure, axes = _figure(edge + 0.3, edge + 0.3, side, side, right=0.35, top=0.65)
    # By the square root, so that a few errors can be seen beside many right rows.
    axes.pcolormesh(shares, cmap=COLORMAP, norm=PowerNorm(0.5, 0, 1))
    axes.invert_yaxis()
    _name_classes(axes, names, size=min(size + 2, 9))
    _write_counts(axes, counts, shares, size=size)
    _head(figure, title, _caption(metrics))
    return figure


def _caption(metrics: Metrics) -> str:
    """What a confusion matrix is about."""
    of = ""
    if metrics.confused is not None:
        shown, classes = len(metrics.confused), len(metrics.classes)
        of = f"the {shown} of {classes:,} classes most often taken for each other; "
    few = (
        f"; numbers from {MIN_NUMBERED_SHARE:.0%} on"
        if len(metrics.confusion_labels) > MAX_NUMBERED_CLASSES
        else ""
    )
    return f"{number_of(metrics.rows, 'row')}; {of}the shade is the share of the true class{few}"


def scatter_figure(metrics: RegressionMetrics, *, title: str) -> Figure:
    """The predicted score of each kept row over its true score."""
    gold, predicted = np.array(metrics.points).T
    figure, axes = _figure(0.85, 0.65, 4.2, 4.2, right=0.35, top=0.65)
    lowest, highest = float(min(*gold, *predicted)), float(max(*gold, *predicted))
    edge = (highest - lowest) / 20 or 1.0
    ends = (lowest - edge, highest + edge)
    axes.plot(ends, ends, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    axes.scatter(gold, predicted, s=14, color=BLUE, alpha=0.5, edgecolor="none", zorder=3)
    axes.set(xlim=ends, ylim=ends)
    axes.set_xlabel("true score", color=INK, fontsize=9)
    axes.set_ylabel("predicted score", color=INK, fontsize=9)
    shown = "" if len(gold) == metrics.rows else f"{len(gold):,} of "
    _head(
        figure,
        title,
        f"{shown}{number_of(metrics.rows, 'row')}; on the dashed line, predictions are right",
    )
    return figure


def reliability_figure(curves: Sequence[tuple[str, CalibrationMetrics]], *, title: str) -> Figure:
    """How often decisions of each confidence are right, and how many there are.

    Args:
        curves: One or two, the last the one that holds, each with its name.
        title: What was measured.
    """
    figure, axes = _figure(0.85, 1.55, 4.4, 3.6, right=0.35, top=0.65)
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    below = _histogram_axes(figure)
    colors = [BLUE] if len(curves) == 1 else [ORANGE, BLUE]
    for (name, metrics), color in zip(curves, colors, strict=True):
        _curve(axes, metrics, color, f"{name}: ECE {metrics.ece:.1%}")
        _histogram(below, metrics, color)
    for axis in (axes.yaxis, below.xaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.set_xticklabels([])
    axes.set_ylabel("share that is right", color=INK, fontsize=9)
    below.set_xlabel("confidence", color=INK, fontsize=9)
    axes.legend(loc="upper left", frameon=False, fontsize=9, labelcolor=INK)
    _head(figure, title, "on the dashed line, numbers mean what they say")
    return figure


def png(figure: Figure, dpi: float = DPI) -> bytes:
    """A figure as the bytes of a PNG file, with nothing but a narrow edge around it."""
    drawn = BytesIO()
    with warnings.catch_warnings():
        # A letter that no installed font has becomes a box; the card has the names as text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(
            drawn, format="png", dpi=dpi, bbox_inches="tight", pad_inches=0.12,
            metadata={"Software": "CLSight"},
        )  # fmt: skip
    return drawn.getvalue()


def _figure(
    left: float, bottom: float, width: float, height: float, *, right: float, top: float
) -> tuple[Figure, Axes]:
    """A figure with one pair of axes, everything in inches."""
    whole, tall = left + width + right, bottom + height + top
    figure = Figure(figsize=(whole, tall), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((left / whole, bottom / tall, width / whole, height / tall))
    _style_axes(axes)
    return figure, axes


def _style_axes(axes: Axes) -> None:
    axes.tick_params(colors=QUIET, labelcolor=INK, length=0, labelsize=9)
    for spine in axes.spines.values():
        spine.set_color(LINE)


def _name_classes(axes: Axes, names: Sequence[str], *, size: float) -> None:
    places, fonts = np.arange(len(names)) + 0.5, list(_fonts())
    turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    flat = len(names) * max(_width(name) for name in names) <= 45 and len(names) <= 8
    axes.set_xticks(places, names, fontfamily=fonts, fontsize=size, **({} if flat else turned))
    axes.set_yticks(places, names, fontfamily=fonts, fontsize=size)
    axes.set_xlabel("predicted class", color=QUIET, fontsize=9)
    axes.set_ylabel("true class", color=QUIET, fontsize=9)
    lines = np.arange(len(names) + 1)
    axes.set_xticks(lines, minor=True)
    axes.set_yticks(lines, minor=True)
    axes.grid(which="minor", color="white", linewidth=size / 8)
    axes.tick_params(which="minor", length=0)


def _write_counts(axes: Axes, counts: np.ndarray, shares: np.ndarray, *, size: float) -> None:
    """The number of rows in each cell that has any, or many."""
    lowest = MIN_NUMBERED_SHARE if len(counts) > MAX_NUMBERED_CLASSES else 0.0
    for (row, column), count in np.ndenumerate(counts):
        if count and shares[row, column] >= lowest:
            dark = shares[row, column] > MIN_DARK_SHARE
            color = "white" if dark else INK
            axes.text(
                column + 0.5, row + 0.5, f"{count:,}", color=color, in_layout=False,
                fontsize=_number_size(int(count), size), ha="center", va="center",
            )  # fmt: skip


def _number_size(count: int, size: float) -> float:
    """A size in which many digits stay inside their cell."""
    return size * min(1.0, 4.5 / len(f"{count:,}"))


def _histogram_axes(figure: Figure) -> Axes:
    """Axes for counts under those of the curve."""
    above = figure.axes[0].get_position()
    tall = float(figure.get_size_inches()[1])
    axes = figure.add_axes((above.x0, 0.6 / tall, above.width, 0.8 / tall))
    _style_axes(axes)
    axes.set(xlim=(0, 1))
    axes.set_ylabel("share of all", color=INK, fontsize=9)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=2))
    return axes


def _curve(axes: Axes, metrics: CalibrationMetrics, color: str, label: str) -> None:
    """The bins that hold decisions, larger dots for more of them."""
    full = [part for part in metrics.curve if part.count]
    total = sum(part.count for part in full)
    x, y = [part.confidence for part in full], [part.accuracy for part in full]
    axes.plot(x, y, color=color, linewidth=1.6, label=label, zorder=3)
    sizes = [12 + 90 * part.count / total for part in full]
    axes.scatter(x, y, s=sizes, color=color, edgecolor="white", linewidth=0.8, zorder=4)


def _histogram(axes: Axes, metrics: CalibrationMetrics, color: str) -> None:
    counts = np.array([part.count for part in metrics.curve])
    edges = np.linspace(0, 1, len(counts) + 1)
    axes.stairs(counts / counts.sum(), edges, color=color, fill=True, alpha=0.25)
    axes.stairs(counts / counts.sum(), edges, color=color, linewidth=1.2)


def _head(figure: Figure, title: str, caption: str) -> None:
    """A title and a quiet line below it."""
    tall = float(figure.get_size_inches()[1])
    left = 0.12 / float(figure.get_size_inches()[0])
    fonts = list(_fonts())
    title = _cut(title, MAX_TITLE_WIDTH)
    figure.text(left, 1 - 0.27 / tall, title, color=INK, fontsize=11, weight="bold",
                fontfamily=fonts, parse_math=False)  # fmt: skip
    figure.text(left, 1 - 0.47 / tall, caption, color=QUIET, fontsize=8, fontfamily=fonts,
                parse_math=False)  # fmt: skip


@cache
def _fonts() -> tuple[str, ...]:
    installed = set(font_manager.get_font_names())
    return tuple(name for name in FONTS if name in installed)


def _short(name: str) -> str:
    """A class name on one line, cut where it is too long; no letter starts a formula."""
    return _cut(name, MAX_NAME_WIDTH).replace("$", r"\$")


def _cut(name: str, longest: int) -> str:
    """*name* on one line, without its middle where it is more than so many half-width letters."""
    plain = printable(" ".join(name.split()))
    if _width(plain) <= longest:
        return plain
    head = _truncated(plain, longest // 2).rstrip(" .")
    return f"{head}…{_truncated(plain[::-1], longest // 2 - 1)[::-1].lstrip()}"


def _truncated(text: str, width: int) -> str:
    """The beginning of a text, at most so many half-width letters wide."""
    beginning = ""
    for letter in text:
        if _width(beginning + letter) > width:
            break
        beginning += letter
    return beginning


def _width(text: str) -> int:
    """Half-width letters that a text is wide: Chinese ones count double."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
