"""What all plotly figures have in common: the colors and the font of the page."""

import plotly.graph_objects as go

from viz.colors import Palette


def apply_style(figure: go.Figure, palette: Palette, height: int) -> None:
    """Give a figure the page's colors and font."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": palette.ink, "family": "Source Sans, sans-serif"},
        hoverlabel={"bgcolor": palette.ground, "font": {"color": palette.ink}},
    )
