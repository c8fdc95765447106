"""JSON Lines and JSON: one object in each line, or one list of objects."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NoReturn

from finetune.data.tables import cell_types
from finetune.data.tables.lines import decoded
from finetune.data.tables.messages import shown, unreadable
from finetune.data.tables.table import Cells, Table
from finetune.errors import DataError

MAX_DEPTH = 100
"""Levels of a row; more are no data."""
HEAD_BYTES = 1_000_000
"""Bytes of a list that are read for its first rows; more where these are not enough."""
BLANKS = re.compile(r"[ \t\r\n]*")
ONE_OBJECT = (
    "write the rows as a list of objects, or one object in each line (in pandas,"
    ' to_json(orient="records", lines=True))'
)


class _DuplicateKeys(dict[str, Any]):
    """An object that says something twice."""

    name = ""


@dataclass(frozen=True)
class _JsonCells(Cells):
    """The cells of one name, None where a row lacks it."""

    rows: Sequence[dict[str, Any]]
    name: str

    def __len__(self) -> int:
        return len(self.rows)

    def values(self, part: slice) -> list[object]:
        """The cells of a part of the rows."""
        return [row.get(self.name) for row in self.rows[part]]


@dataclass(slots=True)
class _RowBuilder:
    """What was read so far."""

    name: str
    unit: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def add(self, value: object, place: int) -> None:
        """Add a row, its names without the blanks around them."""
        where = f"{self.unit} {place} of {shown(self.name)}"
        if not isinstance(value, dict):
            kind = "a list" if isinstance(value, list) else "a single value"
            raise DataError(f"{where} is {kind}, not an object; write each row as an object")
        row, twice = dict[str, Any](), value.name if isinstance(value, _DuplicateKeys) else None
        for key, cell in value.items():
            name = key.strip()
            twice = name if name in row else twice
            row[name] = cell
        if twice is not None:
            raise DataError(f"{where} gives {shown(twice)} twice; give each value its own name")
        self.rows.append(row)
        self.places.append(place)

    def table(self) -> Table:
        """The rows as a table."""
        if not self.rows:
            raise DataError(f"{shown(self.name)} has no rows; add some")
        if len(self.rows) == 1 and _is_nested(self.rows[0]):
            raise DataError(f"{shown(self.name)} has everything in one object; {ONE_OBJECT}")
        names = tuple(dict.fromkeys(name for row in self.rows for name in row))
        return Table(
            name=self.name,
            column_names=list(names),
            cells=tuple(_JsonCells(self.rows, name) for name in names),
            places=self.places,
            unit=self.unit,
        )


def read_json_rows(name: str, file: BinaryIO, limit: int | None = None) -> Table:
    """The rows of a JSON or JSON Lines file, or its first *limit*.

    Raises:
        DataError: where it is not that, with the line, or with the row of a list.
    """
    start = file.read(HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    file.seek(0)
    if start.startswith(b"["):
        return _read_list(name, file, limit)
    return _read_lines(name, file, limit)


def _read_lines(name: str, file: BinaryIO, limit: int | None) -> Table:
    found = _RowBuilder(name, "line")
    for number, raw in enumerate(file, start=1):
        text = decoded(name, raw, number).strip(" \t\r\n\ufeff" if number == 1 else " \t\r\n")
        if text:
            try:
                value, end = _value(text, 0, f"line {number} of {shown(name)}")
                if end < len(text):
                    raise _NoJsonError("more follows the object")
            except _NoJsonError as error:
                if not found.rows:
                    _refuse_one_object(name, file)
                raise DataError(
                    f"{unreadable(name)}: line {number} is not one whole"
                    f" object ({error}); write one object in each line, or one list of objects"
                ) from error
            found.add(value, number)
        if limit is not None and len(found.rows) >= limit:
            break
    return found.table()


def _refuse_one_object(name: str, file: BinaryIO) -> None:
    """Say so where the file is one object over several lines."""
    file.seek(0)
    text = decoded(name, file.read()).strip(" \t\r\n\ufeff")
    try:
        value, end = _value(text, 0, shown(name))
    except (_NoJsonError, DataError):
        return
    if isinstance(value, dict) and end == len(text):
        raise DataError(
            f"{shown(name)} has everything in one object over several lines; {ONE_OBJECT}"
        )


def _read_list(name: str, file: BinaryIO, limit: int | None) -> Table:
    """The rows of a list; for the first few only as much of the file as they take."""
    size = HEAD_BYTES
    while limit is not None:
        file.seek(0)
        part = file.read(size)
        if len(part) < size:
            break
        whole = part.decode("utf-8", errors="ignore")
        try:
            return _parse_list(name, whole, limit).table()
        except DataError:
            size *= 8  # it may have been cut within a row
    file.seek(0)
    return _parse_list(name, decoded(name, file.read()), limit).table()


def _parse_list(name: str, text: str, limit: int | None) -> _RowBuilder:
    found, text = _RowBuilder(name, "row"), text.removeprefix("\ufeff")
    place = _skip_blanks(text, text.index("[") + 1)
    if text[place : place + 1] == "]":
        return found
    while limit is None or len(found.rows) < limit:
        number = len(found.rows) + 1
        where = f"row {number} of {shown(name)}"
        try:
            value, place = _value(text, place, where)
        except _NoJsonError as error:
            line = text.count("\n", 0, place) + 1
            raise DataError(
                f"{unreadable(name)}: row {number}, from line {line} on, is not a"
                f" whole object ({error}); write the rows as one list of objects"
            ) from error
        found.add(value, number)
        place = _skip_blanks(text, place)
        mark = text[place : place + 1]
        if mark == "]":
            if text[place + 1 :].strip(" \t\r\n"):
                raise DataError(
                    f"{unreadable(name)}: more follows the list of rows; write"
                    " the rows as one list of objects"
                )
            return found
        if mark != ",":
            raise DataError(
                f"{unreadable(name)}: after row {number} comes neither a comma nor"
                " the end of the list; it may have been cut"
            )
        place = _skip_blanks(text, place + 1)
    return found


def _skip_blanks(text: str, place: int) -> int:
    found = BLANKS.match(text, place)
    return place if found is None else found.end()


class _NoJsonError(Exception):
    """Text that is not JSON, and why."""


def _value(text: str, place: int, where: str) -> tuple[object, int]:
    """The value that begins at *place*, and where it ends."""
    try:
        value, end = _DECODER.raw_decode(text, place)
    except RecursionError as error:
        raise DataError(f"{where} is nested too deeply; a row has a few values") from error
    except json.JSONDecodeError as error:
        raise _NoJsonError(error.msg[:1].lower() + error.msg[1:]) from error
    except ValueError as error:  # a number of thousands of digits
        raise DataError(f"{where} has a number that is too long; write it as text") from error
    except _OddNumberError as error:
        raise DataError(f"{where} has the number {error}, which can't be read") from error
    written = text[place:end]
    if written.count("[") + written.count("{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise DataError(f"{where} is nested too deeply; a row has a few values")
    if "\\u" in written and _has_lone_surrogates(value):
        raise DataError(
            f"{where} has half of a surrogate pair (\\ud800 to \\udfff), which is not a character;"
            " write the text again"
        )
    return value, end


class _OddNumberError(Exception):
    """A number without a value."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice, seen = _DuplicateKeys(found), set[str]()
    for name, _ in pairs:
        twice.name = name if name in seen else twice.name
        seen.add(name)
    return twice


def _constant(written: str) -> None:
    """NaN is how Python and pandas write what is missing; an infinity is not a value."""
    if written != "NaN":
        raise _OddNumberError(written)


def _number(written: str) -> float:
    value = float(written)
    return value if math.isfinite(value) else _refuse(written)


def _refuse(written: str) -> NoReturn:
    raise _OddNumberError(written[:20])


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_float=_number
)


def _depth(value: object) -> int:
    """How deep lists and objects stand in one another; stops where it is too deep."""
    depth, level = 0, [value]
    while level and depth <= MAX_DEPTH:
        level = [inner for outer in level for inner in _inner(outer)]
        depth += 1
    return depth


def _inner(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _has_lone_surrogates(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _is_nested(row: dict[str, Any]) -> bool:
    """Whether the one object of a file holds all its rows."""
    values = list(row.values())
    rows_inside = any(
        isinstance(value, list) and value and isinstance(value[0], dict | list) for value in values
    )
    by_text = len(row) > 1 and cell_types.are_texts(row)
    return (
        rows_inside or by_text or (bool(values) and all(isinstance(v, dict | list) for v in values))
    )
