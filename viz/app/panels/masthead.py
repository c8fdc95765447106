"""The name of the app, and the way from one page to the other."""

import streamlit as st

from viz.app.navigation import offered_pages


def show_masthead() -> None:
    """Show the name, and a link to each page; the one that is open is marked."""
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="masthead", width="stretch"
    ):
        st.title("CLSight", anchor=False, width="content")
        for label, page in offered_pages().items():
            st.page_link(page, label=label)
