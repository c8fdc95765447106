"""The same reading in BertViz, for readers who know it: its head view and its model view."""

import streamlit as st

from viz.app import keys, readings
from viz.app.background import ExplanationRequest
from viz.app.markdown import plain
from viz.app.panels.fragment import fragment
from viz.errors import SelectionError
from viz.export.bertviz.page import bertviz_html
from viz.export.bertviz.parameters import View, affordable_layers
from viz.types import Reading
from viz.widgets.theme.component import current_theme

VIEWS: dict[str, View] = {"head view": "head", "model view": "model"}
HEIGHT = 760
"""Pixels of the frame; what is longer scrolls inside it."""


# What is chosen here concerns nothing else on the page.
@fragment
def offer(request: ExplanationRequest) -> None:
    """Show BertViz where the reader asks for it, with as many layers as a browser can handle.

    Args:
        request: The text and the checkpoint; nothing else matters.
    """
    reading = readings.read(*request.inputs)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if not st.toggle("Show in BertViz", key=keys.BERTVIZ, bind="query-params"):
            return
        view = _choose_view()
        layers = _choose_layers(reading, view)
        download = st.container(width="content")
    try:
        page = bertviz_html(reading, view=view, layers=layers, theme=current_theme(keys.THEME))
    except SelectionError as error:
        st.warning(plain(str(error)), icon=":material/info:")
        return
    download.download_button(
        "Save as HTML",
        data=page,
        file_name=f"bertviz-{view}-view.html",
        mime="text/html",
        key="save-bertviz",
        on_click="ignore",
        icon=":material/download:",
    )
    st.iframe(page.decode("utf-8"), height=HEIGHT, alt=f"BertViz, {view} view")


def _choose_view() -> View:
    chosen = st.segmented_control(
        "View of BertViz",
        list(VIEWS),
        default="head view",
        required=True,
        key=keys.BERTVIZ_VIEW,
        bind="query-params",
        label_visibility="collapsed",
    )
    return VIEWS[chosen]


def _choose_layers(reading: Reading, view: View) -> list[int]:
    """The layers to show; at first the last ones, as many as a browser can handle."""
    n_layers = reading.attention.n_layers
    # One at least, of which it is said at once where even that is too much.
    count = max(1, min(n_layers, affordable_layers(reading, view)))
    return st.multiselect(
        "Layers",
        range(n_layers),
        default=range(n_layers - count, n_layers),
        format_func=lambda layer: f"L{layer}",
        key=f"{keys.LAYERS}-{view}-{count}-{n_layers}",
        placeholder="Choose layers",
        label_visibility="collapsed",
    )
