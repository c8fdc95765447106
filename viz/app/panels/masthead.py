"""The name of the app, and the way from one page to the other."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from viz.app.navigation import offered_pages


def row() -> DeltaGenerator:
    """The first line of a page: the name and the ways to the pages, and room for controls.

    They are as close as that so that those of the Read page fit on one line of 1,280 pixels.
    """
    container = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    with container:
        show_masthead()
    return container


def show_masthead() -> None:
    """Show the name, and a link to each page; the one that is open is marked."""
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="masthead", width="stretch"
    ):
        st.title("CLSight", anchor=False, width="content")
        for label, page in offered_pages().items():
            st.page_link(page, label=label)
