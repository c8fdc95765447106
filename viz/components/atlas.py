"""The atlas on the page, and what was last selected in it."""

from collections.abc import Callable
from typing import TypeAlias

import streamlit as st

from viz.components.registry import register
from viz.pictures.atlas import ATLAS, payload
from viz.types import FloatArray

Selection: TypeAlias = tuple[int | None, int | None]
"""Layer and head; None for the mean over layers, or over heads."""

_mount = register(ATLAS)


def atlas(
    weights: FloatArray,
    *,
    layer: int | None,
    head: int | None,
    key: str,
    on_change: Callable[[], None] | None = None,
) -> None:
    """Draw all heads and their means, with `layer` and `head` outlined.

    Args:
        weights: (L, H, n, n), as in `AttentionView.weights`.
        layer: The selected layer; None for the mean over layers.
        head: The selected head; None for the mean over heads.
        key: Where the state of the picture is kept; see `selection`.
        on_change: Called before the rerun that a click or a key brings.
    """
    _mount(
        data=payload(weights, layer=layer, head=head, turn=_turn(key)),
        key=key,
        on_selected_change=on_change or (lambda: None),
    )


def selection(key: str) -> Selection | None:
    """The layer and head last selected in the picture; None before the first click."""
    chosen = _chosen(key)
    place = (chosen.get("layer", -1), chosen.get("head", -1))
    known = all(index is None or (type(index) is int and index >= 0) for index in place)
    return place if known else None


def _turn(key: str) -> int:
    """How many selections of the picture have arrived; it keeps its own until we have seen it."""
    turn = _chosen(key).get("turn")
    return turn if isinstance(turn, int) else 0


def _chosen(key: str) -> dict[str, int | None]:
    state = st.session_state.get(key)
    chosen = state.get("selected") if isinstance(state, dict) else None
    return chosen if isinstance(chosen, dict) else {}
