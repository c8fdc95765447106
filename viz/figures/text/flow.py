"""The text itself, placed on lines: every word, and what stands between the words.

In a paragraph that is read from right to left, words stand from right to left too.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from viz.attention.words import Span
from viz.figures.text.bidi import RIGHT, Direction, direction, levels, visual
from viz.figures.text.fonts import Style, drawable, text_width
from viz.figures.text.graphemes import graphemes
from viz.figures.text.line_wrap import break_word

MAX_UNREAD_CHARS = 400
"""Shown of what the model did not read."""
PAD = 1.5
"""Points left free at both sides of a piece."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text that is drawn in one go."""

    text: str
    spans: tuple[int, ...]
    """Indices of the spans it shows, several where they share a character; empty for what no token
    covers."""
    spaced: bool
    """Whether white space stands before it."""
    read: bool = True


@dataclass(frozen=True, slots=True)
class Placed:
    """A piece on its line; places in points from the left edge of the text."""

    piece: Piece
    x: float
    line: int
    width: float


def pieces(source: str, spans: Sequence[Span], part: int) -> list[Piece]:
    """All of a text in order: its spans, and the runs between, before and after them.

    A mark, a skin tone or a joined emoji stays with what it belongs to, whichever token read it.
    """
    result: list[Piece] = []
    position = 0
    inside = _places_inside(source)
    own = [(index, span) for index, span in enumerate(spans) if span.part == part]
    for index, span in own:
        start = max(position, span.start)
        end = span.end
        while end in inside:
            end += 1
        if span.start < position and end <= position and result and result[-1].spans:
            result[-1] = replace(result[-1], spans=(*result[-1].spans, index))
            continue
        result += _plain(source[position:start])
        text = source[start:end]
        spaced = text[:1].isspace() or source[max(start - 1, 0) : start].isspace()
        if text.strip():
            result.append(Piece(drawable(text.strip()), (index,), spaced))
        position = max(position, end)
    return [*result, *_unread(source[position:], bool(own))]


def _places_inside(source: str) -> frozenset[int]:
    """Places inside a character as a reader counts them, where no piece may end."""
    if source.isascii():
        return frozenset()
    inside: list[int] = []
    position = 0
    for grapheme in graphemes(source):
        inside += range(position + 1, position + len(grapheme))
        position += len(grapheme)
    return frozenset(inside)


def _plain(text: str, read: bool = True) -> list[Piece]:
    """The runs of a text that no span covers."""
    runs = text.split()
    spaced = [text[:1].isspace(), *[True] * len(runs)]
    drawn = [(drawable(run), space) for run, space in zip(runs, spaced, strict=False)]
    return [Piece(run, (), space, read) for run, space in drawn if run]


def _unread(text: str, is_partly_read: bool) -> list[Piece]:
    """What comes after the last span, shortened where it is long."""
    left = len(text) - MAX_UNREAD_CHARS
    shown = text if left <= 0 else f"{text[:MAX_UNREAD_CHARS]} … ({left:,} more characters)"
    return _plain(shown, read=not is_partly_read or not text.strip())


def flow(run: Sequence[Piece], style: Style, max_width: float) -> list[Placed]:
    """Pieces on lines of `max_width` points, broken at white space and between ideographs."""
    base = direction(" ".join(piece.text for piece in run))
    placed: list[Placed] = []
    for number, line in enumerate(_lines(run, style, max_width)):
        placed += _placed(line, style, max_width, number, base)
    return placed


def _lines(run: Sequence[Piece], style: Style, max_width: float) -> Iterator[list[Piece]]:
    """The pieces of each line, in reading order."""
    line: list[Piece] = []
    x = 0.0
    for group in _groups([part for piece in run for part in _fitting(piece, style, max_width)]):
        space = style.size * 0.3 if group[0].spaced and line else 0.0
        if line and x + space + sum(_piece_width(piece, style) for piece in group) > max_width:
            yield line
            line, x, space = [], 0.0, 0.0
        x += space
        for piece in group:
            if line and x + _piece_width(piece, style) > max_width:
                yield line
                line, x = [], 0.0
            line.append(piece)
            x += _piece_width(piece, style)
    if line:
        yield line


def _placed(
    line: Sequence[Piece], style: Style, max_width: float, number: int, base: Direction
) -> Iterator[Placed]:
    """One line, its words in the order in which they are seen, against the side they start at."""
    items: list[Piece | None] = []
    for piece in line:
        items += [None, piece] if piece.spaced and items else [piece]
    words = [" " if item is None else item.text for item in items]
    depths = levels(words, base)
    widths = [style.size * 0.3 if item is None else _piece_width(item, style) for item in items]
    x = max_width - sum(widths) if base == "R" else 0.0
    for index in visual(depths):
        item = items[index]
        if item is not None:
            shown = replace(item, text=RIGHT + item.text) if depths[index] % 2 else item
            yield Placed(shown, x, number, widths[index])
        x += widths[index]


def _piece_width(piece: Piece, style: Style) -> float:
    return text_width(piece.text, style) + 2 * PAD


def _fitting(piece: Piece, style: Style, max_width: float) -> list[Piece]:
    """The piece itself, or where it is wider than a line, its parts."""
    parts = break_word(piece.text, style, max_width - 4)
    return [
        replace(piece, text=part, spaced=piece.spaced and number == 0)
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
    ideographs = all(
        unicodedata.east_asian_width(character or "a") in "WF" for character in before + after
    )
    return ideographs and not unicodedata.category(after or "a").startswith("P")
