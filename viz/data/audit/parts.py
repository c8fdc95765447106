"""The parts of an audit that are made once all rows are read, in the order in which they are made.

Each is a function of what is known so far.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.run.json_files import Items
from viz.data.counterfactuals.counterfactuals import RowCounterfactuals
from viz.data.labels.label_errors import LabelErrors, expected_passes, find_label_errors
from viz.data.missing import Missing
from viz.data.reasons.cell_reasons import CellReasons
from viz.data.rows.labeled_rows import NO_LABELS, labeled_rows, right_rows
from viz.data.rows.row_words import row_words
from viz.data.rows.word_contributions import PASSES_PER_ROW
from viz.data.shift.shift import Shift, measure_shift
from viz.data.shortcuts.shortcuts import Shortcuts, find_shortcuts
from viz.data.slices.slices import Slices, find_slices
from viz.jobs.background import ProgressCallback

if TYPE_CHECKING:
    from viz.data.audit.run import AuditRun

ONE_CLASS = Missing(
    missing="A confusion matrix has one class in each row, which this classifier does not give."
)
NO_REFERENCE = Missing(missing="No second file was given to compare with.")
PASSES_PER_CELL = 600
"""Forward passes that the reasons of a cell take, about."""
PASSES_PER_COUNTERFACTUAL = 530
PASSES_OF_SHORTCUTS = 4_000
"""Those that test words, beside those for each row that is explained."""
PASSES_PER_SHORT_FILE_ROW = 8
"""Those for each row of a file that has few words to test."""
PASSES_OF_SHIFT = 1_500


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPart:
    """A part of the record."""

    name: str
    """The field of the record."""
    kind: Any
    """What it holds."""
    expected_passes: Callable[["AuditRun"], float]
    """About how many forward passes it takes."""
    make: Callable[["AuditRun", ProgressCallback], Any]


def _slices(run: "AuditRun", progress: ProgressCallback) -> Slices | Missing:
    words = row_words(run.rows, run.classifier)
    return find_slices(run.rows, run.latest.predictions, words, run.classifier.labels)


def _label_errors(run: "AuditRun", progress: ProgressCallback) -> LabelErrors | Missing:
    return find_label_errors(
        run.classifier,
        run.rows,
        run.latest.predictions,
        run.options,
        progress,
        work=run.work_folder,
        near_copies=run.latest.near_copies,
    )


def _shift(run: "AuditRun", progress: ProgressCallback) -> Shift | Missing:
    if run.reference is None:
        return NO_REFERENCE
    *_, reference_predictions = run.read_reference(progress)
    return measure_shift(
        run.classifier,
        run.reference,
        reference_predictions,
        run.rows,
        run.latest.predictions,
        run.options,
        progress,
    )


def _cells(run: "AuditRun", progress: ProgressCallback) -> tuple[CellReasons, ...] | Missing:
    """Those of the cells of errors with the most rows."""
    if run.rows.gold is None:
        return NO_LABELS
    if run.classifier.regression or run.classifier.multi_label:
        return ONE_CLASS
    wrong = _errors(run)
    gold, predicted = run.rows.gold[wrong], run.latest.predictions.predicted[wrong]
    counts = Counter(zip(gold.tolist(), predicted.tolist(), strict=True))
    largest = sorted(counts, key=lambda cell: (-counts[cell], cell))[: run.options.n_cells]
    reasons = []
    for cell in largest:
        result = run.cell(*cell, progress)
        if isinstance(result, Missing):
            return result
        reasons.append(result)
    return tuple(reasons)


def _shortcuts(run: "AuditRun", progress: ProgressCallback) -> Shortcuts | Missing:
    return find_shortcuts(run.classifier, run.rows, run.latest.predictions, run.options, progress)


def _counterfactuals(
    run: "AuditRun", progress: ProgressCallback
) -> tuple[RowCounterfactuals, ...] | Missing:
    """Of the errors that the classifier is surest of; without labels, of the least sure rows."""
    results = []
    for row in _rows_to_flip(run):
        result = run.counterfactuals_of(row, progress)
        if isinstance(result, Missing):
            return result
        results.append(result)
    return tuple(results)


def _rows_to_flip(run: "AuditRun") -> list[int]:
    if run.classifier.regression:
        return [int(row) for row in np.flatnonzero(run.latest.predictions.read)[:1]]  # says why not
    table = run.latest.table
    if run.rows.gold is None:
        kept = table[run.latest.predictions.read].sort_values("margin", kind="stable")
    else:
        kept = table[_errors(run)].sort_values("probability", ascending=False, kind="stable")
    return [int(row) for row in kept["row"][: run.options.n_counterfactuals]]


def _errors(run: "AuditRun") -> Any:
    """Which rows are wrong.  (N,)"""
    predictions = run.latest.predictions
    return labeled_rows(run.rows, predictions) & ~right_rows(run.rows, predictions)


PARTS = (
    AuditPart(
        name="slices",
        kind=Slices | Missing,
        expected_passes=lambda run: 0,
        make=_slices,
    ),
    AuditPart(
        name="label_errors",
        kind=LabelErrors | Missing,
        expected_passes=lambda run: expected_passes(run.classifier, run.rows, run.options),
        make=_label_errors,
    ),
    AuditPart(
        name="shift",
        kind=Shift | Missing,
        expected_passes=lambda run: (
            0 if run.reference is None else len(run.reference) + PASSES_OF_SHIFT
        ),
        make=_shift,
    ),
    AuditPart(
        name="cells",
        kind=Items[CellReasons] | Missing,
        expected_passes=lambda run: min(PASSES_PER_CELL, len(run.rows)) * run.options.n_cells,
        make=_cells,
    ),
    AuditPart(
        name="shortcuts",
        kind=Shortcuts | Missing,
        expected_passes=lambda run: (
            min(PASSES_OF_SHORTCUTS, PASSES_PER_SHORT_FILE_ROW * len(run.rows))
            + PASSES_PER_ROW * min(len(run.rows), run.options.max_explained)
        ),
        make=_shortcuts,
    ),
    AuditPart(
        name="counterfactuals",
        kind=Items[RowCounterfactuals] | Missing,
        expected_passes=lambda run: PASSES_PER_COUNTERFACTUAL * run.options.n_counterfactuals,
        make=_counterfactuals,
    ),
)
