"""Runs that go on, and those that were stopped or failed."""

from collections.abc import Sequence

import streamlit as st

from viz.app.markdown import plain
from viz.app.panels import run_curves
from viz.app.panels.job_progress import in_words
from viz.runs import launch, state
from viz.runs.events import Pace
from viz.runs.state import Run

POLL = 1.0
"""Seconds between two looks at a run; nothing is looked at where none goes on."""


def show_unfinished(known: Sequence[Run]) -> str | None:
    """Show each run that is not finished; the name of the one that the reader wants to go on."""
    wanted = None
    for run in known:
        if run.state == "running":
            st.fragment(_watch, run_every=POLL)(run.name)
        elif run.state != "finished" and _offer_again(run):
            wanted = run.name
    return wanted


def _watch(name: str) -> None:
    run = state.open_run(name)
    if run.state != "running":
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.progress(_share(run), text=f"**{plain(name)}** {_stage(run)}")
        if run.ours:
            st.button(
                "Stop",
                key=f"stop-{name}",
                disabled=run.asked_to_stop,
                on_click=launch.stop,
                args=(name,),
                icon=":material/stop:",
            )
    run_curves.show_run(run)


def _share(run: Run) -> float:
    """How much of the run, or of the pre-training before it, is done.  0 to 1."""
    pace = run.history.pace
    if run.history.pretraining and pace is not None:
        return min(pace.step / (pace.steps or 1), 1.0)
    steps, epochs = run.history.steps, run.history.planned
    share = min(steps[-1].epoch / epochs, 1.0) if steps and epochs else 0.0
    return min((len(run.history.courses) - 1 + share) / run.seeds, 1.0)


def _stage(run: Run) -> str:
    """What the run is at, and how long that takes."""
    history, pace = run.history, run.history.pace
    if run.asked_to_stop:
        return "is stopping"
    if not run.is_heard:
        return "gets ready"
    seed = _seed(run)
    if history.pretraining and pace is not None:
        return f"is being pre-trained{seed}, {_tempo(pace.seconds_left, pace)}"
    if history.text("kind") == "end":
        return f"is being measured{seed}"
    if pace is None:
        return f"takes its first steps{seed}"
    epoch = min(int(history.steps[-1].epoch) + 1, history.planned)
    tempo = _tempo(_seconds_left(run, pace), pace)
    return f"is in epoch {epoch} of {history.planned}{seed}, {tempo}"


def _tempo(seconds: float, pace: Pace) -> str:
    return f"{in_words(seconds)} left, {pace.texts_per_second:,.0f} texts a second"


def _seed(run: Run) -> str:
    return f" with seed {len(run.history.courses)} of {run.seeds}" if run.seeds > 1 else ""


def _seconds_left(run: Run, pace: Pace) -> float:
    """What this seed still takes, and the seeds after it at the same pace."""
    left = pace.steps - pace.step
    whole = pace.seconds_left / left * pace.steps if left > 0 else 0.0
    return pace.seconds_left + whole * max(run.seeds - len(run.history.courses), 0)


def _offer_again(run: Run) -> bool:
    """Say how a run ended; whether the reader wants it to go on."""
    wanted = False
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(f"**{plain(run.name)}** {_how_it_ended(run)}", width="stretch")
        if run.resumable and run.processes == 1:
            wanted = st.button("Resume", key=f"resume-{run.name}", icon=":material/resume:")
    if run.resumable and run.processes > 1:
        st.caption(f"{run.processes} processes began it; go on with it in a terminal:")
        st.code(launch.terminal_command(run), language="bash")
    return wanted


def _how_it_ended(run: Run) -> str:
    if run.is_whole:
        tried = "" if run.sentence in ("", state.DIED) else f" The last try: {plain(run.sentence)}"
        return f"is finished, and only has to be put in its place, which Resume does.{tried}"
    if run.state == "failed":
        return f"failed: {plain(run.sentence)}"
    if not run.resumable:
        return "was stopped before anything was kept; start it anew."
    if not (steps := run.history.steps):
        return f"was stopped before its first epoch{_seed(run)}."
    done = f"{steps[-1].epoch:.1f}".removesuffix(".0")
    return f"was stopped after {done} of {run.history.planned} epochs{_seed(run)}."
