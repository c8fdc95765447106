"""Parquet: columns with the types they have, and names of classes that `datasets` wrote."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from finetune.data.tables.messages import shown, unreadable
from finetune.data.tables.table import Cells, Table
from finetune.errors import DataError


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


def read_parquet(name: str, file: BinaryIO, limit: int | None = None) -> Table:
    """The rows of a Parquet file, or its first *limit*.

    Raises:
        DataError: where it can't be read.
    """
    from pyarrow import ArrowException
    from pyarrow import Table as ArrowTable
    from pyarrow.parquet import ParquetFile

    try:
        source = ParquetFile(file)
        if limit is None:
            found = source.read()
        else:
            batches = [batch] if (batch := next(source.iter_batches(limit), None)) else []
            found = ArrowTable.from_batches(batches, source.schema_arrow)
    except (ArrowException, ValueError, OSError) as error:
        raise DataError(f"{unreadable(name)}: {_why(error)}") from error
    if limit is None and found.num_rows != source.metadata.num_rows:
        raise DataError(
            f"{shown(name)} says it has {source.metadata.num_rows:,} rows and holds"
            f" {found.num_rows:,}; write it again"
        )
    if not found.num_rows:
        raise DataError(f"{shown(name)} has no rows; add some")
    names = tuple(str(column).strip() for column in found.column_names)
    return Table(
        name=name,
        column_names=list(names),
        cells=tuple(
            _ArrowCells(f"column {shown(column)} of {shown(name)}", values)
            for column, values in zip(names, found.columns, strict=True)
        ),
        places=range(1, found.num_rows + 1),
        unit="row",
        class_names={
            column.strip(): names
            for column, names in _class_names(found.schema.metadata or {})
            if found.schema.get_field_index(column) != -1
            and _holds_numbers(found.schema.field(column).type)
        },
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
