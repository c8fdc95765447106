"""The atlas: the attention of every head of every layer in one picture, where a click selects."""

import base64
import zlib

import numpy as np
from numpy.typing import NDArray

from viz.colors import PALETTES, Palette, mix
from viz.pictures.widget import Widget
from viz.types import FloatArray

LARGEST_SIDE = 48
"""Dots along a thumbnail: more than a screen gives to one of twelve heads."""
LARGEST_WIDTH = 720
"""Dots along the whole picture, so that models with many heads stay light."""
LEVELS = 128
"""Steps of the colour scale: more than an eye tells apart, and an eighth less to send than 256."""

HTML = """
<div class="root">
  <canvas data-testid="atlas" tabindex="0" role="application"></canvas>
  <div class="tip" data-testid="atlas-hover" hidden></div>
  <div class="foot">
    <strong class="chosen" data-testid="atlas-selected" aria-live="polite"></strong>
    <span class="legend">
      <span>0</span><span class="ramp"></span><span class="largest"></span>
    </span>
  </div>
  <p class="caption"></p>
</div>
"""

ATLAS = Widget("atlas", HTML, ("raster",))


def payload(
    weights: FloatArray, *, layer: int | None, head: int | None, turn: int = 0
) -> dict[str, object]:
    """What the browser is sent: one byte a dot, compressed, and what stands around the picture."""
    _check(weights, layer, head)
    n_layers, n_heads, n_tokens = weights.shape[:3]
    side = min(n_tokens, LARGEST_SIDE, max(1, LARGEST_WIDTH // (n_heads + 1)))
    dots = thumbnails(weights, side)
    largest = float(dots.max())
    return {
        "layers": n_layers,
        "heads": n_heads,
        "side": side,
        "dots": base64.b64encode(zlib.compress(levels(dots).tobytes(), 6)).decode("ascii"),
        "peaks": [f"{peak:.3f}" for peak in dots.max((-1, -2)).ravel()],
        "largest": f"{largest:.3f}",
        "selected": {"layer": layer, "head": head},
        "turn": turn,
        "themes": _THEMES,
        "label": f"Where each of {n_layers} × {n_heads} heads looks. Arrow keys select a head.",
        "caption": _caption(-(-n_tokens // side)),
    }


def thumbnails(weights: FloatArray, side: int) -> FloatArray:
    """Every head and every mean, each dot the largest of the weights it stands for.

    The last row is the mean over layers, the last column that over heads.
    (L, H, n, n) -> (L + 1, H + 1, side, side)
    """
    heads = weights.mean(1, keepdims=True)
    layers = weights.mean(0, keepdims=True)
    rows = np.concatenate([_pool(weights, side), _pool(heads, side)], axis=1)
    last = np.concatenate([_pool(layers, side), _pool(heads.mean(0, keepdims=True), side)], axis=1)
    dots: FloatArray = np.concatenate([rows, last])
    return np.nan_to_num(dots, nan=0.0, posinf=0.0, neginf=0.0, copy=False)


def levels(dots: FloatArray) -> NDArray[np.uint8]:
    """The square root of each dot, 0 to the largest of all heads as 0 to `LEVELS` - 1."""
    largest = float(dots.max()) or 1.0
    steps: FloatArray = np.sqrt(dots.clip(0) / largest) * (LEVELS - 1)
    return np.rint(steps).astype(np.uint8)


def _pool(weights: FloatArray, side: int) -> FloatArray:
    """The largest of each bin of rows and of columns; NaN counts as absent."""
    return _largest(_largest(weights, side).swapaxes(-1, -2), side).swapaxes(-1, -2)


def _largest(values: FloatArray, side: int) -> FloatArray:
    """The largest of each bin of rows; bins differ by one row.  (..., n, m) -> (..., side, m)"""
    edges = np.arange(side + 1) * values.shape[-2] // side
    starts, lasts = edges[:-1], edges[1:] - 1
    most = values[..., starts, :]
    for offset in range(1, int(np.diff(edges).max())):
        np.fmax(most, values[..., np.minimum(starts + offset, lasts), :], out=most)
    return most


def _check(weights: FloatArray, layer: int | None, head: int | None) -> None:
    if weights.ndim != 4 or weights.shape[2] != weights.shape[3] or 0 in weights.shape:
        raise ValueError(f"weights have shape {weights.shape}; (L, H, n, n) is needed")
    given = (("layer", layer, weights.shape[0]), ("head", head, weights.shape[1]))
    for name, index, count in given:
        if index is not None and not 0 <= index < count:
            raise ValueError(f"{name} {index} came; 0 to {count - 1}, or None, is allowed")


def _caption(block: int) -> str:
    pooled = f" Each dot is the largest of up to {block} × {block} weights." if block > 1 else ""
    return (
        "Rows are layers, columns are heads. In each picture a row is a token that looks, a column "
        "one that is looked at. Colour: square root of the weight, one scale for all heads."
        + pooled
    )


def _theme(palette: Palette) -> dict[str, object]:
    return {
        "ink": palette.ink,
        "muted": palette.muted,
        "line": palette.line,
        "accent": palette.accent,
        "scale": [mix(palette.sequential, level / (LEVELS - 1)) for level in range(LEVELS)],
        "ramp": f"linear-gradient(to right, {', '.join(palette.sequential)})",
    }


_THEMES = {theme: _theme(palette) for theme, palette in PALETTES.items()}
