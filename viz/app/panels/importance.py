"""Which heads matter for the class of this text: their gradients right away, ablation on demand."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import streamlit as st

from finetune.checkpoint.arrays import FloatArray
from viz.app import background, checkpoints, keys, readings
from viz.app.background import ExplanationRequest
from viz.app.markdown import plain
from viz.app.panels import job_progress
from viz.app.panels.fragment import fragment
from viz.app.panels.plot import show_plot
from viz.attribution import resolve_target
from viz.attribution.descriptions import explained_scalar
from viz.attribution.head_importance import ablate, gate_gradients
from viz.export.filenames import table_name
from viz.export.head_importance import HeadTable, agreement_sentence, single_text_table, table_csv
from viz.figures.plots.heads import head_map
from viz.jobs.background import BackgroundJob, ProgressCallback
from viz.types import Reading
from viz.widgets.theme.component import current_theme

OPEN = "importance-open"
"""Key of the switch that shows the heads."""
SILENCED = "importance-silenced"
"""Key of the request for which the reader had all heads switched off."""
LABEL = "Switching off each head"
SLOPE = (
    "**Turned down a little**: how fast {scalar} falls when a head contributes slightly less. "
    "Takes two passes, but a saturated head hardly shows."
)
LOSS = (
    "**Switched off**: what {scalar} loses when a head contributes nothing. Takes one pass per "
    "head."
)


# The switch draws this panel again and leaves the rest of the page alone.
@fragment
def offer(request: ExplanationRequest) -> None:
    """A switch, and under it the map of all heads where the reader asked for it.

    Args:
        request: The text and the classes; the method does not matter.
    """
    if not st.toggle("Which heads matter", key=OPEN):
        background.cancel_job("ablation")  # nobody waits for it now
        return
    request = replace(request, method="", options=())
    _show(request, readings.read(*request.inputs))


def _show(request: ExplanationRequest, reading: Reading) -> None:
    gradient = _gradient(request, reading)
    target = resolve_target(reading.prediction, *request.classes)
    scalar = plain(explained_scalar(reading.prediction, target))
    left, right = st.columns(2, gap="medium")
    with left:
        st.caption(SLOPE.format(scalar=scalar))
        _draw(gradient, "head-gradient", alt="Slope in the gate of each head")
    with right:
        st.caption(LOSS.format(scalar=scalar))
        lost = _ablation(request, gradient.size)
        if lost is not None:
            _draw(lost, "head-ablation", alt="What is lost without each head")
    _show_table(single_text_table(gradient, lost), reading)


def _draw(values: FloatArray, key: str, *, alt: str) -> None:
    figure = head_map(values, theme=current_theme(keys.THEME))
    show_plot(figure, key, alt=f"Heat map of layers and heads: {alt}")


def _gradient(request: ExplanationRequest, reading: Reading) -> FloatArray:
    """The slopes of all heads, computed once.  (L, H)"""
    key, results = request.key("head-gradient"), background.results()
    values = cast("FloatArray | None", results.get(key))
    if values is None:
        classifier = checkpoints.classifier(request.source)
        values = results.add(key, gate_gradients(classifier, reading, *request.classes))
    return values


def _ablation(request: ExplanationRequest, passes: int) -> FloatArray | None:
    """What is lost without each head, (L, H); None where that was not requested or isn't there."""
    values = cast("FloatArray | None", background.results().get(request.key("ablation")))
    if values is not None:
        return values
    seconds = passes * readings.seconds_per_pass(*request.inputs)
    if st.session_state.get(SILENCED) != request:
        st.button(
            f"Switch off each head, {job_progress.duration(seconds)}",
            key="ablation",
            icon=":material/volume_off:",
            on_click=_silence,
            args=(request,),
        )
        return None
    return _wait(request, passes, seconds)


def _silence(request: ExplanationRequest) -> None:
    background.cancel_job("ablation")
    st.session_state[SILENCED] = request


def _wait(request: ExplanationRequest, passes: int, seconds: float) -> FloatArray | None:
    key = request.key("ablation")
    work: BackgroundJob[FloatArray] = background.submit(key, lambda: _ablate(request), passes)
    return job_progress.result(work, "ablation", label=LABEL, seconds=seconds)


def _ablate(request: ExplanationRequest) -> Callable[[ProgressCallback], FloatArray]:
    classifier, reading = checkpoints.classifier(request.source), readings.read(*request.inputs)
    return lambda progress: ablate(classifier, reading, *request.classes, progress=progress)


def _show_table(table: HeadTable, reading: Reading) -> None:
    """Whether both measures agree, and all numbers to take away."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if table.correlation is not None:
            st.caption(plain(agreement_sentence(table.correlation)))
        st.download_button(
            "CSV",
            data=lambda: table_csv(table),
            file_name=table_name("heads", reading),
            mime="text/csv",
            key="save-heads",
            on_click="ignore",
            icon=":material/download:",
            help="One row per head.",
        )
