"""The rows of the file: which of them, their table, and the one that is looked at."""

from collections.abc import Hashable, Sequence
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import streamlit as st

from finetune.checkpoint.arrays import IntArray
from viz.app import keys, link
from viz.app.audits import AuditRequest
from viz.app.cache import LRUCache
from viz.app.markdown import plain
from viz.app.panels.data import row_detail, selection
from viz.app.panels.data.selection import Cell, Group
from viz.app.panels.fragment import fragment
from viz.data.audit.run import Audit
from viz.data.preview import shortened
from viz.data.rows.row_filter import RowFilter, rows_of_group

ALL, ERRORS = "All rows", "Errors"
MAX_ROWS = 100_000
"""Rows that a browser is sent at once."""
MAX_VISIBLE = 10
"""Rows that are seen at once."""
_views = LRUCache(8)
"""The tables that were sent last: a run of the page makes none again."""


@fragment
def show(request: AuditRequest, audit: Audit, cell: Cell) -> None:
    """Show the rows, and the one that is selected in full.

    Args:
        request: What is audited.
        audit: What is known of it.
        cell: The cell that is selected.
    """
    st.subheader("Rows", anchor=False)
    choices = _choices(audit, cell)
    if st.session_state.get(keys.ROWS) not in choices:
        st.session_state[keys.ROWS] = _first(choices)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        chosen = st.segmented_control(
            "Which rows",
            list(choices),
            format_func=plain,
            key=keys.ROWS,
            required=True,
            label_visibility="collapsed",
        )
        search = st.text_input(
            "Search",
            key=keys.SEARCH,
            placeholder="Search in all texts",
            label_visibility="collapsed",
            icon=":material/search:",
            persist_state="session",
            width=260,
        )
    rows = _rows(request, audit, choices[str(chosen)], (search or "").strip())
    _show_table(request, audit, rows, f"{chosen}-{search}")
    selection.keep_in_link()
    row = selection.row()
    if row is not None and audit.predictions.read[row]:
        row_detail.show(request, audit, row)


def _choices(audit: Audit, cell: Cell) -> dict[str, RowFilter | Group]:
    """What rows can be asked for, by the words of the choice."""
    labels, choices = audit.record.labels, dict[str, RowFilter | Group]()
    group, chosen = selection.group(), selection.cell()
    if group is not None:
        named = f"has “{group.value}”" if group.by == "word" else f"{group.column}: {group.value}"
        choices[named] = group
    gold, predicted = (
        None if number is None else labels[number] for number in (cell.gold, cell.predicted)
    )
    by_cell = RowFilter(label=gold, prediction=predicted)
    if gold is not None or predicted is not None:
        if gold is None:
            named = f"predicted {predicted}"
        else:
            named = f"true {gold}" if predicted is None else f"{gold} → {predicted}"
        # A cell that the page selected by itself stands behind the errors.
        if chosen is not None:
            choices[named] = by_cell
    if "correct" in audit.table and (audit.table["correct"] == False).any():  # noqa: E712
        choices[ERRORS] = RowFilter(errors=True)
    if chosen is None and by_cell != RowFilter():
        choices[named] = by_cell
    return choices | {ALL: RowFilter()}


def _first(choices: Sequence[str] | dict[str, RowFilter | Group]) -> str:
    return next(iter(choices))


def _rows(request: AuditRequest, audit: Audit, wanted: RowFilter | Group, search: str) -> IntArray:
    """The numbers of the rows that are wanted."""

    def compute() -> IntArray:
        if isinstance(wanted, Group):
            among = rows_of_group(
                audit, wanted.by, wanted.column, wanted.value, labeled=wanted.labeled
            )
            return RowFilter(search=search).rows(audit.table, among)
        return RowFilter(wanted.errors, wanted.label, wanted.prediction, search=search).rows(
            audit.table
        )

    return _views.get_or_compute(_key(request, audit, "rows", wanted, search), compute)


def _show_table(request: AuditRequest, audit: Audit, rows: IntArray, name: str) -> None:
    count = f"{len(rows):,} row{'s' * (len(rows) != 1)}"
    if not len(rows):
        st.caption("No such row.")
        return
    sent = rows[:MAX_ROWS]
    if len(sent) < len(rows):
        count += f", of which the first {MAX_ROWS:,} are listed; search, or choose fewer"
    group = selection.group()
    column = group.column if group is not None and group.by == "column" else None
    view = _views.get_or_compute(
        _key(request, audit, "table", len(rows), hash(rows.tobytes()), column),
        lambda: _view(audit, sent, column),
    )
    key = link.key_of_step(f"data-rows-{name}-{len(rows)}")
    places = np.flatnonzero(sent == selection.row())
    st.dataframe(
        view,
        hide_index=True,
        height="content" if len(sent) <= MAX_VISIBLE else 400,
        column_config={
            audit.rows.unit.capitalize(): st.column_config.NumberColumn(width=70, format="%d"),
            "Probability": st.column_config.NumberColumn(
                format="%.1f%%", width=95, help="Of the predicted class."
            ),
            "Loss": st.column_config.NumberColumn(
                format="%.2f",
                width=70,
                help="Minus the logarithm of the probability of the true class; of a score, the "
                "squared error.",
            ),
            "Text": st.column_config.TextColumn(width=640),
        },
        key=key,
        on_select=partial(selection.select_marked, key, sent),
        selection_mode="single-row",
        alt="Rows of the file",
        selection_default={"selection": {"rows": places[:1].tolist()}},
        placeholder="",
        lazy=False,
    )
    st.caption(f"{count}. Click a row to see it in full.")


def _view(audit: Audit, rows: IntArray, column: str | None) -> pa.Table:
    """What the browser is sent of some rows: few columns, and as much of the texts as is seen."""
    table = audit.table.iloc[rows]
    cells: dict[str, object] = {audit.rows.unit.capitalize(): table["place"]}
    if audit.rows.gold is not None:
        cells["True"] = _names(table["label"])
    cells["Predicted"] = _names(table["prediction"])
    if "probability" in table:
        cells["Probability"] = 100 * table["probability"]
    if audit.rows.gold is not None and "loss" in table:
        cells["Loss"] = table["loss"]
    texts = {"Text": [shortened(text) for text in table["text"]]}
    if "pair" in table and audit.rows.pairs is not None:
        texts["Second text"] = [shortened(text) for text in table["pair"]]
    file = audit.rows.table
    if (
        column is not None and column in file and column != audit.rows.columns.label
    ):  # which stands under "True"
        name = column
        while name in cells or name in texts:
            name = f"{name} (file)"
        # Of the file: the audit may have numbers of its own under that name.
        own = [file[column][row] for row in rows.tolist()]
        cells[name] = pd.Series(own, index=table.index, dtype=object).astype("string")
    cells |= texts
    return pa.Table.from_pandas(pd.DataFrame(cells), preserve_index=False)


def _names(column: pd.Series) -> pd.Series:
    """Names of classes, each sent once; numbers as they are."""
    return column if column.dtype == "Float64" else column.astype("category")


def _key(request: AuditRequest, audit: Audit, *more: Hashable) -> Hashable:
    return request.key("rows", audit.record.n_read, *more)
