"""One equation to save: as a picture, a page, or LaTeX."""

import streamlit as st

from viz.app import presence
from viz.export.step.file import STEP_FORMATS, export_step, step_file_name
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.unfolding import Unfolding

FORMAT = "inside-format"


def offer(unfolding: Unfolding, step: Step, *, label: str = "Save") -> None:
    """Offer an equation in the format that the reader chooses.

    Args:
        unfolding: What the equation belongs to.
        step: The equation.
        label: What stands on the button.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="inside-save"):
        formats = list(STEP_FORMATS)
        chosen = st.segmented_control(
            "Save the equation as",
            formats,
            default=formats[0],
            format_func=lambda name: "LaTeX" if name == "tex" else name.upper(),
            required=True,
            key=FORMAT,
            persist_state="session",
            label_visibility="collapsed",
        )
        format = str(chosen)
        st.download_button(
            label,
            data=presence.download(lambda: export_step(unfolding, step, format)),
            file_name=step_file_name(unfolding, step, format),
            mime=STEP_FORMATS[format],
            key="inside-save-button",
            on_click="ignore",
            icon=":material/download:",
            help="This equation with its numbers.",
        )
