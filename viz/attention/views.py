"""From wordpieces to words, and from all tokens to those of the text: one defined operation.

Words: the weights that a word's pieces receive are added, those with which its pieces look are
averaged, so a row still sums to 1.  Special tokens: their rows and columns go, the rows left are
scaled back to a sum of 1, and the mass that went is kept as `removed`.  Words come first.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from viz.jobs.cancellation import check_cancelled
from viz.types import Encoding, FloatArray, Token

_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")

Unit = Literal["word", "wordpiece"]


@dataclass(frozen=True, slots=True)
class Span:
    """One row or column of a picture: a word, a wordpiece or a special token."""

    label: str
    """What a reader sees: the word as it stands in the text, or the token's own spelling."""
    start: int
    end: int
    tokens: tuple[int, ...]
    """The token positions it is made of."""
    special: bool
    part: int | None


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


def spans(encoding: Encoding, unit: Unit = "word") -> tuple[Span, ...]:
    """The words, or the tokens, of an encoding in reading order, special tokens included.

    Where a tokenizer takes a whole run of ideographs for one word, each of its tokens is a word.
    """
    groups: list[list[int]] = []
    for index, token in enumerate(encoding.tokens):
        before = encoding.tokens[index - 1] if index else None
        joined = before and unit == "word" and _is_one_word(encoding, before, token)
        if joined:
            groups[-1].append(index)
        else:
            groups.append([index])
    return tuple(_span(encoding, tuple(group), unit) for group in groups)


def _is_one_word(encoding: Encoding, before: Token, token: Token) -> bool:
    if token.word is None or token.word != before.word:
        return False
    written = encoding.part_text(token.part)
    meeting = written[before.start : before.end][-1:] + written[token.start : token.end][:1]
    # Pieces of one character, as byte-level tokenizers make them, share that character.
    return token.start < before.end or not any(_IDEOGRAPH.match(char) for char in meeting)


def _span(encoding: Encoding, indices: tuple[int, ...], unit: Unit) -> Span:
    pieces = [encoding.tokens[index] for index in indices]
    first = pieces[0]
    start, end = min(piece.start for piece in pieces), max(piece.end for piece in pieces)
    text = encoding.part_text(first.part)
    written = text[start : end_with_marks(text, end)].strip()
    spelled = first.special or (unit == "wordpiece" and _is_spelling(first.text))
    label = first.text if spelled or not written else written
    return Span(label, start, end, indices, first.special, first.part)


def end_with_marks(text: str, end: int, limit: int | None = None) -> int:
    """The end of a word with its accents and emoji selectors, which some tokenizers drop.

    Args:
        text: The text.
        end: Where the word ends without them; 0 stays 0.
        limit: Where it ends at the latest.
    """
    limit = len(text) if limit is None else limit
    while 0 < end < limit and unicodedata.category(text[end]).startswith("M"):
        end += 1
    return end


def _is_spelling(piece: str) -> bool:
    """Whether a wordpiece reads as text (##ing, [UNK]), not as bytes or markers of spaces."""
    return piece.isascii() or piece.startswith("##") or piece == "▁"


def merge(scores: FloatArray, over: Sequence[Span]) -> FloatArray:
    """Token scores added up over spans.  (T,) -> (n,)"""
    return np.array([scores[list(span.tokens)].sum() for span in over], dtype=np.float32)


def view(
    encoding: Encoding,
    weights: FloatArray,
    *,
    unit: Unit = "word",
    special: bool = True,
    signed: bool = False,
) -> AttentionView:
    """Attention, or contributions, over words or wordpieces, with special tokens or without.

    Attention weights: rows of a word are averaged, columns added; without special tokens the rest
    of each row is scaled back to a sum of 1.  Signed shares are added up over rows and columns,
    and never scaled, so that what is shown and what was removed are together the whole.

    Args:
        encoding: The text that was read.
        weights: (L, H, T, T), as in `Reading.attention.weights` or `Contribution.values`.
        unit: What a row stands for.
        special: Whether special tokens keep their rows and columns.
        signed: Whether `weights` are signed shares.
    """
    over = spans(encoding, unit)
    merged = _merge(weights, over, signed=signed)
    check_cancelled()
    if special:
        nothing = np.zeros(merged.shape[:3], merged.dtype)
        return AttentionView(over, merged, nothing, over, signed)
    kept = [index for index, span in enumerate(over) if not span.special]
    left = tuple(over[index] for index in kept)
    rows = np.ascontiguousarray(merged[:, :, kept])
    check_cancelled()
    shown = rows[..., kept]
    check_cancelled()
    if signed:
        return AttentionView(left, shown, rows.sum(-1) - shown.sum(-1), left, signed)
    # Summed in double precision, so that rows sum to 1 however many there were.
    mass = shown.sum(-1, dtype=np.float64, keepdims=True)
    scale = np.divide(1, mass, out=np.zeros_like(mass), where=mass > 0).astype(merged.dtype)
    removed = (1 - mass[..., 0]).clip(0, 1).astype(merged.dtype)
    return AttentionView(left, shown * scale, removed, left)


def _merge(weights: FloatArray, over: Sequence[Span], *, signed: bool) -> FloatArray:
    """Average or add up rows, add up columns, of spans.  (L, H, T, T) -> (L, H, n, n)"""
    if len(over) == weights.shape[-1]:
        return weights
    # Spans follow one another without a gap, so a span is all that lies before the next one.
    starts = [span.tokens[0] for span in over]
    rows = np.add.reduceat(weights, starts, axis=-2)
    check_cancelled()
    if not signed:
        rows /= np.array([len(span.tokens) for span in over], dtype=weights.dtype)[:, None]
    return np.asarray(np.add.reduceat(rows, starts, axis=-1))


def pick_layer(shown: AttentionView, layer: int | None) -> AttentionView:
    """All heads of one layer, or their means over layers.  (L, H, n, m) -> (1, H, n, m)"""
    weights, removed = (
        values.mean(0, keepdims=True) if layer is None else values[layer][None]
        for values in (shown.weights, shown.removed)
    )
    return replace(shown, weights=weights, removed=removed)


def pick(shown: AttentionView, layer: int | None, head: int | None) -> AttentionView:
    """One map of a view, or the mean over layers, heads or both.  (L, H, n, m) -> (1, 1, n, m)"""
    heads = pick_layer(shown, layer)
    weights, removed = (
        values.mean(1, keepdims=True) if head is None else values[:, head][:, None]
        for values in (heads.weights, heads.removed)
    )
    return replace(heads, weights=weights, removed=removed)


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
        [index for index, part in enumerate(_parts(over)) if part == "AB".index(letter)]
        for letter, over in ((name[0], shown.spans), (name[2], shown.keys))
    )
    return AttentionView(
        tuple(shown.spans[index] for index in queries),
        np.ascontiguousarray(shown.weights[:, :, queries][..., keys]),
        shown.removed[..., queries],
        tuple(shown.keys[index] for index in keys),
        shown.signed,
    )


def _parts(over: Sequence[Span]) -> list[int]:
    """The text, 0 or 1, that each span belongs to."""
    parts: list[int] = []
    for span in over:
        parts.append(span.part if span.part is not None else parts[-1] if parts else 0)
    return parts
