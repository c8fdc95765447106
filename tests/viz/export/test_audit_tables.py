"""Tables of an audit: a line for each finding, and numbers in cells of their own."""

import csv
import io
from dataclasses import replace
from typing import Any

import pytest

from tests.audits import full_audit, unlabeled_audit
from viz.data.reasons.cell_reasons import RowMean
from viz.export.audit_files import table_csv
from viz.export.audit_tables import TABLES

AUDIT = full_audit()
LINES = {
    "Rows (CSV)": 48,
    "Label errors (CSV)": 3,
    "Slices (CSV)": 3,
    "Shortcuts (CSV)": 2,
    "Reasons (CSV)": 4,
    "Shift (CSV)": 3,
}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.file)
def test_every_table_has_a_line_for_each_finding(table: object) -> None:
    assert table in TABLES
    made = next(each for each in TABLES if each is table)
    frame = made.make(AUDIT)
    assert len(frame) == LINES[made.label]
    assert len(table_csv(frame).splitlines()) == 1 + len(frame)


def test_ends_of_intervals_have_columns_of_their_own() -> None:
    by_label = {table.label: table.make(AUDIT) for table in TABLES}
    assert by_label["Shortcuts (CSV)"]["removal_low"][0] == 0.2
    assert by_label["Slices (CSV)"]["accuracy_high"][0] == 0.82
    assert by_label["Reasons (CSV)"]["contribution_mean"][0] == 0.6


def test_a_word_of_one_row_has_empty_ends() -> None:
    cell: Any = AUDIT.record.cells
    words = (replace(cell[0].words[0], n_rows=1, contribution=RowMean(0.6, None, None)),)
    record = replace(AUDIT.record, cells=(replace(cell[0], words=words),))
    table = next(each for each in TABLES if each.file == "reasons.csv")
    text = table_csv(table.make(replace(AUDIT, record=record)))
    (line,) = csv.DictReader(io.StringIO(text))
    ends = [line[f"contribution_{end}"] for end in ("mean", "low", "high")]
    assert ends == ["0.6", "", ""]


def test_what_a_record_does_not_have_is_not_offered() -> None:
    record = unlabeled_audit().record
    offered = [table.label for table in TABLES if table.has(record)]
    assert offered == ["Rows (CSV)", "Shortcuts (CSV)", "Shift (CSV)"]
