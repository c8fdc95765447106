"""How accuracy falls as heads go, counted on request on rows of the file."""

import streamlit as st

from viz.app import audits, keys
from viz.app.audits import AuditRequest
from viz.app.markdown import plain
from viz.app.panels import job_progress
from viz.app.panels.data import long_rows
from viz.app.panels.fragment import fragment
from viz.app.panels.plot import show_plot
from viz.data.audit.run import Audit
from viz.export.accuracy_curve import curve_csv, curve_sentence
from viz.figures.plots.accuracy_curve import accuracy_plot
from viz.jobs.background import BackgroundJob
from viz.mechanism.ablation.measurement import FileCurve
from viz.widgets.theme.component import current_theme

OPEN = "data-head-curve-open"
"""Key of the switch that shows the curve."""
WANTED = "data-head-curve-wanted"
"""Key of the request whose curve the reader asked for."""
ABOUT = (
    "Heads are switched off, the least important for {n_ordered} rows of this file first, and "
    "others of its rows are read without them."
)


CUT = "Of a text that is too long only what the model reads at once is read here, not all windows."


@fragment
def offer(request: AuditRequest, audit: Audit) -> None:
    """A switch, and under it the curve where the rows have one class each; else nothing."""
    if not audits.has_head_curve(audit) or not st.toggle("Accuracy as heads go", key=OPEN):
        return
    if audit.record.windows is not None and long_rows.are_there(audit.predictions):
        st.caption(CUT)
    wanted = st.session_state.get(WANTED) == request
    result = audits.head_curve(request, audit, start=wanted)
    seconds = audits.head_curve_seconds(request, audit)
    if result is None:
        st.caption(ABOUT.format(n_ordered=audits.N_ORDERED))
        st.button(
            f"Count, {job_progress.duration(seconds)}",
            key="data-head-curve",
            icon=":material/volume_off:",
            on_click=_want,
            args=(request,),
        )
        return
    if isinstance(result, BackgroundJob):
        result = job_progress.result(
            result, audits.HEAD_CURVE, label="Reading without heads", seconds=seconds
        )
    if result is not None:
        _show(result)


def _want(request: AuditRequest) -> None:
    st.session_state[WANTED] = request


def _show(measured: FileCurve) -> None:
    figure = accuracy_plot(measured.curve, theme=current_theme(keys.THEME))
    show_plot(figure, "data-head-curve", alt="Accuracy as heads go, and with heads in random order")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.caption(plain(curve_sentence(measured)))
        st.download_button(
            "CSV",
            data=lambda: curve_csv(measured),
            file_name="accuracy-as-heads-go.csv",
            mime="text/csv",
            key="save-head-curve",
            on_click="ignore",
            icon=":material/download:",
            help="One row per point.",
        )
