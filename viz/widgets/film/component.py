"""The film on the page, and the frame that it rests at."""

from collections.abc import Callable

import streamlit as st

from viz.comparison.film.film import Film
from viz.runs.history import History
from viz.widgets.film.payload import FILM, payload
from viz.widgets.shared.component import register

_mount = register(FILM)


def film_player(
    film: Film, run: History | None, *, frame: int, key: str, on_change: Callable[[], None]
) -> None:
    """Show the film.

    Args:
        film: Its frames, as far as they were read.
        run: What happened in the training; None where that is not known.
        frame: The frame that is shown first.
        key: Where the state of the picture is kept; see `resting_frame`.
        on_change: Called before the rerun that another frame brings.
    """
    _mount(data=payload(film, run, frame=frame), key=key, on_frame_change=on_change)


def resting_frame(key: str) -> int | None:
    """The frame at which the reader rests; None before the first move."""
    state = st.session_state.get(key)
    frame = state.get("frame") if isinstance(state, dict) else None
    return frame if type(frame) is int and frame >= 0 else None
