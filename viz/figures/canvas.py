"""A page: a white sheet on which places are points from its top left corner.

Its size in points does not depend on the resolution.  Maps and texts are drawn by artists of our
own, for matplotlib's axes and texts take most of the time that a picture of many heads needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from viz.colors import LIGHT
from viz.figures.color_scale import Tint, strongest
from viz.figures.text.bidi import direction
from viz.figures.text.emoji import picture
from viz.figures.text.fonts import Style, runs, width
from viz.types import FloatArray

HEADING = Style(13, weight="bold")
DETAILS = Style(9)
NOTE = Style(7.5, LIGHT.muted)
MARGIN = 18
"""Points of ground left free along every edge."""
LEADING = 1.4
"""Distance of two base lines, in font sizes."""
MIDDLE = 0.36
"""Half the height of a capital letter, in font sizes."""
LINE = 0.6
"""Points of a thin line."""

Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of drawable text."""

    x: float
    y: float
    """The base line; where the text is turned, it runs upwards from here."""
    text: str
    style: Style
    align: Align
    turn: int


class Page:
    """A white page; places are points from its top left corner."""

    def __init__(self, wide: float, high: float, dpi: float) -> None:
        self.wide, self.high, self.dpi = wide, high, dpi
        dots = [(round(points * dpi / 72) + 1e-6) / dpi for points in (wide, high)]
        self.figure = Figure(figsize=(dots[0], dots[1]), dpi=dpi, facecolor=LIGHT.ground)
        FigureCanvasAgg(self.figure)
        places = Affine2D().scale(1 / 72, -1 / 72).translate(0, dots[1])
        self._places = places + self.figure.dpi_scale_trans
        self._writing = Writing()
        self._writing.set_zorder(9)
        self.figure.add_artist(self._writing)

    def text(
        self, x: float, y: float, text: str, style: Style, *, align: Align = "left", turn: int = 0
    ) -> None:
        """Set one line with its base line at `y`, or at `x` where it is turned by 90 degrees."""
        self._writing.lines.append(Line(x, y, text, style, align, turn))

    def map(self, place: "Box", values: FloatArray, tint: Tint, *, framed: bool = True) -> None:
        """Draw numbers as colours: (n, m), the first row on top."""
        self.figure.add_artist(Raster(place, values, tint))
        if framed:
            self.frame([place])

    def frame(self, places: Sequence["Box"]) -> None:
        """Draw a thin line around each place."""
        path = Path.make_compound_path(*(Path(place.corners, closed=True) for place in places))
        self._add(PathPatch(path, facecolor="none", edgecolor=LIGHT.line, linewidth=LINE))

    def box(self, x: float, y: float, wide: float, high: float, color: str) -> None:
        """Fill a rectangle."""
        self._add(Rectangle((x, y), wide, high, facecolor=color, edgecolor="none"))

    def lines(self, ends: Sequence[Sequence[tuple[float, float]]], color: str) -> None:
        """Draw thin lines, each through its points."""
        self._add(LineCollection(ends, colors=[color], linewidths=LINE))

    def curves(
        self, paths: Sequence[Path], colors: Sequence[tuple[float, ...]], wides: Sequence[float]
    ) -> None:
        """Draw curves, each in its own colour and width in points."""
        self._add(PathCollection(paths, facecolors="none", edgecolors=colors, linewidths=wides))

    def _add(self, artist: Artist) -> None:
        if isinstance(artist, LineCollection | PathCollection):
            artist.set_capstyle("butt")
        artist.set_transform(self._places)
        self.figure.add_artist(artist)


@dataclass(frozen=True, slots=True)
class Box:
    """A place on a page, in points."""

    x: float
    y: float
    wide: float
    high: float

    @property
    def corners(self) -> list[tuple[float, float]]:
        """Its outline, back to where it began."""
        right, low = self.x + self.wide, self.y + self.high
        return [(self.x, self.y), (right, self.y), (right, low), (self.x, low), (self.x, self.y)]


