"""A file with some rows changed or left out, and all others as they stand there."""

from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, BinaryIO

from finetune.data.tables.delimited import TAB, DelimitedSource
from finetune.data.tables.json_rows import JsonSource
from finetune.data.tables.lines import BYTE_ORDER_MARK, Lines
from finetune.data.tables.messages import shown
from finetune.data.tables.parquet import ParquetSource
from finetune.data.tables.quotes import DelimitedRow, is_line_quoted
from finetune.data.tables.reader import row_source
from finetune.data.tables.table import Table
from finetune.data.writing.parquet_output import source_dictionaries, write_tables
from finetune.data.writing.text_encoders import DelimitedEncoder, json_text
from finetune.errors import DataError

RowChange = Mapping[str, object] | None
"""New cells of a row by column; None where it is left out."""
_BATCH_ROWS = 4_096


def change_rows(name: str, file: BinaryIO, changes: Mapping[int, RowChange]) -> bytes:
    """The content of a file of the same kind with other cells in some rows.

    Lines of CSV, TSV and JSON Lines that aren't changed are the same bytes; a Parquet file keeps
    its schema, and a list of JSON its values.

    Args:
        name: Of the file; its kind follows from how it ends.
        file: Open to be read.
        changes: By the number of the row, counted from 0.

    Raises:
        DataError: The file can't be read, or can't hold a cell.
    """
    source = row_source(name, file)
    source.check()
    match source:
        case DelimitedSource():
            return b"".join(_delimited(source, changes))
        case JsonSource(is_list=True):
            return _json_list(source, changes)
        case JsonSource():
            return b"".join(_json_lines(source, changes))
        case ParquetSource():
            return _parquet(source, changes)
    raise TypeError(f"no source of rows is a {type(source).__name__}")


def _delimited(source: DelimitedSource, changes: Mapping[int, RowChange]) -> Iterator[bytes]:
    changed: dict[int, tuple[int, str]] = {}
    for number, row in enumerate(source.rows.rows_from(0)):
        if number in changes:
            change = changes[number]
            text = "" if change is None else _line(source, row, change)
            changed[row.first] = len(row.lines), text
    yield from _copied_lines(source.name, source.file, changed)


def _line(source: DelimitedSource, row: DelimitedRow, change: Mapping[str, object]) -> str:
    """A row of a CSV or TSV file with other cells, written and ended as it was."""
    cells = [
        str(change.get(name, cell))
        for name, cell in zip(source.column_names, row.cells, strict=True)
    ]
    whole = "".join(row.lines)
    end = whole[len(whole.rstrip("\r\n")) :]
    if not source.rows.quoting:
        if any(mark in cell for cell in cells for mark in "\t\r\n"):
            raise DataError(
                f"{shown(source.name)} is a TSV without quoting, in which no cell can hold a tab or"
                " a line break; save it as JSON Lines"
            )
        return TAB.join(cells) + end
    quote_all = is_line_quoted(whole, source.separator)
    encoder = DelimitedEncoder(source.column_names, (), source.separator, quote_all=quote_all)
    return encoder.line(cells).removesuffix("\n") + end


def _json_lines(source: JsonSource, changes: Mapping[int, RowChange]) -> Iterator[bytes]:
    changed: dict[int, bytes] = {}
    for number, place, row in _objects(source):
        if number in changes:
            change = changes[number]
            text = "" if change is None else json_text({**row, **change}) + "\n"
            changed[place] = text.encode()
    source.file.seek(0)
    # Lines are counted as the source counts them: a carriage return ends none.
    for number, line in enumerate(source.file, start=1):
        if number == 1 and line.startswith(BYTE_ORDER_MARK):
            yield BYTE_ORDER_MARK
            line = line.removeprefix(BYTE_ORDER_MARK)
        yield changed.get(number, line)


def _json_list(source: JsonSource, changes: Mapping[int, RowChange]) -> bytes:
    rows = [
        json_text({**row, **(changes.get(number) or {})})
        for number, _, row in _objects(source)
        if changes.get(number, {}) is not None
    ]
    return ("[\n" + ",\n".join(rows) + "\n]\n").encode()


def _objects(source: JsonSource) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
    """Each row with its number and its place."""
    number = 0
    for table in source.batches(_BATCH_ROWS):
        for place, row in zip(table.places, table.objects or (), strict=True):
            yield number, place, row
            number += 1


def _copied_lines(
    name: str, file: BinaryIO, changed: Mapping[int, tuple[int, str]]
) -> Iterator[bytes]:
    """All lines of a file; those *changed*, by the first of them, are so many and become a text."""
    file.seek(0)
    if file.read(len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK:
        yield BYTE_ORDER_MARK
    lines, skipped = Lines(name, file), 0
    for line in lines:
        lines.mark()
        if lines.number in changed:
            skipped, text = changed[lines.number]
            yield text.encode()
        if skipped:
            skipped -= 1
        else:
            yield line.encode()


def _parquet(source: ParquetSource, changes: Mapping[int, RowChange]) -> bytes:
    file = BytesIO()

    def tables() -> Iterator[Any]:
        for table in source.batches(_BATCH_ROWS):
            yield _changed_arrow(table, changes)

    dictionaries = source_dictionaries(tables(), source.schema)
    write_tables(file, source.schema, tables(), dictionaries)
    return file.getvalue()


def _changed_arrow(table: Table, changes: Mapping[int, RowChange]) -> Any:
    """An Arrow table with other cells, and without the rows that are left out."""
    rows = [place - 1 for place in table.places]
    arrow = table.arrow
    for index, name in enumerate(table.column_names):
        values = {
            at: change[name]
            for at, row in enumerate(rows)
            if (change := changes.get(row)) and name in change
        }
        if values:
            field = arrow.schema.field(index)
            arrow = arrow.set_column(index, field, _replaced(arrow.column(index), values))
    kept = [at for at, row in enumerate(rows) if changes.get(row, {}) is not None]
    return arrow if len(kept) == len(rows) else arrow.take(kept)


def _replaced(column: Any, values: Mapping[int, object]) -> Any:
    import pyarrow as pa
    from pyarrow import types

    cells, categories = column.to_pylist(), types.is_dictionary(column.type)
    for at, value in values.items():
        cells[at] = value
    if not categories:
        return pa.array(cells, column.type)
    known = dict.fromkeys(name for part in column.chunks for name in part.dictionary.to_pylist())
    known.update(dict.fromkeys(cell for cell in cells if cell is not None))
    numbers = {name: number for number, name in enumerate(known)}
    return pa.DictionaryArray.from_arrays(
        pa.array([numbers.get(cell) for cell in cells], column.type.index_type),
        pa.array(list(known), column.type.value_type),
        ordered=column.type.ordered,
    )
