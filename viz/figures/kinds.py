"""The kinds of figures: one record each, which all that offers, draws, saves or replays one reads.

A record names its functions as `module:function`, to be imported when they are first used, since
matplotlib would delay the first page; a function itself does as well.  A kind of your own is one
record handed to `register_figure`, or named among the entry points of an installed package: the
page, the command line, archives and replay then know it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from types import MappingProxyType
from typing import Any, Literal

from viz.errors import SelectionError
from viz.model.plugins import load_plugins

Reference = str | Callable[..., Any]
"""A function, or where to import it from."""

_VIEW = ("special", "quadrant", "contribution")
_TAKES: Mapping[str, tuple[str, ...]] = {
    "map": ("layer", "head", "region", *_VIEW),
    "layer": ("layer", "region", *_VIEW),
    "model": _VIEW,
    "scores": ("attribution",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureKind:
    """One kind of figure."""

    name: str
    """In file names, in saved files and on the command line."""
    label: str
    """On the page."""
    help: str
    """One sentence on what it shows, for the command line."""
    shows: Literal["map", "layer", "model", "scores"]
    """One map (of a head, or a mean), all maps of a layer, all maps, or scores of an attribution"""
    draw: Reference
    """From a `FigureSpec` and `RenderOptions` to a Figure of matplotlib."""
    page: Reference | None = None
    """From a `FigureSpec` to the `PageContent` of its HTML; None where there is no HTML."""
    page_height: int = 720
    """CSS pixels of that page in a notebook; what is higher scrolls."""
    numbers: str = "viz.export.map_numbers:MAP_NUMBERS"
    """Where the `Numbers` stand that make its CSV, NPZ and JSON."""
    pools: bool = False
    """Whether it shows whole maps of a long text as pixels, however large they are."""
    has_summary_table: bool = False
    """Whether its CSV has one row a head, however large the maps are."""

    @property
    def needs_maps(self) -> bool:
        """Whether it shows maps of attention, which some networks don't have."""
        return self.shows != "scores"

    @property
    def has_fixed_columns(self) -> bool:
        """Whether its CSV has columns that don't depend on the words of the text."""
        return self.has_summary_table or not self.needs_maps

    @property
    def takes(self) -> tuple[str, ...]:
        """The fields of `FigureSpec` that it heeds, beside `reading` and `unit`."""
        return _TAKES[self.shows]


def resolve(reference: Any) -> Any:
    """What a reference names, imported now; anything but a string is itself."""
    return resolve_name(reference) if isinstance(reference, str) else reference


_kinds: dict[str, FigureKind] = {}
FIGURE_KINDS: Mapping[str, FigureKind] = MappingProxyType(_kinds)
"""All kinds by name, in the order in which they are offered."""


def register_figure(kind: FigureKind) -> None:
    """Make a kind of figure known.

    Raises:
        SelectionError: where its name is taken.
    """
    if kind.name in _kinds:
        raise SelectionError(f"There is a figure {kind.name!r} already; choose another name.")
    _kinds[kind.name] = kind


def figure_named(name: str) -> FigureKind:
    """The kind of figure of this name.

    Raises:
        SelectionError: where there is none.
    """
    if name not in FIGURE_KINDS:
        raise SelectionError(f"Figure {name!r} is unknown; known are {', '.join(FIGURE_KINDS)}.")
    return FIGURE_KINDS[name]


for _kind in (
    FigureKind(
        name="head",
        label="head",
        help="A heat map of one head, or of the mean over heads.",
        shows="map",
        draw="viz.figures.attention:head_figure",
        pools=True,
        page="viz.export.page_content:head_page",
    ),
    FigureKind(
        name="layer",
        label="layer",
        help="A heat map for each head of one layer.",
        shows="layer",
        draw="viz.figures.attention:layer_figure",
        pools=True,
        page="viz.export.page_content:layer_page",
        page_height=760,
    ),
    FigureKind(
        name="atlas",
        label="all heads",
        help="A thumbnail for each head of each layer.",
        shows="model",
        draw="viz.figures.atlas:atlas_figure",
        pools=True,
        page="viz.export.page_content:atlas_page",
        page_height=760,
        numbers="viz.export.map_numbers:ATLAS_NUMBERS",
        has_summary_table=True,
    ),
    FigureKind(
        name="arcs",
        label="arcs",
        help="Curves from each token to those that one head, or the mean, looks at.",
        shows="map",
        draw="viz.figures.arcs:arcs_figure",
        page="viz.export.page_content:arcs_page",
        page_height=560,
    ),
    FigureKind(
        name="attribution",
        label="attribution",
        help="The text in the colors of an attribution, and its strongest words.",
        shows="scores",
        draw="viz.figures.attribution:attribution_figure",
        page="viz.export.page_content:attribution_page",
        page_height=380,
        numbers="viz.export.score_numbers:SCORE_NUMBERS",
    ),
):
    register_figure(_kind)

load_plugins("clsight.figures", FigureKind, register_figure)
