"""Text broken into lines that fit."""

from viz.figures.text.fonts import Style, drawable, text_width
from viz.figures.text.graphemes import graphemes


def wrap(text: str, style: Style, room: float) -> list[str]:
    """Lines of `text`, made drawable, that fit `room` points; a word too long is broken."""
    lines: list[str] = []
    line = ""
    for word in drawable(text).split(" "):
        longer = f"{line} {word}" if line else word
        if text_width(longer, style) <= room:
            line = longer
            continue
        *full, line = [*([line] if line else []), *broken(word, style, room)]
        lines += full
    return [*lines, line] if line else lines


def broken(word: str, style: Style, room: float) -> list[str]:
    """A drawable word in pieces that fit `room` points; one piece where it fits."""
    parts: list[str] = graphemes(word)
    pieces: list[str] = []
    while parts:
        count = _fitting(parts, style, room)
        pieces.append("".join(parts[:count]))
        parts = parts[count:]
    return pieces or [word]


def _fitting(parts: list[str], style: Style, room: float) -> int:
    """How many characters from the first on fit; one at least."""
    width = text_width("".join(parts), style)
    if width <= room:
        return len(parts)
    count = max(1, min(int(len(parts) * room / width), len(parts)))
    while count > 1 and text_width("".join(parts[:count]), style) > room:
        count -= 1
    return count
