"""Some rows of an audit: errors, a cell of the confusion matrix, a part of the file, a search."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from finetune.checkpoint.arrays import IntArray
from viz.data.audit.run import Audit
from viz.data.rows.labeled_rows import labeled_rows
from viz.data.rows.row_words import row_words
from viz.data.slices.groups import row_groups
from viz.model.grouping import word_key
from viz.types import BoolArray


@dataclass(frozen=True, slots=True)
class RowFilter:
    """What rows have in common; by default all rows that were read."""

    errors: bool = False
    """Only rows that are wrong."""
    label: str | None = None
    """Only rows with this label."""
    prediction: str | None = None
    """Only rows that are put into this class."""
    search: str = ""
    """Only rows whose text, or second text, has these letters in any case."""

    def rows(self, table: pd.DataFrame, among: IntArray | None = None) -> IntArray:
        """The numbers of these rows; of errors, a cell or scores the dearest first, else in order.

        Args:
            table: The table of an audit.
            among: Only rows of these numbers.
        """
        chosen: BoolArray = table["prediction"].notna().to_numpy()
        if among is not None:
            inside = np.zeros(len(table), dtype=bool)
            inside[among] = True
            chosen = chosen & inside
        if self.errors:
            chosen = chosen & _equal(table, "correct", False)
        if self.label is not None:
            chosen = chosen & _equal(table, "label", self.label)
        if self.prediction is not None:
            chosen = chosen & _equal(table, "prediction", self.prediction)
        if self.search.strip():
            chosen = chosen & _has(table, self.search.strip().casefold())
        rows = np.flatnonzero(chosen)
        of_scores = "correct" not in table
        if "loss" in table and (self.errors or self.label is not None or of_scores):
            loss = table["loss"].to_numpy(dtype=float, na_value=-np.inf)
            rows = rows[np.argsort(-loss[rows], kind="stable")]
        return rows


def rows_of_group(
    audit: Audit, by: str, column: str, value: str, *, labeled: bool = False
) -> IntArray:
    """The rows of a part of the file as a slice or a shortcut names it, rising.

    Args:
        audit: Whose rows.
        by: "column", "length" or "word".
        column: The column of the file.
        value: The cell, the range or the word.
        labeled: Whether only rows with a label count, as in slices, whose ranges are of these.
    """
    predictions = audit.predictions
    usable = np.flatnonzero(labeled_rows(audit.rows, predictions) if labeled else predictions.read)
    if by == "word":
        return _rows_with(audit, value, usable)
    nothing: Sequence[tuple[str, ...]] = [()] * len(audit.rows)
    labels = audit.record.labels
    for group in row_groups(audit.rows, predictions, nothing, labels, usable):
        if (group.by, group.column, group.value) == (by, column, value):
            return group.rows
    return np.zeros(0, dtype=np.int64)


def _rows_with(audit: Audit, word: str, usable: IntArray) -> IntArray:
    """The rows that have a word; only texts that have its letters are cut into words."""
    rows = audit.rows
    pairs = rows.pairs or ("",) * len(rows)
    near = [row for row in usable.tolist() if word in word_key(f"{rows.texts[row]}\n{pairs[row]}")]
    some = replace(
        rows,
        texts=tuple(rows.texts[row] for row in near),
        pairs=None if rows.pairs is None else tuple(pairs[row] for row in near),
    )
    words = row_words(some, audit.classifier)
    return np.array(
        [row for row, own in zip(near, words, strict=True) if word in own], dtype=np.int64
    )


def _equal(table: pd.DataFrame, column: str, value: object) -> BoolArray:
    if column not in table:
        return np.zeros(len(table), dtype=bool)
    equal: BoolArray = (table[column] == value).fillna(False).to_numpy(dtype=bool)
    return equal


def _has(table: pd.DataFrame, letters: str) -> BoolArray:
    chosen = np.zeros(len(table), dtype=bool)
    for column in ("text", "pair"):
        if column in table:
            cells = table[column].fillna("").str.casefold()
            chosen |= cells.str.contains(letters, regex=False).to_numpy(dtype=bool)
    return chosen
