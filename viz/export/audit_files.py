"""The files of an audit: its record, a line for each row as CSV and as Parquet, and its report."""

import io
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from finetune.run.local_paths import is_same_file
from viz.data.audit.cache import FOLDER
from viz.data.audit.record import FILE
from viz.data.audit.run import Audit
from viz.errors import SelectionError
from viz.export.atomic_files import write
from viz.export.audit_report.content import audit_document
from viz.export.audit_report.html_page import audit_html
from viz.export.audit_report.pdf_pages import audit_pdf
from viz.export.csv_cells import guarded

ROWS_CSV, ROWS_PARQUET = "rows.csv", "rows.parquet"
REPORT_HTML, REPORT_PDF = "report.html", "report.pdf"
FILES = (FILE, ROWS_CSV, ROWS_PARQUET, REPORT_HTML, REPORT_PDF)
PLAIN = (str, bool, int, float)
"""Kinds of cells that a column of a Parquet file can have as they are."""


def check_output(folder: Path, sources: Sequence[Path]) -> None:
    """Make sure that nothing else is written over.

    Args:
        folder: Where the files of an audit are to be written.
        sources: The files that it reads.

    Raises:
        SelectionError: where one of the files is there and was not written by an audit, or is read.
    """
    for file in (folder / name for name in FILES):
        if not os.path.lexists(file):
            continue
        if any(is_same_file(file, source) for source in sources):
            raise SelectionError(
                f"{str(file)!r} is read and would be written over; choose another folder."
            )
        if not (folder / FOLDER).is_dir() or not file.is_file() or file.is_symlink():
            raise SelectionError(
                f"{str(file)!r} is there already and no file of an audit that can be gone on with; "
                "choose another folder, or move it away."
            )


def write_audit(audit: Audit, folder: Path) -> list[Path]:
    """Write audit.json, rows.csv, rows.parquet, report.html and report.pdf into a folder.

    Raises:
        SelectionError: where it can't be written to.
    """
    report = audit_document(audit)
    contents: dict[str, Callable[[], bytes]] = {
        FILE: lambda: audit.record.to_json().encode(),
        ROWS_CSV: lambda: table_csv(audit.table).encode(),
        ROWS_PARQUET: lambda: table_parquet(audit.table),
        REPORT_HTML: lambda: audit_html(report),
        REPORT_PDF: lambda: audit_pdf(report),
    }
    return [write(folder / name, content()) for name, content in contents.items()]


def report_html(audit: Audit) -> bytes:
    """The report as a page of its own."""
    return audit_html(audit_document(audit))


def report_pdf(audit: Audit) -> bytes:
    """The same for paper."""
    return audit_pdf(audit_document(audit))


def table_csv(table: pd.DataFrame) -> str:
    """A table as CSV; no spreadsheet runs a cell of it as a formula."""
    texts = table.select_dtypes(include=["object", "string"]).columns
    safe = table.assign(**{name: [_guarded(cell) for cell in table[name]] for name in texts})
    safe.columns = [guarded(str(name)) for name in safe.columns]
    written: str = safe.to_csv(index=False, lineterminator="\r\n")
    return written


def table_parquet(table: pd.DataFrame) -> bytes:
    """A table as Parquet; a column of cells of several kinds, or of lists, is written as JSON."""
    texts = [name for name in table.columns if table[name].dtype.kind in "Oc"]
    uniform = table.assign(**{name: _uniform(table[name]) for name in texts})
    content = io.BytesIO()
    uniform.to_parquet(content, index=False)
    return content.getvalue()


def _guarded(cell: Any) -> Any:
    if isinstance(cell, dict | list):
        return _as_json(cell)
    return guarded(cell) if isinstance(cell, str) else cell


def _uniform(cells: pd.Series) -> pd.Series:
    """A column whose cells are of one plain kind."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if len(kinds) <= 1 and kinds <= set(PLAIN) and not (kinds == {int} and _is_large(cells)):
        return cells
    return cells.map(
        lambda cell: (
            cell if cell is None or isinstance(cell, str) else json.dumps(cell, default=str)
        )
    )


def _is_large(cells: pd.Series) -> bool:
    """Whether an integer among them has more than 64 bits."""
    return any(cell is not None and not -(2**63) <= cell < 2**63 for cell in cells)


def _as_json(cell: object) -> str:
    return json.dumps(cell, ensure_ascii=False, default=str)
