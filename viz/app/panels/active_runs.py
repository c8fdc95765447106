"""Runs that are running, and those that were stopped or failed."""

from collections.abc import Sequence

import streamlit as st

from finetune.run.event_schema import END, Progress
from viz.app.markdown import plain
from viz.app.panels import run_curves
from viz.app.panels.fragment import fragment
from viz.app.panels.job_progress import duration
from viz.runs import launch, state
from viz.runs.state import Run

POLL = 1.0
"""Seconds between two looks at a run; nothing is polled where none is running."""


def show_unfinished(runs: Sequence[Run]) -> str | None:
    """Show each run that is not finished; the name of the one that the reader wants to resume."""
    resumed = None
    for run in runs:
        if run.state == "running":
            fragment(_watch, run_every=POLL)(run.name)
        elif run.state != "finished" and _offer_to_resume(run):
            resumed = run.name
    return resumed


def _watch(name: str) -> None:
    run = state.open_run(name)
    if run.state != "running":
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.progress(_share_done(run), text=f"**{plain(name)}** {_stage(run)}")
        if run.can_stop:
            st.button(
                "Stop",
                key=f"stop-{name}",
                disabled=run.stop_requested,
                on_click=launch.stop,
                args=(name,),
                icon=":material/stop:",
            )
    run_curves.show_run(run)


def _share_done(run: Run) -> float:
    """How much of the run, or of the pre-training before it, is done.  0 to 1."""
    history = run.history
    if history.pretraining and history.progress is not None:
        return min(history.progress.step / (history.progress.steps or 1), 1.0)
    share = 0.0
    if history.steps and history.planned_epochs:
        share = min(history.steps[-1].epoch / history.planned_epochs, 1.0)
    return min((len(history.seed_histories) - 1 + share) / run.n_seeds, 1.0)


def _stage(run: Run) -> str:
    """What the run is doing, and how long that takes."""
    history, progress, seed = run.history, run.history.progress, _seed(run)
    if run.stop_requested:
        return "is stopping"
    if not run.has_events:
        return "is starting"
    if history.pretraining and progress is not None:
        return f"is being pre-trained{seed}, {_pace(progress.seconds_left, progress)}"
    if history.of_last_event("kind") == END:
        return f"is being evaluated{seed}"
    if progress is None:
        return f"is taking its first steps{seed}"
    epoch = min(int(history.steps[-1].epoch) + 1, history.planned_epochs)
    pace = _pace(_seconds_left(run, progress), progress)
    return f"is in epoch {epoch} of {history.planned_epochs}{seed}, {pace}"


def _pace(seconds: float, progress: Progress) -> str:
    return f"{duration(seconds)} left, {progress.texts_per_second:,.0f} texts per second"


def _seed(run: Run) -> str:
    if run.n_seeds == 1:
        return ""
    return f" with seed {len(run.history.seed_histories)} of {run.n_seeds}"


def _seconds_left(run: Run, progress: Progress) -> float:
    """What this seed still takes, and the seeds after it at the same pace."""
    steps_left = progress.steps - progress.step
    per_seed = progress.seconds_left / steps_left * progress.steps if steps_left > 0 else 0.0
    seeds_left = max(run.n_seeds - len(run.history.seed_histories), 0)
    return progress.seconds_left + per_seed * seeds_left


def _offer_to_resume(run: Run) -> bool:
    """Say how a run ended; whether the reader wants to resume it."""
    resumed = False
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(f"**{plain(run.name)}** {_ending(run)}", width="stretch")
        if run.resumable and run.n_processes == 1:
            resumed = st.button("Resume", key=f"resume-{run.name}", icon=":material/resume:")
    if run.resumable and run.n_processes > 1:
        st.caption(f"It was started by {run.n_processes} processes; resume it in a terminal:")
        st.code(launch.terminal_command(run), language="bash")
    return resumed


def _ending(run: Run) -> str:
    if run.is_complete:
        attempt = ""
        if run.failure not in ("", state.KILLED):
            attempt = f" The last attempt: {plain(run.failure)}"
        return (
            "is finished; only its folder still has to be moved into place, which Resume does."
            f"{attempt}"
        )
    if run.state == "failed":
        return f"failed: {plain(run.failure)}"
    if not run.resumable:
        return "was stopped before anything was saved; start it again."
    if not (steps := run.history.steps):
        return f"was stopped before its first epoch{_seed(run)}."
    done = f"{steps[-1].epoch:.1f}".removesuffix(".0")
    return f"was stopped after {done} of {run.history.planned_epochs} epochs{_seed(run)}."
