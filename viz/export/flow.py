"""The text itself, placed on lines: every word, and what stands between the words."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from viz.export.fonts import BOX, Style, drawable, width
from viz.export.page import broken, pixels
from viz.words import Span

LONGEST_UNREAD = 400
"""Characters shown of what the model did not read."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text that is drawn in one go."""

    text: str
    span: int | None
    """Index of the span it shows; None for what no token covers."""
    spaced: bool
    """Whether white space stands before it."""
    read: bool = True


@dataclass(frozen=True, slots=True)
class Placed:
    """A piece on its line; places in pixels from the left edge of the text."""

    piece: Piece
    x: int
    line: int
    wide: int


def pieces(source: str, spans: Sequence[Span], part: int) -> list[Piece]:
    """All of a text in order: its spans, and the runs between, before and after them."""
    found: list[Piece] = []
    position = 0
    own = [(index, span) for index, span in enumerate(spans) if span.part == part]
    for index, span in own:
        found += _plain(source[position : span.start])
        text = source[max(position, span.start) : span.end]
        spaced = text[:1].isspace() or source[max(position, span.start) - 1 : span.start].isspace()
        if text.strip():
            found.append(Piece(drawable(text.strip()) or BOX, index, spaced))
        position = max(position, span.end)
    return [*found, *_unread(source[position:], bool(own))]


def _plain(text: str, read: bool = True) -> list[Piece]:
    """The runs of a text that no span covers."""
    runs = text.split()
    spaced = [text[:1].isspace(), *[True] * len(runs)]
    return [
        Piece(drawable(run), None, space, read) for run, space in zip(runs, spaced, strict=False)
    ]


def _unread(text: str, known: bool) -> list[Piece]:
    """What comes after the last span, shortened where it is long."""
    left = len(text) - LONGEST_UNREAD
    shown = text if left <= 0 else f"{text[:LONGEST_UNREAD]} … ({left:,} more characters)"
    return _plain(shown, read=not known or not text.strip())


def flow(run: Sequence[Piece], style: Style, room: int, dpi: float) -> list[Placed]:
    """Pieces on lines of `room` pixels, broken at white space and between ideographs."""
    placed: list[Placed] = []
    x = line = 0
    space, pad = pixels(style.size * 0.3, dpi), pixels(1.5, dpi)
    for group in _groups([part for piece in run for part in _fitting(piece, style, room, dpi)]):
        wides = [round(width(piece.text, style, dpi)) + 2 * pad for piece in group]
        x += space if group[0].spaced and x else 0
        if x and x + sum(wides) > room:
            x, line = 0, line + 1
        for piece, wide in zip(group, wides, strict=True):
            if x and x + wide > room:
                x, line = 0, line + 1
            placed.append(Placed(piece, x, line, wide))
            x += wide
    return placed


def _fitting(piece: Piece, style: Style, room: int, dpi: float) -> list[Piece]:
    """The piece itself, or where it is wider than a line, its parts."""
    parts = broken(piece.text, style, room - pixels(4, dpi), dpi)
    return [
        Piece(part, piece.span, piece.spaced and number == 0, piece.read)
        for number, part in enumerate(parts)
    ]


def _groups(run: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Runs of pieces that should stay on one line."""
    group = list(run[:1])
    for before, piece in pairwise(run):
        if piece.spaced or _breaks(before.text[-1:], piece.text[:1]):
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def _breaks(before: str, after: str) -> bool:
    """Whether a line may break between two characters without white space."""
    wide = all(
        unicodedata.east_asian_width(character or "a") in "WF" for character in before + after
    )
    return wide and not unicodedata.category(after or "a").startswith("P")
