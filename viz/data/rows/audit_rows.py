"""The rows of a file as an audit sees them: texts, what is known of their classes, all columns."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.data.class_matching import align_rows, match_classes
from finetune.data.rows import Rows, read_rows
from finetune.data.tables.columns import find_columns, find_texts
from finetune.data.tables.file_types import open_file
from finetune.data.tables.messages import shown
from finetune.data.tables.reader import read_opened
from finetune.data.tables.table import Table, written_texts
from finetune.errors import DataError
from finetune.run.atomic_files import LONE_SURROGATE
from finetune.run.column_names import ColumnNames
from viz.errors import SelectionError, as_sentence
from viz.model.classifier import Classifier

ANY_COLUMNS = ColumnNames()
RECORDS = "records"
"""What rows are called that come from no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRows:
    """All N rows of a file, in its order; no row is left out."""

    name: str
    """Of the file."""
    fingerprint: str
    """SHA-256 of the file, and of what is read of it."""
    columns: ColumnNames
    """Which columns hold the text, a second text and the label; None where there is none."""
    texts: tuple[str, ...]
    """Without the blanks around them."""
    pairs: tuple[str, ...] | None
    gold: FloatArray | IntArray | None
    """The true class of each row as its number in the classifier's labels, -1 where it has none
    (N,); flags of each class, nan where it has none, for a multi-label head (N, C); scores, nan
    where it has none, for a regression (N,).  None where the file has no label column."""
    table: Mapping[str, Sequence[Any]]
    """All columns of the file by name, each of N cells, those above included."""
    places: Sequence[int]
    """The line of the file in which each row begins, or its number: see `unit`.  (N,)"""
    unit: str = "line"
    """What `places` counts: lines or rows."""
    notes: tuple[str, ...] = ()
    """One sentence for each thing a reader must know: what labels were taken for."""

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.texts)


def open_rows(
    path: Path,
    classifier: Classifier,
    columns: ColumnNames = ANY_COLUMNS,
    *,
    limit: int | None = None,
    labeled: bool = True,
    requires_label: bool = True,
) -> AuditRows:
    """Read all rows of a file.

    Args:
        path: The file; how it is read follows from how its name ends.
        classifier: Whose classes the labels are.
        columns: The columns that are named; others are found by usual names.
        limit: Only the first so many rows.
        labeled: Whether to read labels, where there are any.
        requires_label: Whether a label column that is named has to be there; if not, a file without
            it has no labels.

    Raises:
        SelectionError: where it can't be read, has no text column, or has a label that is none of
            the classes.
    """
    try:
        with open_file(path) as file:
            table = read_opened(path.name, file)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256")
        if not requires_label and columns.label not in (None, *table.column_names):
            columns, labeled = replace(columns, label=None), False
        return _audit_rows(table, digest, classifier, columns, limit=limit, labeled=labeled)
    except DataError as error:
        raise SelectionError(as_sentence(error)) from error


def rows_from(
    records: Sequence[Mapping[str, Any] | str],
    classifier: Classifier,
    columns: ColumnNames = ANY_COLUMNS,
    *,
    labeled: bool = True,
) -> AuditRows:
    """Rows of Python values: one mapping of column names to cells for each, or plain texts.

    Raises:
        SelectionError: as `open_rows`; and where there is no row, or one that is neither.
    """
    rows = [_record(row, number) for number, row in enumerate(records, start=1)]
    if not rows:
        raise SelectionError("There are no rows; give at least one.")
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(
        name=RECORDS,
        column_names=names,
        cells=tuple([row.get(name) for row in rows] for name in names),
        places=range(1, len(rows) + 1),
        unit="row",
    )
    digest = hashlib.sha256(json.dumps(rows, default=str).encode())
    try:
        return _audit_rows(table, digest, classifier, columns, limit=None, labeled=labeled)
    except DataError as error:
        raise SelectionError(as_sentence(error)) from error


def _record(row: object, number: int) -> dict[str, Any]:
    """A row of Python values as a file would hold it."""
    if isinstance(row, str):
        return {"text": plain_cell(row)}
    if not isinstance(row, Mapping):
        raise SelectionError(
            f"Row {number:,} is of type {type(row).__name__}; give a text, or a mapping of column "
            "names to cells."
        )
    for name in row:
        if not isinstance(name, str):
            raise SelectionError(
                f"Row {number:,} has a column named {name!r}, which is not a str; name it by one."
            )
    try:
        return {plain_cell(name): plain_cell(cell) for name, cell in row.items()}
    except (RecursionError, ValueError) as error:
        raise SelectionError(
            f"Row {number:,} has a cell that is nested too deeply, or a number that is too long; "
            "write it as text."
        ) from error


