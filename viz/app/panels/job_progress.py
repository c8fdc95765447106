"""What stands on the page while something is computed in the background."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import streamlit as st

from viz.app import background
from viz.app.markdown import plain
from viz.jobs.background import BackgroundJob

Result = TypeVar("Result")

POLL = 0.5
"""Seconds between two looks at the work."""
PATIENCE = 0.15
"""Seconds that the page itself waits, so that what is nearly done does not flicker."""


def result(work: BackgroundJob[Result], kind: str, *, what: str, seconds: float) -> Result | None:
    """What came of the work if it is there within a moment; else show how far it is.

    Args:
        work: What is being done.
        kind: The kind of its answer, by which it is started again.
        what: What it is, as the reader knows it.
        seconds: About how long it takes.
    """
    if not is_over(work):
        show_progress(work, what=what, seconds=seconds)
    elif work.cancelled:
        start = partial(background.cancel_job, kind)
        offer_again(what, seconds, start, key=f"{kind}-again")
    else:
        return work.result()
    return None


def is_over(work: BackgroundJob[object]) -> bool:
    """Whether there is nothing to wait for; gives the work a moment."""
    return work.cancelled or work.wait(PATIENCE)


def show_progress(work: BackgroundJob[object], *, what: str, seconds: float) -> None:
    """Show how far the work is and let the reader cancel it; the page runs again after it.

    Args:
        work: What is being done.
        what: What it is, as the reader knows it.
        seconds: About how long it takes, known before it has a pace of its own.
    """
    st.fragment(_watch, run_every=POLL)(work, what, seconds)


def _watch(work: BackgroundJob[object], what: str, seconds: float) -> None:
    if work.cancelled or work.done:
        st.rerun()
    left = work.seconds_left
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.progress(
            work.progress, text=f"{plain(what)}: {in_words(seconds if left is None else left)}"
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
