"""Which rows of a file have a label and were read, and on which of them the classifier is right."""

import numpy as np

from viz.data.missing import Missing
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import RowPredictions
from viz.types import BoolArray

NO_LABELS = Missing(missing="The file has no labels, so there is nothing to measure against.")
NO_LABELED_ROW = Missing(missing="No row has both a label and a text that the model can read.")


def labeled_rows(rows: AuditRows, predictions: RowPredictions) -> BoolArray:
    """Which rows were read and have a label.  (N,)"""
    labeled: BoolArray = predictions.read & rows_with_label(rows)
    return labeled


def rows_with_label(rows: AuditRows) -> BoolArray:
    """Which rows have a label, read or not.  (N,)"""
    gold = rows.gold
    if gold is None:
        return np.zeros(len(rows), dtype=bool)
    known = ~np.isnan(gold) if np.issubdtype(gold.dtype, np.floating) else gold >= 0
    return np.asarray(known.all(axis=1) if known.ndim == 2 else known)


def right_rows(rows: AuditRows, predictions: RowPredictions) -> BoolArray:
    """Which rows are right; of several classes in each of them.  Only labeled rows count.  (N,)"""
    gold = rows.gold
    assert gold is not None  # or no row is labeled
    if gold.ndim == 2:
        flags = (predictions.logits > 0) == (gold > 0.5)
        return np.asarray(flags.all(axis=1))
    return np.asarray(predictions.predicted == gold)
