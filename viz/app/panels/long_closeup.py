"""One head of a long text, closely: of its map as much as is looked at."""

import streamlit as st

from viz.app import long_maps, readings
from viz.app.long_maps import LongMap
from viz.app.panels import closeup, job_progress, tiled_map
from viz.attention import deciding_token, views
from viz.attention.long_rows import PooledRow
from viz.attention.long_view import LongView, Thumbnails
from viz.attention.rollout import place
from viz.types import Reading
from viz.widgets.colored_text.component import colored_text, selected_token
from viz.widgets.heatmap.component import selected_cell

STRETCH = 200
"""Rows and columns whose arcs are drawn at a time."""
ROW, ALL_ROWS, FIRST = "long-row", "long-all-rows", "long-first"
"""Keys of what the reader chose: a row, all of them, the first row of a stretch."""


def show(shown: LongMap, view: LongView, small: Thumbnails | None) -> None:
    """Show the selected head in the way that the reader chose.

    Args:
        shown: The map.
        view: The maps of which it is one.
        small: All of them in small; None where that isn't known yet.
    """
    chosen = closeup.choose_picture()
    if chosen == closeup.ARCS:
        _show_stretch(shown, view)
    elif chosen == closeup.TEXT:
        _show_row(shown, view)
    elif small is not None:
        tiled_map.show(shown, small)


def _show_stretch(shown: LongMap, view: LongView) -> None:
    """The arcs among some words that follow one another."""
    n_rows, n_columns = view.shape
    last = max(0, min(n_rows, n_columns) - 2)
    first = _choose_number("From row", FIRST, last, step=STRETCH // 2, default=0)
    rows = slice(first, min(first + STRETCH, n_rows))
    columns = slice(first, min(first + STRETCH, n_columns))
    job = long_maps.stretch_job(shown, rows, columns)
    layer = job_progress.result(job, "stretch", label="Arcs", seconds=None)
    if layer is not None:
        unit = "word" if shown.options.unit == "word" else "wordpiece"
        note = f"{unit}s {rows.start:,} to {rows.stop - 1:,} only; shares are of these"
        closeup.show_arcs(layer, shown.layer, shown.head, note)


def _show_row(shown: LongMap, view: LongView) -> None:
    """The row of one token on the text itself; at first that which the class is read from."""
    reading = readings.read(shown.source, *shown.texts.inputs)
    spans = view.spans
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        query = None if _takes_all_rows(reading, signed=view.signed) else _choose_row(view, reading)
        if query is not None:
            st.caption(f"{spans[query].label}", width="content")
    row: PooledRow | None
    if query is None:
        assert reading.pooling is not None
        job = long_maps.pooled_row_job(shown, reading.pooling)
        row = job_progress.result(job, "pooled", label="All rows", seconds=None)
        looks = "some token" if view.signed else deciding_token.name_of(reading)
    else:
        every = slice(0, view.shape[1])
        part = view.region(shown.layer, shown.head, slice(query, query + 1), every)
        impossible = None if part.impossible is None else part.impossible[0, 0]
        row, looks = PooledRow(part.weights[0, 0, 0], impossible), spans[query].label
    if row is None:
        return
    low, high = ("lowers", "raises") if reading.prediction.regression else ("against", "for")
    name = place(shown.layer, shown.head)
    caption = closeup.row_caption(reading, name, looks, is_mean=query is None, signed=view.signed)
    colored_text(
        reading.encoding,
        view.keys,
        row.values,
        signed=view.signed,
        key="row",
        low_label=low if view.signed else "",
        high_label=high if view.signed else "",
        caption=f"{caption} Click a word for its own row.",
        opens=True,
        impossible=row.impossible,
        on_select=lambda: _follow_word(view),
    )


def _takes_all_rows(reading: Reading, *, signed: bool) -> bool:
    """Whether the rows are taken together, where the class is read from several tokens."""
    if reading.pooling is None or reading.deciding_token is not None:
        return False
    name = "all rows" if signed else deciding_token.name_of(reading).removeprefix("the ")
    return st.toggle(name.capitalize(), True, key=ALL_ROWS)


def _choose_row(view: LongView, reading: Reading) -> int:
    cell = selected_cell(closeup.HEATMAP)
    first = cell[0] if cell else views.row_of(view.spans, reading.deciding_token)
    return _choose_number("The token that looks", ROW, view.shape[0] - 1, default=first or 0)


def _choose_number(label: str, key: str, last: int, *, default: int, step: int = 1) -> int:
    """Let the reader choose a row by its number: a list of thousands would take seconds."""
    if key not in st.session_state or st.session_state[key] > last:
        st.session_state[key] = min(default, last)
    return int(st.number_input(f"{label}, 0 to {last:,}", 0, last, step=step, key=key, width=200))


def _follow_word(view: LongView) -> None:
    """Carry a click on a word over to the row that is shown."""
    row = views.row_of(view.spans, selected_token("row"))
    if row is not None:
        st.session_state[ROW] = row
        st.session_state[ALL_ROWS] = False
