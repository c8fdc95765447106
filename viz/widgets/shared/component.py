"""Where a picture meets Streamlit: it is registered once, under its name."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from viz.widgets.shared.widget import Widget


def register(widget: Widget) -> Callable[..., None]:
    """Register a widget as a component; Streamlit takes one script and one style for each.

    Returns:
        What mounts it: called with its `data`, its `key`, and `on_..._change` functions.
    """
    render = st.components.v2.component(
        f"clsight-{widget.name}", html=widget.html, css=widget.style, js=widget.script
    )

    def mount(*, data: Mapping[str, Any], **options: Any) -> None:
        # In a dictionary Streamlit would look for data frames, for which it imports pandas.
        render(data=[data], **options)

    return mount
