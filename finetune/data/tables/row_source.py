"""A file of rows that is checked in one pass and then read in pieces, or kept whole."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from finetune.data.tables.table import Table

INDEX_STEP = 4_096
"""Rows from one remembered position of a file to the next."""


class RowSource(ABC):
    """One open file; each kind of file has its own.

    `check` reads all of it, so that whatever is wrong anywhere is refused before a row is given.
    Only what it keeps when it is told to grows with the number of rows.
    """

    unit = "line"
    """What the places of rows count."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self.name, self.file = name, file
        self.column_names: list[str] = []
        """Over all rows."""
        self.n_rows = 0
        self.class_names: Mapping[str, tuple[str, ...]] = {}
        """As in `Table`."""

    @abstractmethod
    def check(self, limit: int | None = None, *, keep: bool = False) -> None:
        """Read all rows, or the first *limit*; with *keep* they are there in `table`.

        Raises:
            DataError: where they can't be read as they are.
        """

    @abstractmethod
    def table(self) -> Table:
        """All rows that were kept."""

    @abstractmethod
    def batches(self, size: int, start: int = 0) -> Iterator[Table]:
        """Tables of *size* rows from the row *start* on, counted from 0; the last may be shorter.

        Raises:
            DataError: as `check`, where the file is another one by now.
        """
