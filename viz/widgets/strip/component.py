"""The strip on the page, and what was last chosen in it."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import streamlit as st

from viz.widgets.shared.component import register
from viz.widgets.strip.payload import STRIP, WindowBar

__all__ = ["Choice", "WindowBar", "chosen", "strip"]

_mount = register(STRIP)


class Choice(NamedTuple):
    """What the reader chose in the strip."""

    kind: Literal["passage", "window"]
    number: int | None
    """None where a window was closed."""


def strip(picture: Mapping[str, object], *, key: str, on_change: Callable[[], None]) -> None:
    """Show a whole text as one slim picture.

    Args:
        picture: What is shown, as from `payload` and `texts`.
        key: Where the state of the picture is kept; see `chosen`.
        on_change: Called before the rerun that a click or a key brings.
    """
    _mount(data=dict(picture), key=key, on_chosen_change=on_change)


def chosen(key: str) -> Choice | None:
    """What was last chosen in the strip; None before the first click."""
    state = st.session_state.get(key)
    choice = state.get("chosen") if isinstance(state, dict) else None
    if not isinstance(choice, dict):
        return None
    kind, index = choice.get("kind"), choice.get("index")
    if kind == "window" and index is None:
        return Choice("window", None)
    if kind not in ("window", "passage") or type(index) is not int or index < 0:
        return None
    return Choice(kind, index)
