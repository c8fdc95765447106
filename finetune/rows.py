"""Rows: texts with the names of their classes, whatever shape the label column had."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from datasets import ClassLabel, Dataset

from finetune.columns import Columns, find_columns
from finetune.errors import DataError

Key = int | str
"""A class as the label column writes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """Texts and their classes by name; a multi-label row has any number of them."""

    texts: tuple[str, ...]
    pairs: tuple[str, ...] | None
    labels: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]
    """The classes that occur, in the order of their numbers or of the alphabet."""
    named: bool
    """False where the data gives numbers only and `names` are these numbers."""
    multi_label: bool
    dropped_blank: int = 0
    dropped_unlabelled: int = 0

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.texts)

    def select(self, indices: Sequence[int]) -> "Rows":
        """The rows at *indices*, in that order."""
        return replace(
            self,
            texts=tuple(self.texts[i] for i in indices),
            pairs=None if self.pairs is None else tuple(self.pairs[i] for i in indices),
            labels=tuple(self.labels[i] for i in indices),
        )

    def inputs(self) -> list[tuple[str, str | None]]:
        """What the model reads of each row."""
        pairs = self.pairs or (None,) * len(self)
        return list(zip(self.texts, pairs, strict=True))

    def counts(self, labels: Iterable[str]) -> dict[str, int]:
        """How many rows each of *labels* has."""
        found = Counter(name for row in self.labels for name in row)
        return {label: found[label] for label in labels}

    def fingerprint(self) -> str:
        """SHA-256 over all rows in their order, independent of the file format."""
        digest = hashlib.sha256()
        for (text, pair), names in zip(self.inputs(), self.labels, strict=True):
            digest.update(json.dumps([text, pair, sorted(names)]).encode() + b"\n")
        return digest.hexdigest()


def read_rows(
    dataset: Dataset,
    *,
    where: str,
    text_column: str | None = None,
    pair_column: str | None = None,
    label_column: str | None = None,
) -> Rows:
    """The rows of *dataset*; those with a blank text or without a label are dropped and counted."""
    columns = find_columns(
        dataset.column_names, where, text=text_column, pair=pair_column, label=label_column
    )
    texts = _texts(dataset, columns.text)
    pairs = _texts(dataset, columns.pair) if columns.pair else None
    keys, key_names, multi_label = _keys(dataset, columns)
    blank = [not (text and pair) for text, pair in zip(texts, pairs or texts, strict=True)]
    kept = [i for i, key in enumerate(keys) if key is not None and not blank[i]]
    names = _names(dataset, columns, keys) if key_names is None else key_names
    labels = [tuple(names[key] for key in keys[i] or ()) for i in kept]
    used = {name for row in labels for name in row}
    return Rows(
        texts=tuple(texts[i] for i in kept),
        pairs=None if pairs is None else tuple(pairs[i] for i in kept),
        labels=tuple(labels),
        names=tuple(dict.fromkeys(name for _, name in sorted(names.items()) if name in used)),
        named=any(name != str(key) or isinstance(key, str) for key, name in names.items()),
        multi_label=multi_label,
        dropped_blank=sum(blank),
        dropped_unlabelled=len(keys) - sum(blank) - len(kept),
    )


def join_rows(parts: Sequence[Rows]) -> Rows:
    """All rows of *parts*, one after the other; classes keep the order of their first part."""
    first = parts[0]
    if any((part.pairs is None) != (first.pairs is None) for part in parts):
        raise DataError("some training files have a second text and some don't; give one kind")
    if any(part.multi_label != first.multi_label for part in parts):
        raise DataError("some training files have lists of labels and some don't; give one kind")
    return Rows(
        texts=tuple(text for part in parts for text in part.texts),
        pairs=None if first.pairs is None else tuple(p for part in parts for p in part.pairs or ()),
        labels=tuple(row for part in parts for row in part.labels),
        names=tuple(dict.fromkeys(name for part in parts for name in part.names)),
        named=first.named,
        multi_label=first.multi_label,
        dropped_blank=sum(part.dropped_blank for part in parts),
        dropped_unlabelled=sum(part.dropped_unlabelled for part in parts),
    )


