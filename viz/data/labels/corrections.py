"""Corrections of labels, and the file that has them: a new one beside the old one, never over it.

The new file has the format, the columns and the rows of the old one, but for the rows that were
dropped and the labels that were changed; these are written as the column writes them.  Beside it
lies a record of what was changed.  Before it is there, it is read back and compared cell by cell.
"""

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from itertools import count
from pathlib import Path

import numpy as np

from finetune.data.tables.file_types import open_file
from finetune.data.tables.messages import listed, shown
from finetune.data.tables.reader import read_opened
from finetune.data.tables.table import Table
from finetune.data.writing.changed_rows import RowChange, change_rows
from finetune.errors import DataError
from finetune.run.atomic_files import create_atomically
from finetune.run.json_files import Count, Items, Schema
from viz.data.labels.label_spelling import LabelSpelling, read_spelling
from viz.data.rows.audit_rows import AuditRows
from viz.errors import SelectionError, as_sentence

FORMAT = 1
CORRECTED = re.compile(r"-corrected(-\d+)?$")
REMEDY = "write the names of the classes into it, as JSON Lines."
RECORD_SUFFIX = ".corrections.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What becomes of one row."""

    row: Count
    """Its number in the file, counted from 0."""
    labels: Items[str] | None
    """Its classes, of which there is one but for several in a row; None where it is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A correction as it was written."""

    row: Count
    """In the source, counted from 0."""
    place: Count
    """Its line in the source, or its number from 1 in a file that has no lines."""
    before: Items[str] | None
    """Its classes in the source; None where it had none."""
    after: Items[str] | None
    """Its classes now; None where it was dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRecord:
    """What lies beside a corrected file."""

    source: str
    """The name of the file that was corrected."""
    source_sha256: str
    output: str
    """The name of the corrected file."""
    output_sha256: str
    checkpoint: str
    """The classifier by which errors were found."""
    label_column: str | None
    changes: Items[Change]
    """In the order of the rows."""


RECORD: Schema[CorrectionRecord] = Schema(CorrectionRecord, format=FORMAT)
"""Reads the record."""


def require_valid(
    corrections: Sequence[Correction], n_rows: int, labels: Sequence[str], *, several: bool
) -> None:
    """Refuse corrections that contradict each other, or are of other rows or classes.

    Args:
        corrections: In any order.
        n_rows: How many rows the file has.
        labels: The classes of the classifier.
        several: Whether a row can have several, or none.

    Raises:
        SelectionError: the first thing that is wrong.
    """
    if not corrections:
        raise SelectionError("There is nothing to correct; choose at least one row.")
    row, times = Counter(each.row for each in corrections).most_common(1)[0]
    if times > 1:
        raise SelectionError(f"Row {row} is corrected {times} times; keep one of them.")
    for each in corrections:
        if not 0 <= each.row < n_rows:
            raise SelectionError(f"There is no row {each.row}; the rows are 0 to {n_rows - 1:,}.")
        if each.labels is None:
            continue
        unknown = next((label for label in each.labels if label not in labels), None)
        if unknown is not None:
            raise SelectionError(
                f"{shown(unknown)}, given to row {each.row}, is not one of the classes"
                f" {listed(labels)}."
            )
        if len(set(each.labels)) < len(each.labels) or (len(each.labels) != 1 and not several):
            raise SelectionError(
                f"Row {each.row} gets {listed(each.labels)}; give it"
                f" {'each class once' if several else 'one class'}."
            )
    if sum(each.labels is None for each in corrections) == n_rows:
        raise SelectionError("All rows would be dropped; keep at least one.")


def corrected_rows(
    rows: AuditRows, corrections: Sequence[Correction], labels: Sequence[str]
) -> AuditRows:
    """The rows with their labels corrected; one that is dropped stays, without a label.

    Raises:
        SelectionError: A correction is not valid.
    """
    if rows.gold is None or not corrections:
        return rows
    several = rows.gold.ndim == 2
    require_valid(corrections, len(rows), labels, several=several)
    gold = rows.gold.copy()
    for each in corrections:
        if each.labels is None:
            gold[each.row] = np.nan if several else -1
        elif several:
            gold[each.row] = [label in each.labels for label in labels]
        else:
            gold[each.row] = labels.index(each.labels[0])
    return replace(rows, gold=gold)


def write_corrected(
    path: Path,
    rows: AuditRows,
    corrections: Sequence[Correction],
    labels: Sequence[str],
    *,
    checkpoint: str = "",
) -> Path:
    """Write `name-corrected.csv` beside `name.csv`, or where that is there `name-corrected-2.csv`.

    Args:
        path: The file that is corrected.
        rows: Its rows, as the audit read them.
        corrections: At most one for each row.
        labels: The classes of the classifier.
        checkpoint: The name of the classifier, for the record.

    Returns:
        The new file; its record has the same name with `.corrections.json` at the end.

    Raises:
        SelectionError: A correction is not valid, the file has changed since it was read, its
            format can't hold a label, or the folder can't be written to.
    """
    several = rows.gold is not None and rows.gold.ndim == 2
    require_valid(corrections, len(rows), labels, several=several)
    try:
        with open_file(path) as file:
            table = read_opened(path.name, file)
            _require_same(table, rows)
            spelling = None
            if rows.columns.label is not None and any(
                each.labels is not None for each in corrections
            ):
                spelling = read_spelling(table, rows.columns, labels)
            changes = {each.row: _change(each, spelling, path.name) for each in corrections}
            content = change_rows(path.name, file, changes)
            _require_changes(content, table, changes)
            if spelling is not None:
                corrected = read_opened(path.name, BytesIO(content))
                now = read_spelling(corrected, rows.columns, labels)
                _require_classes(spelling, now, corrections)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        record = CorrectionRecord(
            source=path.name,
            source_sha256=digest,
            output="",
            output_sha256=hashlib.sha256(content).hexdigest(),
            checkpoint=checkpoint,
            label_column=rows.columns.label,
            changes=tuple(
                Change(
                    row=each.row,
                    place=table.places[each.row],
                    before=_classes(rows, each.row, labels),
                    after=each.labels,
                )
                for each in sorted(corrections, key=lambda each: each.row)
            ),
        )
        return _create(path, content, record)
    except DataError as error:
        raise SelectionError(as_sentence(error)) from error
    except OSError as error:
        reason = (error.strerror or "the system refuses").lower()
        raise SelectionError(
            f"The corrected file can't be written beside {shown(path.name)}: {reason}."
        ) from error


def is_corrected_version(name: str, source: str) -> bool:
    """Whether a file is called as a corrected version of another one would be."""
    one, other = Path(name), Path(source)
    stems = [CORRECTED.sub("", each.stem) for each in (one, other)]
    return stems[0] == stems[1] and one.suffix == other.suffix and bool(CORRECTED.search(one.stem))


def record_path(corrected: Path) -> Path:
    """Where the record of a corrected file lies."""
    return corrected.with_name(corrected.stem + RECORD_SUFFIX)


def _require_same(table: Table, rows: AuditRows) -> None:
    """Refuse a file in which a row may be another one, or have another label, than was audited."""
    columns = rows.columns
    for name in filter(None, (columns.text, columns.pair, columns.label)):
        cells = table[name][: len(rows)] if name in table.column_names else None
        if not _equal(cells, list(rows.table[name])):
            raise SelectionError(
                f"{shown(table.name)} has changed since it was read; audit it again."
            )


def _change(each: Correction, spelling: LabelSpelling | None, where: str) -> RowChange:
    if each.labels is None:
        return None
    if spelling is None:
        raise SelectionError(f"{shown(where)} has no column of labels, so no label can be changed.")
    return spelling.changes(each.labels)


def _require_changes(content: bytes, table: Table, changes: Mapping[int, RowChange]) -> None:
    """Refuse what would not be read back as the file with these changes and no other."""
    written = read_opened(table.name, BytesIO(content))
    kept = [row for row in range(len(table)) if changes.get(row, {}) is not None]
    same = written.column_names == table.column_names and len(written) == len(kept)
    for name, before, after in zip(table.column_names, table.cells, written.cells, strict=False):
        cells = list(before)
        wanted = [(changes.get(row) or {}).get(name, cells[row]) for row in kept]
        same = same and _equal(wanted, list(after))
    if not same:
        raise SelectionError(f"{shown(table.name)} can't hold these changes; {REMEDY}")


def _equal(one: object, other: object) -> bool:
    return one == other or repr(one) == repr(other)  # NaN is not equal to itself


def _require_classes(
    before: LabelSpelling, after: LabelSpelling, corrections: Sequence[Correction]
) -> None:
    """Refuse a file in which a label would be taken for another class than it is written for."""
    new = {each.row: each.labels for each in corrections}
    wanted = [new.get(row, labels) for row, labels in enumerate(before.rows)]
    dropped = {row for row, labels in new.items() if labels is None}
    expected = [_as_set(labels) for row, labels in enumerate(wanted) if row not in dropped]
    if expected != list(map(_as_set, after.rows)):
        raise SelectionError(
            f"The labels of {shown(before.where)} would be read as other classes; {REMEDY}"
        )


def _as_set(labels: Sequence[str] | None) -> frozenset[str] | None:
    return None if labels is None else frozenset(labels)


def _classes(rows: AuditRows, row: int, labels: Sequence[str]) -> tuple[str, ...] | None:
    """The classes of a row in the source; None where it has none, or a score."""
    gold = rows.gold
    if gold is None or (gold.ndim == 1 and np.issubdtype(gold.dtype, np.floating)):
        return None
    if gold.ndim == 1:
        return None if gold[row] < 0 else (labels[int(gold[row])],)
    flags = gold[row]
    if np.isnan(flags).any():
        return None
    return tuple(label for label, flag in zip(labels, flags, strict=True) if flag)


def _create(path: Path, content: bytes, record: CorrectionRecord) -> Path:
    """Write the corrected file and its record under the first names that nothing has."""
    stem = CORRECTED.sub("", path.stem)
    for number in count(1):
        ending = "-corrected" if number == 1 else f"-corrected-{number}"
        output = path.with_name(f"{stem}{ending}{path.suffix}")
        if os.path.lexists(record_path(output)):
            continue
        entries = {"format": FORMAT, **asdict(replace(record, output=output.name))}
        try:
            create_atomically(output, content)
        except FileExistsError:
            continue
        try:
            text = json.dumps(entries, indent=1, ensure_ascii=False)
            create_atomically(record_path(output), text + "\n")
        except OSError:
            output.unlink()
            raise
        return output
    raise AssertionError("numbers have no end")
