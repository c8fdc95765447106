"""What is different between two files: last month's and Tuesday's."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import hypot

import numpy as np
from scipy.stats import norm

from finetune.checkpoint.arrays import FloatArray
from finetune.evaluation.metrics import wilson_interval
from finetune.run.json_files import Count, Items, Number, Share
from viz.attribution.method import no_progress
from viz.data.missing import Missing
from viz.data.options import AuditOptions
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.file_rows import FileRows
from viz.data.rows.row_predictions import RowPredictions
from viz.data.shift.accuracy_estimate import ESTIMATOR, estimate_accuracy
from viz.data.shift.alarm import ERROR_RATE
from viz.data.shift.causes import ShiftCause, rank_causes
from viz.data.shift.domain_words import WordKindShift, WordShift
from viz.data.shift.two_files import MAX_ROWS, TwoFiles
from viz.faithfulness.bootstrap import CONFIDENCE
from viz.faithfulness.interval import Interval
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier

MIN_ROWS = 30
"""Rows of each file that can be read, below which nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassShift:
    """How often a class is predicted."""

    label: str
    reference_share: Share
    share: Share
    difference: Interval
    """`share` minus `reference_share`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What shifted from a reference file to another one."""

    reference: str
    reference_fingerprint: str
    n_reference: Count
    """Rows of it that can be read."""
    n_rows: Count
    classes: Items[ClassShift]
    """As predicted, the most changed first; none for a regression."""
    confidence: Interval
    """Mean probability of the class predicted, now minus in the reference; of several classes a
    row, of each decision; of a regression, the mean score."""
    estimated_accuracy: Interval | Missing
    """On the file, without its labels."""
    estimated_by: str
    """The name of the estimator, with its source."""
    reference_accuracy: Share | None
    """Measured on the reference; None where it has no labels."""
    domain_auc: Interval
    """How well a linear classifier over the states tells rows of the two files apart, on rows it
    was not trained on: .5 is not at all.  Over words, where states are not known."""
    p_value: Share
    """Of all tests together, corrected for their number."""
    error_rate: Share
    """How often there is an alarm where nothing shifted."""
    alarm: bool
    causes: Items[ShiftCause]
    """The strongest first; none without an alarm."""
    words: Items[WordShift]
    """The strongest first; none without an alarm."""
    word_kinds: Items[WordKindShift] = ()
    """All words by what is different about them; with `domain_bias` they are the difference."""
    domain_difference: Number = 0.0
    """How far the mean score of the domain classifier on the file lies above that on the
    reference, among the rows that were taken apart."""
    domain_bias: Number = 0.0
    """The part of it that no word holds, and what comes of rows having more or fewer words."""
    notes: Items[str] = ()
    regression: bool = False
    """Whether `confidence` is of scores, in their own unit, and not of probabilities."""


def measure_shift(
    classifier: Classifier,
    reference: AuditRows,
    reference_predictions: RowPredictions,
    rows: AuditRows,
    predictions: RowPredictions,
    options: AuditOptions,
    progress: ProgressCallback = no_progress,
) -> Shift | Missing:
    """Compare a file with a reference; labels of the file are never looked at.

    Args:
        classifier: What both were predicted by.
        reference: Rows of the reference; with labels, the accuracy on the file is estimated.
        reference_predictions: Of all of them.
        rows: Rows of the file.
        predictions: Of all of them.
        options: How many rows are taken apart, and the seed.
        progress: Called with the forward passes done since the last call; none without an alarm.
    """
    before = FileRows(reference, reference_predictions)
    after = FileRows(rows, predictions)
    for file in (before, after):
        if len(file.read) < MIN_ROWS:
            return Missing(
                missing=f"{len(file.read):,} of the rows of {file.rows.name!r} can be read; two "
                f"files can be compared where each has {MIN_ROWS} or more."
            )
    files = TwoFiles(classifier, before, after, options.seed)
    p_value, tests = files.alarm
    alarm = p_value <= ERROR_RATE
    notes = list(_sampling_notes(before, after))
    if files.states is None:
        notes.append(
            "It can't be told which state the class is read from, so that the domain classifier "
            "reads which words a row has."
        )
    causes: tuple[ShiftCause, ...] = ()
    differences = None
    if alarm:
        lowest = min(tests, key=lambda name: tests[name])
        notes.append(f"The test of {lowest} differs most (p = {tests[lowest]:.3f} on its own).")
        causes = rank_causes(files.pooled_rows, tests)
        differences, note = files.word_differences(options.max_explained, progress)
        notes += [note] if note else []
    return Shift(
        reference=reference.name,
        reference_fingerprint=reference.fingerprint,
        n_reference=len(before.read),
        n_rows=len(after.read),
        classes=tuple(_class_shifts(classifier, before, after)),
        confidence=_difference(before.confidence(classifier), after.confidence(classifier)),
        estimated_accuracy=_estimated_accuracy(classifier, before, after, options.seed),
        estimated_by=ESTIMATOR,
        reference_accuracy=before.accuracy(classifier),
        domain_auc=files.domain.auc,
        p_value=p_value,
        error_rate=ERROR_RATE,
        alarm=alarm,
        causes=causes,
        words=() if differences is None else differences.words,
        word_kinds=() if differences is None else differences.kinds,
        domain_difference=0.0 if differences is None else differences.difference,
        domain_bias=0.0 if differences is None else differences.bias,
        notes=tuple(notes),
        regression=classifier.regression,
    )


