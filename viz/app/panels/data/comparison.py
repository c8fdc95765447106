"""Another checkpoint on the same rows: what it mends, what it breaks, and how sure that is."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from viz.app import audits, checkpoints
from viz.app.audits import AuditRequest
from viz.app.markdown import plain
from viz.app.panels import job_progress
from viz.app.panels.data import corrections, selection
from viz.app.panels.data.measures import show_number
from viz.attribution.descriptions import number
from viz.data.audit.run import Audit
from viz.data.checkpoint_comparison import CheckpointComparison
from viz.data.labels.corrections import is_corrected_version
from viz.data.missing import Missing
from viz.data.preview import shortened
from viz.faithfulness.interval import Interval
from viz.jobs.background import BackgroundJob
from viz.runs import state
from viz.runs.checkpoint_folders import display_name

CHOSEN = "data-compared-checkpoint"
MAX_ROWS = 200
"""Rows of a kind that are listed."""
MEANING = (
    "Both checkpoints read the same rows, so what is compared are pairs: *mended* rows are wrong "
    "now and right with the other checkpoint, *broken* ones the other way around."
)


def show(request: AuditRequest, audit: Audit) -> None:
    """Let the reader choose another checkpoint, and show how it does on the same rows."""
    offered = [each for each in checkpoints.offered() if each != request.source]
    st.session_state.setdefault(CHOSEN, _trained_on(request.data, offered))
    other = st.selectbox(
        "Compare with the checkpoint",
        offered,
        key=CHOSEN,
        placeholder="Choose a checkpoint",
        width=320,
        help=MEANING,
    )
    if other is None:
        st.caption("Nothing to compare with yet: train another checkpoint, or choose one.")
        return
    corrected = corrections.corrections(request, audit)
    compared = audits.comparison(request, audit, other, corrected)
    if isinstance(compared, BackgroundJob):
        seconds = audits.reading_seconds(audit)
        result = job_progress.result(
            compared, audits.COMPARISON, label="Reading the rows", seconds=seconds
        )
        if result is None:
            return
        compared = result
    for note in compared.notes:
        st.caption(f":material/info: {plain(note)}")
    if isinstance(compared.result, Missing):
        st.caption(plain(compared.result.missing))
        return
    _show(compared.result, audit, len(corrected))


def _trained_on(data: Path, offered: Sequence[str]) -> str | None:
    """The newest checkpoint that was trained on a corrected version of the file."""
    for run in state.runs():
        folders = [display_name(folder) for folder in run.checkpoints]
        own = next((name for name in offered if name in folders), None)
        if own is not None and is_corrected_version(run.data, data.name):
            return own
    return None


def _show(result: CheckpointComparison, audit: Audit, n_corrections: int) -> None:
    where = f"{result.n_rows:,} rows of {plain(audit.record.data)}"
    st.caption(f"On {where}{', with your corrections' if n_corrections else ''}. {MEANING}")
    with st.container(horizontal=True, gap="large", key="data-comparison-measures"):
        _show_change("Accuracy", result.accuracy_after, result.accuracy_difference, percent=True)
        _show_change("Macro F1", result.macro_f1_after, result.macro_f1_difference)
        show_number("Mended", f"{len(result.mended):,}")
        show_number("Broken", f"{len(result.broken):,}", f"p = {result.p_value:.2g} (McNemar)")
    st.dataframe(
        [
            {
                "Class": each.label,
                "Rows": each.support,
                "F1 now": each.f1_before,
                "F1 with the other": each.f1_after,
                "Mended": each.mended,
                "Broken": each.broken,
            }
            for each in result.classes
        ],
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format="%.3f")
            for name in ("F1 now", "F1 with the other")
        },
        alt="F1 of each class by both checkpoints",
    )
    left, right = st.columns(2, gap="medium")
    for column, name, rows in ((left, "Mended", result.mended), (right, "Broken", result.broken)):
        with column:
            _show_rows(name, rows, audit.table)


def _show_change(label: str, value: float, change: Interval, *, percent: bool = False) -> None:
    """A measure with the other checkpoint, and its difference with the interval."""
    scale, digits = (100, 1) if percent else (1, 3)
    mean, low, high = (
        number(scale * each, digits) for each in (change.mean, change.low, change.high)
    )
    show_number(label, f"{value:.1%}" if percent else f"{value:.3f}", f"{mean} ({low} to {high})")


def _show_rows(name: str, rows: Sequence[int], table: pd.DataFrame) -> None:
    """The rows of a kind; one that is clicked is shown below."""
    if not rows:
        return
    more = f", the first {MAX_ROWS} of {len(rows):,}" if len(rows) > MAX_ROWS else ""
    st.markdown(f"**{name}**{more}")
    listed = list(rows[:MAX_ROWS])
    key = f"data-{name.lower()}-{len(rows)}"
    st.dataframe(
        [_entries(row, table) for row in listed],
        hide_index=True,
        height="content" if len(listed) < 8 else 300,
        key=key,
        on_select=partial(selection.select_marked, key, listed),
        selection_mode="single-row",
        placeholder="",
        alt=f"{name} rows",
    )


def _entries(row: int, table: pd.DataFrame) -> dict[str, Any]:
    return {
        "Line": int(table["place"].iat[row]),
        "Label": table["label"].iat[row],
        "Predicted now": table["prediction"].iat[row],
        "Text": shortened(str(table["text"].iat[row])),
    }
