"""Plotly figures on the page."""

import plotly.graph_objects as go
import streamlit as st

CONFIG = {"displayModeBar": False, "scrollZoom": False}
"""Figures are saved with our own buttons, and the wheel scrolls the page."""


def show_plot(figure: go.Figure, key: str, *, alt: str) -> None:
    """Show a figure in its own colors.

    Args:
        figure: The figure.
        key: Its key on the page.
        alt: What a screen reader calls it: what it shows, and of what.
    """
    st.plotly_chart(figure, key=key, theme=None, config=CONFIG, alt=alt)
