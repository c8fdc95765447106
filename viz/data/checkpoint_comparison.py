"""Two checkpoints on the same rows: what a new run mended, what it broke, and how sure that is.

Sources: McNemar 1947 for the test, in its exact form; Newcombe 1998, method 10, for the interval of
a difference of paired proportions; Efron and Tibshirani 1993 for that of macro F1, by a paired
bootstrap of the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.stats import binomtest

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.data.tables.messages import listed
from finetune.evaluation.metrics import measure_classes, measure_multi_label, wilson_interval
from finetune.run.json_files import Count, Items, Share
from finetune.run.measurements import Metrics
from viz.data.missing import Missing
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.labeled_rows import NO_LABELED_ROW, NO_LABELS, labeled_rows
from viz.data.rows.row_predictions import RowPredictions
from viz.faithfulness.bootstrap import percentile_interval, resampled_sums
from viz.faithfulness.interval import Interval
from viz.model.classifier import Classifier
from viz.model.label_matching import match_labels
from viz.types import BoolArray

SCORES = Missing(missing="Scores are not right or wrong, so two regressions can't be compared so.")
SCORE_AND_CLASS = Missing(
    missing="One checkpoint predicts a score and the other a class, which can't be compared."
)
ONE_AND_SEVERAL = Missing(
    missing="One checkpoint puts each row into one class and the other into any number of them, so "
    "that they are not right or wrong by one rule; choose another of the same kind."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassComparison:
    """What became of the rows of one class; with several classes in a row, of its flag."""

    label: str
    support: Count
    """Rows that have it."""
    f1_before: Share
    f1_after: Share
    recall_before: Share
    recall_after: Share
    mended: Count
    """Rows of the class that were wrong before and are right now."""
    broken: Count
    """Rows of the class that were right before and are wrong now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointComparison:
    """Two checkpoints on the rows that have a label and were read by both."""

    n_rows: Count
    """How many these are."""
    accuracy_before: Share
    accuracy_after: Share
    accuracy_difference: Interval
    """After minus before, with its 95% interval."""
    macro_f1_before: Share
    macro_f1_after: Share
    macro_f1_difference: Interval
    """After minus before, with its 95% interval."""
    p_value: Share
    """Of McNemar's exact test, two-sided: how likely so unequal numbers of mended and broken rows
    would be if rows broke as often as they were mended."""
    mended: Items[Count]
    """Numbers of the rows, in the file from 0, that were wrong before and are right now."""
    broken: Items[Count]
    """Those that were right before and are wrong now."""
    changed: Items[Count]
    """Those that are wrong in another way now."""
    classes: Items[ClassComparison]
    """In the order of the labels before, by their names there; classes that only the new checkpoint
    knows come last."""


def compare_checkpoints(
    rows: AuditRows,
    before: RowPredictions,
    after: RowPredictions,
    old: Classifier,
    new: Classifier,
    *,
    seed: int = 0,
) -> CheckpointComparison | Missing:
    """Compare what two classifiers say of the same rows.

    Args:
        rows: Their `gold` counts classes as the labels of *old* do.
        before: What the old classifier says of them.
        after: What the new one says.
        old: The old one; its kind is that of the labels.
        new: The new one, of the same kind; its classes are matched by `match_labels`.
        seed: Of the bootstrap.
    """
    if rows.gold is None:
        return NO_LABELS
    if old.regression or new.regression:
        return SCORES if old.regression and new.regression else SCORE_AND_CLASS
    if old.multi_label != new.multi_label:
        return ONE_AND_SEVERAL
    pairs = match_labels(old.labels, new.labels)
    if all(None in pair for pair in pairs):
        return Missing(
            missing=f"The checkpoints have no class in common: {listed(old.labels)} and"
            f" {listed(new.labels)}."
        )
    kept = labeled_rows(rows, before) & after.read
    if not kept.any():
        return NO_LABELED_ROW
    union = tuple(new.labels[j or 0] if i is None else old.labels[i] for i, j in pairs)
    places = {j: place for place, (_, j) in enumerate(pairs) if j is not None}
    both = (
        (before, np.arange(len(old.labels))),
        (after, np.array([places[j] for j in range(len(new.labels))])),
    )
    if old.multi_label:
        gold = _flags(rows.gold[kept] > 0.5, both[0][1], len(union))
        predicted = [_flags(each.logits[kept] > 0, own, len(union)) for each, own in both]
    else:
        gold = rows.gold[kept].astype(np.int64)
        predicted = [own[each.predicted[kept]] for each, own in both]
    was, now = predicted
    return compare_predictions(gold, was, now, union, numbers=np.flatnonzero(kept), seed=seed)


