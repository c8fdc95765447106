"""Where a picture meets Streamlit: it is registered once, under its name."""

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from viz.widgets.shared.widget import Widget


def register(widget: Widget) -> ComponentRenderer:
    """Register a widget as a component; Streamlit takes one script and one style for each."""
    return st.components.v2.component(
        f"clsight-{widget.name}", html=widget.html, css=widget.style, js=widget.script
    )
