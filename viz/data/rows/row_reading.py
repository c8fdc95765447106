"""All rows of a file read in random order, so that the first already stand for the whole."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from finetune.checkpoint.arrays import IntArray
from viz.attribution.method import no_progress
from viz.data.audit.cache import AuditCache
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import RowPredictions, predict
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier

FIRST_ROWS, MOST_ROWS = 64, 2_048
"""Rows read before the first are given, and at most from one time to the next."""


def read_rows(
    classifier: Classifier,
    name: str,
    rows: AuditRows,
    *,
    cache: AuditCache,
    seed: int = 0,
    progress: ProgressCallback = no_progress,
) -> Iterator[RowPredictions]:
    """What is predicted of all rows, more of them from one time to the next.

    Args:
        classifier: What reads them.
        name: What the rows are called in the cache.
        rows: All rows of a file.
        cache: Where what was read is kept, and taken from.
        seed: Of the order.
        progress: Called with the rows read since the last call; what it raises ends the work.
    """
    known, done = no_predictions(classifier, len(rows)), np.zeros(len(rows), bool)
    for indices, arrays in cache.rows(name):
        known = _filled(known, classifier, indices, arrays)
        done[indices] = True
        progress(len(indices))
    if done.any():
        yield known
    order = np.random.default_rng(seed).permutation(len(rows))
    order = order[~done[order]]
    start, size = 0, FIRST_ROWS
    while start < len(order):
        indices = np.sort(order[start : start + size])
        part = predict(
            classifier,
            [rows.texts[index] for index in indices],
            None if rows.pairs is None else [rows.pairs[index] for index in indices],
            states=True,
            progress=progress,
        )
        cache.add_rows(name, indices, _arrays(part))
        known = _filled(known, classifier, indices, _arrays(part))
        yield known
        start, size = start + size, min(2 * size, MOST_ROWS)


def no_predictions(classifier: Classifier, n_rows: int) -> RowPredictions:
    """Predictions of rows none of which was read yet."""
    n_classes = classifier.n_classes
    return RowPredictions(
        read=np.zeros(n_rows, bool),
        logits=np.zeros((n_rows, n_classes), np.float32),
        probabilities=np.zeros((n_rows, 0 if classifier.regression else n_classes)),
        n_tokens=np.zeros(n_rows, int),
        n_unseen=np.zeros(n_rows, int),
        n_windows=np.zeros(n_rows, int),
        states=None,
    )


def _arrays(predictions: RowPredictions) -> dict[str, Any]:
    """All of them that can't be computed from others, by name."""
    names = ("read", "logits", "n_tokens", "n_unseen", "n_windows", "states")
    arrays = {name: getattr(predictions, name) for name in names}
    return {name: array for name, array in arrays.items() if array is not None}


def _filled(
    known: RowPredictions, classifier: Classifier, indices: IntArray, arrays: Mapping[str, Any]
) -> RowPredictions:
    """What is known with more rows in it; only states, which are large, are not copied.

    They are of all rows that are read, or of none.
    """
    values: dict[str, Any] = {}
    for name in ("read", "logits", "n_tokens", "n_unseen", "n_windows"):
        values[name] = getattr(known, name).copy()
        # Audits that were made before there were windows have read each row in one.
        values[name][indices] = arrays.get(name, arrays["read"])
    states = known.states
    if "states" in arrays and (states is not None or not known.read.any()):
        if states is None:
            states = np.zeros((len(known.read), arrays["states"].shape[1]), np.float32)
        states[indices] = arrays["states"]
    elif arrays["read"].any():
        states = None
    values["states"] = states
    if not classifier.regression:
        values["probabilities"] = classifier.probabilities(values["logits"])
    return replace(known, **values)
