"""What can be drawn: the fonts of this machine, and any text made fit for them.

Texts, tokens and class names are data.  `drawable` leaves only what some font can draw, so that
matplotlib neither warns nor stops; what no font has becomes a box, and `scripts` says
which font would draw it.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import (
    FontProperties,
    findfont,
    findSystemFonts,
    fontManager,
    get_font,
)

from viz.colors import LIGHT
from viz.figures.text.emoji import picture, pictured
from viz.figures.text.graphemes import JOINERS, graphemes, invisible

FIRST = "DejaVu Sans"
"""Comes with matplotlib."""

OTHERS = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Microsoft YaHei", "PingFang SC"),
    *("Hiragino Sans GB", "Heiti SC", "SimHei", "Noto Sans CJK JP", "Noto Sans JP", "Yu Gothic"),
    *("Noto Sans CJK KR", "Noto Sans KR", "Malgun Gothic", "Apple SD Gothic Neo"),
    *("Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Tamil", "Noto Sans Thai"),
    *("Nirmala UI", "Leelawadee UI", "Kohinoor Devanagari", "Thonburi", "Arial Unicode MS"),
    *("Noto Emoji", "Segoe UI Symbol", "Symbola", "FreeSans", "Unifont"),
)
"""Tried in this order for what the first font lacks, then every other Noto Sans."""

BOX = "□"
NO_BREAK = "\u00a0"
REPLACEMENT = "\ufffd"
MAX_LABEL_CHARS = 24
"""Characters, as a reader counts them, of a label."""
DOTTED = "\u25cc"
"""Carries a mark that has no letter of its own."""
MEASURING_DPI = 150
"""Dots per inch at which widths are measured, whatever the resolution of the picture."""

Weight = Literal["normal", "bold"]


_Renderer: Any = RendererAgg  # matplotlib says nothing of its types


@dataclass(frozen=True, slots=True)
class Style:
    """How a text is set."""

    size: float
    """In points."""
    color: str = LIGHT.ink
    weight: Weight = "normal"

    def font(self, text: str) -> FontProperties:
        """The fonts that draw a text in this size and weight."""
        return _properties(self.size, self.weight, _needed(text, self.weight))


@lru_cache(maxsize=500)
def _properties(size: float, weight: Weight, names: tuple[str, ...]) -> FontProperties:
    return FontProperties(family=list(names), size=size, weight=weight)


@lru_cache(maxsize=20_000)
def _needed(text: str, weight: Weight) -> tuple[str, ...]:
    """The first font, and those of the others that a text needs: few are quick to lay out."""
    homes = {_home(character, weight) for character in text}
    return (FIRST, *(name for name in families()[1:] if name in homes))


def font_files(text: str, style: Style) -> tuple[Any, ...]:
    """The files of the fonts that draw a text; each knows its `face_index` in a collection."""
    return tuple(_path(name, style.weight) for name in _needed(text, style.weight))


@cache
def families() -> tuple[str, ...]:
    """The fonts to draw with, in order; only those that are installed."""
    _add_new_fonts()
    installed = {entry.name for entry in fontManager.ttflist}
    preferred = [name for name in OTHERS if name in installed]
    others = sorted(name for name in installed - {*preferred} if name.startswith("Noto Sans "))
    return (FIRST, *preferred, *others)


def _add_new_fonts() -> None:
    """Make fonts known that were installed after matplotlib last made its list."""
    known = {Path(entry.fname) for entry in fontManager.ttflist}
    for file in findSystemFonts():
        name = Path(file).name
        if Path(file) not in known and "Emoji" not in name and name.startswith("Noto"):
            _add(file)


def _add(file: str) -> None:
    try:
        fontManager.addfont(file)
    except (OSError, RuntimeError, ValueError):  # a broken font is as good as none
        return


def drawable(text: str) -> str:
    """`text` as one line that can be drawn; a character that no font has becomes a box."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_drawable_grapheme, graphemes(text)))


def label(text: str, most: int = MAX_LABEL_CHARS) -> str:
    """`text` made drawable, and shortened with an ellipsis beyond `most` characters.

    What cannot be seen is named by its code, as in `U+200D`.
    """
    shown = drawable(text).strip()
    if not shown.strip(JOINERS):
        return " ".join(f"U+{ord(character):04X}" for character in text[:2]) or BOX
    if unicodedata.category(shown[0])[0] == "M":
        shown = DOTTED + shown
    if len(shown) <= most:
        return shown
    parts = graphemes(shown)
    longer = len(parts) > most
    return f"{''.join(parts[: most - 1])}…" if longer else shown


def runs(text: str) -> Iterator[tuple[str, bool]]:
    """A drawable text in stretches, and whether each is one emoji that is drawn as a picture."""
    plain = ""
    for grapheme in (text,) if text.isascii() else graphemes(text):
        if not pictured(grapheme):
            plain += grapheme
            continue
        if plain:
            yield plain, False
        yield grapheme, True
        plain = ""
    if plain:
        yield plain, False


@lru_cache(maxsize=20_000)
def text_width(text: str, style: Style) -> float:
    """Points that a drawable text takes along its line."""
    return sum(
        picture(part).width * style.size if is_picture else _plain_width(part, style)
        for part, is_picture in runs(text)
    )


def _plain_width(text: str, style: Style) -> float:
    renderer: Any = _Renderer(1, 1, MEASURING_DPI)
    pixels = renderer.get_text_width_height_descent(text, style.font(text), False)[0]
    return float(pixels) * 72 / MEASURING_DPI


@lru_cache(maxsize=20_000)
def _drawable_grapheme(grapheme: str) -> str:
    """One character with its marks; a box where any of it cannot be drawn."""
    if pictured(grapheme):
        return grapheme
    plain = "".join(map(_plain_character, grapheme))
    return plain if all(map(has_glyph, plain)) else BOX


def _plain_character(character: str) -> str:
    if character.isspace():
        return NO_BREAK if character in (NO_BREAK, "\u202f") else " "
    if unicodedata.category(character) in ("Cc", "Cs"):
        return REPLACEMENT
    return "" if invisible(character) else character


@lru_cache(maxsize=20_000)
def has_glyph(character: str) -> bool:
    """Whether some font has the character, in both weights."""
    return all(_home(character, weight) is not None for weight in ("normal", "bold"))


@lru_cache(maxsize=20_000)
def _home(character: str, weight: Weight) -> str | None:
    """The first font that has the character."""
    code = ord(character)
    return next((f for f in families() if get_font(_path(f, weight)).get_char_index(code)), None)


@cache
def _path(family: str, weight: Weight) -> Any:
    return findfont(FontProperties(family=family, weight=weight))