def compare_predictions(
    gold: IntArray,
    before: IntArray,
    after: IntArray,
    labels: Sequence[str],
    *,
    numbers: IntArray | None = None,
    seed: int = 0,
) -> CheckpointComparison:
    """Compare two predictions of N rows, one at least.

    Args:
        gold: The class of each (N,), or 0/1 flags of its classes (N, C).
        before: What was predicted, likewise.
        after: What is predicted now, likewise.
        labels: The names of the C classes.
        numbers: Of the rows in their file; from 0 on where there are none.  (N,)
        seed: Of the bootstrap.
    """
    numbers = np.arange(len(gold)) if numbers is None else numbers
    measure = measure_multi_label if gold.ndim == 2 else measure_classes
    old, new = (measure(gold, each, tuple(labels)) for each in (before, after))
    was_right, is_right = _right(gold, before), _right(gold, after)
    mended, broken = ~was_right & is_right, was_right & ~is_right
    other = (before != after).any(axis=1) if gold.ndim == 2 else before != after
    changed = ~was_right & ~is_right & other
    low, high = paired_difference_interval(was_right, is_right)
    n_changed = int(mended.sum() + broken.sum())
    low_f1, high_f1 = _macro_f1_interval(gold, before, after, len(labels), seed)
    return CheckpointComparison(
        n_rows=len(gold),
        accuracy_before=old.accuracy,
        accuracy_after=new.accuracy,
        accuracy_difference=Interval(float(is_right.mean() - was_right.mean()), low, high),
        macro_f1_before=old.macro_f1,
        macro_f1_after=new.macro_f1,
        macro_f1_difference=Interval(new.macro_f1 - old.macro_f1, low_f1, high_f1),
        p_value=float(binomtest(int(mended.sum()), n_changed).pvalue) if n_changed else 1.0,
        mended=tuple(numbers[mended].tolist()),
        broken=tuple(numbers[broken].tolist()),
        changed=tuple(numbers[changed].tolist()),
        classes=_class_comparisons(gold, before, after, (old, new)),
    )


def paired_difference_interval(first: BoolArray, second: BoolArray) -> tuple[float, float]:
    """The 95% interval of the share of *second* minus that of *first*, of the same N rows.

    Newcombe 1998, method 10: Wilson's intervals of both, put together by their correlation.
    """
    n_rows = len(first)
    both, neither = int((first & second).sum()), int((~first & ~second).sum())
    lost, gained = int((first & ~second).sum()), int((~first & second).sum())
    shares = (both + gained) / n_rows, (both + lost) / n_rows
    (low_2, high_2), (low_1, high_1) = (
        wilson_interval(count, n_rows) for count in (both + gained, both + lost)
    )
    spread = (both + lost) * (gained + neither) * (both + gained) * (lost + neither)
    excess = both * neither - lost * gained
    if excess > 0:  # a correction for continuity
        excess = max(excess - n_rows / 2, 0)  # type: ignore[assignment]
    correlation = excess / sqrt(spread) if spread else 0.0
    below, above = shares[0] - low_2, high_1 - shares[1]
    low = sqrt(max(below**2 - 2 * correlation * below * above + above**2, 0))
    below, above = shares[1] - low_1, high_2 - shares[0]
    high = sqrt(max(below**2 - 2 * correlation * below * above + above**2, 0))
    difference = shares[0] - shares[1]
    return max(difference - low, -1.0), min(difference + high, 1.0)


def _right(gold: IntArray, predicted: IntArray) -> BoolArray:
    same = gold == predicted
    return np.asarray(same.all(axis=1) if same.ndim == 2 else same)


def _flags(flags: BoolArray, own: IntArray, n_classes: int) -> IntArray:
    """Flags of the classes *own* as those of all; a class that isn't known is said of no row."""
    whole = np.zeros((len(flags), n_classes), dtype=np.int64)
    whole[:, own] = flags
    return whole


def _one_hot(classes: IntArray, n_classes: int) -> IntArray:
    """0/1 flags of each row's classes.  (N,) or (N, C) -> (N, C)"""
    if classes.ndim == 2:
        return classes
    flags: IntArray = (classes[:, None] == np.arange(n_classes)).astype(np.int64)
    return flags


def _macro_f1_interval(
    gold: IntArray, before: IntArray, after: IntArray, n_classes: int, seed: int
) -> tuple[float, float]:
    """The 95% interval of macro F1 after minus before, by a paired bootstrap."""
    alike, counts = np.unique(
        np.stack([gold, before, after], axis=1).reshape(len(gold), -1), axis=0, return_counts=True
    )
    shape = (len(alike), 3, *gold.shape[1:])
    true, old, new = (_one_hot(each, n_classes) for each in np.moveaxis(alike.reshape(shape), 1, 0))
    values = np.concatenate([true, old, new, true & old, true & new], axis=1)
    sums = resampled_sums(values.astype(np.float64), seed, counts=counts)
    support, n_old, n_new, hits_old, hits_new = np.split(sums, 5, axis=1)
    difference = _macro_f1(support, n_new, hits_new) - _macro_f1(support, n_old, hits_old)
    low, high = percentile_interval(difference)
    return float(low), float(high)


def _macro_f1(support: FloatArray, predicted: FloatArray, hits: FloatArray) -> FloatArray:
    """The mean over the classes that occur or are predicted.  three of (R, C) -> (R,)"""
    rows = support + predicted
    f1 = np.divide(2 * hits, rows, out=np.zeros_like(hits), where=rows > 0)
    mean: FloatArray = f1.sum(axis=1) / np.maximum((rows > 0).sum(axis=1), 1)
    return mean


def _class_comparisons(
    gold: IntArray, before: IntArray, after: IntArray, metrics: tuple[Metrics, Metrics]
) -> tuple[ClassComparison, ...]:
    n_classes = len(metrics[0].classes)
    true, old, new = (_one_hot(each, n_classes) > 0 for each in (gold, before, after))
    mended, broken = (true & ~old & new).sum(axis=0), (true & old & ~new).sum(axis=0)
    return tuple(
        ClassComparison(
            label=was.label,
            support=was.support,
            f1_before=was.f1,
            f1_after=now.f1,
            recall_before=was.recall,
            recall_after=now.recall,
            mended=int(mended[index]),
            broken=int(broken[index]),
        )
        for index, (was, now) in enumerate(zip(*(each.classes for each in metrics), strict=True))
    )
