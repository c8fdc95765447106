"""The order of words on a line of a text that is read from right to left.

The Unicode bidirectional algorithm (UAX 9), applied to whole words: within one, libraqm does it.
"""

import unicodedata
from collections.abc import Sequence
from itertools import groupby
from typing import Literal

Direction = Literal["L", "R"]
RIGHT = "\u200f"
"""Right-to-left mark: turns and mirrors the signs behind it."""


def direction(text: str) -> Direction:
    """The direction in which a text is read: that of its first letter; L where it has none."""
    return _strong(text) or "L"


def levels(words: Sequence[str], base: Direction) -> list[int]:
    """The embedding level of each word, even from left to right and odd from right to left.

    Args:
        words: In reading order; blanks between them may be words of their own.
        base: The direction of the paragraph.
    """
    outer = int(base == "R")
    # L or R by the first letter, N for a number, else a blank or sign.
    kinds = [_strong(word) or ("N" if any(map(str.isdigit, word)) else " ") for word in words]
    return [_level(kind, outer) for kind in _resolved(kinds, base)]


def visual(levels: Sequence[int]) -> list[int]:
    """The indices of the words of one line from left to right, given their levels."""
    order = list(range(len(levels)))
    for level in range(max(levels, default=0), 0, -1):
        runs = groupby(order, key=lambda index, level=level: levels[index] >= level)  # type: ignore[misc]
        order = [index for high, run in runs for index in (reversed([*run]) if high else run)]
    return order


def _strong(text: str) -> Direction | None:
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in ("L", "R", "AL"):
            return "L" if kind == "L" else "R"
    return None


def _resolved(kinds: Sequence[str], base: Direction) -> list[str]:
    """Numbers behind left-to-right words are such words; signs take the side they agree on."""
    last: str = base
    resolved: list[str] = []
    for kind in kinds:
        last = kind if kind in "LR" else last
        resolved.append("L" if kind == "N" and last == "L" else kind)
    return [
        _sided(resolved, index, base) if kind == " " else kind
        for index, kind in enumerate(resolved)
    ]


def _sided(kinds: Sequence[str], index: int, base: Direction) -> str:
    """What a blank or sign takes from its neighbors; numbers count as right-to-left."""
    before = next((kind for kind in reversed(kinds[:index]) if kind != " "), base)
    after = next((kind for kind in kinds[index + 1 :] if kind != " "), base)
    sides = {"R" if kind == "N" else kind for kind in (before, after)}
    return sides.pop() if len(sides) == 1 else base


def _level(kind: str, outer: int) -> int:
    if kind == "N":
        return 2
    if kind == "R":
        return 1
    return 2 if outer else 0
