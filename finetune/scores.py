"""The label column as scores: one number for each text, for a model that predicts it."""

import math
import re

from datasets import ClassLabel, Dataset

from finetune.columns import Columns
from finetune.errors import DataError

SCORE = "score"
"""What the one output of such a model is called."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def holds_fractions(dataset: Dataset, columns: Columns) -> bool:
    """Whether every label of *dataset* is a number, or missing, and one at least isn't whole."""
    if isinstance(dataset.features[columns.label], ClassLabel):
        return False
    found = False
    for value in dataset[columns.label]:
        if not _is_missing(value):
            number = _number(value)
            if number is None:
                return False
            found = found or number % 1 != 0
    return found


def read_scores(dataset: Dataset, columns: Columns) -> list[float | None]:
    """The score of each row, None where it is missing; classes of a ClassLabel by their number.

    Raises:
        DataError: A label is no finite number.
    """
    values = list(dataset[columns.label])
    if isinstance(dataset.features[columns.label], ClassLabel):
        values = [None if value == -1 else value for value in values]
    return [None if _is_missing(value) else _score(value, columns.label) for value in values]


def _score(value: object, column: str) -> float:
    number = _number(value)
    if number is None:
        raise DataError(
            f"column {column!r} holds {str(value)[:40]!r}, which is no score; a score is one finite"
            " number, or nothing where the row is to be left out"
        )
    return number


def _number(value: object) -> float | None:
    """The finite number that *value* is or says, if any."""
    text = str(value).strip()
    if isinstance(value, bool) or not NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _is_missing(value: object) -> bool:
    return (
        value is None
        or (isinstance(value, float) and math.isnan(value))
        or (isinstance(value, str) and not value.strip())
    )
