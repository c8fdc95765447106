"""A formula in LaTeX, set by matplotlib's mathtext: on a canvas, or as a picture inside a page."""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from matplotlib.artist import Artist
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.mathtext import MathTextParser
from matplotlib.textpath import TextPath

from viz.figures.text.fonts import BOX

FONT = "stix"
"""The letters of all formulas; they come with matplotlib."""
PADDING = 1.0
"""Points around the outline of a formula in a page."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula in a size that is known before it is drawn."""

    latex: str
    size: float
    """Points."""

    @property
    def width(self) -> float:
        """Points."""
        return _extent(self.latex, self.size)[0]

    @property
    def height(self) -> float:
        """Points from its top down to its base line."""
        _, height, depth = _extent(self.latex, self.size)
        return height - depth

    @property
    def depth(self) -> float:
        """Points from its base line to its foot."""
        return _extent(self.latex, self.size)[2]

    def fitted(self, max_width: float) -> "Formula":
        """The same, smaller where it would be wider than `max_width` points."""
        if self.width <= max_width:
            return self
        return Formula(self.latex, self.size * max_width / self.width)


class FormulaArtist(Artist):
    """A formula on a canvas, its base line at `y` points from the top."""

    def __init__(self, x: float, y: float, formula: Formula, color: str) -> None:
        super().__init__()
        self.x, self.y, self.formula, self.color = x, y, formula, color

    def draw(self, renderer: Any) -> None:
        """Draw it."""
        scale = renderer.points_to_pixels(1)
        height = renderer.get_canvas_width_height()[1]
        context = renderer.new_gc()
        context.set_foreground(self.color)
        y = self.y * scale if renderer.flipy() else height - self.y * scale
        font = _font(self.formula.size)
        renderer.draw_text(
            context, self.x * scale, y, _math(self.formula.latex), font, 0, ismath=True
        )
        context.restore()


def formula_outline(latex: str, size: float = 16) -> dict[str, object]:
    """A formula as a path of SVG, for a page that has no KaTeX.

    Returns:
        `latex`; `path`, whose y axis points upwards from the base line; `box`, the left, the top,
        the width and the height of what is seen, as `viewBox` takes them.
    """
    outline = TextPath((0, 0), _math(latex), prop=_font(size))
    box = outline.get_extents()
    return {
        "latex": latex,
        "path": _commands(outline),
        "box": [
            round(place, 2)
            for place in (
                box.x0 - PADDING,
                -box.y1 - PADDING,
                box.width + 2 * PADDING,
                box.height + 2 * PADDING,
            )
        ],
    }


def _commands(outline: TextPath) -> str:
    """A path of matplotlib as the commands of SVG."""
    letters = {1: "M", 2: "L", 3: "Q", 4: "C"}
    parts = []
    for points, code in outline.iter_segments(curves=True, simplify=False):
        if code == outline.CLOSEPOLY:
            parts.append("Z")
        else:
            parts.append(letters[int(code)] + " ".join(f"{place:.2f}" for place in points))
    return "".join(parts)


@lru_cache(maxsize=2000)
def _extent(latex: str, size: float) -> tuple[float, float, float]:
    """Width, whole height and depth in points."""
    parser: Any = MathTextParser("path")
    width, height, depth, *_ = parser.parse(_math(latex), 72, _font(size))
    return float(width), float(height), float(depth)


def _font(size: float) -> FontProperties:
    return FontProperties(size=size, math_fontfamily=FONT)


def _math(latex: str) -> str:
    """What mathtext takes; a character that its fonts lack becomes a box."""
    shown = "".join(c if c.isascii() or _has_glyph(c) else BOX for c in latex)
    return f"${shown}$"


@cache
def _has_glyph(character: str) -> bool:
    file: Any = findfont(FontProperties(family="STIXGeneral"))
    return bool(get_font(file).get_char_index(ord(character)))
