"""What a figure shows: one reading, and everything that decides what is drawn of it."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from finetune.checkpoint.arrays import FloatArray
from viz.attention.long_attention import LongAttention
from viz.attention.long_view import LongView
from viz.attention.region import Region, crop
from viz.attention.rollout import check_selection, place
from viz.attention.views import (
    AttentionView,
    Quadrant,
    impossible_in,
    pick,
    pick_layer,
    quadrant,
    view,
)
from viz.attention.words import Unit
from viz.attribution.long_contribution import LongContribution
from viz.errors import LongTextError, SelectionError
from viz.figures import long_maps
from viz.figures.kinds import FIGURE_KINDS, FigureKind, figure_named
from viz.types import Attribution, BoolArray, Contribution, Reading, ShownInNotebooks

Measure = Literal["weights", "contribution"]

MAX_VIEW_NUMBERS = 16_000_000
"""Numbers of a long text that are computed at once; of one map, 4,000 x 4,000."""


@dataclass(frozen=True, slots=True)
class FigureSpec(ShownInNotebooks):
    """What a figure shows; its picture, its numbers and its caption all follow from it.

    Raises:
        SelectionError: where the parts contradict each other or the reading.
        MissingAttentionError: where maps are to be shown of a network that has none.
    """

    reading: Reading
    kind: str
    """A name in `FIGURE_KINDS`."""
    layer: int | None = None
    """None for the mean over layers; the atlas shows all."""
    head: int | None = None
    """None for the mean over heads; a layer shows all of its heads."""
    unit: Unit = "word"
    special: bool = True
    quadrant: Quadrant = "all"
    attribution: Attribution | None = None
    """What a figure of scores shows."""
    contribution: Contribution | LongContribution | None = None
    """Shown instead of attention weights."""
    region: Region | None = None
    """The rows and columns of a map, or of those of a layer, that are shown; None for all."""

    def __post_init__(self) -> None:
        """Check that there is something to show."""
        figure_named(self.kind)
        if self.shows == "scores" and self.attribution is None:
            raise SelectionError("A figure of an attribution needs the attribution.")
        if self.shows == "layer" and self.layer is None:
            raise SelectionError("A figure of a layer needs its number.")
        if self.quadrant != "all" and self.reading.encoding.pair is None:
            raise SelectionError(
                f"Only one text was read, so there is no quadrant {self.quadrant}; choose all."
            )
        if self.region is not None and "region" not in self.figure_kind.takes:
            raise SelectionError(
                f"A figure {self.kind!r} has no region; choose one of a map or of a layer."
            )
        for explanation in (self.attribution, self.contribution):
            if explanation is not None:
                _check_explains(self.reading, explanation)
        if self.figure_kind.needs_maps:
            attention = self.reading.attention
            check_selection(self.layer, self.head, attention.n_layers, attention.n_heads)

    @classmethod
    def of(cls, reading: Reading, kind: str, *, unit: Unit, **parts: Any) -> "FigureSpec":
        """A figure of a kind, by those of the *parts* that such a figure heeds."""
        takes = FIGURE_KINDS[kind].takes
        return cls(
            reading, kind, unit=unit, **{name: parts[name] for name in takes if name in parts}
        )

    @property
    def figure_kind(self) -> FigureKind:
        """The record of its kind."""
        return FIGURE_KINDS[self.kind]

    @property
    def shows(self) -> str:
        """What of a reading it shows: `map`, `layer`, `model` or `scores`."""
        return self.figure_kind.shows

    @property
    def place(self) -> str:
        """Where in the model its maps stand, as in L5 · H3."""
        if self.shows == "model":
            return "all layers and heads"
        return (
            f"L{self.layer} · all heads" if self.shows == "layer" else place(self.layer, self.head)
        )

    @property
    def n_maps(self) -> int:
        """How many maps of attention it shows."""
        if not self.figure_kind.needs_maps:
            return 0
        attention = self.reading.attention
        n_heads, n_maps = attention.n_heads, attention.n_layers * attention.n_heads
        return {"map": 1, "layer": n_heads, "model": n_maps}[self.shows]

    @property
    def measure(self) -> Measure:
        """Whether it shows attention weights or contributions to the class."""
        return "weights" if self.contribution is None else "contribution"

    @property
    def has_whole_rows(self) -> bool:
        """Whether each row that is drawn holds all keys, so that its weights are all there are."""
        columns = None if self.region is None else self.region.columns
        return self.quadrant == "all" and columns is None and self.has_view()

    @property
    def long_view(self) -> LongView | None:
        """Its maps where the text is too long to keep them; None where they are kept.

        Raises:
            SelectionError: where nothing is left to show.
        """
        holder = self.reading.attention if self.contribution is None else self.contribution
        if isinstance(holder, LongAttention | LongContribution):
            return holder.view(unit=self.unit, special=self.special, quadrant=self.quadrant)
        return None

    def has_view(self, most: int | None = None) -> bool:
        """Whether `view` has its numbers: all of a short text, and so many of a long one."""
        long = self.long_view
        most = MAX_VIEW_NUMBERS if most is None else most
        return long is None or (self.shows != "model" and self._size(long) <= most)

    def view(self, most: int | None = None) -> AttentionView:
        """The numbers of a figure of attention: (1, 1, n, m), (1, H, n, m) or (L, H, n, m).

        Args:
            most: Numbers that can be had at once of a long text; None for `MAX_VIEW_NUMBERS`.

        Raises:
            LongTextError: where they are more.
            SelectionError: where nothing but special tokens was read, and they are not shown, or
                nothing of one text whose quadrant is, or where the maps end before the region does.
        """
        long = self.long_view
        if long is not None:
            return self._long_part(long, MAX_VIEW_NUMBERS if most is None else most)
        shown = view(
            self.reading.encoding,
            self._maps(),
            unit=self.unit,
            special=self.special,
            signed=self.contribution is not None,
            impossible=self._impossible(),
        )
        if not shown.spans:
            raise SelectionError("Only special tokens were read; show them to see a picture.")
        if self.shows == "layer":
            shown = pick_layer(shown, 0)
        elif self.shows == "map":
            indices = (None if index is None else 0 for index in (self.layer, self.head))
            shown = pick(shown, *indices)
        part = quadrant(shown, self.quadrant)
        if not part.spans or not part.keys:
            raise SelectionError(
                f"Nothing of one of the texts was read, so {self.quadrant} is empty; choose all."
            )
        return part if self.region is None else crop(part, self.region)

    def part_of(self, long: LongView) -> tuple[slice, slice]:
        """The rows and columns that are shown of a long text."""
        return (self.region or Region()).slices(*long.shape)

    def _size(self, long: LongView) -> int:
        """How many numbers are shown of a long text."""
        rows, columns = self.part_of(long)
        return int(self.n_maps * (rows.stop - rows.start) * (columns.stop - columns.start))

    def _long_part(self, long: LongView, most: int) -> AttentionView:
        if not self.has_view(most):
            raise LongTextError(self._too_long(long, most))
        part = self.part_of(long)
        if self.shows == "layer":
            return long_maps.layer_region(long, self.layer, *part)
        return long_maps.region(long, self.layer, self.head, *part)

    def _too_long(self, long: LongView, most: int) -> str:
        """How many numbers there are, and what can be had of them."""
        n_numbers = self._size(long)
        size = f"These are {n_numbers:,} numbers, {4 * n_numbers / 1e9:.2g} GB"
        pictures = "a picture (png, svg, pdf)"
        if self.shows == "model":
            return (
                f"{size}, too many for one file; choose {pictures}, or one head or layer of them."
            )
        side = math.isqrt(most // self.n_maps)
        whole = f"{pictures}, or one head as npz" if self.shows == "layer" else f"{pictures} or npz"
        return (
            f"{size}, of which {most:,} can be had at once; choose {whole}, or a region (rows and "
            f"columns) of {side:,} × {side:,} or less."
        )

    def _maps(self) -> FloatArray:
        """The maps that are shown, or those whose mean is."""
        contribution = self.contribution
        assert not isinstance(contribution, LongContribution)  # its view is another one
        values = self.reading.attention.weights if contribution is None else contribution.values
        if self.shows == "model":
            return values
        maps = values if self.layer is None else values[self.layer, None]
        if self.head is not None and self.shows != "layer":
            maps = maps[:, self.head, None]
        if not self.special:
            return maps
        # Where no row is rescaled, the mean is the same before words are made, and cheaper.
        if self.layer is None:
            maps = maps.mean(0, keepdims=True)
        is_mean = self.head is None and self.shows != "layer"
        return maps.mean(1, keepdims=True) if is_mean else maps

    def _impossible(self) -> BoolArray | None:
        """What can't be looked at in the layers of these maps, or in those of the mean."""
        impossible = self.reading.attention.impossible
        if impossible is None or self.shows == "model":
            return impossible
        # As of the maps: without special tokens, the mean over layers comes later.
        if self.layer is None and not self.special:
            return impossible
        return impossible_in(impossible, self.layer)


