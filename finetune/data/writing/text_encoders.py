"""Rows as the text of CSV, TSV or JSON Lines."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from finetune.data.tables.messages import shown
from finetune.data.tables.table import Table
from finetune.data.writing.new_columns import ColumnValues, NewColumn
from finetune.errors import DataError


class TextEncoder(ABC):
    """Writes rows of a source and the cells that are added to them, as UTF-8.

    The same rows make the same bytes, whatever tables they come in.
    """

    def __init__(self, column_names: Sequence[str], added: Sequence[NewColumn]) -> None:
        self.column_names = list(column_names)
        self.added = tuple(column.name for column in added)

    @abstractmethod
    def begin(self) -> bytes:
        """What stands before the first row."""

    @abstractmethod
    def encode(self, table: Table, values: ColumnValues | None = None) -> bytes:
        """The rows of *table*, each with its cells of *values*.

        Raises:
            DataError: this kind of file can't hold a cell.
        """


class DelimitedEncoder(TextEncoder):
    """CSV, or TSV where *separator* is a tab; lines end in a line feed.

    A text is written as it is, in quotes where it has to be, a number by the shortest digits that
    give it back, None as nothing, a list or an object of JSON as JSON.
    """

    def __init__(
        self,
        column_names: Sequence[str],
        added: Sequence[NewColumn],
        separator: str,
        *,
        quote_all: bool = False,
    ) -> None:
        super().__init__(column_names, added)
        self._separator, self._quote_all = separator, quote_all
        self._special = re.compile(f'["\r\n{separator}]')

    def begin(self) -> bytes:
        """The header."""
        return self.line([*self.column_names, *self.added]).encode()

    def encode(self, table: Table, values: ColumnValues | None = None) -> bytes:
        """The lines of the rows; raises a DataError where a cell is binary or has a NUL."""
        added = [values[name] for name in self.added] if values is not None else []
        lines = []
        for place, *cells in zip(table.places, *table.cells, *added, strict=True):
            try:
                lines.append(self.line([written_cell(cell) for cell in cells]))
            except ValueError as error:
                raise DataError(
                    f"{table.unit} {place} of {shown(table.name)} has {error}, which can't stand in"
                    " CSV; write .jsonl or .parquet"
                ) from error
        return "".join(lines).encode()

    def line(self, cells: Sequence[str]) -> str:
        """The line of one row, which are several where a cell is."""
        if len(cells) == 1 and not cells[0].strip():
            return f'"{cells[0]}"\n'
        return self._separator.join(map(self._written, cells)) + "\n"

    def _written(self, cell: str) -> str:
        if self._quote_all or self._special.search(cell):
            return '"' + cell.replace('"', '""') + '"'
        return cell


class JsonLinesEncoder(TextEncoder):
    """JSON Lines; a name that an object of a JSON source lacks is not added to it."""

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def encode(self, table: Table, values: ColumnValues | None = None) -> bytes:
        """One object in each line; raises a DataError where a cell has no value in JSON."""
        lines = []
        for index, row in enumerate(json_rows(table)):
            added = {name: values[name][index] for name in self.added} if values else {}
            try:
                lines.append(json_text(row | added) + "\n")
            except (TypeError, ValueError) as error:
                raise DataError(
                    f"{table.unit} {table.places[index]} of {shown(table.name)} has {error}, which"
                    " can't stand in JSON; write .parquet"
                ) from error
        return "".join(lines).encode()


def text_encoder(
    suffix: str,
    column_names: Sequence[str],
    added: Sequence[NewColumn],
    *,
    quote_all: bool = False,
) -> TextEncoder:
    """What writes files whose names end in *suffix*: .csv, .tsv or .jsonl."""
    if suffix == ".jsonl":
        return JsonLinesEncoder(column_names, added)
    separator = "\t" if suffix == ".tsv" else ","
    return DelimitedEncoder(column_names, added, separator, quote_all=quote_all)


def json_rows(table: Table) -> Iterator[dict[str, Any]]:
    """The rows as objects, as they stand in a JSON file if it is one."""
    if table.objects is not None:
        yield from map(dict, table.objects)
        return
    for cells in zip(*table.cells, strict=True):
        yield dict(zip(table.column_names, cells, strict=True))


def json_text(value: object) -> str:
    """A value as JSON on one line; NaN, which JSON hasn't, becomes null.

    Raises:
        ValueError: it has no value in JSON.
    """
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)


def written_cell(cell: object) -> str:
    """A cell as CSV has it.

    Raises:
        ValueError: it has none.
    """
    match cell:
        case None:
            text = ""
        case str():
            text = cell
        case bool():
            text = "true" if cell else "false"
        case int():
            text = str(cell)
        case float():
            text = float.__repr__(cell) if cell == cell else ""
        case list() | dict():
            text = json_text(cell)
        case _:
            text = str(_plain(cell))
    if "\0" in text:
        raise ValueError("a NUL character")
    return text


def _plain(value: object) -> object:
    """A value of those that JSON has."""
    match value:
        case None | str() | bool() | int():
            return value
        case float():
            if value in (float("inf"), float("-inf")):
                raise ValueError(f"the number {value}")
            return value if value == value else None
        case list() | tuple():
            return [_plain(item) for item in value]
        case dict():
            return {str(name): _plain(item) for name, item in value.items()}
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal() | timedelta():
            return str(value)
        case bytes():
            raise ValueError("binary data")
    item: Any = getattr(value, "item", None)  # a scalar of NumPy
    if item is None:
        raise ValueError(f"a {type(value).__name__}")
    return _plain(item())


def joined(encoder: TextEncoder, tables: Iterable[Table]) -> Iterator[bytes]:
    """A whole file of *tables*, to which nothing is added, piece by piece."""
    yield encoder.begin()
    for table in tables:
        yield encoder.encode(table)
