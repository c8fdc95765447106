"""A page laid out in whole pixels, its title block, its colour scale, and the way to PNG."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from io import BytesIO
from typing import Any, Literal, ParamSpec

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from PIL import Image

from viz.attribution.wording import verdict
from viz.colors import LIGHT
from viz.export.fonts import NO_BREAK, Style, drawable, width
from viz.types import Reading
from viz.words import AttentionView

HEADING = Style(13, weight="bold")
DETAILS = Style(9)
NOTE = Style(7.5, LIGHT.muted)
MARGIN = 18
"""Points of ground left free along every edge."""
LEADING = 1.4
"""Distance of two base lines, in font sizes."""
MIDDLE = 0.36
"""Half the height of a capital letter, in font sizes."""

Align = Literal["left", "center", "right"]
P = ParamSpec("P")


def pixels(points: float, dpi: float) -> int:
    """Whole pixels in so many points."""
    return round(points * dpi / 72)


class Page:
    """A white page; places are pixels from its top left corner."""

    def __init__(self, wide: int, high: int, dpi: float) -> None:
        self.wide, self.high, self.dpi = wide, high, dpi
        inches = ((wide + 1e-6) / dpi, (high + 1e-6) / dpi)
        self.figure = Figure(figsize=inches, dpi=dpi, facecolor=LIGHT.ground)
        FigureCanvasAgg(self.figure)
        self._ground = self.axes(0, 0, wide, high)
        self._ground.set(xlim=(0, wide), ylim=(high, 0))
        self._ground.set_axis_off()

    def axes(self, x: int, y: int, wide: int, high: int) -> Axes:
        """Axes without ticks that cover exactly these pixels, framed by a thin line."""
        place = (x / self.wide, 1 - (y + high) / self.high, wide / self.wide, high / self.high)
        axes = self.figure.add_axes(place, xticks=[], yticks=[])
        for side in axes.spines.values():
            side.set(color=LIGHT.line, linewidth=0.6)
        return axes

    def text(
        self, x: float, y: float, text: str, style: Style, *, align: Align = "left", turn: int = 0
    ) -> None:
        """Set one line with its base line at `y`, or at `x` where it is turned by 90 degrees."""
        self._ground.text(
            x,
            y,
            text,
            color=style.color,
            fontproperties=style.font,
            horizontalalignment=align,
            verticalalignment="baseline",
            rotation=turn,
            rotation_mode="anchor",
            parse_math=False,
        )

    def box(self, x: float, y: float, wide: float, high: float, color: str) -> None:
        """Fill a rectangle."""
        self._ground.add_patch(Rectangle((x, y), wide, high, facecolor=color, edgecolor="none"))

    def line(self, xs: Sequence[float], ys: Sequence[float], color: str = LIGHT.muted) -> None:
        """Draw a thin line."""
        self._ground.add_line(Line2D(xs, ys, color=color, linewidth=0.6))


def png(figure: Figure) -> bytes:
    """The figure as an opaque PNG at its own resolution."""
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    buffer = BytesIO()
    image.save(buffer, "PNG", dpi=(figure.dpi, figure.dpi), compress_level=5)
    return buffer.getvalue()


def as_png(draw: Callable[P, Figure]) -> Callable[P, bytes]:
    """The function that draws as `draw` does, with the same arguments, and returns a PNG."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> bytes:
        return png(draw(*args, **kwargs))

    return drawn


@dataclass(frozen=True, slots=True)
class Title:
    """The lines above a picture: what was predicted, what is shown, what a reader must know."""

    lines: tuple[tuple[str, Style], ...]
    dpi: float

    @property
    def height(self) -> int:
        """Pixels the lines take, a gap below them included."""
        return sum(self._step(style) for _, style in self.lines) + pixels(10, self.dpi)

    def _step(self, style: Style) -> int:
        return pixels(style.size * LEADING, self.dpi)

    def draw(self, page: Page) -> None:
        """Set the lines into the top left corner of the page."""
        x = y = pixels(MARGIN, self.dpi)
        for text, style in self.lines:
            page.text(x, y + pixels(style.size, self.dpi), text, style)
            y += self._step(style)


