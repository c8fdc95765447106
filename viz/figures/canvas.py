"""A canvas: a white page on which places are points from its top left corner.

Its size in points does not depend on the resolution.  Maps and texts are drawn by artists of our
own, for matplotlib's axes and texts take most of the time that a picture of many heads needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.transforms import Affine2D
from PIL import Image

from finetune.checkpoint.arrays import FloatArray
from viz.colors import LIGHT
from viz.figures.color_scale import ColorScale
from viz.figures.formula import Formula, FormulaArtist
from viz.figures.raster import Box, Raster
from viz.figures.text.bidi import direction
from viz.figures.text.emoji import picture
from viz.figures.text.fonts import Style, runs, text_width
from viz.types import BoolArray

HEADING = Style(13, weight="bold")
DETAILS = Style(9)
NOTE = Style(7.5, LIGHT.muted)
MARGIN = 18
"""Points of ground left free along every edge."""
LEADING = 1.4
"""Distance of two base lines, in font sizes."""
HALF_CAP_HEIGHT = 0.36
"""Half the height of a capital letter, in font sizes."""
LINE = 0.6
"""Points of a thin line."""

Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of drawable text."""

    x: float
    y: float
    """The base line; where the text is turned, it runs upwards from here."""
    text: str
    style: Style
    align: Align
    turn: int


class ShownFigure(Figure):
    """A figure that a notebook shows, with or without pyplot."""

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


class Canvas:
    """A white page; places are points from its top left corner."""

    def __init__(self, width: float, height: float, dpi: float) -> None:
        self.width, self.height, self.dpi = width, height, dpi
        dots = [(round(points * dpi / 72) + 1e-6) / dpi for points in (width, height)]
        self.figure = ShownFigure(figsize=(dots[0], dots[1]), dpi=dpi, facecolor=LIGHT.ground)
        FigureCanvasAgg(self.figure)
        places = Affine2D().scale(1 / 72, -1 / 72).translate(0, dots[1])
        self._places = places + self.figure.dpi_scale_trans
        self._text_layer = TextLayer()
        self._text_layer.set_zorder(9)
        self.figure.add_artist(self._text_layer)

    def text(
        self, x: float, y: float, text: str, style: Style, *, align: Align = "left", turn: int = 0
    ) -> None:
        """Set one line with its base line at `y`, or at `x` where it is turned by 90 degrees."""
        self._text_layer.lines.append(TextLine(x, y, text, style, align, turn))

    def formula(self, x: float, y: float, formula: Formula, color: str = LIGHT.ink) -> None:
        """Set a formula from `x` on, its base line at `y`."""
        self.figure.add_artist(FormulaArtist(x, y, formula, color))

    def map(
        self,
        place: Box,
        values: FloatArray,
        color_scale: ColorScale,
        *,
        framed: bool = True,
        impossible: BoolArray | None = None,
    ) -> None:
        """Draw numbers as colors: (n, m), the first row on top; what is impossible as a hatch."""
        self.figure.add_artist(Raster(place, values, color_scale, impossible))
        if framed:
            self.frame([place])

    def frame(self, places: Sequence[Box]) -> None:
        """Draw a thin line around each place."""
        path = Path.make_compound_path(*(Path(place.corners, closed=True) for place in places))
        self._add(PathPatch(path, facecolor="none", edgecolor=LIGHT.line, linewidth=LINE))

    def box(self, x: float, y: float, width: float, height: float, color: str) -> None:
        """Fill a rectangle."""
        self._add(Rectangle((x, y), width, height, facecolor=color, edgecolor="none"))

    def lines(self, ends: Sequence[Sequence[tuple[float, float]]], color: str) -> None:
        """Draw thin lines, each through its points."""
        self._add(LineCollection(ends, colors=[color], linewidths=LINE))

    def picture(self, place: Box, image: Image.Image) -> None:
        """Put a picture into a place, in as many dots as the canvas has there."""
        self.figure.add_artist(_Photo(place, image))

    def curves(
        self, paths: Sequence[Path], colors: Sequence[tuple[float, ...]], widths: Sequence[float]
    ) -> None:
        """Draw curves, each in its own color and width in points."""
        self._add(PathCollection(paths, facecolors="none", edgecolors=colors, linewidths=widths))

    def _add(self, artist: Artist) -> None:
        if isinstance(artist, LineCollection | PathCollection):
            artist.set_capstyle("butt")
        artist.set_transform(self._places)
        self.figure.add_artist(artist)


class _Photo(Artist):
    """A picture made of dots."""

    def __init__(self, place: Box, image: Image.Image) -> None:
        super().__init__()
        self.place, self.image = place, image

    def draw(self, renderer: Any) -> None:
        """Draw it in the dots that the canvas has there."""
        scale, dense = renderer.points_to_pixels(1), renderer.get_image_magnification()
        width, height = (
            max(1, round(side * scale * dense)) for side in (self.place.width, self.place.height)
        )
        dots = self.image.convert("RGBA").resize((width, height), Image.Resampling.LANCZOS)
        x, bottom = self.place.x * scale, (self.place.y + self.place.height) * scale
        low = renderer.get_canvas_width_height()[1] - bottom
        context = renderer.new_gc()
        renderer.draw_image(context, x, low, np.ascontiguousarray(np.asarray(dots)[::-1]))
        context.restore()


class TextLayer(Artist):
    """All texts of a canvas."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[TextLine] = []

    def draw(self, renderer: Any) -> None:
        """Draw every line; emoji among them as pictures."""
        pen = _TextPainter(renderer, renderer.points_to_pixels(1))
        for line in self.lines:
            pen.write(line)


class _TextPainter:
    """Sets lines of text on a canvas of matplotlib."""

    def __init__(self, renderer: Any, scale: float) -> None:
        self.renderer, self.scale = renderer, scale
        self.height = renderer.get_canvas_width_height()[1]
        self.whole = round if scale != 1 else float  # dots have whole places, points need none
        self.contexts: dict[str, Any] = {}
        self.fitted: dict[tuple[str, Style], tuple[Style, float]] = {}

    def write(self, line: TextLine) -> None:
        parts = list(runs(line.text))
        if parts and direction(line.text) == "R":
            parts.reverse()
        width = sum(self._run_width(*part, line.style) for part in parts)
        back = {"left": 0.0, "center": width / 2, "right": width}[line.align]
        x, y = line.x * self.scale, line.y * self.scale
        for text, is_picture in parts:
            along = (x, y + back) if line.turn else (x - back, y)
            (self._paint if is_picture else self._set)(text, line, *along)
            back -= self._run_width(text, is_picture, line.style)

    def _run_width(self, text: str, is_picture: bool, style: Style) -> float:
        """Pixels of the canvas that a run of text takes."""
        if is_picture:
            return picture(text).width * style.size * self.scale
        return self._fitted(text, style)[1]

    def _fitted(self, text: str, style: Style) -> tuple[Style, float]:
        """The style in which a text takes no more room than was left for it, and its pixels.

        Few dots to a letter make it up to a tenth wider than it was measured to be.
        """
        if (text, style) not in self.fitted:
            max_width, smaller = text_width(text, style) * self.scale + 1, style
            while (
                width := self._measured(text, smaller)
            ) > max_width and smaller.size > style.size / 2:
                smaller = replace(smaller, size=smaller.size * 0.96)
            self.fitted[text, style] = smaller, width
        return self.fitted[text, style]

    def _measured(self, text: str, style: Style) -> float:
        size = self.renderer.get_text_width_height_descent(text, style.font(text), False)
        return float(size[0])

    def _set(self, text: str, line: TextLine, x: float, y: float) -> None:
        context = self.contexts.get(line.style.color)
        if context is None:
            context = self.contexts[line.style.color] = self.renderer.new_gc()
            context.set_foreground(line.style.color)
        place = y if self.renderer.flipy() else self.height - y
        font = self._fitted(text, line.style)[0].font(text)
        x, place = self.whole(x), self.whole(place)
        self.renderer.draw_text(context, x, place, text, font, line.turn, ismath=False)

    def _paint(self, text: str, line: TextLine, x: float, y: float) -> None:
        """Put an emoji where its text would stand."""
        drawn, size = picture(text), line.style.size * self.scale
        dense = self.renderer.get_image_magnification()
        dots = drawn.scaled(drawn.width * size * dense, drawn.height * size * dense)
        descent = drawn.descent * size
        if line.turn:
            dots, x, y = np.rot90(dots), x - drawn.height * size + descent, y - descent
        x, low = self.whole(x), self.whole(self.height - y - descent)
        context = self.renderer.new_gc()
        self.renderer.draw_image(context, x, low, np.ascontiguousarray(dots[::-1]))
        context.restore()


def text_lines(figure: Figure) -> list[TextLine]:
    """The lines of text on a figure, in the order in which they were set."""
    return [line for item in figure.artists if isinstance(item, TextLayer) for line in item.lines]


def rasters(figure: Figure) -> list[Raster]:
    """The maps on a figure, color scales included, in the order in which they were drawn."""
    return [item for item in figure.artists if isinstance(item, Raster)]
