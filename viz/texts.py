"""A file of texts: CSV, TSV, JSON Lines or Parquet, one text, or pair of texts, in each row."""

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from math import isnan
from numbers import Number
from pathlib import Path

from viz.errors import SelectionError

FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")

PAIRS = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("text1", "text2"),
    ("text", "text_pair"),
)
"""Names of columns that belong together, looked for first."""
TEXTS = (
    "text", "sentence", "review", "content", "document", "tweet", "comment", "comment_text",
    "message", "question", "description", "body", "title",
)  # fmt: skip
LABELS = (
    "label_name", "label", "labels", "class", "category", "target", "sentiment", "intent",
    "coarse_label", "class_index", "score", "rating", "stars",
)  # fmt: skip
"""Names of the column of true classes or scores.

The names that `finetune.tables.columns` knows, but a name of a class goes before its number.
"""

Cells = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that are read; None where there is none, or it is to be found."""

    text: str | None = None
    pair: str | None = None
    label: str | None = None


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
    if path.suffix.lower() not in FORMATS:
        raise SelectionError(
            f"{path.name!r} is none of the files that are read: {', '.join(FORMATS)}."
        )
    try:
        content = path.read_bytes()
        names, cells = _table(path, content)
    except OSError as error:
        reason = error.strerror or "the system refuses"
        raise SelectionError(f"{str(path)!r} can't be read: {reason}; name another.") from error
    except (ValueError, csv.Error) as error:  # a UnicodeDecodeError and pyarrow's are ValueErrors
        raise SelectionError(
            f"{path.name!r} can't be read as {path.suffix[1:]}, in UTF-8: {_why(error)}."
        ) from error
    found = _find(path.name, names, columns or Columns())
    _check_once(path.name, names, found)
    rows = tuple(_rows(path.name, cells[:limit], found))
    if not rows:
        raise SelectionError(f"{path.name!r} has no rows; it needs one text in each.")
    return Texts(path.name, hashlib.sha256(content).hexdigest(), found, rows)


def _why(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _table(path: Path, content: bytes) -> tuple[list[str], list[Cells]]:
    """The names of the columns, and the cells of each row by them."""
    kind = path.suffix.lower()
    if kind == ".parquet":
        return _parquet(content)
    text = content.decode("utf-8-sig")
    if kind == ".jsonl":
        return _json_lines(text.split("\n"))
    csv.field_size_limit(2**31 - 1)
    table = csv.DictReader(
        StringIO(text, newline=""), delimiter="\t" if kind == ".tsv" else ",", strict=True
    )
    cells = list(_csv_rows(table))
    return list(table.fieldnames or ()), cells


def _csv_rows(table: "csv.DictReader[str]") -> Iterator[Cells]:
    for row in table:
        if any(row.get(None) or ()):  # where cells too many go
            raise ValueError(f"line {table.line_num} has more cells than there are columns")
        yield row


def _parquet(content: bytes) -> tuple[list[str], list[Cells]]:
    import pandas
    from pyarrow import ArrowException

    try:
        frame = pandas.read_parquet(BytesIO(content))
    except ArrowException as error:
        raise ValueError(str(error)) from error
    names = [str(name) for name in frame.columns]
    # Every kind of missing value becomes None.
    written = frame.astype(object).where(frame.notna(), None)
    return names, [dict(zip(names, row, strict=True)) for row in written.to_numpy(object)]


def _json_lines(lines: Iterable[str]) -> tuple[list[str], list[Cells]]:
    cells: list[Cells] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"line {number}: {_why(error)}") from error
        if not isinstance(row, dict):
            raise ValueError(f"line {number} is no object")
        cells.append(row)
    return list(dict.fromkeys(name for row in cells for name in row)), cells


def _rows(where: str, cells: Sequence[Cells], columns: Columns) -> Iterator[Row]:
    for number, row in enumerate(cells):
        text, pair, gold = (
            None if name is None else row.get(name)
            for name in (columns.text, columns.pair, columns.label)
        )
        for name, cell in ((columns.text, text), (columns.pair, pair)):
            if not isinstance(cell, str | Number | None):
                raise SelectionError(
                    f"Row {number} of {where!r} holds {type(cell).__name__} instead of a text in "
                    f"its column {name!r}; name another column."
                )
        second = None if columns.pair is None else _written(pair)
        yield Row(number, _written(text), second, None if columns.label is None else _written(gold))


def _written(cell: object) -> str:
    """A cell as text; a missing one, which JSON may hold as NaN, is empty."""
    missing = cell is None or (isinstance(cell, float) and isnan(cell))
    return "" if missing else str(cell)


def _find(where: str, names: Sequence[str], named: Columns) -> Columns:
    """The columns among `names`: those that are named, or those with a usual name."""
    for option, name in (("text", named.text), ("pair", named.pair), ("label", named.label)):
        if name is not None and name not in names:
            raise SelectionError(
                f"{where!r} has no column {name!r}; --{option}-column can be {_listed(names)}."
            )
    found = usual_columns(names, named)
    if found.text is None:
        raise SelectionError(
            f"{where!r} has no column of texts that is known by its name; name it with "
            f"--text-column: {_listed(names)}."
        )
    return found


def usual_columns(names: Sequence[str], named: Columns | None = None) -> Columns:
    """The columns among `names`: those in `named`, or with a usual name; None where none has."""
    named = named or Columns()
    by_lower = {name.lower(): name for name in names}
    text, pair = named.text, named.pair
    if text is None and pair is None:
        for first, second in PAIRS:
            if first in by_lower and second in by_lower:
                text, pair = by_lower[first], by_lower[second]
                break
    others = {lower: name for lower, name in by_lower.items() if name != pair}
    text = text or _first(TEXTS, others)
    return Columns(text, pair, named.label or _first(LABELS, others))


def _check_once(where: str, names: Sequence[str], found: Columns) -> None:
    for name in filter(None, (found.text, found.pair, found.label)):
        if names.count(name) > 1:
            raise SelectionError(
                f"{where!r} has {names.count(name)} columns {name!r}, and it is not known which "
                "one is meant; give them different names."
            )


def _first(wanted: Sequence[str], by_lower: Mapping[str, str]) -> str | None:
    return next((by_lower[name] for name in wanted if name in by_lower), None)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names) or "(there is none)"
