"""JSON Lines and JSON: one object in each line, or one list of objects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

from finetune.data.tables import cell_types
from finetune.data.tables.json_values import DuplicateKeys, NoJsonError, read_value
from finetune.data.tables.json_window import JsonWindow
from finetune.data.tables.lines import (
    BYTE_ORDER_MARK,
    MAX_LINE_BYTES,
    Position,
    decoded,
    require_line_length,
)
from finetune.data.tables.messages import shown, unreadable
from finetune.data.tables.row_source import INDEX_STEP, RowSource
from finetune.data.tables.table import Cells, OneKind, Table
from finetune.errors import DataError

ONE_OBJECT = (
    "write the rows as a list of objects, or one object in each line (in pandas,"
    ' to_json(orient="records", lines=True))'
)
START_BYTES = 1_000_000
"""Bytes by which a list is told."""

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class _JsonCells(Cells):
    """The cells of one name, None where a row lacks it."""

    rows: Sequence[JsonObject]
    name: str

    def __len__(self) -> int:
        return len(self.rows)

    def values(self, part: slice) -> list[object]:
        """The cells of a part of the rows."""
        return [row.get(self.name) for row in self.rows[part]]


@dataclass(frozen=True, slots=True)
class _JsonRow:
    """An object, and where it stands."""

    cells: JsonObject
    place: int
    position: Position


class JsonSource(RowSource):
    """The rows of a JSON or JSON Lines file."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        super().__init__(name, file)
        file.seek(0)
        start = file.read(START_BYTES).removeprefix(BYTE_ORDER_MARK).lstrip()
        self.is_list = start.startswith(b"[")
        """Whether they stand in one list."""
        self.unit = "row" if self.is_list else "line"
        self._kept: list[_JsonRow] = []
        self._positions: list[Position] = []
        self._refused: dict[str, str] = {}

    def check(self, limit: int | None = None, *, keep: bool = False) -> None:
        """Read all rows, or the first *limit*; raises a DataError with the place that is wrong."""
        kinds, first = dict[str, OneKind](), None
        for row in islice(self._read(), limit):
            if self.n_rows % INDEX_STEP == 0:
                self._positions.append(row.position)
            self.n_rows += 1
            first = first or row
            for name, cell in row.cells.items():
                if name not in kinds:
                    kinds[name] = OneKind(name, self.name, self.unit)
                if not keep and name not in self._refused:
                    try:
                        kinds[name].require(row.place, cell)
                    except DataError as error:
                        self._refused[name] = str(error)
            if keep:
                self._kept.append(row)
        if first is None:
            raise DataError(f"{shown(self.name)} has no rows; add some")
        if self.n_rows == 1 and not self.is_list and _is_nested(first.cells):
            raise DataError(f"{shown(self.name)} has everything in one object; {ONE_OBJECT}")
        self.column_names = list(kinds)

    def table(self) -> Table:
        """All rows that were kept."""
        return self._table(self._kept)

    def batches(self, size: int, start: int = 0) -> Iterator[Table]:
        """Tables of *size* rows from the row *start* on."""
        step = 0 if self.is_list else min(start // INDEX_STEP, len(self._positions) - 1)
        rows = islice(self._read(self._positions[step]), start - step * INDEX_STEP, None)
        while batch := list(islice(rows, size)):
            yield self._table(batch)

    def _table(self, rows: Sequence[_JsonRow]) -> Table:
        objects = [row.cells for row in rows]
        return Table(
            name=self.name,
            column_names=list(self.column_names),
            cells=tuple(_JsonCells(objects, name) for name in self.column_names),
            places=[row.place for row in rows],
            unit=self.unit,
            objects=objects,
            refused=self._refused,
        )

    def _read(self, start: Position | None = None) -> Iterator[_JsonRow]:
        return self._read_list() if self.is_list else self._read_lines(start or Position())

    def _read_lines(self, start: Position) -> Iterator[_JsonRow]:
        self.file.seek(start.offset)
        offset, number, none_before = start.offset, start.number, start.number == 0
        while raw := self.file.readline(MAX_LINE_BYTES):
            position, number = Position(offset, number), number + 1
            offset += len(raw)
            require_line_length(self.name, raw, number)
            text = decoded(self.name, raw, number)
            text = text.strip(" \t\r\n\ufeff" if number == 1 else " \t\r\n")
            if not text:
                continue
            try:
                value, end = read_value(text, 0, f"line {number} of {shown(self.name)}")
                if end < len(text):
                    raise NoJsonError("more follows the object")
            except NoJsonError as error:
                if none_before:
                    self._refuse_one_object()
                raise DataError(
                    f"{unreadable(self.name)}: line {number} is not one whole"
                    f" object ({error}); write one object in each line, or one list of objects"
                ) from error
            none_before = False
            yield _JsonRow(self._checked(value, number), number, position)

    def _refuse_one_object(self) -> None:
        """Say so where the file is one object over several lines."""
        self.file.seek(0)
        raw = self.file.read(MAX_LINE_BYTES + 1)
        if len(raw) > MAX_LINE_BYTES:
            return
        text = decoded(self.name, raw).strip(" \t\r\n\ufeff")
        try:
            value, end = read_value(text, 0, shown(self.name))
        except (NoJsonError, DataError):
            return
        if isinstance(value, dict) and end == len(text):
            raise DataError(
                f"{shown(self.name)} has everything in one object over several lines; {ONE_OBJECT}"
            )

    def _read_list(self) -> Iterator[_JsonRow]:
        window, number = JsonWindow(self.name, self.file), 0
        window.skip("[")
        if window.mark() == "]":
            return
        while True:
            number += 1
            try:
                value = window.value(f"row {number} of {shown(self.name)}")
            except NoJsonError as error:
                raise DataError(
                    f"{unreadable(self.name)}: row {number}, from line {window.line} on, is not a"
                    f" whole object ({error}); write the rows as one list of objects"
                ) from error
            yield _JsonRow(self._checked(value, number), number, Position())
            mark = window.mark()
            if mark == "]":
                window.skip("]")
                if window.mark():
                    raise DataError(
                        f"{unreadable(self.name)}: more follows the list of rows; write"
                        " the rows as one list of objects"
                    )
                return
            if mark != ",":
                raise DataError(
                    f"{unreadable(self.name)}: after row {number} comes neither a comma nor"
                    " the end of the list; it may have been cut"
                )
            window.skip(",")

    def _checked(self, value: object, place: int) -> JsonObject:
        """A row, its names without the blanks around them."""
        where = f"{self.unit} {place} of {shown(self.name)}"
        if not isinstance(value, dict):
            kind = "a list" if isinstance(value, list) else "a single value"
            raise DataError(f"{where} is {kind}, not an object; write each row as an object")
        row, twice = JsonObject(), value.name if isinstance(value, DuplicateKeys) else None
        for key, cell in value.items():
            name = key.strip()
            twice = name if name in row else twice
            row[name] = cell
        if twice is not None:
            raise DataError(f"{where} gives {shown(twice)} twice; give each value its own name")
        return row


def _is_nested(row: dict[str, Any]) -> bool:
    """Whether the one object of a file holds all its rows: lists, or the label of each text."""
    values = list(row.values())
    rows_inside = any(
        isinstance(value, list) and value and isinstance(value[0], dict | list) for value in values
    )
    by_text = (
        len(row) > 2
        and cell_types.are_texts(row)
        and not any(cell_types.are_texts([value]) for value in values)
    )
    return (
        rows_inside or by_text or (bool(values) and all(isinstance(v, dict | list) for v in values))
    )
