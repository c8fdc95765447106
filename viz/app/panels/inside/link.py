"""The way from a head, or a cell of its map, to the equations that made it."""

import streamlit as st

from viz.app import keys
from viz.app.markdown import plain
from viz.app.navigation import INSIDE
from viz.app.panels.inside.cell import cell_parameter
from viz.attention.rollout import place
from viz.mechanism.unfolding.cell import Cell
from viz.types import Reading
from viz.widgets.equations.payload import Names


def offer(reading: Reading, cell: Cell) -> None:
    """Show a quiet link to the page *Inside*.

    Args:
        reading: What was read.
        cell: The attention weight that the page shall open on.
    """
    names = Names.of(reading).tokens
    looks = f"{plain(names[cell.query])} → {plain(names[cell.key])}"
    with st.container(key="inside-link"):
        st.page_link(
            INSIDE,
            label=f"Inside {place(cell.layer, cell.head)}: {looks}",
            icon=":material/function:",
            query_params={keys.CELL: cell_parameter(cell)},
            help="How this weight was computed, equation by equation, and what became of it. "
            "Click a cell of the heat map to choose another one.",
        )
