"""The arcs: from each token to those it looks at, several heads at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viz.attention.views import AttentionView
from viz.colors import categorical_colors, sign_colors
from viz.errors import SelectionError
from viz.types import FloatArray
from viz.widgets.shared.axes import axes
from viz.widgets.shared.expand import ENLARGE, SCREEN
from viz.widgets.shared.packed import packed
from viz.widgets.shared.widget import Widget

MOST_ARCS = 49_152
"""Arcs that are sent, of all heads together: 12 heads of 512 tokens get 8 for each query."""

HTML = f"""
<div class="root">
  <div class="stage">
    <div class="head">
      <p class="title"><strong class="place"></strong> <span class="note"></span></p>
      <span class="tools">{ENLARGE}</span>
    </div>
    <div class="chips" data-testid="arcs-heads" role="group" aria-label="Heads"></div>
    <div class="names"><span>query: the token that looks</span><span></span
      ><span>key: the token looked at</span></div>
    <div class="area" data-testid="arcs" tabindex="-1">
      <div class="column queries" role="listbox" aria-label="Queries: the tokens that look"></div>
      <div class="middle"><canvas aria-hidden="true"></canvas></div>
      <div class="column keys" role="listbox" aria-label="Keys: the tokens looked at"></div>
    </div>
    <p class="share" data-testid="arcs-share" aria-live="polite"></p>
    <p class="caption"></p>
  </div>
  {SCREEN}
</div>
"""

ARCS = Widget("arcs", "arcs/arcs", HTML)


@dataclass(frozen=True, slots=True)
class Strongest:
    """Of each head and query the keys with the largest values by size, the largest first."""

    keys: NDArray[np.uint16]
    """(H, n, k)"""
    values: FloatArray
    """(H, n, k), as they came."""

    @classmethod
    def of(cls, values: FloatArray, count: int) -> "Strongest":
        """The `count` strongest keys of `values`.  (H, n, m) -> (H, n, count)"""
        sizes = -np.abs(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0))
        if count < values.shape[-1]:
            picked = np.argpartition(sizes, count - 1, axis=-1)[..., :count]
        else:
            picked = np.broadcast_to(np.arange(values.shape[-1]), values.shape)
        order = np.argsort(np.take_along_axis(sizes, picked, -1), axis=-1, kind="stable")
        keys = np.take_along_axis(picked, order, -1)
        return cls(keys.astype(np.uint16), np.take_along_axis(values, keys, -1))


def payload(
    view: AttentionView, *, names: Sequence[str], chosen: Sequence[int], place: str, note: str = ""
) -> dict[str, object]:
    """What the browser is sent: the strongest arcs exactly, and how much there is of all.

    Args:
        view: One layer, (1, H, n, m); a mean over heads may stand among its maps.
        names: What each of the H maps is called, e.g. "H0" or "mean".
        chosen: Indices of the maps that are drawn first; the reader may choose others.
        place: What the maps are of, e.g. "L3".
        note: A few words beside it.

    Raises:
        SelectionError: where names, choice and maps do not fit, or there is nothing to draw.
    """
    _check(view, names, chosen)
    named = axes(view)
    values = view.weights[0].astype(np.float32, copy=False)
    strongest = Strongest.of(values, _count(values.shape))
    sizes = np.abs(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0))
    return named | {
        "names": list(names),
        "chosen": list(chosen),
        "count": strongest.keys.shape[-1],
        "targets": packed(strongest.keys),
        "values": packed(strongest.values),
        "sent": packed(sizes.sum(-1, dtype=np.float64).astype(np.float32)),
        "received": packed(sizes.sum(-2, dtype=np.float64).astype(np.float32)),
        "signed": view.signed,
        "place": place,
        "note": note,
        "hues": categorical_colors(tuple(names)),
        "signs": sign_colors(),
    }


def _count(shape: tuple[int, ...]) -> int:
    """How many keys of each query are sent."""
    n_heads, n_queries, n_keys = shape
    return min(n_keys, max(1, MOST_ARCS // (n_heads * n_queries)))


def _check(view: AttentionView, names: Sequence[str], chosen: Sequence[int]) -> None:
    shape = view.weights.shape
    if shape[0] != 1:
        raise SelectionError(f"Arcs show one layer, (1, H, n, m); {shape} came. Choose a layer.")
    if len(names) != shape[1]:
        raise SelectionError(f"{len(names)} names came for {shape[1]} heads; give one for each.")
    unknown = [index for index in chosen if not 0 <= index < len(names)]
    if unknown or not chosen:
        raise SelectionError(
            f"Heads {list(chosen)} were chosen; choose one or more of 0 to {len(names) - 1}."
        )
