"""Plotly figures on the page."""

import plotly.graph_objects as go
import streamlit as st

CONFIG = {"displayModeBar": False, "scrollZoom": False}
"""Figures are saved with our own buttons, and the wheel scrolls the page."""


def show_plot(figure: go.Figure, key: str) -> None:
    """Show a figure in its own colors."""
    st.plotly_chart(figure, key=key, theme=None, config=CONFIG)
