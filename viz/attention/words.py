"""From wordpieces to words: which tokens make a word of the text, and scores added up over them."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.types import Encoding, Token

_MARKS = re.compile("^##|[Ġ▁]|</w>$")
"""How tokenizers mark in a piece where words begin, end or go on."""
BYTE = re.compile("<0x[0-9A-F]{2}>")
"""A piece that stands for one byte of a letter that the vocabulary lacks."""
CONTINUATION = "##"
"""What the label of a piece begins with that goes on with a word."""

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
    """The words, or the tokens, of an encoding in reading order, special tokens included."""
    groups: list[list[int]] = []
    before: Token | None = None
    for index, token in enumerate(encoding.tokens):
        if before is not None and token.word is not None and token.word == before.word:
            groups[-1].append(index)
        else:
            groups.append([index])
        before = token
    if unit == "word":
        return tuple(_word(encoding, tuple(group)) for group in groups)
    return tuple(piece for group in groups for piece in _pieces(encoding, group))


def _word(encoding: Encoding, indices: tuple[int, ...]) -> Span:
    pieces = [encoding.tokens[index] for index in indices]
    first, text = pieces[0], encoding.part_text(pieces[0].part)
    start, end = without_blanks(
        text, min(piece.start for piece in pieces), max(piece.end for piece in pieces)
    )
    written = text[slice(*written_place(text, start, end))].strip()
    label = first.text if first.special or not written else written
    return Span(label, start, end, indices, first.special, first.part)


def _pieces(encoding: Encoding, indices: Sequence[int]) -> Iterator[Span]:
    """The tokens of one word, or a special token."""
    begun = False
    for index in indices:
        token = encoding.tokens[index]
        label = _piece_label(encoding, token)
        if begun and not is_blank(encoding, token) and not label.startswith(CONTINUATION):
            label = CONTINUATION + label
        begun = begun or not is_blank(encoding, token)
        yield Span(label, token.start, token.end, (index,), token.special, token.part)


def _piece_label(encoding: Encoding, token: Token) -> str:
    """A piece as a reader can read it: letters for bytes, signs for blanks."""
    text, piece = encoding.part_text(token.part), token.text
    if token.special or piece.startswith(CONTINUATION):
        return piece
    if piece == encoding.token_text(token) and _MARKS.search(piece):
        return piece  # a letter that some tokenizers use for a mark
    spelled = _MARKS.sub(" ", piece).strip()
    if spelled and spelled.isascii() and not BYTE.fullmatch(piece):
        return spelled  # as the model reads it: lowercase, or unknown
    written = text[token.start : end_with_marks(text, token.end)]
    if spelled and written.strip():
        return written.strip()
    blanks = written if written.isspace() else " "
    runs = [(sign, len(list(run))) for sign, run in groupby(blanks, _blank_sign)]
    return "".join(sign if count == 1 else f"{sign}×{count}" for sign, count in runs)


def _blank_sign(blank: str) -> str:
    return {"\n": "↵", "\r": "↵", "\t": "⇥"}.get(blank, "▁")


def is_blank(encoding: Encoding, token: Token) -> bool:
    """Whether a token is nothing but blanks, or the mark of one."""
    written = encoding.token_text(token).strip()
    return not token.special and not (
        written and (written == token.text or _MARKS.sub("", token.text))
    )


def without_blanks(text: str, start: int, end: int) -> tuple[int, int]:
    """A place in a text without the blanks around it; one of blanks alone stays as it is."""
    content = text[start:end]
    if not content.strip():
        return start, end
    return end - len(content.lstrip()), start + len(content.rstrip())


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


def written_place(text: str, start: int, end: int) -> tuple[int, int]:
    """Where a word is written that tokens hold from one character to another.

    Without blanks around it, and with its accents and emoji selectors.
    """
    start, end = without_blanks(text, start, end)
    return start, end_with_marks(text, end)


def merge(
    scores: FloatArray, over: Sequence[Span], dtype: type[np.floating] = np.float32
) -> FloatArray:
    """Token scores added up over spans.  (T,) -> (n,)"""
    return np.array([scores[list(span.tokens)].sum() for span in over], dtype=dtype)
