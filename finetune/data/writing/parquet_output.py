"""Rows as Parquet: the schema of a Parquet source as it is, that of another file by its cells."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from finetune.data.tables.stream import TableStream
from finetune.data.tables.table import Table
from finetune.data.writing.new_columns import ColumnValues, NewColumn
from finetune.data.writing.text_encoders import json_text

ROWS_PER_GROUP = 16_384
"""Rows of each row group but the last, however the rows came."""
_SCAN_ROWS = 4_096
MAX_CATEGORIES = 65_536
"""Categories of a column up to which all are kept, with those that no row has; else each row group
has its own."""
Dictionaries = Mapping[str, Any]
"""The categories of columns that have them, by the name of the column."""
_MAX_EXACT = 2**53
"""Whole numbers up to it are numbers with a fraction, too."""


def arrow_schema(source: TableStream, added: Sequence[NewColumn]) -> Any:
    """The schema of all rows of *source*, and of the columns that are added.

    Cells of CSV are texts.  A column of JSON whose values are all of one type, or lists of it, has
    that type; one of others, such as objects, has their JSON as texts.
    """
    import pyarrow as pa

    kinds = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "flag": pa.bool_(),
        "texts": pa.list_(pa.string()),
        "numbers": pa.list_(pa.float64()),
    }
    schema = source.schema
    if schema is None and source.head.objects is None:
        schema = pa.schema([(name, pa.string()) for name in source.column_names])
    elif schema is None:
        schema = _json_schema(source)
    for column in added:
        schema = schema.append(pa.field(column.name, kinds[column.kind]))
    return schema


def arrow_rows(schema: Any, table: Table, values: ColumnValues) -> Any:
    """The rows of *table* with the cells of *values*, as an Arrow table of that schema."""
    import pyarrow as pa

    if table.arrow is not None:
        columns = list(table.arrow.columns)
    else:
        columns = [
            _array(list(cells), schema.field(index).type) for index, cells in enumerate(table.cells)
        ]
    for field in list(schema)[len(columns) :]:
        columns.append(pa.array(values[field.name], field.type, from_pandas=True))
    return pa.Table.from_arrays(columns, schema=schema)


def part_bytes(rows: Any) -> bytes:
    """Rows as the content of a part."""
    from pyarrow import ipc

    file = BytesIO()
    options = ipc.IpcWriteOptions(unify_dictionaries=True)
    with ipc.new_file(file, rows.schema, options=options) as writer:
        writer.write_table(rows)
    return file.getvalue()


def write_parts(path: Path, schema: Any, parts: Iterable[Path], dictionaries: Dictionaries) -> None:
    """Write the rows of all parts as one Parquet file."""
    from pyarrow import ipc

    def tables() -> Iterator[Any]:
        for part in parts:
            with part.open("rb") as file:
                yield ipc.open_file(file).read_all()

    with path.open("wb") as file:
        write_tables(file, schema, tables(), dictionaries)


def write_tables(
    file: BinaryIO, schema: Any, tables: Iterable[Any], dictionaries: Dictionaries
) -> None:
    """Write Arrow tables as one Parquet file, whose bytes don't depend on their sizes."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    with ParquetWriter(file, schema) as writer:
        pending: list[Any] = []
        held = 0
        for table in tables:
            pending.append(table)
            held += table.num_rows
            while held >= ROWS_PER_GROUP:
                whole = pa.concat_tables(pending)
                group = _settled(whole[:ROWS_PER_GROUP], dictionaries)
                writer.write_table(group, ROWS_PER_GROUP)
                pending, held = [whole[ROWS_PER_GROUP:]], held - ROWS_PER_GROUP
        if held:
            writer.write_table(_settled(pa.concat_tables(pending), dictionaries), ROWS_PER_GROUP)


def source_dictionaries(tables: Iterable[Any], schema: Any) -> Dictionaries:
    """The categories of each column of them, over all of *tables*, in the order of the source."""
    import pyarrow as pa
    from pyarrow import types

    names = [field.name for field in schema if types.is_dictionary(field.type)]
    values: dict[str, dict[object, None]] = {name: {} for name in names}
    for table in tables if names else ():
        for name in list(values):
            for chunk in table.column(name).chunks:
                values[name].update(dict.fromkeys(chunk.dictionary.to_pylist()))
            if len(values[name]) > MAX_CATEGORIES:
                del values[name]
    return {
        name: pa.array(list(found), schema.field(name).type.value_type)
        for name, found in values.items()
    }


def _settled(rows: Any, dictionaries: Dictionaries) -> Any:
    """The rows with categories that follow from the source, not from how the rows came."""
    import pyarrow as pa
    from pyarrow import types

    columns = [
        _categories(column, field.type, dictionaries.get(field.name))
        if types.is_dictionary(field.type)
        else column.combine_chunks()
        for field, column in zip(rows.schema, rows.columns, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=rows.schema)


def _categories(column: Any, kind: Any, dictionary: Any) -> Any:
    import pyarrow as pa
    from pyarrow import compute

    cells = column.cast(kind.value_type).combine_chunks()
    dictionary = cells.drop_null().unique() if dictionary is None else dictionary
    numbers = compute.index_in(cells, value_set=dictionary).cast(kind.index_type)
    return pa.DictionaryArray.from_arrays(numbers, dictionary, ordered=kind.ordered)


def _array(cells: Sequence[object], kind: Any) -> Any:
    import pyarrow as pa
    from pyarrow import types

    if types.is_string(kind):
        return pa.array(
            [cell if cell is None or isinstance(cell, str) else json_text(cell) for cell in cells],
            kind,
        )
    return pa.array(cells, kind)


def _json_schema(source: TableStream) -> Any:
    import pyarrow as pa

    found: dict[str, set[str]] = {name: set() for name in source.column_names}
    for table in source.batches(_SCAN_ROWS):
        for row in table.objects or ():
            for name, cell in row.items():
                found[name] |= _types(cell)
    return pa.schema([(name, _arrow_type(types)) for name, types in found.items()])


def _types(cell: object) -> set[str]:
    """What a cell, or what is in its list, is."""
    match cell:
        case None:
            return set()
        case bool():
            return {"flag"}
        case int():
            large = "large " if abs(cell) > _MAX_EXACT else ""
            return {f"{large}integer"} if -(2**63) <= cell < 2**63 else {"other"}
        case float():
            return {"number"}
        case str():
            return {"text"}
        case list() if not any(isinstance(item, list) for item in cell):
            return {"list", *(f"{kind} in list" for item in cell for kind in _types(item))}
        case _:
            return {"other"}


def _arrow_type(types: set[str]) -> Any:
    import pyarrow as pa

    if "list" in types:
        inside = {kind.removesuffix(" in list") for kind in types if kind != "list"}
        alone = all(kind == "list" or kind.endswith(" in list") for kind in types)
        item = _arrow_type(inside) if alone and "other" not in inside else None
        known = item is not None and (inside <= {"text"} or item != pa.string())
        return pa.list_(item) if known else pa.string()
    if types == {"flag"}:
        return pa.bool_()
    if types and types <= {"integer", "large integer"}:
        return pa.int64()
    if types and types <= {"integer", "number"}:
        return pa.float64()
    return pa.string()
