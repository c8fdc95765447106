"""The atlas: the attention of every head of every layer in one picture, where a click selects.

What the picture is made of (`payload`) does not say which head is selected, so that it stays the
same message while a reader walks through the heads; the selection (`pointer`) goes on its own.
"""

import base64
import zlib

import numpy as np
from numpy.typing import NDArray

from viz.attention.rollout import select
from viz.attention.statistics import PATTERNS, STATISTICS, HeadStatistics, Statistic
from viz.attention.views import AttentionView
from viz.colors import PALETTES, Palette, mix
from viz.errors import SelectionError
from viz.types import FloatArray
from viz.widgets.shared.widget import Widget

LARGEST_SIDE = 48
"""Dots along a thumbnail: more than a screen gives to one of twelve heads."""
LARGEST_WIDTH = 720
"""Dots along the whole picture, so that models with many heads stay light."""
STEPS = 127
"""Steps from nothing to a head's own peak: with a sign they fill one byte."""

HTML = """
<div class="root">
  <div class="controls" role="group" aria-label="How the atlas is shown">
    <label title="Square root lets small values show; linear keeps their proportions."
      >Colour <select name="curve"></select></label>
    <label title="Shared: one colour means the same value in all heads. Per head: the largest value
 of each head has the strongest colour.">Scale <select name="scale"></select></label>
    <label class="by" title="Sort heads, or dim some of them, by what their attention is like."
      >Fact <select name="fact"></select></label>
    <div class="uses" hidden>
      <label class="sort"><input type="checkbox" name="sort" />sort</label>
      <span class="range">
        <input type="range" name="least" max="1000" />
        <input type="range" name="most" max="1000" />
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
  <p class="spoken" data-testid="atlas-spoken" aria-live="polite"></p>
</div>
"""

ATLAS = Widget("atlas", "atlas/atlas", HTML)

POINTER = Widget("atlas-pointer", "atlas/pointer", '<div class="root"></div>')


