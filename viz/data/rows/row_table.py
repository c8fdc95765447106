"""The table of an audit: a line for each row of the file, with what was found out about it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.labeled_rows import labeled_rows, right_rows
from viz.data.rows.row_predictions import RowPredictions
from viz.model.classifier import Classifier
from viz.model.row_windows import settings_of_rows

OWN_COLUMNS = (
    "row", "place", "label", "prediction", "correct", "probability", "label_probability", "loss",
    "entropy", "margin", "tokens", "unseen_tokens", "windows", "near_copy", "text", "pair",
)  # fmt: skip
"""Those of the table; not every table has all."""
MIN_PROBABILITY = 1e-12
"""The least probability whose logarithm is taken."""


def row_table(
    classifier: Classifier,
    rows: AuditRows,
    predictions: RowPredictions,
    near_copies: IntArray | None = None,
) -> pd.DataFrame:
    """The table.  N lines, and these columns:

    - `row`: its number, counted from 0; `place`: its line in the file, or its number there.
    - `label`, `prediction`: names of classes, of several joined by commas; numbers for a
      regression.  None without a label, or where the row wasn't read.
    - `correct`: whether they agree; None without a label, and for a regression.
    - `probability`, `label_probability`: of the predicted class and of the label.
    - `loss`: cross-entropy in nats; for a regression the squared error.
    - `entropy`: of the probabilities, in nats; `margin`: the highest minus the second one.
    - `tokens`, `unseen_tokens`: what the model read, and what it never saw.
    - `windows`: in how many windows it read the text; only where texts are read in windows.
    - `near_copy`: the number of a row that says nearly the same with another label.
    - `text`, and `pair` where there is one; then all other columns of the file.  One with a name
      above, whether that column is there or not, gets ` (file)` behind it.
    """
    read, labeled = predictions.read, labeled_rows(rows, predictions)
    columns: dict[str, object] = {"row": np.arange(len(rows)), "place": list(rows.places)}
    columns |= _classes(classifier, rows, predictions)
    columns |= _probabilities(classifier, rows, predictions)
    columns["tokens"] = pd.array(np.where(read, predictions.n_tokens, 0))
    columns["unseen_tokens"] = pd.array(np.where(read, predictions.n_unseen, 0))
    if settings_of_rows(classifier, pairs=rows.pairs is not None) is not None:
        columns["windows"] = pd.array(np.where(read, predictions.n_windows, 0))
    if near_copies is not None:
        columns["near_copy"] = _optional(near_copies, labeled & (near_copies >= 0), "Int64")
    columns["text"] = list(rows.texts)
    if rows.pairs is not None:
        columns["pair"] = list(rows.pairs)
    used = {rows.columns.text, rows.columns.pair, rows.columns.label}
    for name, cells in rows.table.items():
        if name not in used:
            while name in columns or name in OWN_COLUMNS:
                name = f"{name} (file)"
            columns[name] = list(cells)
    return pd.DataFrame(columns)


def class_names(labels: Sequence[str], flags: FloatArray | IntArray) -> str:
    """The classes that a row has, as one text.  (C,)"""
    return ", ".join(label for label, flag in zip(labels, flags, strict=True) if flag > 0.5)


def _classes(
    classifier: Classifier, rows: AuditRows, predictions: RowPredictions
) -> dict[str, object]:
    read, labeled, labels = predictions.read, labeled_rows(rows, predictions), classifier.labels
    gold = rows.gold
    if classifier.regression:
        scores = predictions.logits[:, 0].astype(np.float64)
        known = scores if gold is None else gold
        return {
            "label": _optional(known, labeled, "Float64"),
            "prediction": _optional(scores, read, "Float64"),
        }
    if classifier.multi_label:
        flags = predictions.logits > 0
        predicted = [class_names(labels, row) for row in flags]
        true = [""] * len(rows) if gold is None else [class_names(labels, row) for row in gold]
    else:
        predicted = [labels[number] for number in predictions.predicted]
        true = [""] * len(rows) if gold is None else [labels[int(number)] for number in gold]
    right = labeled if gold is None else right_rows(rows, predictions)
    return {
        "label": [name if known else None for name, known in zip(true, labeled, strict=True)],
        "prediction": [name if was else None for name, was in zip(predicted, read, strict=True)],
        "correct": _optional(right, labeled, "boolean"),
    }


def _probabilities(
    classifier: Classifier, rows: AuditRows, predictions: RowPredictions
) -> dict[str, object]:
    read, labeled = predictions.read, labeled_rows(rows, predictions)
    gold, given = rows.gold, np.asarray(predictions.probabilities, np.float64)
    if classifier.regression:
        errors = np.zeros(len(rows)) if gold is None else predictions.logits[:, 0] - gold
        return {"loss": _optional(errors**2, labeled, "Float64")}
    if classifier.multi_label:
        sure = np.maximum(given, 1 - given)
        flags = np.zeros_like(given) if gold is None else np.nan_to_num(gold)
        own = np.where(flags > 0.5, given, 1 - given)
        return {
            "probability": _optional(sure.prod(axis=1), read, "Float64"),
            "label_probability": _optional(own.prod(axis=1), labeled, "Float64"),
            "loss": _optional(-np.log(own.clip(MIN_PROBABILITY)).mean(axis=1), labeled, "Float64"),
            "entropy": _optional(_entropy(given) + _entropy(1 - given), read, "Float64"),
            "margin": _optional(np.abs(2 * given - 1).min(axis=1), read, "Float64"),
        }  # fmt: skip
    ordered = np.sort(given, axis=1)
    second = ordered[:, -2] if given.shape[1] > 1 else 0.0
    classes = np.zeros(len(rows), int) if gold is None else np.maximum(gold, 0).astype(int)
    own = given[np.arange(len(rows)), classes]
    return {
        "probability": _optional(ordered[:, -1], read, "Float64"),
        "label_probability": _optional(own, labeled, "Float64"),
        "loss": _optional(-np.log(own.clip(MIN_PROBABILITY)), labeled, "Float64"),
        "entropy": _optional(
            -(given * np.log(given.clip(MIN_PROBABILITY))).sum(axis=1), read, "Float64"
        ),
        "margin": _optional(ordered[:, -1] - second, read, "Float64"),
    }


def _entropy(probabilities: FloatArray) -> FloatArray:
    """In nats, summed over classes.  (N, C) -> (N,)"""
    entropy: FloatArray = -(probabilities * np.log(probabilities.clip(MIN_PROBABILITY))).sum(axis=1)
    return entropy


def _optional(values: object, known: object, dtype: str) -> pd.Series:
    """A column with nothing in it where a value isn't known."""
    column = pd.Series(np.asarray(values)).astype(dtype)
    column[~np.asarray(known)] = pd.NA
    return column
