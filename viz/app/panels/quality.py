"""What a finished run gets right and wrong: class by class, and beside classical methods."""

from typing import Any

import streamlit as st

from finetune.run.measurements import AnyMetrics, Metrics, RegressionMetrics
from finetune.run.record import RunRecord
from viz.app import keys
from viz.app.markdown import plain
from viz.app.panels.plot import show_plot
from viz.figures.plots.matrix import MOST, confusion_map
from viz.runs.state import Run
from viz.widgets.theme.component import current_theme

COLUMNS = {
    "Accuracy": st.column_config.NumberColumn(format="%.1f%%"),
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
    metrics = record.test or record.validation
    split = "validation" if record.test is None else "test"
    with st.expander(f"What {plain(run.name)} gets right and wrong", icon=":material/rule:"):
        st.caption(f"On the {metrics.rows:,} rows of {split}.")
        if isinstance(metrics, Metrics):
            _show_classes(run.name, metrics)
        _show_beside(run.name, record, metrics)


def _show_classes(name: str, metrics: Metrics) -> None:
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
                for each in metrics.classes
            ],
            f"classes-{name}",
            alt=f"Precision, recall and F1 of each class by {name}",
        )
    if metrics.confusion is None or len(metrics.classes) > MOST:
        return
    with picture:
        labels = [each.label for each in metrics.classes]
        figure = confusion_map(metrics.confusion, labels, theme=current_theme(keys.THEME))
        show_plot(figure, f"confusion-{name}", alt=f"Confusion matrix of {name}")


def _show_beside(name: str, record: RunRecord, metrics: AnyMetrics) -> None:
    """The run beside what classical methods make of the same rows."""
    if not record.baselines:
        return
    st.markdown("**Compared with classical methods trained on the same rows**")
    rows = [{"Method": "this run", "Setting": ""} | _measured(metrics)]
    for baseline in record.baselines:
        own = baseline.test or baseline.validation
        rows.append({"Method": baseline.name, "Setting": baseline.setting} | _measured(own))
    _table(rows, f"beside-{name}", alt=f"{name} and classical methods")


def _measured(metrics: AnyMetrics) -> dict[str, Any]:
    if isinstance(metrics, RegressionMetrics):
        return {"R²": metrics.r2, "RMSE": metrics.rmse, "Pearson": metrics.pearson}
    low, high = metrics.accuracy_interval
    return {
        "Accuracy": 100 * metrics.accuracy,
        "95% interval": f"{low:.1%} to {high:.1%}",
        "Macro F1": metrics.macro_f1,
    }


def _table(rows: list[dict[str, Any]], key: str, *, alt: str) -> None:
    st.dataframe(
        rows,
        hide_index=True,
        height="content" if len(rows) <= MOST else "auto",
        column_config=COLUMNS,
        key=key,
        placeholder="",
        alt=alt,
    )
