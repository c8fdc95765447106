"""What can be drawn: the fonts of this machine, and any text made fit for them.

Texts, tokens and class names are data.  `drawable` leaves only characters that some font has, so
that matplotlib neither warns nor stops; what no font has becomes a box.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from viz.colors import LIGHT

FIRST = "DejaVu Sans"
"""Comes with matplotlib."""

OTHERS = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Microsoft YaHei", "PingFang SC"),
    *("Hiragino Sans GB", "Heiti SC", "SimHei", "Noto Sans CJK JP", "Noto Sans JP", "Yu Gothic"),
    *("Noto Sans CJK KR", "Noto Sans KR", "Malgun Gothic", "Apple SD Gothic Neo"),
    *("Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Bengali"),
    *("Noto Sans Tamil", "Noto Sans Thai", "Nirmala UI", "Leelawadee UI", "Arial Unicode MS"),
    *("Noto Emoji", "Segoe UI Symbol", "Symbola", "FreeSans", "Unifont"),
)
"""Tried in this order for what the first font lacks, where they are installed."""

BOX = "□"
NO_BREAK = "\u00a0"
REPLACEMENT = "\ufffd"
LONGEST_LABEL = 24

Weight = Literal["normal", "bold"]


_Renderer: Any = RendererAgg  # matplotlib says nothing of its types


@dataclass(frozen=True, slots=True)
class Style:
    """How a text is set."""

    size: float
    """In points."""
    color: str = LIGHT.ink
    weight: Weight = "normal"

    @property
    def font(self) -> FontProperties:
        """The fonts of this machine in this size and weight."""
        return FontProperties(family=list(families()), size=self.size, weight=self.weight)


@cache
def families() -> tuple[str, ...]:
    """The fonts to draw with, in order; only those that are installed."""
    installed = {entry.name for entry in fontManager.ttflist}
    return (FIRST, *(name for name in OTHERS if name in installed))


def drawable(text: str) -> str:
    """`text` as one line of characters that can be drawn; what no font has becomes a box."""
    return "".join(_drawable_character(character) for character in text)


def label(text: str) -> str:
    """`text` made drawable and, where it is long, shortened with an ellipsis."""
    shown = drawable(text).strip() or BOX
    return shown if len(shown) <= LONGEST_LABEL else f"{shown[: LONGEST_LABEL - 1]}…"


def width(text: str, style: Style, dpi: float) -> float:
    """Pixels that a drawable text takes in its direction of reading."""
    renderer: Any = _Renderer(1, 1, dpi)
    return float(renderer.get_text_width_height_descent(text, style.font, False)[0])


@lru_cache(maxsize=20_000)
def _drawable_character(character: str) -> str:
    if character.isspace():
        return NO_BREAK if character in (NO_BREAK, "\u202f") else " "
    category = unicodedata.category(character)
    if category in ("Cc", "Cs"):
        return REPLACEMENT
    # Invisible marks could turn the direction of the whole line; no picture needs them.
    if category == "Cf" or "\ufe00" <= character <= "\ufe0f":
        return ""
    return character if _has_glyph(character) else BOX


def _has_glyph(character: str) -> bool:
    """Whether some font has the character, in both weights."""
    return all(
        any(get_font(path).get_char_index(ord(character)) for path in _paths(weight))
        for weight in ("normal", "bold")
    )


@cache
def _paths(weight: Weight) -> tuple[str, ...]:
    properties = (FontProperties(family=name, weight=weight) for name in families())
    return tuple(findfont(font) for font in properties)
