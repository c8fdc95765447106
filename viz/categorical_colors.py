"""One colour for each head where several heads are drawn at once, and two for the signs.

The first eight are those of Okabe & Ito, who chose them for colour-blind readers, made darker or
lighter where a ground would swallow them; four more keep twelve heads apart by lightness too.
Heads beyond the twelfth begin again, and the chips name every head.
"""

from viz.colors import PALETTES, Theme

HUES: dict[Theme, tuple[str, ...]] = {
    "light": (
        *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"),
        *("#8a7a00", "#7d8896", "#6a3d9a", "#8c1d40", "#7fb800", "#9a6a4b"),
    ),
    "dark": (
        *("#3d9be0", "#f2803a", "#1fbf92", "#e39cc4", "#8fd0f5", "#f0b429"),
        *("#f0e442", "#8b97a8", "#a98be0", "#d4607f", "#a6d854", "#c79a78"),
    ),
}

MEAN = "mean"
"""The name of a mean over heads; it has the ink of the text instead of a hue."""


def hues(names: tuple[str, ...]) -> dict[Theme, list[str]]:
    """A colour for each name, by theme; a head keeps its colour whichever others are drawn."""
    return {
        theme: [
            PALETTES[theme].ink if name == MEAN else ring[index % len(ring)]
            for index, name in enumerate(names)
        ]
        for theme, ring in HUES.items()
    }


def signs() -> dict[Theme, list[str]]:
    """The colours of a share against the class and of one for it, by theme."""
    return {theme: [p.diverging[0], p.diverging[-1]] for theme, p in PALETTES.items()}
