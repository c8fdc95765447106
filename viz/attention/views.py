"""Views over attention weights: over words, without special tokens, of one layer, head or pair.

Words: the weights that a word's pieces receive are added, those with which its pieces look are
averaged, so a row still sums to 1, or to less in families that have a sink, which is not a token.
Special tokens: their rows and columns go, the rows left are scaled back to the sum that they had,
and the mass that went is kept as `removed`.  Words come first.  What is merged can't be looked at
where none of it can be.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attention.words import Span, Unit, merge, spans
from viz.jobs.cancellation import check_cancelled
from viz.types import ROW_TOLERANCE, BoolArray, Encoding, Reading


@dataclass(frozen=True, slots=True)
class AttentionView:
    """One number for each head, query and key: what screen, exports and API all show."""

    spans: tuple[Span, ...]
    """The queries, one a row."""
    weights: FloatArray
    """(L, H, n, m): attention weights, or the signed shares of a contribution."""
    removed: FloatArray
    """(L, H, n): what went from each row with the special tokens; 0 where they are shown."""
    keys: tuple[Span, ...]
    """The keys, one a column; the queries themselves unless a quadrant of a pair is shown."""
    signed: bool = False
    """Whether it holds signed shares: nothing of them is averaged or rescaled."""
    impossible: BoolArray | None = None
    """(L, n, m): keys that no head of a layer can look at from a query; None where there are
    none."""
    difference: bool = False
    """Whether what is signed are weights of one reading less those of another."""

    def __post_init__(self) -> None:
        """Keep no mask that forbids nothing."""
        if self.impossible is not None and not self.impossible.any():
            object.__setattr__(self, "impossible", None)


def view(
    encoding: Encoding,
    weights: FloatArray,
    *,
    unit: Unit = "word",
    special: bool = True,
    signed: bool = False,
    impossible: BoolArray | None = None,
) -> AttentionView:
    """Attention, or contributions, over words or wordpieces, with special tokens or without.

    Attention weights: rows of a word are averaged, columns added; without special tokens the rest
    of each row is scaled back to its sum, 1.  Signed shares are added up over rows and columns,
    and never scaled, so that what is shown and what was removed are together the whole.

    Args:
        encoding: The text that was read.
        weights: (L, H, T, T), as in `Reading.attention.weights` or `Contribution.values`.
        unit: What a row stands for.
        special: Whether special tokens keep their rows and columns.
        signed: Whether `weights` are signed shares.
        impossible: (L, T, T), as in `Reading.attention.impossible`.
    """
    over = spans(encoding, unit)
    merged = merge_maps(weights, over, signed=signed)
    impossible = None if impossible is None else merge_impossible(impossible, over)
    check_cancelled()
    if special:
        nothing = np.zeros(merged.shape[:3], merged.dtype)
        return AttentionView(over, merged, nothing, over, signed, impossible)
    shown_indices = [index for index, span in enumerate(over) if not span.special]
    shown_spans = tuple(over[index] for index in shown_indices)
    rows = np.ascontiguousarray(merged[:, :, shown_indices])
    check_cancelled()
    shown = rows[..., shown_indices]
    if impossible is not None:
        impossible = impossible[:, shown_indices][..., shown_indices]
    check_cancelled()
    if signed:
        removed = rows.sum(-1) - shown.sum(-1)
        return AttentionView(shown_spans, shown, removed, shown_spans, signed, impossible)
    # Summed in double precision, so that rows sum to 1 however many there were.
    mass = shown.sum(-1, dtype=np.float64, keepdims=True)
    whole = rows.sum(-1, dtype=np.float64, keepdims=True)
    whole[np.abs(whole - 1) <= ROW_TOLERANCE] = 1
    scale = np.divide(whole, mass, out=np.zeros_like(mass), where=mass > 0).astype(merged.dtype)
    removed = (whole - mass)[..., 0].clip(0, 1).astype(merged.dtype)
    return AttentionView(
        shown_spans, shown * scale, removed, shown_spans, signed=False, impossible=impossible
    )


def merge_maps(weights: FloatArray, over: Sequence[Span], *, signed: bool = False) -> FloatArray:
    """Maps of spans: rows averaged, or added up where signed; columns added up.

    Args:
        weights: (L, H, T, T).
        over: Spans that follow one another without a gap.
        signed: Whether `weights` are signed shares.

    Returns:
        (L, H, n, n)
    """
    if len(over) == weights.shape[-1]:
        return weights
    # A span is all that lies before the next one.
    starts = [span.tokens[0] for span in over]
    rows = np.add.reduceat(weights, starts, axis=-2)
    check_cancelled()
    if not signed:
        rows /= np.array([len(span.tokens) for span in over], dtype=weights.dtype)[:, None]
    return np.asarray(np.add.reduceat(rows, starts, axis=-1))


def merge_impossible(impossible: BoolArray, over: Sequence[Span]) -> BoolArray:
    """Which spans can't be looked at: no token of one by any of the other.

    (L, T, T) -> (L, n, n)
    """
    starts = [span.tokens[0] for span in over]
    rows = np.logical_and.reduceat(impossible, starts, axis=-2)
    return np.asarray(np.logical_and.reduceat(rows, starts, axis=-1))


def pick_layer(shown: AttentionView, layer: int | None) -> AttentionView:
    """All heads of one layer, or their means over layers.  (L, H, n, m) -> (1, H, n, m)"""
    weights, removed = (
        values.mean(0, keepdims=True) if layer is None else values[layer][None]
        for values in (shown.weights, shown.removed)
    )
    impossible = None if shown.impossible is None else impossible_in(shown.impossible, layer)
    return replace(shown, weights=weights, removed=removed, impossible=impossible)


def impossible_in(impossible: BoolArray, layer: int | None) -> BoolArray:
    """What can't be looked at in a layer; of the mean over layers, in none of them.

    (L, n, m) -> (1, n, m)
    """
    return np.asarray(impossible.all(0, keepdims=True) if layer is None else impossible[[layer]])


def pick(shown: AttentionView, layer: int | None, head: int | None) -> AttentionView:
    """One map of a view, or the mean over layers, heads or both.  (L, H, n, m) -> (1, 1, n, m)"""
    heads = pick_layer(shown, layer)
    weights, removed = (
        values.mean(1, keepdims=True) if head is None else values[:, head][:, None]
        for values in (heads.weights, heads.removed)
    )
    return replace(heads, weights=weights, removed=removed)


def deciding_row(shown: AttentionView, reading: Reading) -> int | None:
    """The row of the token that the class is read from; None where it is not one, or not shown."""
    return row_of(shown.spans, reading.deciding_token)


def row_of(over: Sequence[Span], token: int | None) -> int | None:
    """The row of a token; None where it isn't shown."""
    return next((row for row, span in enumerate(over) if token in span.tokens), None)


