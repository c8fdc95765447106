"""The film on the page, and the frame that it rests at."""

from collections.abc import Mapping

import streamlit as st

from viz.widgets.film.payload import FILM
from viz.widgets.shared.component import register

_mount = register(FILM)


def film_player(data: Mapping[str, object], *, key: str) -> None:
    """Show the film.

    Args:
        data: As from `payload`; the same for as long as the film is, so that it is sent once.
        key: Where the state of the picture is kept; see `resting_frame`.
    """
    _mount(data=data, key=key, on_frame_change=lambda: None)


def resting_frame(key: str) -> int | None:
    """The frame at which the reader rests; None before the first move."""
    state = st.session_state.get(key)
    frame = state.get("frame") if isinstance(state, dict) else None
    return frame if type(frame) is int and frame >= 0 else None