def _sampling_notes(before: FileRows, after: FileRows) -> Iterator[str]:
    for file in (before, after):
        if len(file.read) > MAX_ROWS:
            yield (
                f"Of {file.rows.name!r} {MAX_ROWS:,} of {len(file.read):,} rows, drawn at random, "
                "are tested for a shift and its causes."
            )
        texts = {file.key(index) for index in file.read.tolist()}
        if n_copies := len(file.read) - len(texts):
            yield (
                f"{n_copies:,} rows of {file.rows.name!r} are copies of others; where copies come "
                "in groups, an alarm may be due to them."
            )


def _estimated_accuracy(
    classifier: Classifier, before: FileRows, after: FileRows, seed: int
) -> Interval | Missing:
    if classifier.regression:
        return Missing(missing="A regression has no accuracy.")
    if classifier.multi_label:
        return Missing(
            missing="Each row may have several classes; the accuracy is estimated where it has one."
        )
    gold = before.rows.gold
    labeled = before.labeled
    if gold is None or not len(labeled):
        return Missing(
            missing="The reference has no labels, from which it is learned how often the "
            "classifier is right where it is how sure."
        )
    known = before.predictions.logits[labeled]
    classes = gold[labeled].astype(np.int64)
    return estimate_accuracy(known, classes, after.predictions.logits[after.read], seed)


def _class_shifts(
    classifier: Classifier, before: FileRows, after: FileRows
) -> Iterator[ClassShift]:
    """How the share of each class changed, with the interval of Newcombe 1998 (method 10)."""
    if classifier.regression:
        return
    old, new = before.class_counts(classifier), after.class_counts(classifier)
    n_old, n_new = len(before.read), len(after.read)
    change = new / n_new - old / n_old
    for number in np.argsort(-np.abs(change), kind="stable").tolist():
        if not old[number] and not new[number]:
            continue
        old_low, old_high = wilson_interval(int(old[number]), n_old)
        new_low, new_high = wilson_interval(int(new[number]), n_new)
        share, reference_share = float(new[number]) / n_new, float(old[number]) / n_old
        difference = share - reference_share
        yield ClassShift(
            label=classifier.labels[number],
            reference_share=reference_share,
            share=share,
            difference=Interval(
                mean=difference,
                low=difference - hypot(share - new_low, old_high - reference_share),
                high=difference + hypot(new_high - share, reference_share - old_low),
            ),
        )


def _difference(before: FloatArray, after: FloatArray) -> Interval:
    """Mean of the second minus mean of the first, with Welch's interval."""
    mean = float(after.mean() - before.mean())
    error = np.sqrt(before.var(ddof=1) / len(before) + after.var(ddof=1) / len(after))
    half = float(norm.ppf((1 + CONFIDENCE) / 2) * error)
    return Interval(mean=mean, low=mean - half, high=mean + half)
