"""From wordpieces to words: which tokens make a word of the text, and scores added up over them."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.types import Encoding, Token

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


def merge(
    scores: FloatArray, over: Sequence[Span], dtype: type[np.floating] = np.float32
) -> FloatArray:
    """Token scores added up over spans.  (T,) -> (n,)"""
    return np.array([scores[list(span.tokens)].sum() for span in over], dtype=dtype)
