"""Parquet: columns with the types they have, and names of classes that `datasets` wrote."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from finetune.data.tables.messages import shown, unreadable
from finetune.data.tables.row_source import RowSource
from finetune.data.tables.table import Cells, Table
from finetune.errors import DataError

_BATCH_ROWS = 16_384
_BUFFER_BYTES = 2**20


@dataclass(frozen=True)
class _ArrowCells(Cells):
    """The cells of an Arrow column, which a sentence calls *where*."""

    where: str
    column: Any

    def __len__(self) -> int:
        return len(self.column)

    def values(self, part: slice) -> list[object]:
        """The cells of a part of the rows.

        Raises:
            DataError: Python has no value for one of them.
        """
        from pyarrow import ArrowException

        try:
            return list(self.column[part].to_pylist())
        except (ArrowException, ValueError, OverflowError) as error:
            raise DataError(f"{self.where} can't be read: {_why(error)}") from error


class ParquetSource(RowSource):
    """The rows of a Parquet file."""

    unit = "row"

    def __init__(self, name: str, file: BinaryIO) -> None:
        super().__init__(name, file)
        self._kept: list[Any] = []
        self._source: Any = None
        """The open ParquetFile."""
        self._refused: dict[str, str] = {}

    def check(self, limit: int | None = None, *, keep: bool = False) -> None:
        """Read all rows, or the first *limit*; raises a DataError where they can't be read."""
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile

        self.file.seek(0)
        try:
            self._source = ParquetFile(self.file, buffer_size=_BUFFER_BYTES)
            for batch in self._arrow_batches(min(limit or _BATCH_ROWS, _BATCH_ROWS)):
                part = batch if limit is None else batch[: limit - self.n_rows]
                self.n_rows += part.num_rows
                if keep:
                    self._kept.append(part)
                else:
                    self._find_unreadable(part)
                if self.n_rows == limit:
                    break
        except (ArrowException, ValueError, OSError) as error:
            raise DataError(f"{unreadable(self.name)}: {_why(error)}") from error
        if limit is None and self.n_rows != self._source.metadata.num_rows:
            raise DataError(
                f"{shown(self.name)} says it has {self._source.metadata.num_rows:,} rows and holds"
                f" {self.n_rows:,}; write it again"
            )
        if not self.n_rows:
            raise DataError(f"{shown(self.name)} has no rows; add some")
        self.column_names = [str(column).strip() for column in self.schema.names]
        self.class_names = {
            column.strip(): names
            for column, names in _class_names(self.schema.metadata or {})
            if self.schema.get_field_index(column) != -1
            and _holds_numbers(self.schema.field(column).type)
        }

    @property
    def schema(self) -> Any:
        """The names and types of the columns, as Arrow has them, and what was written of them."""
        schema = self._source.schema_arrow
        # The file holds it twice, and other programs change but the one of them that is plain.
        plain = self._source.metadata.metadata or {}
        known = {key: plain.get(key, value) for key, value in (schema.metadata or {}).items()}
        return schema.with_metadata(known or None)

    def table(self) -> Table:
        """All rows that were kept."""
        from pyarrow import Table as ArrowTable

        return self._table(ArrowTable.from_batches(self._kept, self.schema), 0)

    def batches(self, size: int, start: int = 0) -> Iterator[Table]:
        """Tables of *size* rows from the row *start* on."""
        from pyarrow import ArrowException
        from pyarrow import Table as ArrowTable

        pending: list[Any] = []
        held, first = 0, start
        try:
            for batch in self._arrow_batches(min(size, _BATCH_ROWS), start):
                pending.append(batch)
                held += batch.num_rows
                while held >= size:
                    whole = ArrowTable.from_batches(pending, self.schema)
                    yield self._table(whole[:size], first)
                    pending, held, first = whole[size:].to_batches(), held - size, first + size
        except (ArrowException, OSError) as error:
            raise DataError(f"{unreadable(self.name)}: {_why(error)}") from error
        if held:
            yield self._table(ArrowTable.from_batches(pending, self.schema), first)

    def _find_unreadable(self, batch: Any) -> None:
        """Note the columns of a batch with bytes that are no text."""
        from pyarrow import ArrowException

        for column, values in zip(batch.schema.names, batch.columns, strict=True):
            try:
                values.validate(full=True)
            except ArrowException:
                try:
                    _ArrowCells(self._where(column.strip()), values).values(slice(None))
                except DataError as error:
                    self._refused.setdefault(column.strip(), str(error))

    def _where(self, column: str) -> str:
        return f"column {shown(column)} of {shown(self.name)}"

    def _arrow_batches(self, size: int, start: int = 0) -> Iterator[Any]:
        """Batches of at most *size* rows, from the row *start* on."""
        metadata = self._source.metadata
        group = 0
        while group < metadata.num_row_groups and start >= metadata.row_group(group).num_rows:
            start -= metadata.row_group(group).num_rows
            group += 1
        groups = list(range(group, metadata.num_row_groups))
        for batch in self._source.iter_batches(size, row_groups=groups) if groups else ():
            skipped = min(start, batch.num_rows)
            start -= skipped
            if skipped < batch.num_rows:
                yield batch[skipped:]

    def _table(self, arrow: Any, first: int) -> Table:
        return Table(
            name=self.name,
            column_names=list(self.column_names),
            cells=tuple(
                _ArrowCells(self._where(column), values)
                for column, values in zip(self.column_names, arrow.columns, strict=True)
            ),
            places=range(first + 1, first + arrow.num_rows + 1),
            unit=self.unit,
            class_names=self.class_names,
            arrow=arrow,
            refused=self._refused,
        )


def _class_names(metadata: Mapping[bytes, bytes]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The names of classes that `datasets` wrote beside the columns of their numbers."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        for column, feature in features.items():
            inner = feature.get("feature", feature)
            if inner.get("_type") == "ClassLabel":
                yield column, tuple(map(str, inner["names"]))
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return


def _holds_numbers(kind: Any) -> bool:
    """Whether a column holds numbers, or lists of them: another program may have put in names."""
    from pyarrow import types

    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        kind = kind.value_type
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_null(kind))


def _why(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:200]
