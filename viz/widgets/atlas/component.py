"""The atlas on the page, and what was last selected in it."""

import weakref
from collections.abc import Callable, Sequence
from typing import TypeAlias

import streamlit as st

from finetune.checkpoint.arrays import FloatArray
from viz.attention.long_view import LongView, Thumbnails
from viz.attention.views import AttentionView
from viz.widgets.atlas.payload import ATLAS, SELECTION, Statistics, payload, picture, selection
from viz.widgets.shared.component import register

Selection: TypeAlias = tuple[int | None, int | None]
"""Layer and head; None for the mean over layers, or over heads."""

_mount = register(ATLAS)
_mount_selection = register(SELECTION)

_payloads: dict[int, tuple[Statistics | None, dict[str, object]]] = {}
"""The payload of each picture that is alive, by the identity of its numbers."""


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
    data = _cached_payload(view.weights, statistics, lambda: payload(view, statistics))
    _draw(data, layer, head, key, off, on_change, toggles=toggles)


def long_atlas(
    view: LongView,
    small: Thumbnails,
    statistics: Statistics | None,
    *,
    layer: int | None,
    head: int | None,
    key: str,
    off: Sequence[tuple[int, int]] = (),
    toggles: bool = False,
    on_change: Callable[[], None] | None = None,
) -> None:
    """As `atlas`, of a long text.

    Args:
        view: What is shown.
        small: Its thumbnails; the same object as long as it is the same picture.
        statistics: What heads can be sorted by; None leaves these controls away.
        layer: The selected layer; None for the mean over layers.
        head: The selected head; None for the mean over heads.
        key: Where the state of the picture is kept; see `selected_head`.
        off: The heads that are off, each (layer, head), which are struck through.
        toggles: Whether the reader may turn heads off and on; see `toggled`.
        on_change: Called before the rerun that a click or a key brings.
    """

    def make() -> dict[str, object]:
        looks = {"shape": view.shape, "signed": view.signed, "statistics": statistics}
        return picture(small.pixels, small.impossible, **looks)  # type: ignore[arg-type]

    data = _cached_payload(small.pixels, statistics, make)
    _draw(data, layer, head, key, off, on_change, toggles=toggles)


def _draw(
    data: dict[str, object],
    layer: int | None,
    head: int | None,
    key: str,
    off: Sequence[tuple[int, int]],
    on_change: Callable[[], None] | None,
    *,
    toggles: bool,
) -> None:
    revision = _state(key).get("revision")
    selected = selection(
        (int(str(data["layers"])), int(str(data["heads"]))),
        layer=layer,
        head=head,
        revision=revision if isinstance(revision, int) else 0,
        off=off,
        toggles=toggles,
    )
    with st.container(gap=None):
        _mount_selection(data=selected | {"picture": key}, key=f"{key}-selection")
        _mount(
            data=data | {"picture": key},
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


def _cached_payload(
    numbers: FloatArray, statistics: Statistics | None, make: Callable[[], dict[str, object]]
) -> dict[str, object]:
    """The payload of some numbers, made once for as long as they live."""
    name = id(numbers)
    cached = _payloads.get(name)
    if cached is not None and cached[0] is statistics:
        return cached[1]
    if cached is None:
        weakref.finalize(numbers, _payloads.pop, name, None).atexit = False
    data = make()
    _payloads[name] = (statistics, data)
    return data


def _state(key: str) -> dict[str, int | None]:
    """What the browser last said: layer, head, how many selections it has made, and of a toggle."""
    state = st.session_state.get(key)
    selected = state.get("selected") if isinstance(state, dict) else None
    return selected if isinstance(selected, dict) else {}
