"""What is selected on the Data page: a cell, a part of the file, a row; in the link too."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from finetune.checkpoint.arrays import IntArray
from viz.app import keys, link
from viz.app.audits import AuditRequest
from viz.data.audit.run import Audit

CELL, GROUP, ROW, OWNER = "data-cell", "data-group", "data-row", "data-owner"
"""Keys of the session's state: what is selected, and in which audit."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Rows of a true class that are put into another one, by their numbers; None for any."""

    gold: int | None
    predicted: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """A part of the file, as slices name it: by a column, by length, by a word."""

    by: str
    column: str
    value: str
    labeled: bool = False
    """Whether only its rows with a label count, as in slices."""


def restore(request: AuditRequest, audit: Audit, *, linked: bool) -> None:
    """Forget what was selected in another audit; select what the link names.

    Args:
        request: What is shown.
        audit: What is known of it.
        linked: Whether the link is about it.
    """
    owner = (request.source, str(request.data), audit.subject)
    before = st.session_state.get(OWNER)
    if before == owner and not link.is_revisited():
        return
    st.session_state[OWNER] = owner
    for name in (CELL, GROUP, ROW):
        st.session_state.pop(name, None)
    if not linked or (before is not None and not link.is_revisited()):
        return
    n_classes, n_rows = len(audit.record.labels), audit.record.n_rows
    cell = Cell(_number(keys.GOLD, n_classes), _number(keys.PREDICTED, n_classes))
    if cell != Cell(None, None):
        st.session_state[CELL] = cell
    st.session_state[ROW] = _number(keys.ROW, n_rows)


def cell() -> Cell | None:
    """The cell that was selected; None where that was left to the page."""
    return st.session_state.get(CELL)


def group() -> Group | None:
    """The part of the file that was selected."""
    return st.session_state.get(GROUP)


def row() -> int | None:
    """The row that was selected, counted from 0."""
    return st.session_state.get(ROW)


def select_cell(selected: Cell) -> None:
    """Select a cell; the rows of the page follow."""
    st.session_state[CELL] = selected
    st.session_state[keys.ROWS] = None
    st.session_state.pop(GROUP, None)


def select_group(selected: Group | None) -> None:
    """Select a part of the file; the rows of the page follow."""
    st.session_state[GROUP] = selected
    st.session_state[keys.ROWS] = None


def select_row(selected: int | None) -> None:
    """Select a row."""
    st.session_state[ROW] = selected


def select_marked(table: str, rows: Sequence[int] | IntArray) -> None:
    """Select the row that the reader marked in a table; none where the mark was taken away.

    Args:
        table: Its key.
        rows: The row of each of its lines.
    """
    marked = st.session_state[table].selection.rows
    select_row(int(rows[marked[0]]) if marked and marked[0] < len(rows) else None)


def keep_in_link() -> None:
    """Name in the URL what is selected."""
    selected = cell() or Cell(None, None)
    numbers = {keys.GOLD: selected.gold, keys.PREDICTED: selected.predicted, keys.ROW: row()}
    link.keep({name: None if number is None else str(number) for name, number in numbers.items()})


def _number(name: str, count: int) -> int | None:
    """A number below *count* that the link names; None where it names no such number."""
    number = link.number(name)
    return number if number is not None and number < count else None
