"""What a finished run gets right and wrong: class by class, and beside classical methods."""

from typing import Any

import streamlit as st

from finetune.run.record import AnyMetrics, Metrics, RegressionMetrics, RunRecord
from viz.app import session
from viz.app.markdown import plain
from viz.plots.matrix import MOST, confusion_map
from viz.runs.state import Run
from viz.widgets.theme.component import current_theme

COLUMNS = {
    "Accuracy": st.column_config.NumberColumn(format="percent"),
    **{
        name: st.column_config.NumberColumn(format="%.3f")
        for name in ("Precision", "Recall", "F1", "Macro F1", "R²", "Pearson")
    },
    "RMSE": st.column_config.NumberColumn(format="%.4g"),
}
"""How numbers are written, by column."""


def show_quality(run: Run) -> None:
    """Show it behind a line to open; nothing of a run that has not finished."""
    record = run.record
    if record is None:
        return
    found, split = record.test or record.validation, "validation" if record.test is None else "test"
    with st.expander(f"What {plain(run.name)} gets right and wrong", icon=":material/rule:"):
        st.caption(f"On the {found.rows:,} rows of {split}.")
        if isinstance(found, Metrics):
            _show_classes(run.name, found)
        _show_beside(run.name, record, found)


def _show_classes(name: str, found: Metrics) -> None:
    """Each class, and which is taken for which, where a row has one class and names fit."""
    table, picture = st.columns([4, 5], gap="medium")
    with table:
        _table(
            [
                {
                    "Class": each.label,
                    "Precision": each.precision,
                    "Recall": each.recall,
                    "F1": each.f1,
                    "Rows": each.support,
                }
                for each in found.classes
            ],
            f"classes-{name}",
        )
    if found.confusion is None or len(found.classes) > MOST:
        return
    with picture:
        labels = [each.label for each in found.classes]
        figure = confusion_map(found.confusion, labels, theme=current_theme(session.THEME))
        st.plotly_chart(figure, key=f"confusion-{name}", theme=None, config=session.PLOT)


def _show_beside(name: str, record: RunRecord, found: AnyMetrics) -> None:
    """The run beside what classical methods make of the same rows."""
    if not record.baselines:
        return
    st.markdown("**Beside classical methods, trained on the same rows**")
    rows = [{"Method": "this run", "Setting": ""} | _measured(found)]
    for made in record.baselines:
        own = made.test or made.validation
        rows.append({"Method": made.name, "Setting": made.setting} | _measured(own))
    _table(rows, f"beside-{name}")


def _measured(found: AnyMetrics) -> dict[str, Any]:
    if isinstance(found, RegressionMetrics):
        return {"R²": found.r2, "RMSE": found.rmse, "Pearson": found.pearson}
    low, high = found.accuracy_interval
    return {
        "Accuracy": found.accuracy,
        "95 % interval": f"{low:.1%} to {high:.1%}",
        "Macro F1": found.macro_f1,
    }


def _table(rows: list[dict[str, Any]], key: str) -> None:
    st.dataframe(
        rows,
        hide_index=True,
        height="content" if len(rows) <= MOST else "auto",
        column_config=COLUMNS,
        key=key,
        placeholder="",
    )