def title(
    reading: Reading, shown: Sequence[str], notes: Sequence[str], *, room: int, dpi: float
) -> Title:
    """The title block of a picture, wrapped to `room` pixels.

    Args:
        reading: Whose class, probability and checkpoint are stated.
        shown: What the picture shows, in a few words each.
        notes: Sentences for the reader, in small print.
        room: Width of the picture.
        dpi: Pixels per inch.
    """
    names, probability = verdict(reading.prediction)
    heading = f"{names}  {probability.replace(' %', NO_BREAK + '%')}"
    details = " · ".join((*shown, reading.checkpoint))
    texts = ((heading, HEADING), (details, DETAILS), (" ".join((*notes, *_cut(reading))), NOTE))
    lines = [(line, style) for text, style in texts for line in wrap(text, style, room, dpi)]
    return Title(tuple(lines), dpi)


def _cut(reading: Reading) -> tuple[str, ...]:
    count = reading.encoding.n_unseen
    what = "1 token was" if count == 1 else f"{count:,} tokens were"
    return (f"The text is cut: {what} not read.",) if count else ()


def _whole_percent(share: float) -> str:
    """A share in percent, with a space before the sign at which no line breaks."""
    return f"{100 * share:.0f}{NO_BREAK}%"


def removed_note(view: AttentionView) -> tuple[str, ...]:
    """A sentence on the weight that went with the special tokens; none where they are shown."""
    if any(span.special for span in view.spans) or not view.removed.any():
        return ()
    share = _whole_percent(float(view.removed.mean()))
    return (
        f"Special tokens are removed: on average {share} of a row's weight went with them, "
        "and the rows are scaled back to a sum of 1.",
    )


def wrap(text: str, style: Style, room: float, dpi: float) -> list[str]:
    """Lines of `text`, made drawable, that fit `room` pixels; a word too long is broken."""
    lines: list[str] = []
    line = ""
    for word in drawable(text).split(" "):
        longer = f"{line} {word}" if line else word
        if width(longer, style, dpi) <= room:
            line = longer
            continue
        *full, line = [*([line] if line else []), *broken(word, style, room, dpi)]
        lines += full
    return [*lines, line] if line else lines


def broken(word: str, style: Style, room: float, dpi: float) -> list[str]:
    """A drawable word in pieces that fit `room` pixels; one piece where it fits."""
    count = max(1, int(len(word) * room / max(width(word, style, dpi), 1)))
    if count >= len(word):
        return [word]
    while count > 1 and width(word[:count], style, dpi) > room:
        count -= 1
    return [word[:count], *broken(word[count:], style, room, dpi)]


def color_scale(page: Page, x: int, y: int, high: int, colormap: Colormap, norm: Normalize) -> None:
    """An upright colour scale with its numbers, named as attention weight."""
    wide = pixels(8, page.dpi)
    axes = page.axes(x, y, wide, high)
    axes.imshow(np.linspace(1, 0, 256)[:, None], cmap=colormap, aspect="auto", vmin=0, vmax=1)
    for value in MaxNLocator(4).tick_values(0, float(norm.vmax or 1)):
        if value <= (norm.vmax or 1):
            place = y + high * (1 - float(norm(value))) + pixels(NOTE.size * MIDDLE, page.dpi)
            page.text(x + wide + pixels(4, page.dpi), place, f"{value:.4g}", NOTE)
    beside = x + wide + pixels(SCALE - 12, page.dpi)
    page.text(beside, y + high / 2, "attention weight", NOTE, align="center", turn=90)


SCALE = 48
"""Points that a colour scale takes to the right of its left edge, numbers and name included."""
