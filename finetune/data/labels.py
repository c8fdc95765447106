"""The label column, in any shape, as class names: numbers, words, lists of either, ClassLabel."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from datasets import ClassLabel

from finetune.data.multi_hot import refuse_multi_hot
from finetune.data.tables.columns import Columns
from finetune.data.tables.messages import shown
from finetune.data.tables.table import Columnar
from finetune.errors import DataError

Key = int | str
"""A class as the label column writes it."""

KeyRows = list[tuple[Key, ...] | None]
"""The classes of each row; None where the label is missing."""

WHOLE_NUMBER = re.compile(r"(-?(0|[1-9][0-9]{0,17}))(\.0+)?")
"""Such as 3 and 3.0, which are one class; 007 is a name."""

WRITTEN_LIST = re.compile(r"""\[\s*(['"\d-].*)?\]|\(\s*['"].*,.*\)""", re.DOTALL)
WRITTEN_OBJECT = re.compile(r"""\{\s*['"].*\}""", re.DOTALL)

TYPE_NAMES = {"dict": "objects", "list": "lists within lists", "bytes": "binary data"}
"""What labels that are none are called."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelColumn:
    """The classes of each row by key, and what each key is called."""

    rows: KeyRows
    names: dict[Key, str]
    """In the order of the numbers or of the alphabet."""
    multi_label: bool


def read_labels(dataset: Columnar, columns: Columns) -> LabelColumn:
    """The label column of *dataset*; a list in any row makes it multi-label.

    Raises:
        DataError: Labels are not classes (objects, lists of flags or of fractions), a number has no
            name in the column's own list of names, or a class has two names.
    """
    column = columns.label
    values = list(dataset[column])
    multi_label = any(isinstance(value, list) for value in values)
    known = class_names(dataset, column)
    if known is None and columns.label_name is None:
        refuse_multi_hot(values, column)
    rows = [_keys(value, column) for value in values]
    if known is not None:
        rows = [None if row is None or -1 in row else row for row in rows]
        names = _numbered_names(known, rows, column)
    else:
        rows = _as_numbers(rows)
        names = _names(rows, dataset, columns)
    return LabelColumn(rows=rows, names=names, multi_label=multi_label)


def class_names(dataset: Columnar, column: str) -> Sequence[str] | None:
    """What a label column itself calls its numbers, -1 of which is none; None where it doesn't."""
    feature = dataset.features.get(column)
    inner = getattr(feature, "feature", feature)
    if isinstance(inner, ClassLabel):
        return tuple(inner.names)
    found: Mapping[str, Sequence[str]] = getattr(dataset, "class_names", {})
    return found.get(column)


def _keys(value: object, column: str) -> tuple[Key, ...] | None:
    if not isinstance(value, list):
        key = _key(value, column)
        return None if key is None else (key,)
    keys = [key for item in value if (key := _key(item, column, in_list=True)) is not None]
    if len(set(keys)) != len(value):
        raise DataError(
            f"column {column!r} has the label list {shown(value)}; a list names each class once, by"
            " name or number"
        )
    return tuple(keys)


def _key(value: object, column: str, *, in_list: bool = False) -> Key | None:
    """What names a class; a fraction does only alone, as lists of them are probabilities."""
    value = float(value) if isinstance(value, Decimal) else value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float):
        if value.is_integer():
            return int(value)
        if in_list or math.isinf(value):
            raise DataError(
                f"column {column!r} holds {value}{' in a list' if in_list else ''}; a label is a"
                " name or a number, in a list a name or a whole number"
            )
        return repr(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str | bool | date):
        kind = type(value).__name__
        raise DataError(
            f"column {column!r} holds {TYPE_NAMES.get(kind, kind)}, such as {shown(value)}; a label"
            " is a name or a number, or a list of names or whole numbers"
        )
    name = str(value).strip()
    for written, what_of in ((WRITTEN_LIST, "a list"), (WRITTEN_OBJECT, "an object")):
        if written.fullmatch(name):
            raise DataError(
                f"column {column!r} has the text {shown(name)}, {what_of} written out; use JSON"
                " Lines for lists of labels"
            )
    return name or None


def _numbered_names(known: Sequence[str], rows: KeyRows, column: str) -> dict[Key, str]:
    """The names that the column itself gives its numbers, all of which have to have one."""
    names: dict[Key, str] = dict(enumerate(known))
    odd = next((key for row in rows for key in row or () if key not in names), None)
    if odd is not None:
        raise DataError(
            f"column {column!r} holds the class number {odd}, but it has names for"
            f" {len(known)} classes, 0 to {len(known) - 1}; correct the number or add its name"
        )
    if len(set(known)) != len(known):
        twice = next(name for i, name in enumerate(known) if name in known[:i])
        raise DataError(
            f"column {column!r} calls two of its class numbers {shown(twice)}; give each its own"
            " name"
        )
    return names


def _as_numbers(rows: KeyRows) -> KeyRows:
    """Numbers written as text become numbers when all are, so that 10 comes after 9."""
    keys = {key for row in rows for key in row or ()}
    kind = _number if all(WHOLE_NUMBER.fullmatch(str(key)) for key in keys) else str
    return [row if row is None else tuple(kind(key) for key in row) for row in rows]


def _number(key: Key) -> Key:
    return int(str(key).partition(".")[0])


def _names(rows: KeyRows, dataset: Columnar, columns: Columns) -> dict[Key, str]:
    """The name of each key: what stands in the label_name column, else the key itself."""
    keys = sorted({key for row in rows for key in row or ()})
    if columns.label_name is None:
        return {key: str(key) for key in keys}
    names: dict[Key, str] = {}
    for row, value in zip(rows, dataset[columns.label_name], strict=True):
        for key, name in _named(row or (), value, columns.label_name):
            if names.setdefault(key, name) != name:
                raise DataError(
                    f"label {key!r} is called {names[key]!r} and {name!r} in column"
                    f" {columns.label_name!r}; give it one name"
                )
    if len(set(names.values())) != len(keys):
        raise DataError(f"column {columns.label_name!r} has to give each label its own name")
    return {key: names[key] for key in keys}


def _named(row: Sequence[Key], value: object, column: str) -> list[tuple[Key, str]]:
    """Each key of a row with its name; there have to be as many names."""
    given = value if isinstance(value, list) else [value]
    names = [str(key) for name in given if (key := _key(name, column)) is not None]
    if row and len(names) != len(row):
        raise DataError(
            f"column {column!r} has {shown(value)} beside the label {shown(row[0])}; it has to name"
            " each label of the row"
        )
    return list(zip(row, names, strict=True)) if row else []
