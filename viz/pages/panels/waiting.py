"""What stands on the page while something is computed in the background."""

from collections.abc import Callable

import streamlit as st

from viz.pages.markdown import plain
from viz.work import Work

POLL = 0.5
"""Seconds between two looks at the work."""
PATIENCE = 0.15
"""Seconds that the page itself waits, so that what is nearly done does not flicker."""


def is_over(work: Work[object]) -> bool:
    """Whether there is nothing to wait for; gives the work a moment."""
    return work.cancelled or work.wait(PATIENCE)


def show_progress(work: Work[object], *, what: str, seconds: float) -> None:
    """Show how far the work is and let the reader cancel it; the page runs again after it.

    Args:
        work: What is being done.
        what: What it is, as the reader knows it.
        seconds: About how long it takes, known before it has a pace of its own.
    """
    st.fragment(_watch, run_every=POLL)(work, what, seconds)


def _watch(work: Work[object], what: str, seconds: float) -> None:
    if work.cancelled or work.finished:
        st.rerun()
    left = work.seconds_left
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.progress(
            work.share, text=f"{plain(what)}: {in_words(seconds if left is None else left)}"
        )
        st.button("Cancel", key=f"cancel-{what}", on_click=work.cancel, icon=":material/close:")


def in_words(seconds: float) -> str:
    """A time to wait, no more exact than it is known."""
    if seconds < 1.5:
        return "about a second"
    return f"about {seconds:.0f} s" if seconds < 90 else f"about {seconds / 60:.0f} min"


def offer_again(what: str, seconds: float, start: Callable[[], None], *, key: str) -> None:
    """Say that something was cancelled, and let the reader have it after all."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.caption(f"{plain(what)}: cancelled.", width="content")
        st.button(f"Compute it, {in_words(seconds)}", key=key, on_click=start)
