"""A file of texts as rows, one text, or pair of texts, in each; read as fine-tuning reads it."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from finetune.data.tables.columns import find_texts
from finetune.data.tables.file_types import open_file
from finetune.data.tables.reader import read_opened
from finetune.data.tables.table import Table, written_texts
from finetune.errors import DataError
from finetune.run.column_names import ColumnNames as Columns
from viz.errors import SelectionError, as_sentence

__all__ = ["Columns", "Row", "Texts", "open_texts"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file."""

    number: int
    """Counted from 0, the header not counted."""
    text: str
    pair: str | None
    gold_label: str | None
    """The true class, as the file writes it."""


@dataclass(frozen=True, slots=True)
class Texts:
    """All rows of a file."""

    name: str
    fingerprint: str
    """SHA-256 of the file."""
    columns: Columns
    rows: tuple[Row, ...]


def open_texts(path: Path, columns: Columns | None = None, limit: int | None = None) -> Texts:
    """Read a file of texts.

    Args:
        path: The file; how it is read follows from how its name ends.
        columns: The columns that are named; others are found by usual names.
        limit: Only the first so many rows.

    Raises:
        SelectionError: where it can't be read, or has no such column.
    """
    try:
        with open_file(path) as file:
            table = read_opened(path.name, file)
            file.seek(0)
            fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
        used = find_texts(table, table.name, columns)
        return Texts(path.name, fingerprint, used, tuple(_rows(table, used))[:limit])
    except DataError as error:
        raise SelectionError(as_sentence(error)) from error


def _rows(table: Table, columns: Columns) -> Iterator[Row]:
    text, pair, label = columns.text, columns.pair, columns.label
    assert text is not None  # found, or it was refused
    texts = written_texts(table, text)
    pairs: Sequence[str | None] = written_texts(table, pair) if pair else [None] * len(table)
    golds: Sequence[str | None] = table.written_labels(label) if label else [None] * len(table)
    for number, cells in enumerate(zip(texts, pairs, golds, strict=True)):
        yield Row(number, *cells)
