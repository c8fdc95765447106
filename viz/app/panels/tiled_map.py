"""The heat map of a long text: at first in small, finer cells where they are looked at."""

from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from viz.app import background, long_maps
from viz.app.cache import LRUCache
from viz.app.long_maps import EncodedTile, LongMap
from viz.app.markdown import plain
from viz.app.panels.closeup import HEATMAP
from viz.app.panels.fragment import fragment
from viz.attention.long_view import LongView, Raster, Thumbnails
from viz.attention.rollout import place
from viz.errors import VizError
from viz.widgets.heatmap import tiled
from viz.widgets.heatmap.component import TileRequest, requested_tiles, tiled_heatmap

PENDING = "heatmap-pending"
"""Key of the session's state: the request whose tiles are being computed."""
PATIENCE = 0.3
"""Seconds that an answer waits for tiles; those that take longer are asked for again."""
_payloads = LRUCache(8)
"""What is sent of the maps that were shown last, without their tiles."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the browser is told of the tiles that it asked for."""

    tiles: list[EncodedTile] = field(default_factory=list)
    waiting: str | None = None
    stopped: bool = False


# What is asked for while a map is looked at concerns nothing else on the page.
@fragment
def show(shown: LongMap, small: Thumbnails) -> None:
    """Show one map.

    Args:
        shown: Which one.
        small: All maps in small.
    """
    view = shown.view
    overview = _overview(shown, view, small)
    largest = float(np.abs(overview.pixels).max(initial=0.0))
    answer = _Answer()
    try:
        answer = _answer(shown, largest)
    except VizError as error:
        st.error(plain(str(error)), icon=":material/error:")
    data = _payloads.get_or_compute(
        shown.key("payload"), lambda: _payload(shown, view, overview, largest)
    )
    tiled_heatmap(
        data,
        answer.tiles,
        key=HEATMAP,
        waiting=answer.waiting,
        stopped=answer.stopped,
        on_select=lambda: None,
        on_request=lambda: None,
    )


def _overview(shown: LongMap, view: LongView, small: Thumbnails) -> Raster:
    """The map as the atlas has it."""
    layer = view.n_layers if shown.layer is None else shown.layer
    head = view.n_heads if shown.head is None else shown.head
    impossible = None if small.impossible is None else small.impossible[layer]
    return Raster(small.pixels[layer, head], impossible)


def _payload(shown: LongMap, view: LongView, overview: Raster, largest: float) -> dict[str, object]:
    return tiled.payload(
        view.spans,
        view.keys,
        overview.pixels,
        overview.impossible,
        signed=view.signed,
        largest=largest,
        map_id=shown.id,
        title=place(shown.layer, shown.head),
        note=_note(shown, view),
    )


def _note(shown: LongMap, view: LongView) -> str:
    """What a row is; its sum is not known before it is computed."""
    if view.signed:
        return "signed shares of the explained scalar; nothing is rescaled"
    if shown.options.quadrant != "all":
        return f"text {shown.options.quadrant[0]} looking at {shown.options.quadrant[2]}"
    return "" if view.special else "rows without special tokens, rescaled"


def _answer(shown: LongMap, largest: float) -> _Answer:
    """The tiles that are asked for in this run, or in one before that has not got them yet."""
    request = requested_tiles(HEATMAP)
    pending: TileRequest | None = st.session_state.get(PENDING)
    if request is None or request.map_id != shown.id:
        request = pending
    st.session_state[PENDING] = None
    if request is None or request.map_id != shown.id:
        return _Answer()
    if not request.places:
        background.cancel_job("tiles")
        return _Answer(stopped=True)
    known = long_maps.known_tiles(shown, request.places)
    if known is not None:
        return _Answer(known)
    job = long_maps.tiles_job(shown, request.places, largest)
    if job.wait(PATIENCE):
        return _Answer(job.result())
    st.session_state[PENDING] = request
    return _Answer(waiting=f"{job.progress:.0%}")
