"""The label column as scores: one number for each text, for a model that predicts it."""

import math
import re

from finetune.data.labels import class_names
from finetune.data.tables.columns import Columns
from finetune.data.tables.table import Columnar
from finetune.errors import DataError

SCORE = "score"
"""What the one output of such a model is called."""

NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?|nan)", re.IGNORECASE)

MAX_SCORE = 1e30
"""Size that a score may have; float32, in which models compute, ends a little above it."""


def holds_fractions(dataset: Columnar, columns: Columns) -> bool:
    """Whether every label of *dataset* is a number, or missing, and one at least isn't whole."""
    if class_names(dataset, columns.label) is not None:
        return False
    found = False
    for value in dataset[columns.label]:
        number = _number(value)
        if number is None:
            return False
        found = found or (math.isfinite(number) and number % 1 != 0)
    return found


def read_scores(dataset: Columnar, columns: Columns) -> list[float | None]:
    """The score of each row, None where it is missing; classes of a ClassLabel by their number.

    Raises:
        DataError: A label is not a number, or too large a one.
    """
    values = list(dataset[columns.label])
    if class_names(dataset, columns.label) is not None:
        values = [None if value == -1 else value for value in values]
    return [_score(value, columns.label) for value in values]


def _score(value: object, column: str) -> float | None:
    number = _number(value)
    if number is None or abs(number) > MAX_SCORE:
        raise DataError(
            f"column {column!r} holds {str(value)[:40]!r}, which is not a score; a score is one"
            f" number, written like 1234.5, of at most {MAX_SCORE:g}, or nothing where the row is"
            " to be left out"
        )
    return None if math.isnan(number) else number


def _number(value: object) -> float | None:
    """The number that *value* is or says: NaN where it is missing, None where it is not one."""
    text = "nan" if value is None else str(value).strip() or "nan"
    return float(text) if NUMBER.fullmatch(text) and not isinstance(value, bool) else None
