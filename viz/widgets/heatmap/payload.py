"""The heat map: one map of attention at full resolution, with the exact value of every cell."""

import numpy as np

from viz.attention.views import AttentionView, Quadrant, sink_note
from viz.colors import PALETTES, Palette, Theme, mix
from viz.errors import SelectionError
from viz.widgets.shared.array_codec import encode_array
from viz.widgets.shared.axes import axes
from viz.widgets.shared.expand import DIALOG, ENLARGE_BUTTON
from viz.widgets.shared.impossible import impossible_payload
from viz.widgets.shared.widget import Widget

NO_CONTRIBUTION = "all 0: nothing here contributes to the class or score"
"""As in the last layer without the token that the classes are read from."""
KEYS_HELP = "Arrow keys go from cell to cell, plus and minus zoom, 0 shows the whole picture."
N_COLORS = 255
"""Colors of the scale; odd, so that 0 is one of them where the scale has two ends.  A byte can name
one more, which the browser keeps for what is impossible."""

HTML = f"""
<div class="root">
  <div class="stage">
    <div class="head">
      <p class="title"><strong class="place"></strong> <span class="note"></span></p>
      <span class="tools">
        <button class="tool out" data-testid="heatmap-out" title="Zoom out (−)"
          aria-label="Zoom out">−</button>
        <button class="tool in" data-testid="heatmap-in" aria-label="Zoom in"
          title="Zoom in (+, or Ctrl and the wheel over the picture)">+</button>
        <button class="tool whole" data-testid="heatmap-whole" title="Show the whole picture (0)"
          >whole</button>
        {ENLARGE_BUTTON}
      </span>
    </div>
    <div class="area">
      <canvas data-testid="heatmap" tabindex="0" role="application"></canvas>
      <div class="tip" data-testid="heatmap-tip" hidden></div>
    </div>
    <div class="foot">
      <span class="legend">
        <span class="lowest"></span><span class="ramp"></span><span class="highest"></span>
      </span>
      <span class="choice" role="group" aria-label="Color by">
        <button class="tool root-scale" data-testid="heatmap-root">square root</button
        ><button class="tool linear-scale" data-testid="heatmap-linear">linear</button>
      </span>
    </div>
    <p class="live" data-testid="heatmap-live" aria-live="polite"></p>
  </div>
  {DIALOG}
</div>
"""

HEATMAP = Widget("heatmap", "heatmap/heatmap", HTML)


def payload(
    view: AttentionView, *, title: str, note: str = "", cuts_rows: bool = False
) -> dict[str, object]:
    """What the browser is sent: every value exactly, and what stands around the picture.

    Args:
        view: One map, (1, 1, n, m).
        title: What the map is of, e.g. "L3 · H7".
        note: A few words beside it.
        cuts_rows: Whether keys are left out, so that no sum of a row is shown.

    Raises:
        SelectionError: where more than one map is given, or one without rows or columns.
    """
    if view.weights.shape[:2] != (1, 1):
        raise SelectionError(
            f"A heat map shows one map, (1, 1, n, m), not {view.weights.shape}; "
            "choose a layer and a head, or their means."
        )
    both_axes = axes(view)
    values = view.weights[0, 0].astype(np.float32, copy=False)
    removed = view.removed[0, 0].astype(np.float32, copy=False)
    sizes = np.abs(values) if view.signed else values
    return both_axes | {
        "values": encode_array(values),
        "removed": encode_array(removed) if removed.any() else None,
        "signed": view.signed,
        "difference": view.difference,
        "cuts_rows": cuts_rows,
        "largest": float(np.max(sizes, where=np.isfinite(sizes), initial=0.0)),
        "title": title,
        "note": note,
        "themes": themes(signed=view.signed),
        "label": f"{title}: {_meaning(view)}. {KEYS_HELP}",
        **impossible_payload(None if view.impossible is None else view.impossible[0]),
    }


def _meaning(view: AttentionView) -> str:
    n_rows, n_columns = view.weights.shape[2:]
    if view.difference:
        return f"what each of {n_rows} words looks at more, or less, among {n_columns}"
    return f"where each of {n_rows} tokens looks among {n_columns}"


def row_note(view: AttentionView, quadrant: Quadrant) -> str:
    """What a row is, and how much of it is not shown."""
    if view.signed and not view.weights.any():
        return NO_CONTRIBUTION
    if view.signed and len(view.weights) > 1 == np.count_nonzero(view.weights.any(-1)):
        row = int(view.weights.any((0, 1, 3)).argmax())
        return f"in this layer only what {view.spans[row].label} looks at reaches the prediction"
    if view.signed:
        return "signed shares of the explained scalar; nothing is rescaled"
    if quadrant != "all":
        without = ", special tokens removed first" if view.removed.any() else ""
        row_sum = view.weights.sum(-1).mean()
        return (
            f"text {quadrant[0]} looking at {quadrant[2]}: "
            f"rows sum to {row_sum:.2f} on average{without}"
        )
    if not view.removed.any():
        return sink_note(view) or "each row sums to 1"
    share = f"{view.removed.mean():.0%} of its attention went to special tokens"
    return f"{share}; {sink_note(view) or 'rows rescaled to 1'}"


def themes(*, signed: bool) -> dict[Theme, dict[str, object]]:
    """The colors of a heat map in each theme."""
    return _SIGNED if signed else _UNSIGNED


def _theme(palette: Palette, scale: tuple[str, ...]) -> dict[str, object]:
    return {
        "ink": palette.ink,
        "muted": palette.muted,
        "line": palette.line,
        "accent": palette.accent,
        "scale": [mix(scale, index / (N_COLORS - 1)) for index in range(N_COLORS)],
        "ramp": f"linear-gradient(to right, {', '.join(scale)})",
    }


_UNSIGNED = {name: _theme(palette, palette.sequential) for name, palette in PALETTES.items()}
_SIGNED = {name: _theme(palette, palette.diverging) for name, palette in PALETTES.items()}
