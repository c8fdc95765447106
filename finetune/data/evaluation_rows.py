"""The rows that a checkpoint is measured on."""

from typing import NamedTuple

from finetune.data.class_matching import align_rows, match_classes
from finetune.data.rows import Rows, read_rows
from finetune.data.source_rows import (
    source_name,
)
from finetune.data.sources import open_source, role_of
from finetune.data.tables.columns import Columns, find_columns
from finetune.errors import DataError
from finetune.run.column_names import ColumnNames
from finetune.run.local_paths import shown_name


class EvaluationRows(NamedTuple):
    """The rows that a checkpoint is measured on, and what is to be said of them."""

    rows: Rows
    split: str
    columns: Columns
    notes: tuple[str, ...]
    """What was left out, and what labels that are numbers were taken for, a sentence each."""


def load_evaluation_rows(
    source: str,
    labels: tuple[str, ...],
    *,
    split: str | None,
    columns: ColumnNames,
    regression: bool = False,
) -> EvaluationRows:
    """The rows to measure a checkpoint on, classes named as *labels*.

    With *regression* they have scores.
    """
    splits = open_source(source)
    name = split or _default_split(tuple(splits))
    if name not in splits:
        raise DataError(f"no split {name!r} in {shown_name(source)!r}; it has {', '.join(splits)}")
    place = source_name(source, name, splits[name])
    rows = read_rows(splits[name], place, columns, regression=regression)
    if not len(rows):
        raise DataError(f"{shown_name(source)!r} has no row with both a text and a label")
    read, notes = find_columns(splits[name], place, columns), rows.left_out(name)
    if not regression:
        where = repr(shown_name(source))
        notes += filter(None, [match_classes(rows, labels).sentence(where)])
        rows = align_rows(rows, labels, where=where)
    return EvaluationRows(rows, name, read, tuple(notes))


def _default_split(names: tuple[str, ...]) -> str:
    """Test if there is one, else validation, else the first."""
    roles = {role_of(name): name for name in names}
    return roles.get("test") or roles.get("validation") or names[0]