class Writing(Artist):
    """All texts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Line] = []

    def draw(self, renderer: Any) -> None:
        """Draw every line; emoji among them as pictures."""
        pen = _Pen(renderer, renderer.points_to_pixels(1))
        for line in self.lines:
            pen.write(line)


class _Pen:
    """Sets lines of text on a canvas of matplotlib."""

    def __init__(self, renderer: Any, scale: float) -> None:
        self.renderer, self.scale = renderer, scale
        self.high = renderer.get_canvas_width_height()[1]
        self.whole = round if scale != 1 else float  # dots have whole places, points need none
        self.contexts: dict[str, Any] = {}
        self.fitted: dict[tuple[str, Style], tuple[Style, float]] = {}

    def write(self, line: Line) -> None:
        parts = list(runs(line.text))
        if parts and direction(line.text) == "R":
            parts.reverse()
        wide = sum(self._wide(*part, line.style) for part in parts)
        back = {"left": 0.0, "center": wide / 2, "right": wide}[line.align]
        x, y = line.x * self.scale, line.y * self.scale
        for text, is_picture in parts:
            along = (x, y + back) if line.turn else (x - back, y)
            (self._paint if is_picture else self._set)(text, line, *along)
            back -= self._wide(text, is_picture, line.style)

    def _wide(self, text: str, is_picture: bool, style: Style) -> float:
        """Pixels of the canvas that a run of text takes."""
        if is_picture:
            return picture(text).wide * style.size * self.scale
        return self._fitted(text, style)[1]

    def _fitted(self, text: str, style: Style) -> tuple[Style, float]:
        """The style in which a text takes no more room than was left for it, and its pixels.

        Few dots to a letter make it up to a tenth wider than it was measured to be.
        """
        if (text, style) not in self.fitted:
            room, smaller = width(text, style) * self.scale + 1, style
            while (wide := self._measured(text, smaller)) > room and smaller.size > style.size / 2:
                smaller = replace(smaller, size=smaller.size * 0.96)
            self.fitted[text, style] = smaller, wide
        return self.fitted[text, style]

    def _measured(self, text: str, style: Style) -> float:
        size = self.renderer.get_text_width_height_descent(text, style.font(text), False)
        return float(size[0])

    def _set(self, text: str, line: Line, x: float, y: float) -> None:
        context = self.contexts.get(line.style.color)
        if context is None:
            context = self.contexts[line.style.color] = self.renderer.new_gc()
            context.set_foreground(line.style.color)
        place = y if self.renderer.flipy() else self.high - y
        font = self._fitted(text, line.style)[0].font(text)
        x, place = self.whole(x), self.whole(place)
        self.renderer.draw_text(context, x, place, text, font, line.turn, ismath=False)

    def _paint(self, text: str, line: Line, x: float, y: float) -> None:
        """Put an emoji where its text would stand."""
        drawn, size = picture(text), line.style.size * self.scale
        dense = self.renderer.get_image_magnification()
        dots = drawn.scaled(drawn.wide * size * dense, drawn.high * size * dense)
        deep = drawn.deep * size
        if line.turn:
            dots, x, y = np.rot90(dots), x - drawn.high * size + deep, y - deep
        x, low = self.whole(x), self.whole(self.high - y - deep)
        context = self.renderer.new_gc()
        self.renderer.draw_image(context, x, low, np.ascontiguousarray(dots[::-1]))
        context.restore()


class Raster(Artist):
    """Numbers as colours, each a rectangle of whole dots or the strongest of those it covers."""

    def __init__(self, place: Box, values: FloatArray, tint: Tint) -> None:
        super().__init__()
        self.place, self.values, self.tint = place, values, tint

    def draw(self, renderer: Any) -> None:
        """Draw in as many dots as the canvas has there."""
        scale, dense = renderer.points_to_pixels(1), renderer.get_image_magnification()
        unit = scale * dense
        left, top = (round(place * unit) for place in (self.place.x, self.place.y))
        wide = max(1, round((self.place.x + self.place.wide) * unit) - left)
        high = max(1, round((self.place.y + self.place.high) * unit) - top)
        canvas = renderer.get_canvas_width_height()[1]
        dots = self.dots(high, wide)
        context = renderer.new_gc()
        low = canvas - (top + high) / dense
        renderer.draw_image(context, left / dense, low, np.ascontiguousarray(dots[::-1]))
        context.restore()

    def dots(self, high: int, wide: int) -> FloatArray:
        """(high, wide, 4) colours in bytes; a dot that covers several numbers shows one of them."""
        shown = strongest(self.values, high, wide)
        colors = self.tint.colors(shown)
        rows, columns = shown.shape
        across = colors[:, np.arange(wide) * columns // wide]
        return np.asarray(across[np.arange(high) * rows // high])


def writing(figure: Figure) -> list[Line]:
    """The lines of text on a figure, in the order in which they were set."""
    return [line for item in figure.artists if isinstance(item, Writing) for line in item.lines]


def rasters(figure: Figure) -> list[Raster]:
    """The maps on a figure, colour scales included, in the order in which they were drawn."""
    return [item for item in figure.artists if isinstance(item, Raster)]