def align_rows(rows: Rows, labels: Sequence[str], *, where: str) -> Rows:
    """*rows* with the class names of *labels*: matched by name, upper case or lower, or by number."""
    known = {label.casefold(): label for label in labels} | {label: label for label in labels}
    names = {name: known.get(name) or known.get(name.casefold()) for name in rows.names}
    if not rows.named and None in names.values():
        by_number = {str(i): label for i, label in enumerate(labels)}
        names = {name: by_number.get(name) for name in rows.names}
    unknown = [name for name, label in names.items() if label is None]
    if unknown:
        raise DataError(
            f"{where} has the class {unknown[0]!r}; the model knows {', '.join(map(repr, labels))}"
        )
    renamed = tuple(tuple(str(names[name]) for name in row) for row in rows.labels)
    return replace(rows, labels=renamed, names=tuple(labels), named=True)


def _texts(dataset: Dataset, column: str) -> list[str]:
    """The column as stripped text; numbers are written out, missing values become empty."""
    values = list(dataset[column])
    odd = next((value for value in values if isinstance(value, list | dict | bytes)), None)
    if odd is not None:
        raise DataError(
            f"column {column!r} holds {type(odd).__name__} values; a text column holds plain text"
        )
    return ["" if value is None else str(value).strip() for value in values]


def _keys(
    dataset: Dataset, columns: Columns
) -> tuple[list[tuple[Key, ...] | None], dict[Key, str] | None, bool]:
    """The classes of each row (None: no label), the names if the column declares them, and whether rows may have several."""
    feature = dataset.features[columns.label]
    inner = getattr(feature, "feature", feature)
    values = list(dataset[columns.label])
    multi_label = any(isinstance(value, list) for value in values)
    rows = [_as_keys(value, columns.label) for value in values]
    if isinstance(inner, ClassLabel):
        rows = [None if row is None or -1 in row else row for row in rows]
        return rows, dict(enumerate(inner.names)), multi_label
    return _as_numbers(rows), None, multi_label


def _as_keys(value: object, column: str) -> tuple[Key, ...] | None:
    if isinstance(value, list):
        keys = [_as_key(item, column) for item in value]
        if None in keys or len(set(keys)) != len(keys):
            raise DataError(
                f"column {column!r} has the label list {value!r}; a list names each class once,"
                " by name or number"
            )
        return tuple(key for key in keys if key is not None)
    key = _as_key(value, column)
    return None if key is None else (key,)


def _as_key(value: object, column: str) -> Key | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float):
        if not value.is_integer():
            raise DataError(f"column {column!r} holds fractions such as {value}; labels are classes")
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return str(value).strip() or None
    return value


def _as_numbers(rows: list[tuple[Key, ...] | None]) -> list[tuple[Key, ...] | None]:
    """Numbers written as text become numbers when all are, so that 10 comes after 9."""
    keys = {key for row in rows for key in row or ()}
    if all(isinstance(key, int) or key.lstrip("-").isdecimal() for key in keys):
        return [row if row is None else tuple(int(key) for key in row) for row in rows]
    return [row if row is None else tuple(str(key) for key in row) for row in rows]


def _names(
    dataset: Dataset, columns: Columns, rows: list[tuple[Key, ...] | None]
) -> dict[Key, str]:
    """The name of each key: from the label_name column, else the key itself."""
    keys = {key for row in rows for key in row or ()}
    if columns.label_name is None:
        return {key: str(key) for key in keys}
    names: dict[Key, str] = {}
    for row, value in zip(rows, dataset[columns.label_name], strict=True):
        row_names = value if isinstance(value, list) else [value]
        for key, name in zip(row or (), row_names, strict=False):
            if names.setdefault(key, str(name)) != str(name):
                raise DataError(
                    f"label {key!r} is named {names[key]!r} and {name!r} in column"
                    f" {columns.label_name!r}; a label has one name"
                )
    if len(set(names.values())) != len(names):
        raise DataError(f"two labels share a name in column {columns.label_name!r}; give each its own")
    return names
