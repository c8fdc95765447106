"""From wordpieces to words, and from all tokens to those of the text: one defined operation.

Words: the weights that a word's pieces receive are added, those with which its pieces look are
averaged, so a row still sums to 1.  Special tokens: their rows and columns go, the rows left are
scaled back to a sum of 1, and the mass that went is kept as `removed`.  Words come first.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

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
    """Attention weights over spans: the numbers that screen, exports and API all show."""

    spans: tuple[Span, ...]
    weights: FloatArray
    """(L, H, n, n); rows sum to 1."""
    removed: FloatArray
    """(L, H, n): the share of each row that went with the special tokens; 0 where shown."""


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
    written = encoding.source(token.part)
    meeting = written[before.start : before.end][-1:] + written[token.start : token.end][:1]
    # Pieces of one character, as byte-level tokenizers make them, share that character.
    return token.start < before.end or not any(_IDEOGRAPH.match(char) for char in meeting)


def _span(encoding: Encoding, indices: tuple[int, ...], unit: Unit) -> Span:
    pieces = [encoding.tokens[index] for index in indices]
    first = pieces[0]
    start, end = min(piece.start for piece in pieces), max(piece.end for piece in pieces)
    written = encoding.source(first.part)[start:end].strip()
    spelled = first.special or (unit == "wordpiece" and _is_spelling(first.text))
    label = first.text if spelled or not written else written
    return Span(label, start, end, indices, first.special, first.part)


def _is_spelling(piece: str) -> bool:
    """Whether a wordpiece reads as text (##ing, [UNK]), not as bytes or markers of spaces."""
    return piece.isascii() or piece.startswith("##") or piece == "▁"


def merge(scores: FloatArray, over: Sequence[Span]) -> FloatArray:
    """Token scores added up over spans.  (T,) -> (n,)"""
    return np.array([scores[list(span.tokens)].sum() for span in over], dtype=np.float32)


def view(
    encoding: Encoding, weights: FloatArray, *, unit: Unit = "word", special: bool = True
) -> AttentionView:
    """Attention weights over words or wordpieces, with special tokens or without.

    Args:
        encoding: The text that was read.
        weights: (L, H, T, T), as in `Reading.attention.weights`.
        unit: What a row stands for.
        special: Whether special tokens keep their rows and columns.
    """
    over = spans(encoding, unit)
    merged = _merge_weights(weights, over)
    if special:
        return AttentionView(over, merged, np.zeros(merged.shape[:3], np.float32))
    kept = [index for index, span in enumerate(over) if not span.special]
    rows = merged[..., kept][:, :, kept]
    mass = rows.sum(-1, keepdims=True)
    renormalised = np.divide(rows, mass, out=np.zeros_like(rows), where=mass > 0)
    removed = (1 - mass[..., 0]).clip(0, 1)
    return AttentionView(tuple(over[index] for index in kept), renormalised, removed)


def _merge_weights(weights: FloatArray, over: Sequence[Span]) -> FloatArray:
    """Average the rows and add up the columns of each span.  (L, H, T, T) -> (L, H, n, n)"""
    if len(over) == weights.shape[-1]:
        return weights
    # Spans follow one another without a gap, so a span is all that lies before the next one.
    starts = [span.tokens[0] for span in over]
    counts = np.array([len(span.tokens) for span in over], dtype=weights.dtype)
    rows = np.add.reduceat(weights, starts, axis=-2) / counts[:, None]
    return np.asarray(np.add.reduceat(rows, starts, axis=-1))