def payload(view: AttentionView, facts: HeadStatistics | None = None) -> dict[str, object]:
    """What the browser is sent: one byte a dot, compressed, and what stands around the picture.

    Args:
        view: What is shown: attention weights, or signed contributions.
        facts: What heads can be sorted by; None leaves these controls away.

    Raises:
        SelectionError: where nothing is left to show.
    """
    _check(view, facts)
    n_layers, n_heads, *shape = view.weights.shape
    largest = max(1, min(LARGEST_SIDE, LARGEST_WIDTH // (n_heads + 1)))
    rows, columns = (min(count, largest) for count in shape)
    dots = thumbnails(view.weights, rows, columns, signed=view.signed)
    peaks = _peaks(dots)
    packed = zlib.compress(levels(dots, peaks).tobytes(), 6)
    return {
        "layers": n_layers,
        "heads": n_heads,
        "rows": rows,
        "columns": columns,
        "shape": shape,
        "steps": STEPS,
        "signed": view.signed,
        "dots": base64.b64encode(packed).decode("ascii"),
        "peaks": _rounded(peaks),
        "facts": None if facts is None else [_column(fact, facts) for fact in STATISTICS],
        "patterns": [{"name": name, "sentence": says} for name, says in PATTERNS.items()],
        "themes": _THEMES[view.signed],
        "label": f"{_QUESTION[view.signed].format(f'{n_layers} × {n_heads}')} Arrow keys select a "
        "head, Enter opens it.",
        "caption": _caption(-(-shape[0] // rows), -(-shape[1] // columns)),
    }


def pointer(
    view: AttentionView, *, layer: int | None, head: int | None, turn: int = 0
) -> dict[str, object]:
    """Which picture is outlined; `turn` counts the selections that have arrived from the browser.

    Raises:
        SelectionError: where the model has no such layer or head.
    """
    select(view.weights[..., :1, :1], layer, head)
    return {"layer": layer, "head": head, "turn": turn}


def thumbnails(weights: FloatArray, rows: int, columns: int, *, signed: bool = False) -> FloatArray:
    """Every head and every mean, each dot the largest of the weights it stands for.

    The last row is the mean over layers, the last column that over heads.  Of signed numbers the
    one farthest from 0 counts, with its sign.  (L, H, n, m) -> (L + 1, H + 1, rows, columns)
    """
    heads = weights.mean(1, keepdims=True)
    layers = weights.mean(0, keepdims=True)
    quarters = [[weights, heads], [layers, heads.mean(0, keepdims=True)]]
    dots = np.concatenate(
        [
            np.concatenate([_pool(quarter, rows, columns, signed) for quarter in pair], axis=1)
            for pair in quarters
        ]
    )
    return np.asarray(np.nan_to_num(dots, nan=0.0, posinf=0.0, neginf=0.0, copy=False))


def levels(dots: FloatArray, peaks: FloatArray) -> NDArray[np.int8]:
    """The square root of each dot's share of its head's peak as 0 to `STEPS`, with its sign.

    The root keeps small weights apart; a scale of its own keeps weak heads whole.  The browser
    undoes both, so it can show any curve and any scale.  (L, H, r, c), (L, H) -> (L, H, r, c)
    """
    heights = np.abs(peaks)[..., None, None]
    shares = np.divide(dots, heights, out=np.zeros_like(dots), where=heights > 0)
    steps: FloatArray = np.copysign(np.sqrt(np.abs(shares)), shares) * STEPS
    return np.rint(steps).astype(np.int8)


def _peaks(dots: FloatArray) -> FloatArray:
    """The dot of each head that is farthest from 0, with its sign.  (L, H, r, c) -> (L, H)"""
    most, least = dots.max((-1, -2)), dots.min((-1, -2))
    return np.asarray(np.where(most >= -least, most, least))


def _pool(weights: FloatArray, rows: int, columns: int, signed: bool) -> FloatArray:
    """The largest of each bin of rows and columns, or the one farthest from 0; NaN is absent."""
    most = _extreme(weights, rows, columns, np.fmax)
    if not signed:
        return most
    least = _extreme(weights, rows, columns, np.fmin)
    return np.asarray(np.where(most >= -least, most, least))


def _extreme(values: FloatArray, rows: int, columns: int, choose: np.ufunc) -> FloatArray:
    return _bins(_bins(values, rows, choose).swapaxes(-1, -2), columns, choose).swapaxes(-1, -2)


def _bins(values: FloatArray, side: int, choose: np.ufunc) -> FloatArray:
    """What is chosen of each bin of rows; bins differ by one row.  (..., n, m) -> (..., side, m)"""
    edges = np.arange(side + 1) * values.shape[-2] // side
    starts, lasts = edges[:-1], edges[1:] - 1
    chosen = values[..., starts, :]
    for offset in range(1, int(np.diff(edges).max())):
        choose(chosen, values[..., np.minimum(starts + offset, lasts), :], out=chosen)
    return chosen


def _check(view: AttentionView, facts: HeadStatistics | None) -> None:
    shape = view.weights.shape
    if shape != (*shape[:2], len(view.spans), len(view.keys)) or 0 in shape[:2]:
        raise ValueError(
            f"weights have shape {shape}; (L, H, {len(view.spans)}, {len(view.keys)}) is needed"
        )
    if 0 in shape:
        raise SelectionError("Only special tokens were read; show them to see the atlas.")
    if facts is not None and facts.entropy.shape != shape[:2]:
        raise ValueError(
            f"facts of {facts.entropy.shape} heads came with weights of {shape[:2]} heads"
        )


def _column(fact: Statistic, facts: HeadStatistics) -> dict[str, object]:
    """A fact with its value for each head; of the pattern, its place in `PATTERNS`."""
    values = getattr(facts, fact.name).ravel()
    if fact.name == "pattern":
        places = {name: place for place, name in enumerate(PATTERNS)}
        numbers: list[float] = [places[str(name)] for name in values]
    else:
        numbers = _rounded(values)
    words = {"name": fact.name, "label": fact.label, "unit": fact.unit, "sentence": fact.sentence}
    return words | {"values": numbers}


def _rounded(values: FloatArray) -> list[float]:
    return [float(f"{value:.4g}") for value in values.ravel()]


def _caption(high: int, wide: int) -> dict[str, str]:
    """The sentence for heads in their places, and the one on what a dot is."""
    return {
        "grid": "Rows are layers, columns are heads. In each picture a row is a token that looks, "
        "a column one that is looked at.",
        "dots": f"Each dot is the largest of up to {high} × {wide} weights."
        if high * wide > 1
        else "",
    }


_QUESTION = {
    False: "Where each of {} heads looks.",
    True: "What each of {} heads hands to the class or score.",
}


def _theme(palette: Palette, signed: bool) -> dict[str, object]:
    scale, count = (palette.diverging, 2 * STEPS) if signed else (palette.sequential, STEPS)
    return {
        "ground": palette.ground,
        "ink": palette.ink,
        "muted": palette.muted,
        "line": palette.line,
        "accent": palette.accent,
        "scale": [mix(scale, level / count) for level in range(count + 1)],
        "ramp": f"linear-gradient(to right, {', '.join(scale)})",
    }


_THEMES = {
    signed: {theme: _theme(palette, signed) for theme, palette in PALETTES.items()}
    for signed in (False, True)
}
