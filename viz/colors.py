"""The colors of every picture: one sequential scale for weights, one diverging for scores.

Both are safe for color-blind readers: the sequential scale moves in lightness within one hue,
the diverging one runs from orange through the ground to blue.
"""

from dataclasses import dataclass
from typing import Literal

Theme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Palette:
    """The colors of one theme, as `#rrggbb`."""

    ground: str
    ink: str
    muted: str
    line: str
    accent: str
    sequential: tuple[str, ...]
    """Weight 0 to the largest weight."""
    diverging: tuple[str, ...]
    """Most against the class, through 0, to most for it."""
    impossible: tuple[str, str]
    """Ground and lines of the hatch on pairs of tokens that can't look at each other."""


LIGHT = Palette(
    ground="#ffffff",
    ink="#1c2430",
    muted="#667085",
    line="#e3e7ee",
    accent="#1f5fbf",
    sequential=("#ffffff", "#deebf7", "#b7d2ec", "#7fb2dc", "#4490c8", "#1b67ad", "#08306b"),
    diverging=("#b35806", "#e08e2f", "#fbd3a1", "#ffffff", "#bcd7f0", "#5c9fd6", "#1b5ea8"),
    impossible=("#f1f2f4", "#c6cbd3"),
)

DARK = Palette(
    ground="#11161d",
    ink="#e8ecf2",
    muted="#97a3b4",
    line="#2a323d",
    accent="#6ea8f0",
    sequential=("#11161d", "#14283f", "#1a4269", "#2a6499", "#4b8cc7", "#8abbe8", "#e3f0fd"),
    diverging=("#f0a04b", "#b56a1c", "#5d3a18", "#11161d", "#173a5e", "#2f73b3", "#79b4ee"),
    impossible=("#1e232a", "#444c57"),
)

PALETTES: dict[Theme, Palette] = {"light": LIGHT, "dark": DARK}


def rgb(color: str) -> tuple[int, int, int]:
    """Split `#rrggbb` into three numbers from 0 to 255."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def mix(scale: tuple[str, ...], position: float) -> str:
    """The color at `position` (0 to 1, clipped) along a scale of equally spaced colors."""
    place = min(max(position, 0.0), 1.0) * (len(scale) - 1)
    below = min(int(place), len(scale) - 2)
    share = place - below
    pairs = zip(rgb(scale[below]), rgb(scale[below + 1]), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def stops(scale: tuple[str, ...]) -> list[list[object]]:
    """The colors of a scale with their places from 0 to 1, as plotly takes them."""
    return [[place / (len(scale) - 1), color] for place, color in enumerate(scale)]


def readable_ink(background: str) -> str:
    """Black or white, whichever stands out more on `background` (WCAG 2 contrast)."""
    luminance = _luminance(background)
    return "#000000" if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "#ffffff"


def _luminance(color: str) -> float:
    channels = [value / 255 for value in rgb(color)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


CATEGORICAL: dict[Theme, tuple[str, ...]] = {
    "light": (
        *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"),
        *("#8a7a00", "#7d8896", "#6a3d9a", "#8c1d40", "#7fb800", "#9a6a4b"),
    ),
    "dark": (
        *("#3d9be0", "#f2803a", "#1fbf92", "#e39cc4", "#8fd0f5", "#f0b429"),
        *("#f0e442", "#8b97a8", "#a98be0", "#d4607f", "#a6d854", "#c79a78"),
    ),
}
"""The first eight are those of Okabe & Ito, who chose them for color-blind readers, made darker or
lighter where a background would swallow them; four more keep twelve heads apart by lightness too.
Heads beyond the twelfth start over, and the chips name every head."""

MEAN = "mean"
"""The name of a mean over heads; it has the ink of the text instead of a color of its own."""


def categorical_colors(names: tuple[str, ...]) -> dict[Theme, list[str]]:
    """A color for each name, by theme; a head keeps its color whichever others are drawn."""
    return {
        theme: [
            PALETTES[theme].ink if name == MEAN else ring[index % len(ring)]
            for index, name in enumerate(names)
        ]
        for theme, ring in CATEGORICAL.items()
    }


def sign_colors() -> dict[Theme, list[str]]:
    """The colors of a share against the class and of one for it, by theme."""
    return {theme: [p.diverging[0], p.diverging[-1]] for theme, p in PALETTES.items()}
