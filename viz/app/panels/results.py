"""Runs side by side: one table, their curves in one chart, and the way to the Read page."""

from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Any

import streamlit as st

from finetune.run.measurements import Metrics
from finetune.run.metrics import METRICS, Metric
from viz.app import keys
from viz.app.markdown import plain
from viz.app.navigation import READ
from viz.app.panels import quality, run_curves, source
from viz.app.panels.active_runs import POLL
from viz.app.panels.fragment import fragment
from viz.faithfulness.ranking import MAX_SECONDS
from viz.figures.plots.training import MOST, measured
from viz.runs import deletion, state
from viz.runs.state import Run


def show(known: Sequence[Run]) -> None:
    """Show all runs; nothing where there are none."""
    if not known:
        return
    st.subheader("Runs", anchor=False)
    chosen = _choose(known)
    for run in known:
        for sentence in run.problems:
            st.caption(f":material/warning: {plain(f'{run.name}: {sentence}')}")
        if run.is_ranking:
            fragment(_watch_ranking, run_every=POLL)(run.name)
        if run.ranking_failure:
            st.caption(f":material/info: {plain(f'{run.name}: {run.ranking_failure}')}")
    with st.container(horizontal=True, gap="small"):
        _open(chosen or known[:MOST], all_kept=bool(chosen))
        if chosen:
            _offer_to_delete(chosen)
    curved = [run for run in chosen or known if measured([run])][:MOST]
    alive = any(run.state == "running" for run in curved)
    if len(curved) > 1:
        names = [run.name for run in curved]
        fragment(_compare, run_every=POLL if alive else None)(names)
    elif curved and not alive:  # one that runs is drawn above
        st.caption(f"Curves of {plain(curved[0].name)}")
        run_curves.show_run(curved[0])
    newest_finished = [run for run in known if run.record is not None][:1]
    for run in chosen or newest_finished:
        quality.show_quality(run)


def _watch_ranking(name: str) -> None:
    if not state.open_run(name).is_ranking:
        st.rerun()
    st.caption(
        f":material/hourglass: {plain(name)}: methods are being ranked by faithfulness, for at "
        f"most {MAX_SECONDS / 60:.0f} minutes. The checkpoint can be read meanwhile."
    )


def _compare(names: Sequence[str]) -> None:
    run_curves.compare([state.open_run(name) for name in names])


def _choose(known: Sequence[Run]) -> list[Run]:
    """Show the table; return the runs whose rows are selected."""
    table = st.dataframe(
        [_row(run) for run in known],
        hide_index=True,
        # Rows are selected by number, which means another run once there are more.
        key=f"train-runs-{len(known)}-{known[0].name}",
        alt="Runs and what they reached",
        on_select="rerun",
        selection_mode="multi-row",
        placeholder="",
        column_config={
            **{each.title: st.column_config.NumberColumn(format=_format(each)) for each in METRICS},
            "Minutes": st.column_config.NumberColumn(format="%.1f"),
        },
    )
    return [known[row] for row in table.selection.rows if row < len(known)]


def _row(run: Run) -> dict[str, Any]:
    row: dict[str, Any] = {"Run": run.name, "Data": run.data, "State": run.state}
    if run.record is None:
        return row
    metrics = run.record.test or run.record.validation
    row |= {
        "Base": run.record.base,
        "Minutes": run.record.seconds / 60,
        "Measured on": "validation" if run.record.test is None else "test",
    }
    row |= {
        each.title: each.of(metrics) * (100 if _is_percentage(each) else 1)
        for each in METRICS
        if each.regression == run.record.regression
    }
    if isinstance(metrics, Metrics):
        low, high = metrics.accuracy_interval
        row["95% interval"] = f"{low:.1%} to {high:.1%}"
    return row


def _is_percentage(metric: Metric) -> bool:
    return metric.format.endswith("%")


def _format(metric: Metric) -> str:
    """How a column of the table writes a metric."""
    if _is_percentage(metric):
        return "%.1f%%"
    return "%.4g" if metric.range[1] == inf else "%.3f"


def _open(shown: Sequence[Run], *, all_kept: bool) -> None:
    """A button for each folder that can be opened; of snapshots, the last or all."""
    for run in shown:
        for folder in run.checkpoints:
            is_result = folder.name == run.name
            if not (all_kept or is_result or folder == run.checkpoints[-1]):
                continue
            step = folder.name.rpartition("-")[2]
            label = run.name if is_result else f"{run.name} at step {step}"
            if st.button(f"Read with {plain(label)}", key=f"open-{folder}"):
                _read_with(folder)


def _offer_to_delete(chosen: Sequence[Run]) -> None:
    """Delete the runs that are selected, once the reader has seen which."""
    listed = ", ".join(run.name for run in chosen)
    with st.popover("Delete …", icon=":material/delete:"):
        st.markdown(
            f"{plain(listed)}: checkpoints, curves and logs will be deleted from disk permanently."
        )
        if st.button("Delete permanently", key="delete-runs", type="primary"):
            for run in chosen:
                deletion.remove_run(run.name)
                source.forget(run.checkpoints)
            st.rerun()


def _read_with(folder: Path) -> None:
    st.session_state[keys.CHECKPOINT] = str(folder)
    st.switch_page(READ)