def sink_note(shown: AttentionView) -> str:
    """What rows of weights sum to where a sink takes some of them; empty where they sum to 1."""
    sums = shown.weights.sum(-1)
    if shown.signed or not ((np.abs(sums - 1) > ROW_TOLERANCE) & (sums > 0)).any():
        return ""
    average = f"{sums.mean():.2f}"
    return f"rows sum to {average} on average: the rest goes to a sink, which is not a token"


def pooled_row(shown: AttentionView, pooling: FloatArray) -> FloatArray:
    """The rows of one map, averaged as the class is read from their tokens; signed ones added up.

    Where rows are left out, the shares of the others are scaled to a sum of 1, as the rows are.
    The pieces of a word count alike, as in its row.

    Args:
        shown: One map, (1, 1, n, m).
        pooling: `Reading.pooling`.  (T,)

    Returns:
        (m,)
    """
    rows = shown.weights[0, 0]
    if shown.signed:
        return np.asarray(rows.sum(0))
    shares = merge(pooling, shown.spans, np.float64)
    return np.asarray(shares / (shares.sum() or 1) @ rows, rows.dtype)


def pooled_impossible(shown: AttentionView, pooling: FloatArray) -> BoolArray | None:
    """The keys that no token can look at of those that the class is read from.  (m,)"""
    if shown.impossible is None:
        return None
    return np.asarray(shown.impossible[0, merge(pooling, shown.spans) > 0].all(0))


Quadrant = Literal["all", "A-A", "A-B", "B-A", "B-B"]
"""Of a pair of texts: which text looks (before the dash) at which."""
QUADRANTS: tuple[Quadrant, ...] = ("all", "A-A", "A-B", "B-A", "B-B")


def quadrant(shown: AttentionView, name: Quadrant) -> AttentionView:
    """The part of a view in which one text of a pair looks at one; nothing is rescaled.

    A special token belongs to the text it follows, the first one to the first text.
    """
    if name == "all":
        return shown
    queries, keys = (
        [index for index, part in enumerate(text_parts(over)) if part == "AB".index(letter)]
        for letter, over in ((name[0], shown.spans), (name[2], shown.keys))
    )
    return AttentionView(
        tuple(shown.spans[index] for index in queries),
        np.ascontiguousarray(shown.weights[:, :, queries][..., keys]),
        shown.removed[..., queries],
        tuple(shown.keys[index] for index in keys),
        shown.signed,
        None if shown.impossible is None else shown.impossible[:, queries][..., keys],
    )


def text_parts(over: Sequence[Span]) -> list[int]:
    """The text, 0 or 1, that each span belongs to."""
    parts: list[int] = []
    for span in over:
        parts.append(span.part if span.part is not None else parts[-1] if parts else 0)
    return parts
