"""The atlas: the attention of every head of every layer in one picture, where a click selects.

What the picture is made of (`payload`) does not say which head is selected, so that it stays the
same message while a reader walks through the heads; the selection (`selection`) goes on its own.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray
from viz.attention.pooling import farthest_from_zero
from viz.attention.rollout import check_selection
from viz.attention.statistics import PATTERNS, Statistic
from viz.attention.thumbnails import impossible_thumbnails, max_thumbnail_side, thumbnails
from viz.attention.views import AttentionView
from viz.colors import PALETTES, Palette, mix
from viz.errors import SelectionError
from viz.types import BoolArray
from viz.widgets.shared.array_codec import encode_array
from viz.widgets.shared.impossible import HATCH
from viz.widgets.shared.widget import Widget

MAX_LEVEL = 127
"""Levels from nothing to a head's own peak: with a sign they fill one byte."""
IMPOSSIBLE_LEVEL = -MAX_LEVEL - 1
"""Of a pixel all of whose keys can't be looked at; no weight has it."""
COMPRESSION = 6
"""The level of zlib: most pixels are almost nothing, so a higher one than for noise pays."""

HTML = """
<div class="root">
  <div class="controls" role="group" aria-label="How the atlas is shown">
    <label title="Square root lets small values show; linear keeps their proportions."
      >Color <select name="curve"></select></label>
    <label title="Shared: one color means the same value in all heads. Per head: the largest value
 of each head has the strongest color.">Scale <select name="scale"></select></label>
    <label class="statistics" title="Sort heads, or dim some of them, by what their attention is
 like.">Statistic <select name="statistic"></select></label>
    <label class="switch" title="A click, or Enter, turns a head off or on; at the name of a layer,
 all of it." hidden><input type="checkbox" name="off" />heads off</label>
    <div class="filters" hidden>
      <label class="sort"><input type="checkbox" name="sort" />sort</label>
      <span class="range">
        <input type="range" name="min" max="1000" />
        <input type="range" name="max" max="1000" />
      </span>
      <select name="pattern" aria-label="Pattern that is shown, others dimmed"></select>
      <output class="bounds"></output>
      <output class="count" data-testid="atlas-count"></output>
    </div>
  </div>
  <canvas data-testid="atlas" tabindex="0" role="application"></canvas>
  <div class="card" data-testid="atlas-hover" hidden></div>
  <div class="foot">
    <span>
      <strong class="chosen" data-testid="atlas-selected"></strong>
      <span class="pattern-name" data-testid="atlas-pattern"></span>
    </span>
    <span class="legend">
      <span class="smallest"></span><span class="ramp"></span><span class="largest"></span>
    </span>
  </div>
  <p class="caption"></p>
  <section class="profile" data-testid="atlas-profile" aria-label="The selected head among all"
    hidden>
    <dl></dl>
    <p class="profile-note"></p>
  </section>
  <p class="live" data-testid="atlas-live" aria-live="polite"></p>
</div>
"""

ATLAS = Widget("atlas", "atlas/atlas", HTML)

SELECTION = Widget("atlas-selection", "atlas/selection", '<div class="root"></div>')


class Statistics(Protocol):
    """Numbers of all heads: each field that `statistics` names is (L, H)."""

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """What they are called, in the order of the page."""

    @property
    def patterns(self) -> Mapping[str, str]:
        """What each pattern means; empty where heads have none."""


def payload(view: AttentionView, statistics: Statistics | None = None) -> dict[str, object]:
    """What the browser is sent: one byte a pixel, compressed, and what stands around the picture.

    Args:
        view: What is shown: attention weights, signed contributions, or differences of weights.
        statistics: What heads can be sorted by; None leaves these controls away.

    Raises:
        SelectionError: where nothing is left to show.
    """
    _check(view, statistics)
    n_rows, n_columns = view.weights.shape[2:]
    max_side = max_thumbnail_side(view.weights.shape[1])
    rows, columns = min(n_rows, max_side), min(n_columns, max_side)
    return picture(
        thumbnails(view.weights, rows, columns, signed=view.signed),
        None if view.impossible is None else impossible_thumbnails(view.impossible, rows, columns),
        shape=(n_rows, n_columns),
        signed=view.signed,
        difference=view.difference,
        statistics=statistics,
    )


