"""What a classifier got right: accuracy, F1, per class, and how sure one can be of it."""

import math

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

from finetune.record import ClassMetrics, Metrics

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

Z_95 = 1.959963984540054
"""Standard deviations that hold 95 % of a normal distribution."""


def measure(gold: IntArray, predicted: IntArray, labels: tuple[str, ...]) -> Metrics:
    """Metrics of one class per row; `confusion[i][j]` counts rows of class i called j.  (N,) (N,)"""
    numbers = list(range(len(labels)))
    right = int((gold == predicted).sum())
    return Metrics(
        rows=len(gold),
        accuracy=right / len(gold),
        accuracy_interval=wilson_interval(right, len(gold)),
        macro_f1=float(f1_score(gold, predicted, labels=numbers, average="macro", zero_division=0)),
        micro_f1=float(f1_score(gold, predicted, labels=numbers, average="micro", zero_division=0)),
        classes=_per_class(gold, predicted, labels),
        confusion=tuple(
            tuple(int(count) for count in row)
            for row in confusion_matrix(gold, predicted, labels=numbers)
        ),
    )


def measure_multi_label(gold: IntArray, predicted: IntArray, labels: tuple[str, ...]) -> Metrics:
    """Metrics of 0/1 flags; a row is right when all its flags are.  (N, C) (N, C)"""
    right = int((gold == predicted).all(axis=1).sum())
    return Metrics(
        rows=len(gold),
        accuracy=right / len(gold),
        accuracy_interval=wilson_interval(right, len(gold)),
        macro_f1=float(f1_score(gold, predicted, average="macro", zero_division=0)),
        micro_f1=float(f1_score(gold, predicted, average="micro", zero_division=0)),
        classes=_per_class(gold, predicted, labels),
        confusion=None,
    )


def measure_logits(
    logits: FloatArray, targets: npt.NDArray[np.generic], labels: tuple[str, ...]
) -> Metrics:
    """Metrics of logits against class numbers (N,) or, for several classes per row, flags (N, C)."""
    if targets.ndim == 2:
        return measure_multi_label(
            targets.astype(np.int64), (logits > 0).astype(np.int64), labels
        )
    return measure(targets.astype(np.int64), logits.argmax(axis=1).astype(np.int64), labels)


def wilson_interval(right: int, rows: int) -> tuple[float, float]:
    """The 95 % interval of the share *right* of *rows*; it stays inside 0 and 1."""
    share = right / rows
    shrink = 1 + Z_95**2 / rows
    middle = (share + Z_95**2 / (2 * rows)) / shrink
    half = Z_95 * math.sqrt(share * (1 - share) / rows + Z_95**2 / (4 * rows**2)) / shrink
    return max(0.0, middle - half), min(1.0, middle + half)


def _per_class(
    gold: IntArray, predicted: IntArray, labels: tuple[str, ...]
) -> tuple[ClassMetrics, ...]:
    table = precision_recall_fscore_support(
        gold, predicted, labels=list(range(len(labels))), average=None, zero_division=0
    )
    return tuple(
        ClassMetrics(
            label=label, precision=float(p), recall=float(r), f1=float(f), support=int(support)
        )
        for label, p, r, f, support in zip(labels, *table, strict=True)
    )