def _check_explains(
    reading: Reading, explanation: Attribution | Contribution | LongContribution
) -> None:
    """Refuse scores or contributions of another reading.

    Raises:
        SelectionError: which says in what the two differ.
    """
    is_scores = isinstance(explanation, Attribution)
    name, what = ("attribution", "scores") if is_scores else ("contribution", "maps")
    different = [] if explanation.reading is None else _differences(reading, explanation.reading)
    if different:
        raise SelectionError(
            f"The {name} is that of another reading ({', '.join(different)} differ); show "
            f"{name}.reading, or explain this reading."
        )
    n_tokens = _n_tokens(explanation)
    if n_tokens != reading.encoding.n_tokens:
        raise SelectionError(
            f"The {name} has {what} of {n_tokens:,} tokens, but {reading.encoding.n_tokens:,} were "
            "read; explain this reading."
        )


def _n_tokens(explanation: Attribution | Contribution | LongContribution) -> int:
    if isinstance(explanation, Attribution):
        return len(explanation.scores)
    if isinstance(explanation, LongContribution):
        return explanation.source.n_tokens
    return int(explanation.values.shape[-1])


def _differences(one: Reading, other: Reading) -> list[str]:
    """In what two readings differ; the name of a checkpoint may be another."""
    parts = {
        "weights": (one.fingerprint, other.fingerprint),
        "texts": (one.encoding.text, other.encoding.text),
        "second texts": (one.encoding.pair, other.encoding.pair),
        "heads that are off": (one.without, other.without),
        "windows": (one.document, other.document),
    }
    return [part for part, (first, second) in parts.items() if first != second]
