"""Attention of a text whose weights are too many to keep: a summary, and any part when asked."""

from dataclasses import dataclass, field, replace
from typing import NoReturn

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attention.long_statistics import StatisticsReducer
from viz.attention.long_view import LongView, Thumbnails, long_view
from viz.attention.map_source import MapSource, whole_rows
from viz.attention.statistics import HeadStatistics, head_statistics
from viz.attention.thumbnails import max_thumbnail_side
from viz.attention.views import Quadrant
from viz.attention.words import Unit
from viz.errors import LongTextError
from viz.jobs.progress import ShareProgress, no_share_progress
from viz.types import BoolArray, Encoding, Reading

DEFAULT_VIEW: tuple[Unit, bool, Quadrant] = ("word", True, "all")
"""The view that is ready once a text is read: words, with special tokens."""


@dataclass(frozen=True, eq=False)
class LongAttention:
    """Where each head looks in a text of which not all weights are kept.

    In memory: the thumbnails and statistics of all heads, and what each layer's attention was
    called with, which grows with T.  Weights are computed again where they are looked at.
    """

    source: MapSource
    encoding: Encoding = field(repr=False)
    statistics: HeadStatistics = field(repr=False)
    """What is measured of every head, over all of its rows."""
    ready: dict[tuple[Unit, bool, Quadrant], LongView] = field(default_factory=dict, repr=False)
    """Views by their settings, with what they know."""

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return self.source.n_layers

    @property
    def n_heads(self) -> int:
        """Number of heads in each layer."""
        return self.source.n_heads

    @property
    def n_tokens(self) -> int:
        """Number of token positions."""
        return self.source.n_tokens

    @property
    def nbytes(self) -> int:
        """What it keeps in memory."""
        return self.source.nbytes

    @property
    def weights(self) -> NoReturn:
        """All weights, which are not kept.

        Raises:
            LongTextError: always; it says how many they are and how to get some.
        """
        n_bytes = 4 * self.n_layers * self.n_heads * self.n_tokens**2
        raise LongTextError(
            f"All weights of {self.n_tokens:,} tokens in {self.n_layers} × {self.n_heads} heads "
            f"would take {n_bytes / 1e9:.2g} GB; take a part of one head, in Python by "
            "reading.attention.region(layer, head, queries, keys)."
        )

    impossible = weights

    def region(
        self, layer: int | None, head: int | None, queries: slice, keys: slice
    ) -> FloatArray:
        """The weights of some tokens by some tokens, computed now.

        Args:
            layer: The layer; None for the mean over layers.
            head: The head; None for the mean over heads.
            queries: The tokens that look, from `start` to `stop`.
            keys: The tokens looked at.

        Returns:
            (q, k)

        Raises:
            SelectionError: for a layer, head or part that doesn't exist.
        """
        region = self.view(unit="wordpiece").region(layer, head, queries, keys)
        return np.asarray(region.weights[0, 0])

    def impossible_region(self, layer: int, queries: slice, keys: slice) -> BoolArray:
        """Which of some tokens can't be looked at in a layer.  (q, k)"""
        block = self.source.block(layer, queries, 0)
        forbidden = whole_rows(block, self.n_tokens)[1]
        if forbidden is None:
            forbidden = np.zeros((block.values.shape[1], self.n_tokens), dtype=bool)
        return forbidden[:, keys]

    def view(
        self, *, unit: Unit = "word", special: bool = True, quadrant: Quadrant = "all"
    ) -> LongView:
        """The maps over words or tokens; the same object, with what it knows, each time.

        Raises:
            SelectionError: where nothing is left to show.
        """
        key = unit, special, quadrant
        if key not in self.ready:
            self.ready[key] = long_view(
                self.encoding, self.source, unit=unit, special=special, quadrant=quadrant
            )
        return self.ready[key]


def statistics_of(reading: Reading) -> HeadStatistics:
    """What is measured of every head of a reading, long or not.

    Raises:
        MissingAttentionError: where there are no maps.
    """
    attention = reading.attention
    if isinstance(attention, LongAttention):
        return attention.statistics
    return head_statistics(reading.encoding, attention.weights, attention.impossible)


def require_all_weights(reading: Reading, what: str, instead: str = "read a shorter text") -> None:
    """Refuse what needs all weights at once where they are not kept.

    Args:
        reading: What was read.
        what: What needs them, as a sentence begins with it.
        instead: What to do, as it ends.

    Raises:
        LongTextError: where they are too many.
    """
    if isinstance(reading.attention, LongAttention):
        raise LongTextError(
            f"{what} needs the weights of all heads at once, which are not kept of "
            f"{reading.attention.n_tokens:,} tokens; {instead}."
        )


def summarized(
    encoding: Encoding, source: MapSource, progress: ShareProgress = no_share_progress
) -> LongAttention:
    """What is kept of all maps of a text, learned in one go.

    Args:
        encoding: The text.
        source: Its maps.
        progress: Told of each part that is done.
    """
    unit, special, quadrant = DEFAULT_VIEW
    view = long_view(encoding, source, unit=unit, special=special, quadrant=quadrant)
    reducer = StatisticsReducer(source, encoding)
    side = max_thumbnail_side(source.n_heads)
    size = min(view.shape[0], side), min(view.shape[1], side)
    thumbnails: Thumbnails = view.swept(*size, [reducer], progress)
    ready = {DEFAULT_VIEW: replace(view, ready={size: thumbnails})}
    return LongAttention(source, encoding, reducer.statistics(), ready)
