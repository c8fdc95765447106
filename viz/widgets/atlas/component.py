"""The atlas on the page, and what was last selected in it."""

import weakref
from collections.abc import Callable
from typing import TypeAlias

import streamlit as st

from viz.attention.statistics import HeadStatistics
from viz.attention.views import AttentionView
from viz.widgets.atlas.payload import ATLAS, POINTER, payload, pointer
from viz.widgets.shared.component import register

Selection: TypeAlias = tuple[int | None, int | None]
"""Layer and head; None for the mean over layers, or over heads."""

_mount = register(ATLAS)
_mount_pointer = register(POINTER)

_made: dict[int, tuple[HeadStatistics | None, dict[str, object]]] = {}
"""The payload of each view that is alive, by the identity of its weights."""


def atlas(
    view: AttentionView,
    facts: HeadStatistics | None,
    *,
    layer: int | None,
    head: int | None,
    key: str,
    on_change: Callable[[], None] | None = None,
) -> None:
    """Draw all heads and their means, with `layer` and `head` outlined.

    The selection is sent on its own: the picture stays the same message, which Streamlit sends to
    a browser once.

    Args:
        view: What is shown; the same object as long as it is the same picture.
        facts: What heads can be sorted by; None leaves these controls away.
        layer: The selected layer; None for the mean over layers.
        head: The selected head; None for the mean over heads.
        key: Where the state of the picture is kept; see `selection`.
        on_change: Called before the rerun that a click or a key brings.
    """
    chosen = pointer(view, layer=layer, head=head, turn=_turn(key))
    with st.container(gap=None):
        _mount_pointer(data=chosen | {"picture": key}, key=f"{key}-pointer")
        _mount(
            data=_payload(view, facts) | {"picture": key},
            key=key,
            on_selected_change=on_change or (lambda: None),
        )


def selection(key: str) -> Selection | None:
    """The layer and head last selected in the picture; None before the first click."""
    chosen = _chosen(key)
    place = (chosen.get("layer", -1), chosen.get("head", -1))
    known = all(index is None or (type(index) is int and index >= 0) for index in place)
    return place if known else None


def _payload(view: AttentionView, facts: HeadStatistics | None) -> dict[str, object]:
    """The payload of a view, made once for as long as the view's weights live."""
    name = id(view.weights)
    made = _made.get(name)
    if made is not None and made[0] is facts:
        return made[1]
    if made is None:
        weakref.finalize(view.weights, _made.pop, name, None).atexit = False
    data = payload(view, facts)
    _made[name] = (facts, data)
    return data


def _turn(key: str) -> int:
    """How many selections of the picture have arrived; it keeps its own until we have seen it."""
    turn = _chosen(key).get("turn")
    return turn if isinstance(turn, int) else 0


def _chosen(key: str) -> dict[str, int | None]:
    state = st.session_state.get(key)
    chosen = state.get("selected") if isinstance(state, dict) else None
    return chosen if isinstance(chosen, dict) else {}
