"""How good the classifier is on the file: the first line of the page."""

import pandas as pd
import streamlit as st

from finetune.run.measurements import CalibrationMetrics, Metrics, RegressionMetrics
from viz.app.markdown import plain
from viz.app.panels.data.part import in_page_words
from viz.attribution.descriptions import number, percent
from viz.data.audit import sentences
from viz.data.audit.record import AuditRecord
from viz.data.missing import Missing


def show(record: AuditRecord, table: pd.DataFrame) -> None:
    """Show the measures, or without labels how sure the classifier is, and what has to be known."""
    with st.container(horizontal=True, gap="medium", key="data-measures"):
        measures = record.measures
        if isinstance(measures, Metrics):
            _show_classes(measures)
        elif isinstance(measures, RegressionMetrics):
            _show_scores(measures)
        if isinstance(record.calibration, CalibrationMetrics):
            show_number(
                "Calibration error", f"{record.calibration.ece:.1%}", help=sentences.CALIBRATION
            )
        if isinstance(measures, Missing) and "probability" in table:
            mean = table["probability"].mean()
            if pd.notna(mean):
                show_number("Mean confidence", percent(float(mean)), "of the predicted class")
        show_number("Rows", f"{record.n_rows:,}", _kept(record))
    if isinstance(measures, Missing):
        st.caption(plain(measures.missing))
    for note in record.notes:
        st.caption(f":material/info: {plain(in_page_words(note))}")


def _show_classes(measures: Metrics) -> None:
    low, high = measures.accuracy_interval
    show_number(
        "Accuracy",
        f"{measures.accuracy:.1%}",
        f"{low:.1%} to {high:.1%}",
        help=sentences.ACCURACY_INTERVAL,
    )
    show_number("Macro F1", f"{measures.macro_f1:.3f}", help=sentences.MACRO_F1)


def _show_scores(measures: RegressionMetrics) -> None:
    if measures.pearson is not None:
        ends = measures.pearson_interval
        between = "" if ends is None else f"{number(ends[0], 3)} to {number(ends[1], 3)}"
        show_number("Pearson correlation", number(measures.pearson, 3), between)
    show_number("Root mean squared error", f"{measures.rmse:.4g}")


def _kept(record: AuditRecord) -> str:
    """How many rows were read and have labels, where that isn't all of them."""
    parts = []
    if record.label_column is not None and record.n_labeled < record.n_rows:
        parts.append(f"{record.n_labeled:,} measured")
    if record.n_read < record.n_rows:
        parts.append(f"{record.n_read:,} read")
    return ", ".join(parts)


def show_number(label: str, value: str, below: str = "", *, help: str | None = None) -> None:
    """Show one number in large digits.

    Args:
        label: What it is.
        value: As it is written.
        below: What stands below it, such as its interval.
        help: What is told on request.
    """
    st.metric(
        label,
        value,
        below or None,
        delta_color="off",
        delta_arrow="off",
        help=help,
        width="content",
    )
