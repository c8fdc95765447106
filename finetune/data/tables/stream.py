"""A file of rows read in pieces: as strictly as whole, in memory that does not grow with it."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from finetune.data.tables.file_types import (
    HEAD_BYTES,
    open_file,
    require_kind,
    require_known_suffix,
)
from finetune.data.tables.messages import shown
from finetune.data.tables.parquet import ParquetSource
from finetune.data.tables.reader import row_source
from finetune.data.tables.table import SAMPLE_CELLS, Table
from finetune.errors import DataError


class TableStream:
    """An open file of rows that was read once, from beginning to end, and found to be right.

    What `read_table` refuses was refused by that; a column whose cells are not of one kind is
    refused where a table of it is read.  Only one iteration at a time can go through the file.
    """

    def __init__(self, name: str, file: BinaryIO) -> None:
        self.name = name
        """Of the file."""
        self._file, self._iteration = file, 0
        self._source = row_source(name, file)
        self._source.check()
        file.seek(0)
        self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        """Of the file."""
        self._stamp = _stamp(file)
        self.column_names: list[str] = self._source.column_names
        """Over all rows: one of JSON Lines can have names that others lack."""
        self.unit = self._source.unit
        """What the places of rows count: lines or rows."""
        self.head: Table = next(self.batches(SAMPLE_CELLS))
        """The first rows, to find columns by."""

    def __len__(self) -> int:
        """The number of rows."""
        return self._source.n_rows

    @property
    def schema(self) -> Any:
        """The Arrow schema of a Parquet file; None of another one."""
        return self._source.schema if isinstance(self._source, ParquetSource) else None

    def reads(self, path: Path) -> bool:
        """Whether the file is the one that *path* leads to."""
        try:
            return os.path.samestat(path.stat(), os.fstat(self._file.fileno()))
        except OSError:
            return False

    def batches(self, size: int, start: int = 0) -> Iterator[Table]:
        """Tables of *size* rows in the order of the file, the last of which may be shorter.

        Args:
            size: At least 1.
            start: The row to begin with, counted from 0; those before it are hardly read.

        Raises:
            DataError: The file has changed since it was opened.
        """
        if start >= len(self):
            return
        self._iteration = iteration = self._iteration + 1
        for table in self._source.batches(size, start):
            if self._stamp != _stamp(self._file):
                raise DataError(f"{shown(self.name)} has changed while it was read; start again")
            yield table
            if iteration != self._iteration:
                raise RuntimeError("another iteration over the file has begun")


@contextmanager
def open_stream(path: Path) -> Iterator[TableStream]:
    """The rows of a file, to be read in pieces.

    Raises:
        DataError: where it can't be read as it is, as `read_table` does.
    """
    with open_file(path) as file:
        yield TableStream(path.name, file)


@contextmanager
def open_spooled(name: str, source: BinaryIO) -> Iterator[TableStream]:
    """The rows of what can be read only once, such as stdin, by way of a temporary file.

    Args:
        name: What it is called; how it is read follows from how the name ends.
        source: Is read to its end.

    Raises:
        DataError: where it can't be read as it is, as `read_table` does.
    """
    require_known_suffix(name)
    with TemporaryFile() as file:
        shutil.copyfileobj(source, file)
        file.seek(0)
        require_kind(name, file.read(HEAD_BYTES))
        yield TableStream(name, file)


def _stamp(file: BinaryIO) -> tuple[int, int]:
    """What changes when a file is written to."""
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns
