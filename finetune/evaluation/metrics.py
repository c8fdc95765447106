"""What a classifier got right: accuracy, F1, each class, and how sure one can be of it."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_fscore_support

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.run.measurements import ClassMetrics, Metrics

MAX_MATRIX_CLASSES = 150
"""Classes up to which every one is in the confusion matrix, which grows with their square."""
N_MOST_CONFUSED = 50
"""Classes in it where there are more."""


def measure_logits(
    logits: FloatArray, targets: FloatArray | IntArray, labels: tuple[str, ...]
) -> Metrics:
    """Metrics of logits (N, C) against class numbers (N,), or flags (N, C) if a row has several."""
    if targets.ndim == 2:
        return measure_multi_label(targets.astype(np.int64), (logits > 0).astype(np.int64), labels)
    return measure_classes(targets.astype(np.int64), logits.argmax(axis=1), labels)


def measure_classes(gold: IntArray, predicted: IntArray, labels: tuple[str, ...]) -> Metrics:
    """Metrics of one class per row.  (N,) (N,)"""
    shown = (
        None if len(labels) <= MAX_MATRIX_CLASSES else most_confused(gold, predicted, len(labels))
    )
    return replace(
        _metrics(gold, predicted, labels, right=gold == predicted),
        confusion=_confusion(gold, predicted, range(len(labels)) if shown is None else shown),
        confused=shown,
    )


def measure_multi_label(gold: IntArray, predicted: IntArray, labels: tuple[str, ...]) -> Metrics:
    """Metrics of 0/1 flags; a row is right when all its flags are.  (N, C) (N, C)"""
    return _metrics(gold, predicted, labels, right=(gold == predicted).all(axis=1))


def most_confused(
    gold: IntArray, predicted: IntArray, n_classes: int, most: int = N_MOST_CONFUSED
) -> tuple[int, ...]:
    """The classes that are most often taken for each other, ascending; then the most frequent.

    Pairs are taken by the rows of one true class, so that the most frequent confusions are among
    them.  (N,) (N,)
    """
    wrong = gold != predicted
    pairs = np.stack([gold[wrong], predicted[wrong]], axis=1)
    confused, counts = np.unique(pairs, axis=0, return_counts=True)
    by_count = confused[np.argsort(-counts, kind="stable")].ravel()
    by_size = np.argsort(-np.bincount(gold, minlength=n_classes), kind="stable")
    order = dict.fromkeys(int(number) for number in (*by_count, *by_size))
    return tuple(sorted(islice(order, most)))


def wilson_interval(right: int, rows: int) -> tuple[float, float]:
    """The 95% interval of the share *right* of *rows*; it stays between 0 and 1."""
    interval = binomtest(right, rows).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def _confusion(
    gold: IntArray, predicted: IntArray, classes: Sequence[int]
) -> tuple[tuple[int, ...], ...]:
    """How many rows of each of *classes* are called each of them; memory grows with the rows."""
    place = {number: index for index, number in enumerate(classes)}
    counts = np.zeros((len(place), len(place)), dtype=np.int64)
    for true, called in zip(gold.tolist(), predicted.tolist(), strict=True):
        if true in place and called in place:
            counts[place[true], place[called]] += 1
    return tuple(tuple(row) for row in counts.tolist())


def _metrics(
    gold: IntArray,
    predicted: IntArray,
    labels: tuple[str, ...],
    *,
    right: npt.NDArray[np.bool_],
) -> Metrics:
    """Macro F1 is the mean over the classes that occur or are predicted."""
    # One column of flags counts as the classes 0 and 1 there; only 1 has the label.
    classes = [1] if gold.ndim == 2 and len(labels) == 1 else range(len(labels))
    f1_of_all = precision_recall_fscore_support(
        gold, predicted, labels=classes, average="micro", zero_division=0
    )[2]
    table = np.array(
        precision_recall_fscore_support(gold, predicted, labels=classes, zero_division=0)
    )
    f1, support = table[2], table[3]
    seen = (support > 0) | (_predicted_counts(predicted, len(labels)) > 0)
    return Metrics(
        rows=len(gold),
        accuracy=float(right.mean()),
        accuracy_interval=wilson_interval(int(right.sum()), len(gold)),
        macro_f1=float(f1[seen].mean()) if seen.any() else 0.0,
        micro_f1=float(f1_of_all),
        classes=tuple(_class_metrics(*row) for row in zip(labels, *table, strict=True)),
        confusion=None,
    )


def _predicted_counts(predicted: IntArray, n_classes: int) -> IntArray:
    """How often each class is predicted.  (N,) or (N, C) -> (C,)"""
    if predicted.ndim == 1:
        return np.asarray(np.bincount(predicted, minlength=n_classes), dtype=np.int64)
    return np.asarray(predicted.sum(axis=0), dtype=np.int64)


def _class_metrics(
    label: str, precision: float, recall: float, f1: float, support: float
) -> ClassMetrics:
    return ClassMetrics(
        label=label,
        precision=float(precision),
        recall=float(recall),
        f1=float(f1),
        support=int(support),
    )
