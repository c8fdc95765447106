"""The atlas on the page, and what was last selected in it."""

import weakref
from collections.abc import Callable, Sequence
from typing import TypeAlias

import streamlit as st

from viz.attention.views import AttentionView
from viz.widgets.atlas.payload import ATLAS, SELECTION, Statistics, payload, selection
from viz.widgets.shared.component import register

Selection: TypeAlias = tuple[int | None, int | None]
"""Layer and head; None for the mean over layers, or over heads."""

_mount = register(ATLAS)
_mount_selection = register(SELECTION)

_payloads: dict[int, tuple[Statistics | None, dict[str, object]]] = {}
"""The payload of each view that is alive, by the identity of its weights."""


def atlas(
    view: AttentionView,
    statistics: Statistics | None,
    *,
    layer: int | None,
    head: int | None,
    key: str,
    off: Sequence[tuple[int, int]] = (),
    toggles: bool = False,
    on_change: Callable[[], None] | None = None,
) -> None:
    """Draw all heads and their means, with `layer` and `head` outlined.

    The selection is sent on its own: the picture stays the same message, which Streamlit sends to
    a browser once.

    Args:
        view: What is shown; the same object as long as it is the same picture.
        statistics: What heads can be sorted by; None leaves these controls away.
        layer: The selected layer; None for the mean over layers.
        head: The selected head; None for the mean over heads.
        key: Where the state of the picture is kept; see `selected_head`.
        off: The heads that are off, each (layer, head), which are struck through.
        toggles: Whether the reader may turn heads off and on; see `toggled`.
        on_change: Called before the rerun that a click or a key brings.
    """
    revision = _state(key).get("revision")
    selected = selection(
        view,
        layer=layer,
        head=head,
        revision=revision if isinstance(revision, int) else 0,
        off=off,
        toggles=toggles,
    )
    with st.container(gap=None):
        _mount_selection(data=selected | {"picture": key}, key=f"{key}-selection")
        _mount(
            data=_cached_payload(view, statistics) | {"picture": key},
            key=key,
            on_selected_change=on_change or (lambda: None),
        )


def selected_head(key: str) -> Selection | None:
    """The layer and head last selected in the picture; None before the first click."""
    state = _state(key)
    layer, head = state.get("layer", -1), state.get("head", -1)
    valid = all(index is None or (type(index) is int and index >= 0) for index in (layer, head))
    return (layer, head) if valid else None


def toggled(key: str) -> bool:
    """Whether what was last selected in the picture is to be turned off, or on again."""
    return _state(key).get("toggle") is True


def _cached_payload(view: AttentionView, statistics: Statistics | None) -> dict[str, object]:
    """The payload of a view, made once for as long as the view's weights live."""
    name = id(view.weights)
    cached = _payloads.get(name)
    if cached is not None and cached[0] is statistics:
        return cached[1]
    if cached is None:
        weakref.finalize(view.weights, _payloads.pop, name, None).atexit = False
    data = payload(view, statistics)
    _payloads[name] = (statistics, data)
    return data


def _state(key: str) -> dict[str, int | None]:
    """What the browser last said: layer, head, how many selections it has made, and of a toggle."""
    state = st.session_state.get(key)
    selected = state.get("selected") if isinstance(state, dict) else None
    return selected if isinstance(selected, dict) else {}