def plain_cell(cell: Any) -> Any:
    """A cell of Python values as JSON would hold it; what JSON hasn't, such as a date, stays.

    Half of a surrogate pair, which is not a character, becomes U+FFFD, as the model reads it.

    Raises:
        RecursionError: it is nested too deeply.
        ValueError: it is a number of thousands of digits.
    """
    if isinstance(cell, str):
        return LONE_SURROGATE.sub("\ufffd", cell)
    if isinstance(cell, np.ndarray | np.generic):
        return plain_cell(cell.tolist())
    if isinstance(cell, Mapping):
        return {plain_cell(str(name)): plain_cell(part) for name, part in cell.items()}
    if isinstance(cell, list | tuple):
        return [plain_cell(part) for part in cell]
    if isinstance(cell, int):
        str(cell)  # refuses what no text can hold
    return cell


def _audit_rows(
    table: Table,
    digest: Any,
    classifier: Classifier,
    named: ColumnNames,
    *,
    limit: int | None,
    labeled: bool,
) -> AuditRows:
    used, notes = find_texts(table, table.name, named), []
    gold: FloatArray | IntArray | None = None
    if labeled and used.label is not None:
        used = replace(used, label=find_columns(table, table.name, named).label)
        rows = read_rows(table, table.name, named, regression=classifier.regression)
        notes += _label_notes(rows, table.name, classifier)
        gold = _gold(rows, len(table), table.name, classifier)
    else:
        used = replace(used, label=None)
        notes += _without_labels(table, named) if labeled else ()
    cells, dropped = _cells(table)
    digest.update(json.dumps([used.text, used.pair, used.label, limit]).encode())
    assert used.text is not None  # found, or it was refused
    texts = [text.strip() for text in written_texts(table, used.text)]
    pairs = None
    if used.pair is not None:
        pairs = tuple(text.strip() for text in written_texts(table, used.pair))[:limit]
    return AuditRows(
        name=table.name,
        fingerprint=digest.hexdigest(),
        columns=used,
        texts=tuple(texts)[:limit],
        pairs=pairs,
        gold=None if gold is None else gold[:limit],
        table={name: column[:limit] for name, column in cells.items()},
        places=table.places[:limit],
        unit=table.unit,
        notes=(*notes, *dropped),
    )


def _gold(rows: Rows, n_rows: int, where: str, classifier: Classifier) -> FloatArray | IntArray:
    """What the file says of each of its rows, those that are left out included."""
    indices = list(rows.indices)
    if rows.scores is not None:
        scores = np.full(n_rows, np.nan)
        scores[indices] = rows.scores
        return scores
    if rows.multi_label and not classifier.multi_label:
        raise DataError(
            f"{shown(where)} has lists of labels but the checkpoint gives one class per text;"
            " write one label in each row, or choose another checkpoint"
        )
    aligned = align_rows(rows, classifier.labels, where=shown(where))
    number = {label: place for place, label in enumerate(classifier.labels)}
    if not classifier.multi_label:
        classes = np.full(n_rows, -1)
        classes[indices] = [number[name] for (name,) in aligned.labels]
        return classes
    flags = np.full((n_rows, len(number)), np.nan)
    for index, names in zip(indices, aligned.labels, strict=True):
        flags[index] = 0
        flags[index, [number[name] for name in names]] = 1
    return flags


def _label_notes(rows: Rows, where: str, classifier: Classifier) -> list[str]:
    """What labels that are numbers were taken for."""
    if classifier.regression:
        return []
    return [*filter(None, [match_classes(rows, classifier.labels).sentence(shown(where))])]


def _without_labels(table: Table, named: ColumnNames) -> list[str]:
    """Why no labels were read."""
    try:
        find_columns(table, table.name, named)
    except DataError as error:
        return [f"No labels were read: {error}."]
    return []


def _cells(table: Table) -> tuple[dict[str, list[object]], list[str]]:
    """All columns by name, one that has the name of another numbered; and which can't be read."""
    counts, cells, notes = defaultdict[str, int](lambda: 1), dict[str, list[object]](), list[str]()
    for name, column in zip(table.column_names, table.cells, strict=True):
        own = name
        while own in cells or (own != name and own in table.column_names):
            counts[name] += 1
            own = f"{name} ({counts[name]})"
        try:
            cells[own] = list(column)
        except DataError as error:
            notes.append(f"{as_sentence(error)[:-1]}; it is left out.")
    return cells, notes
