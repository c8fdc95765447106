"""The heat map of one head on the page, and the cell that was last chosen in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from viz.attention.tiles import TilePlace
from viz.attention.views import AttentionView
from viz.widgets.heatmap.payload import HEATMAP, payload
from viz.widgets.heatmap.tiled import TILES
from viz.widgets.shared.component import register

MAX_TILES_REQUESTED = 16
"""The browser asks for fewer at a time (`tiles.js`)."""

_mount = register(HEATMAP)
_mount_tiles = register(TILES)


def heatmap(
    view: AttentionView,
    *,
    title: str,
    key: str,
    note: str = "",
    on_select: Callable[[], None] | None = None,
) -> None:
    """Show one map at full resolution, with the exact value of every cell.

    Args:
        view: One map, (1, 1, n, m), as from `viz.attention.views.pick`.
        title: What the map is of, e.g. "L3 · H7".
        key: The component's own key; see `selected_cell`.
        note: A few words beside it.
        on_select: Called before the rerun that a click on a cell brings, or Enter; None where none
            shall be brought.

    Raises:
        SelectionError: where more than one map is given, or one without rows or columns.
    """
    data = payload(view, title=title, note=note)
    if on_select is None:
        _mount(data=data, key=key)
    else:
        _mount(data=data | {"selectable": True}, key=key, on_cell_change=on_select)


def selected_cell(key: str) -> tuple[int, int] | None:
    """Row and column of the cell that was last chosen; None before the first click."""
    state = st.session_state.get(key)
    cell = state.get("cell") if isinstance(state, dict) else None
    if not isinstance(cell, dict):
        return None
    row, column = cell.get("row"), cell.get("column")
    if type(row) is not int or type(column) is not int:
        return None
    return (row, column) if min(row, column) >= 0 else None


def window_in_view(key: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """First row and the one behind the last, and columns, of what a map in tiles shows.

    None before it is known.
    """
    state = st.session_state.get(key)
    window = state.get("window") if isinstance(state, dict) else None
    if not isinstance(window, list) or len(window) != 4 or {*map(type, window)} != {int}:
        return None
    top, bottom, left, right = window
    if not (0 <= top < bottom and 0 <= left < right):
        return None
    return (top, bottom), (left, right)


@dataclass(frozen=True, slots=True)
class TileRequest:
    """What the browser asks for."""

    map_id: str
    """Of which map."""
    places: tuple[TilePlace, ...]
    """Tiles that are seen and missing; none where it waits for none any more."""


def tiled_heatmap(
    data: dict[str, object],
    tiles: Sequence[dict[str, object]],
    *,
    key: str,
    waiting: str | None = None,
    stopped: bool = False,
    on_select: Callable[[], None],
    on_request: Callable[[], None],
) -> None:
    """Show a map whose tiles come when they are looked at.

    Args:
        data: As from `viz.widgets.heatmap.tiled.payload`.
        tiles: Those that were asked for last, as from `encode_tile`; they go on their own, so that
            the picture stays the same message, which Streamlit sends to a browser once.
        key: The component's own key; see `selected_cell` and `requested_tiles`.
        waiting: How far the tiles are that were asked for; None where nothing is computed.
        stopped: Whether they were asked for and then canceled.
        on_select: Called before the rerun that a click on a cell brings, or Enter.
        on_request: Called before the rerun that a request brings.
    """
    assert isinstance(data["tiled"], dict)
    with st.container(gap=None):
        message = {"tiles": [*tiles], "waiting": waiting, "stopped": stopped}
        _mount_tiles(
            data={"picture": key, "map": data["tiled"]["map"], **message}, key=f"{key}-tiles"
        )
        _mount(
            data=data | {"picture": key, "selectable": True},
            key=key,
            on_cell_change=on_select,
            on_request_change=on_request,
            on_window_change=lambda: None,
        )


def requested_tiles(key: str) -> TileRequest | None:
    """What the browser asks for in this run of the page; None where it asks for nothing."""
    state = st.session_state.get(key)
    sent = state.get("request") if isinstance(state, dict) else None
    if not isinstance(sent, dict) or not isinstance(sent.get("map"), str):
        return None
    if sent.get("stop") is True:
        return TileRequest(sent["map"], ())
    level, places = sent.get("level"), sent.get("places")
    if not isinstance(places, list) or not 0 < len(places) <= MAX_TILES_REQUESTED:
        return None
    numbers = [[level, *place] if isinstance(place, list) else [] for place in places]
    if any(len(place) != 3 or {*map(type, place)} != {int} for place in numbers):
        return None
    return TileRequest(sent["map"], tuple(TilePlace(*place) for place in numbers))
