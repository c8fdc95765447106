"""What stands on the page while something is computed in the background."""

from functools import partial
from typing import TypeVar

import streamlit as st

from viz.app import background
from viz.app.markdown import plain
from viz.app.panels.fragment import fragment
from viz.jobs.background import BackgroundJob

Result = TypeVar("Result")

POLL = 0.5
"""Seconds between two looks at the job."""
PATIENCE = 0.15
"""Seconds that the page itself waits, so that what is nearly done does not flicker."""


def result(
    job: BackgroundJob[Result], kind: str, *, label: str, seconds: float | None
) -> Result | None:
    """The result of a job if it is there within a moment; else show how far it is.

    Args:
        job: What is being computed.
        kind: The kind of its result, by which it is started again.
        label: What it is, as the reader knows it.
        seconds: About how long it takes; None where that is not known before it began.
    """
    if not (job.cancelled or job.wait(PATIENCE)):
        fragment(_watch, run_every=POLL)(job, kind, label, seconds)
    elif job.cancelled:
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            st.caption(f"{plain(label)}: canceled.", width="content")
            st.button(
                "Compute it" if seconds is None else f"Compute it, {duration(seconds)}",
                key=f"{kind}-again",
                on_click=partial(background.cancel_job, kind),
            )
    else:
        return job.result()
    return None


def _watch(job: BackgroundJob[object], kind: str, label: str, seconds: float | None) -> None:
    """Show how far the job is and let the reader cancel it; the page runs again after it."""
    if job.cancelled or job.done:
        st.rerun()
    left = seconds if job.seconds_left is None else job.seconds_left
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        text = label if left is None else f"{label}: {duration(left)}"
        st.progress(job.progress, text=plain(text))
        st.button("Cancel", key=f"cancel-{kind}", on_click=job.cancel, icon=":material/close:")


def duration(seconds: float) -> str:
    """A time to wait, no more exact than it is known."""
    if seconds < 1.5:
        return "about a second"
    return f"about {seconds:.0f} s" if seconds < 90 else f"about {seconds / 60:.0f} min"
