"""The label column, in any shape, as class names: numbers, words, lists of either, ClassLabel."""

import math
import re
from dataclasses import dataclass

from datasets import ClassLabel, Dataset

from finetune.errors import DataError
from finetune.tables.columns import Columns

Key = int | str
"""A class as the label column writes it."""

KeyRows = list[tuple[Key, ...] | None]
"""The classes of each row; None where the label is missing."""


WHOLE_NUMBER = re.compile(r"(-?\d+)(\.0+)?")
WRITTEN_LIST = re.compile(r"""\[\s*(['"\d-].*)?\]""", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelColumn:
    """The classes of each row by key, and what each key is called."""

    rows: KeyRows
    names: dict[Key, str]
    """In the order of the numbers or of the alphabet."""
    multi_label: bool


def read_labels(dataset: Dataset, columns: Columns) -> LabelColumn:
    """The label column of *dataset*; a list in any row makes it multi-label."""
    feature = dataset.features[columns.label]
    values = list(dataset[columns.label])
    multi_label = any(isinstance(value, list) for value in values)
    rows = [_keys(value, columns.label) for value in values]
    inner = getattr(feature, "feature", feature)
    if isinstance(inner, ClassLabel):
        rows = [None if row is None or -1 in row else row for row in rows]
        names: dict[Key, str] = dict(enumerate(inner.names))
    else:
        rows = _as_numbers(rows)
        names = _names(rows, dataset, columns)
    return LabelColumn(rows=rows, names=names, multi_label=multi_label)


def _keys(value: object, column: str) -> tuple[Key, ...] | None:
    if not isinstance(value, list):
        key = _key(value, column)
        return None if key is None else (key,)
    keys = [key for item in value if (key := _key(item, column)) is not None]
    if len(set(keys)) != len(value):
        raise DataError(
            f"column {column!r} has the label list {value!r}; a list names each class once, by name"
            " or number"
        )
    return tuple(keys)


def _key(value: object, column: str) -> Key | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float):
        if not value.is_integer():
            raise DataError(f"column {column!r} holds {value}; a label is a class, not a fraction")
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    name = str(value).strip()
    if WRITTEN_LIST.fullmatch(name):
        raise DataError(
            f"column {column!r} has the text {name[:40]!r}, a list written out; use JSON Lines for"
            " lists of labels"
        )
    return name or None


def _as_numbers(rows: KeyRows) -> KeyRows:
    """Numbers written as text become numbers when all are, so that 10 comes after 9."""
    keys = {key for row in rows for key in row or ()}
    kind = _number if all(WHOLE_NUMBER.fullmatch(str(key)) for key in keys) else str
    return [row if row is None else tuple(kind(key) for key in row) for row in rows]


def _number(key: Key) -> Key:
    return int(str(key).partition(".")[0])


def _names(rows: KeyRows, dataset: Dataset, columns: Columns) -> dict[Key, str]:
    """The name of each key: what stands in the label_name column, else the key itself."""
    keys = sorted({key for row in rows for key in row or ()})
    if columns.label_name is None:
        return {key: str(key) for key in keys}
    names: dict[Key, str] = {}
    for row, value in zip(rows, dataset[columns.label_name], strict=True):
        for key, name in zip(
            row or (), value if isinstance(value, list) else [value], strict=False
        ):
            if names.setdefault(key, str(name)) != str(name):
                raise DataError(
                    f"label {key!r} is called {names[key]!r} and {name!r} in column"
                    f" {columns.label_name!r}; give it one name"
                )
    if len(set(names.values())) != len(keys):
        raise DataError(f"column {columns.label_name!r} has to give each label a name of its own")
    return {key: names[key] for key in keys}
