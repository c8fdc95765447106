"""Runs that go on, and those that were stopped or failed."""

from collections.abc import Sequence

import streamlit as st

from viz import runs, session
from viz.components.theme import current_theme
from viz.curves import curves
from viz.pages.markdown import plain
from viz.pages.panels.waiting import in_words
from viz.runs import Run

POLL = 1.0
"""Seconds between two looks at a run; nothing is looked at where none goes on."""


def show_unfinished(known: Sequence[Run]) -> None:
    """Show each run that is not finished."""
    for run in known:
        if run.state == "running":
            st.fragment(_watch, run_every=POLL)(run.name)
        elif run.state != "finished":
            _offer_again(run)


def _watch(name: str) -> None:
    run = runs.open_run(name)
    if run.state != "running":
        st.rerun()
    steps = run.of_kind("step")
    last = steps[-1] if steps else {}
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        share = last.get("step", 0) / max(last.get("steps", 1), 1)
        st.progress(min(share, 1.0), text=f"{plain(name)}: {_pace(last)}")
        st.button("Stop", key=f"stop-{name}", on_click=runs.stop, args=(name,))
    if steps:
        _draw(run)


def _pace(last: runs.Event) -> str:
    if not last:
        return "getting ready"
    left = in_words(float(last.get("seconds_left") or 0))
    return f"{left} left, {last.get('texts_per_second') or 0:.0f} texts a second"


def _draw(run: Run) -> None:
    theme = current_theme(session.THEME)
    left, right = st.columns(2, gap="medium")
    loss = curves([run], "step", "step", "loss", title="Training loss", theme=theme)
    left.plotly_chart(loss, key=f"loss-{run.name}", theme=None, config=session.PLOT)
    if run.of_kind("epoch"):
        found = curves([run], "epoch", "epoch", "accuracy", title="Accuracy", theme=theme)
        right.plotly_chart(found, key=f"accuracy-{run.name}", theme=None, config=session.PLOT)


def _offer_again(run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(f"**{plain(run.name)}** {run.state}: {plain(run.sentence)}", width="stretch")
        if run.resumable:
            st.button("Resume", key=f"resume-{run.name}", on_click=runs.resume, args=(run.name,))
