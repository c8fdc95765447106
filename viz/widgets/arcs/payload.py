"""The arcs: from each token to those it looks at, several heads at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray
from viz.attention.views import AttentionView
from viz.colors import categorical_colors, sign_colors
from viz.errors import SelectionError
from viz.widgets.shared.array_codec import encode_array
from viz.widgets.shared.axes import axes
from viz.widgets.shared.expand import DIALOG, ENLARGE_BUTTON
from viz.widgets.shared.impossible import impossible_payload
from viz.widgets.shared.widget import Widget

MAX_ARCS = 49_152
"""Arcs that are sent, of all heads together: 12 heads of 512 tokens get 8 for each query."""

HTML = f"""
<div class="root">
  <div class="stage">
    <div class="head">
      <p class="title"><strong class="place"></strong> <span class="note"></span></p>
      <span class="tools">{ENLARGE_BUTTON}</span>
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
  {DIALOG}
</div>
"""

ARCS = Widget("arcs", "arcs/arcs", HTML)


@dataclass(frozen=True, slots=True)
class TopKeys:
    """Of each head and query the keys with the largest values by size, the largest first."""

    keys: NDArray[np.uint16]
    """(H, n, k)"""
    values: FloatArray
    """(H, n, k), exactly as given."""

    @classmethod
    def of(cls, values: FloatArray, k: int) -> "TopKeys":
        """The `k` strongest keys of `values`.  (H, n, m) -> (H, n, k)"""
        negative_sizes = -np.abs(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0))
        if k < values.shape[-1]:
            top = np.argpartition(negative_sizes, k - 1, axis=-1)[..., :k]
        else:
            top = np.broadcast_to(np.arange(values.shape[-1]), values.shape)
        order = np.argsort(np.take_along_axis(negative_sizes, top, -1), axis=-1, kind="stable")
        keys = np.take_along_axis(top, order, -1)
        return cls(keys.astype(np.uint16), np.take_along_axis(values, keys, -1))


def payload(
    view: AttentionView,
    *,
    names: Sequence[str],
    selected: Sequence[int],
    title: str,
    note: str = "",
) -> dict[str, object]:
    """What the browser is sent: the strongest arcs exactly, and how much there is of all.

    Args:
        view: One layer, (1, H, n, m); a mean over heads may stand among its maps.
        names: What each of the H maps is called, e.g. "H0" or "mean".
        selected: Indices of the maps that are drawn first; the reader may select others.
        title: What the maps are of, e.g. "L3".
        note: A few words beside it.

    Raises:
        SelectionError: where names, selection and maps do not fit, or there is nothing to draw.
    """
    _check(view, names, selected)
    both_axes = axes(view)
    values = view.weights[0].astype(np.float32, copy=False)
    n_heads, n_queries, n_keys = values.shape
    top = TopKeys.of(values, min(n_keys, max(1, MAX_ARCS // (n_heads * n_queries))))
    sizes = np.abs(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0))
    return both_axes | {
        "names": list(names),
        "selected": list(selected),
        "top_k": top.keys.shape[-1],
        "top_keys": encode_array(top.keys),
        "values": encode_array(top.values),
        "query_totals": encode_array(sizes.sum(-1, dtype=np.float64).astype(np.float32)),
        "key_totals": encode_array(sizes.sum(-2, dtype=np.float64).astype(np.float32)),
        "signed": view.signed,
        "title": title,
        "note": note,
        "head_colors": categorical_colors(tuple(names)),
        "sign_colors": sign_colors(),
        **impossible_payload(None if view.impossible is None else view.impossible[0]),
    }


def _check(view: AttentionView, names: Sequence[str], selected: Sequence[int]) -> None:
    shape = view.weights.shape
    if shape[0] != 1:
        raise SelectionError(f"Arcs show one layer, (1, H, n, m), not {shape}; choose a layer.")
    if len(names) != shape[1]:
        raise SelectionError(
            f"{len(names)} names were given for {shape[1]} heads; give one for each."
        )
    unknown = [index for index in selected if not 0 <= index < len(names)]
    if unknown or not selected:
        raise SelectionError(
            f"Heads {list(selected)} were chosen; choose one or more of 0 to {len(names) - 1}."
        )
