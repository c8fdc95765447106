"""Which classes are taken for which: the matrix, or a table of classes where there is none."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from finetune.run.measurements import Metrics
from viz.app import link
from viz.app.panels.data import selection
from viz.app.panels.data.selection import Cell
from viz.data.audit.record import AuditRecord
from viz.widgets.confusion.component import confusion, selected_cell

KEY, PREDICTIONS = "data-confusion", "data-predictions"
MOST = 12
"""Classes that are seen at once."""
NUMBER = "number"
"""Of a class, in a line that is not shown whole."""
HINT = "Click a cell to see its rows and why they are taken for the other class."


def choose(record: AuditRecord) -> Cell:
    """Show the matrix; the cell that is selected, at first the one with the most errors."""
    metrics = record.measures
    assert isinstance(metrics, Metrics)
    assert metrics.confusion is not None
    labels, counts = metrics.confusion_labels, metrics.confusion
    numbers = metrics.confused or tuple(range(len(labels)))
    places = {number: place for place, number in enumerate(numbers)}
    cell = selection.cell() or _worst(counts, numbers)

    def select() -> None:
        gold, predicted = selected_cell(KEY)
        selection.select_cell(
            Cell(
                None if gold is None else numbers[gold],
                None if predicted is None else numbers[predicted],
            )
        )

    confusion(
        counts,
        labels,
        selected=(_place(cell.gold, places), _place(cell.predicted, places)),
        key=KEY,
        on_change=select,
    )
    some = f"The {len(labels)} classes most often taken for each other. "
    st.caption((some if metrics.confused is not None else "") + HINT)
    return cell


def show_classes(metrics: Metrics) -> None:
    """Show how well each class is told from the others."""
    st.markdown("**Each class against the others**")
    st.dataframe(
        [
            {
                "Class": each.label,
                "Precision": each.precision,
                "Recall": each.recall,
                "F1": each.f1,
                "Rows": each.support,
            }
            for each in metrics.classes
        ],
        hide_index=True,
        height="content" if len(metrics.classes) <= MOST else "auto",
        column_config={
            name: st.column_config.NumberColumn(format="%.3f")
            for name in ("Precision", "Recall", "F1")
        },
        key="data-classes",
        placeholder="",
        alt="Precision, recall and F1 of each class",
    )


def choose_prediction(record: AuditRecord, table: pd.DataFrame) -> Cell:
    """Show how often each class is predicted; the one that is selected, of any true class."""
    rows, key = _predicted(record, table), link.key_of_step(PREDICTIONS)
    selected = selection.cell()
    cell = Cell(None, None if selected is None else selected.predicted)
    marked = [place for place, row in enumerate(rows) if row[NUMBER] == cell.predicted]

    def select() -> None:
        chosen = st.session_state[key].selection.rows
        is_there = bool(chosen) and chosen[0] < len(rows)
        selection.select_cell(Cell(None, rows[chosen[0]][NUMBER] if is_there else None))

    st.dataframe(
        [{name: cell for name, cell in row.items() if name != NUMBER} for row in rows],
        hide_index=True,
        height="content" if len(rows) <= MOST else "auto",
        column_config={
            name: st.column_config.NumberColumn(format="%.1f%%")
            for name in ("Share", "Mean confidence")
        },
        key=key,
        alt="How often each class is predicted",
        on_select=select,
        selection_mode="single-row",
        selection_default={"selection": {"rows": marked}},
        placeholder="",
    )
    return cell


def _predicted(record: AuditRecord, table: pd.DataFrame) -> list[dict[str, Any]]:
    """How often each class is predicted, the most frequent first."""
    confidence = table.groupby("prediction")["probability"].agg(["count", "mean"])
    total, percentages = int(confidence["count"].sum()) or 1, 100 * confidence["mean"]
    rows = [
        {
            "Class": label,
            "Rows": int(confidence["count"].get(label, 0)),
            "Mean confidence": percentages.get(label),
            NUMBER: number,
        }
        for number, label in enumerate(record.labels)
    ]
    for row in rows:
        row["Share"] = 100 * row["Rows"] / total
    return sorted(rows, key=lambda row: -row["Rows"])


def _worst(counts: Sequence[Sequence[int]], numbers: Sequence[int]) -> Cell:
    """The cell of errors with the most rows; none where there are no errors."""
    cells = [
        (count, gold, predicted)
        for gold, row in enumerate(counts)
        for predicted, count in enumerate(row)
        if gold != predicted and count
    ]
    if not cells:
        return Cell(None, None)
    _, gold, predicted = max(cells, key=lambda cell: cell[0])
    return Cell(numbers[gold], numbers[predicted])


def _place(number: int | None, places: dict[int, int]) -> int | None:
    return None if number is None else places.get(number)
