"""Text broken into lines that fit."""

from viz.figures.text.fonts import Style, drawable, text_width
from viz.figures.text.graphemes import graphemes


def wrap(text: str, style: Style, max_width: float) -> list[str]:
    """Lines of `text`, made drawable, that fit `max_width` points; a word too long is broken."""
    lines: list[str] = []
    line = ""
    for word in drawable(text).split(" "):
        longer = f"{line} {word}" if line else word
        if text_width(longer, style) <= max_width:
            line = longer
            continue
        *full, line = [*([line] if line else []), *break_word(word, style, max_width)]
        lines += full
    return [*lines, line] if line else lines


def break_word(word: str, style: Style, max_width: float) -> list[str]:
    """A drawable word in pieces that fit `max_width` points; one piece where it fits."""
    parts: list[str] = graphemes(word)
    pieces: list[str] = []
    while parts:
        count = _fitting(parts, style, max_width)
        pieces.append("".join(parts[:count]))
        parts = parts[count:]
    return pieces or [word]


def _fitting(parts: list[str], style: Style, max_width: float) -> int:
    """How many characters from the first on fit; one at least."""
    width = text_width("".join(parts), style)
    if width <= max_width:
        return len(parts)
    count = max(1, min(int(len(parts) * max_width / width), len(parts)))
    while count > 1 and text_width("".join(parts[:count]), style) > max_width:
        count -= 1
    return count
