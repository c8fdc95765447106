"""A file of rows as a table: the one way in which files are read, whole or their first rows."""

from pathlib import Path
from typing import BinaryIO

from finetune.data.tables.delimited import COMMA, TAB, DelimitedSource
from finetune.data.tables.file_types import open_file
from finetune.data.tables.json_rows import JsonSource
from finetune.data.tables.parquet import ParquetSource
from finetune.data.tables.row_source import RowSource
from finetune.data.tables.table import SAMPLE_CELLS, Table


def read_table(path: Path) -> Table:
    """All rows of a file; how it is read follows from how its name ends.

    Raises:
        DataError: where it can't be read as it is, with the line where there is one.
    """
    with open_file(path) as file:
        return read_opened(path.name, file)


def read_head(path: Path, rows: int = SAMPLE_CELLS) -> Table:
    """The first rows of a file, with only as much of it read as they take.

    Raises:
        DataError: where these can't be read.
    """
    with open_file(path) as file:
        return read_opened(path.name, file, rows)


def read_opened(name: str, file: BinaryIO, limit: int | None = None) -> Table:
    """The rows of an open file called *name*, or its first *limit*."""
    source = row_source(name, file)
    source.check(limit, keep=True)
    return source.table()


def row_source(name: str, file: BinaryIO) -> RowSource:
    """What reads a file called *name*; how it does follows from how the name ends."""
    match Path(name).suffix.lower():
        case ".parquet":
            return ParquetSource(name, file)
        case ".json" | ".jsonl":
            return JsonSource(name, file)
        case suffix:
            return DelimitedSource(name, file, TAB if suffix == ".tsv" else COMMA)