def picture(
    pixels: FloatArray,
    impossible: BoolArray | None,
    *,
    shape: tuple[int, int],
    signed: bool = False,
    difference: bool = False,
    statistics: Statistics | None = None,
) -> dict[str, object]:
    """What the browser is sent, of maps that were pooled before.

    Args:
        pixels: As from `thumbnails`.  (L + 1, H + 1, rows, columns)
        impossible: As from `impossible_thumbnails`.  (L + 1, rows, columns)
        shape: How many rows and columns were pooled.
        signed: Whether there are numbers below 0.
        difference: Whether they are differences of weights.
        statistics: What heads can be sorted by.
    """
    n_layers, n_heads, rows, columns = pixels.shape
    n_layers, n_heads = n_layers - 1, n_heads - 1
    peaks = farthest_from_zero(pixels.max((-1, -2)), pixels.min((-1, -2)))
    levels = quantize(pixels, peaks)
    if impossible is not None:
        levels[np.broadcast_to(impossible[:, None], levels.shape)] = IMPOSSIBLE_LEVEL
    return {
        "layers": n_layers,
        "heads": n_heads,
        "rows": rows,
        "columns": columns,
        "shape": [*shape],
        "max_level": MAX_LEVEL,
        "signed": signed,
        "difference": difference,
        "levels": encode_array(levels, COMPRESSION),
        "peaks": _rounded(peaks),
        "statistics": statistics and [_column(each, statistics) for each in statistics.statistics],
        "patterns": [
            {"name": name, "sentence": rule}
            for name, rule in (statistics.patterns if statistics else PATTERNS).items()
        ],
        "themes": _THEMES[signed],
        "label": f"{_LABEL[signed, difference].format(f'{n_layers} × {n_heads}')} "
        "Arrow keys select a head, Enter opens it.",
        "caption": _caption(-(-shape[0] // rows), -(-shape[1] // columns)),
        **({} if impossible is None else _IMPOSSIBLE),
    }


def selection(
    heads: tuple[int, int],
    *,
    layer: int | None,
    head: int | None,
    revision: int = 0,
    off: Sequence[tuple[int, int]] = (),
    toggles: bool = False,
) -> dict[str, object]:
    """Which head is outlined, and which are struck through.

    Args:
        heads: How many layers there are, and heads in each.
        layer: The layer of the head; None for the mean over layers.
        head: The head; None for the mean over heads.
        revision: How many selections have come from the browser.
        off: The heads that are off, each (layer, head).
        toggles: Whether the reader may turn heads off and on.

    Raises:
        SelectionError: where the model has no such layer or head.
    """
    check_selection(layer, head, *heads)
    return {
        "layer": layer,
        "head": head,
        "revision": revision,
        **({"off": [[*pair] for pair in off]} if off else {}),
        **({"toggles": True} if toggles else {}),
    }


def quantize(pixels: FloatArray, peaks: FloatArray) -> NDArray[np.int8]:
    """The square root of each pixel's share of its head's peak as 0 to `MAX_LEVEL`, with its sign.

    The root keeps small weights apart; a scale of its own keeps weak heads whole.  The browser
    undoes both, so it can show any curve and any scale.  (L, H, r, c), (L, H) -> (L, H, r, c)
    """
    heights = np.abs(peaks)[..., None, None]
    shares = np.divide(pixels, heights, out=np.zeros_like(pixels), where=heights > 0)
    levels: FloatArray = np.copysign(np.sqrt(np.abs(shares)), shares) * MAX_LEVEL
    return np.rint(levels).astype(np.int8)


def _check(view: AttentionView, statistics: Statistics | None) -> None:
    shape = view.weights.shape
    if shape != (*shape[:2], len(view.spans), len(view.keys)) or 0 in shape[:2]:
        raise ValueError(
            f"weights have shape {shape}; (L, H, {len(view.spans)}, {len(view.keys)}) is needed"
        )
    if 0 in shape:
        raise SelectionError("Only special tokens were read; show them to see the atlas.")
    if statistics is not None:
        measured = getattr(statistics, statistics.statistics[0].name).shape
        if measured != shape[:2]:
            raise ValueError(f"statistics are of {measured} heads, weights of {shape[:2]} heads")


def _column(statistic: Statistic, statistics: Statistics) -> dict[str, object]:
    """A statistic with its value for each head; of the pattern, its place in `PATTERNS`."""
    values = getattr(statistics, statistic.name).ravel()
    if statistic.name == "pattern":
        places = {name: place for place, name in enumerate(PATTERNS)}
        numbers: list[float] = [places[str(name)] for name in values]
    else:
        numbers = _rounded(values)
    return {
        "name": statistic.name,
        "label": statistic.label,
        "unit": statistic.unit,
        "sentence": statistic.sentence,
        "values": numbers,
    }


def _rounded(values: FloatArray) -> list[float]:
    return [float(f"{value:.4g}") for value in values.ravel()]


def _caption(rows: int, columns: int) -> dict[str, str]:
    """The sentence for heads in their places, and the one on how many weights a pixel covers."""
    return {
        "grid": "Rows are layers, columns are heads. In each picture a row is a token that looks, "
        "a column one that is looked at.",
        "pixels": f"Each pixel is the largest of up to {rows} × {columns} weights."
        if rows * columns > 1
        else "",
    }


_IMPOSSIBLE: dict[str, object] = {
    "impossible": {
        "level": IMPOSSIBLE_LEVEL,
        "hatch": HATCH,
        "sentence": "Hatched: a causal mask or a window forbids it; statistics count only what "
        "is possible.",
    }
}
_LABEL = {
    (False, False): "Where each of {} heads looks.",
    (True, False): "What each of {} heads contributes to the class or score.",
    (True, True): "What each of {} heads looks at more in the second reading, or less.",
}


def _theme(palette: Palette, signed: bool) -> dict[str, object]:
    scale = palette.diverging if signed else palette.sequential
    last = 2 * MAX_LEVEL if signed else MAX_LEVEL
    return {
        "ground": palette.ground,
        "ink": palette.ink,
        "muted": palette.muted,
        "line": palette.line,
        "accent": palette.accent,
        "scale": [mix(scale, index / last) for index in range(last + 1)],
        "ramp": f"linear-gradient(to right, {', '.join(scale)})",
    }


_THEMES = {
    signed: {theme: _theme(palette, signed) for theme, palette in PALETTES.items()}
    for signed in (False, True)
}
