"""The attention weight that is taken apart: its layer, head, query and key; in the link too."""

import streamlit as st

from viz.app import keys, link
from viz.mechanism.unfolding.cell import Cell, default_cell
from viz.types import Reading
from viz.widgets.equations.payload import Names

CELL, LINKED = "inside-cell", "inside-linked"
"""Keys of the session's state: what is chosen, and what the URL said of it."""


def existing_cell(
    reading: Reading,
    layer: int | None = None,
    head: int | None = None,
    query: int | None = None,
    key: int | None = None,
) -> Cell:
    """The cell that is named; where a part of it is not, or isn't there, the one to begin with.

    That is the last layer, the deciding token, and there the head and the key with the largest
    weight that goes to a word.
    """
    attention = reading.attention
    n_layers, n_tokens = attention.n_layers, attention.n_tokens
    return default_cell(
        reading,
        layer=n_layers - 1 if _within(layer, n_layers) is None else layer,
        head=_within(head, attention.n_heads),
        query=_within(query, n_tokens),
        key=_within(key, n_tokens),
    )


def cell_parameter(cell: Cell) -> str:
    """A cell as one parameter of a URL."""
    return "-".join(map(str, cell))


def choose(reading: Reading, names: Names) -> Cell:
    """Let the reader choose a cell; the link names it."""
    cell = restore(reading)
    attention = reading.attention
    tokens = {place: f"{place} · {name}" for place, name in enumerate(names.tokens)}
    columns = {
        keys.LAYER: {layer: str(layer) for layer in range(attention.n_layers)},
        keys.HEAD: {head: str(head) for head in range(attention.n_heads)},
        keys.QUERY: tokens,
        keys.KEY: tokens,
    }
    titles = ("Layer", "Head", "Query: the token that looks", "Key: the token looked at")
    chosen = {}
    with st.container(
        horizontal=True, vertical_alignment="bottom", gap="small", key="inside-cell-row"
    ):
        for (name, options), title in zip(columns.items(), titles, strict=True):
            widget = f"inside-{name}"
            keys.reset_if_options_changed(widget, list(options.values()), cell._asdict()[name])
            # Said again each time, since a link or a click may have chosen another one.
            st.session_state[widget] = cell._asdict()[name]
            chosen[name] = st.selectbox(
                title,
                list(options),
                format_func=options.__getitem__,
                key=widget,
                on_change=_follow_choice,
                args=(name, widget),
                width=96 if options is not tokens else 240,
            )
    keep_in_link(cell)
    return cell


def _follow_choice(name: str, widget: str) -> None:
    cell: Cell = st.session_state[CELL]
    st.session_state[CELL] = cell._replace(**{name: st.session_state[widget]})


def restore(reading: Reading) -> Cell:
    """The cell that is chosen: what the URL names, if that is another than the page wrote there."""
    # From Read the cell comes in one parameter: those that are bound to widgets there, as its layer
    # and head are, Streamlit takes out of a link to another page.
    handed_over = st.query_params.get(keys.CELL)
    linked: dict[str, str | None] = {name: st.query_params.get(name) for name in _NAMES}
    if handed_over is not None:
        linked = dict(zip(_NAMES, [*handed_over.split("-"), *[None] * len(_NAMES)], strict=False))
    cell: Cell | None = st.session_state.get(CELL)
    if any(linked.values()) and linked != st.session_state.get(LINKED):
        numbers = {name: _number(written) for name, written in linked.items()}
        cell = existing_cell(reading, **numbers)
    elif cell is not None:
        cell = existing_cell(reading, **cell._asdict())  # another text may be shorter
    chosen = cell or existing_cell(reading)
    st.session_state[CELL] = chosen
    return chosen


def keep_in_link(cell: Cell) -> None:
    """Name a cell in the URL."""
    written = {name: str(number) for name, number in cell._asdict().items()}
    link.keep({keys.CELL: None, **written})
    st.session_state[LINKED] = written


def _number(written: str | None) -> int | None:
    return int(written) if written is not None and link.is_number(written) else None


def _within(number: int | None, count: int) -> int | None:
    return number if number is not None and 0 <= number < count else None


_NAMES = (keys.LAYER, keys.HEAD, keys.QUERY, keys.KEY)
