"""Parts of a file on which the classifier does worse than chance explains."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from finetune.checkpoint.arrays import IntArray
from finetune.errors import quoted
from finetune.evaluation.metrics import wilson_interval
from finetune.run.json_files import Count, Items, Share
from viz.data.missing import Missing
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.labeled_rows import labeled_rows, right_rows
from viz.data.rows.row_predictions import RowPredictions
from viz.data.slices.fisher_test import n_testable, stratified_tail, upper_tails
from viz.data.slices.groups import CUT_OFF, RowGroup, row_groups
from viz.jobs.cancellation import check_cancelled
from viz.types import BoolArray

LEVEL = 0.05
"""How often one or more parts are listed of a file whose errors lie anywhere."""
MAX_SLICES, MAX_TWINS = 50, 5
MAX_CANDIDATES = 500
"""Parts, the least likely first, of which it is asked whether others explain them."""
NO_LABELS = (
    "The file has no labels, so it can't be told on which of its rows the classifier is wrong."
)
NO_CLASSES = (
    "The classifier gives a score, which isn't right or wrong; slices compare shares of wrong rows."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A part of the rows."""

    by: Literal["column", "length", "word"]
    column: str
    """The column of the file; for a length "tokens", for a word the column of the text."""
    value: str
    """As a reader would write it: a cell, a range such as "65 to 128", a word."""
    n_rows: Count
    n_errors: Count
    accuracy: Share
    accuracy_interval: tuple[Share, Share]
    """95% Wilson interval."""
    error_share: Share
    """Its share of all errors."""
    p_value: Share
    """Of Fisher's exact test against all other rows, corrected for all that was looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """The parts that are worse, the worst first: those that chance explains least.

    None is listed that chance explains, or that those above it explain.
    """

    n_tested: Count
    """How many parts were looked at."""
    n_rows: Count
    """Rows with a label."""
    accuracy: Share
    """Over all of them."""
    items: Items[Slice]
    notes: Items[str] = ()


def find_slices(
    rows: AuditRows,
    predictions: RowPredictions,
    words: Sequence[tuple[str, ...]],
    labels: tuple[str, ...],
) -> Slices | Missing:
    """The parts of a file on which errors are more frequent than chance explains.

    Args:
        rows: The file.
        predictions: Of its rows.
        words: The words of each row, as `row_words` gives them.
        labels: The names of the classes.
    """
    if rows.gold is None:
        return Missing(missing=NO_LABELS)
    if predictions.probabilities.shape[1] == 0:
        return Missing(missing=NO_CLASSES)
    errors = ~right_rows(rows, predictions)
    usable = np.flatnonzero(labeled_rows(rows, predictions))
    if not len(usable):
        return Missing(missing=NO_LABELS)
    groups, twins = _distinct(row_groups(rows, predictions, words, labels, usable))
    n_errors = int(errors[usable].sum())
    chosen, n_explained = _worst(groups, errors, usable)
    notes = [_same_rows(group, twins[group]) for group, _ in chosen if group in twins]
    if n_explained:
        parts = "1 more part is" if n_explained == 1 else f"{n_explained:,} more parts are"
        notes.append(f"{parts} worse, but not beyond what the slices listed explain.")
    return Slices(
        n_tested=len(groups),
        n_rows=len(usable),
        accuracy=1 - n_errors / len(usable),
        items=tuple(_slice(group, errors, n_errors, p_value) for group, p_value in chosen),
        notes=(*notes,),
    )


def _distinct(
    groups: Iterable[RowGroup],
) -> tuple[list[RowGroup], dict[RowGroup, list[RowGroup]]]:
    """Each set of rows once, the first of its names; and under this one the other names."""
    first: dict[bytes, RowGroup] = {}
    twins: dict[RowGroup, list[RowGroup]] = {}
    for group in groups:
        known = first.setdefault(group.rows.tobytes(), group)
        if known is not group:
            twins.setdefault(known, []).append(group)
    return list(first.values()), twins


def _worst(
    groups: Sequence[RowGroup], errors: BoolArray, usable: IntArray
) -> tuple[list[tuple[RowGroup, float]], int]:
    """The slices with their corrected p-values, the least likely first; how many more there are.

    Each must be worse than chance explains among the rows that lie in the same of the slices before
    it, as well: a word that stands in one bad source isn't bad by itself.
    """
    sizes = np.array([len(group.rows) for group in groups], dtype=np.int64)
    wrong = np.array([errors[group.rows].sum() for group in groups], dtype=np.int64)
    n_errors = int(errors[usable].sum())
    factor = n_testable(len(usable), n_errors, sizes, LEVEL)
    p_values = upper_tails(len(usable), n_errors, sizes, wrong) * factor
    order = np.lexsort((-sizes, wrong / np.maximum(sizes, 1), p_values))
    candidates = [int(index) for index in order if p_values[index] <= LEVEL]
    chosen: list[tuple[RowGroup, float]] = []
    strata = np.zeros(len(errors), dtype=np.int64)
    for index in candidates[:MAX_CANDIDATES]:
        check_cancelled()
        group = groups[index]
        if _tail_within(strata, group, errors, usable) * factor > LEVEL:
            continue
        chosen.append((group, float(p_values[index])))
        if len(chosen) == MAX_SLICES:
            break
        strata[group.rows] += strata.max() + 1
        strata[usable] = np.unique(strata[usable], return_inverse=True)[1]
    return chosen, len(candidates) - len(chosen)


def _tail_within(strata: IntArray, group: RowGroup, errors: BoolArray, usable: IntArray) -> float:
    """How likely so many errors are in a part, if its rows are drawn from their strata."""
    n_strata = int(strata.max()) + 1
    counts = np.stack(
        [
            np.bincount(strata[rows], minlength=n_strata)
            for rows in (usable, usable[errors[usable]], group.rows)
        ],
        axis=1,
    )
    inside = counts[counts[:, 2] > 0]
    return stratified_tail([(*row,) for row in inside.tolist()], int(errors[group.rows].sum()))


def _slice(group: RowGroup, errors: BoolArray, n_errors: int, p_value: float) -> Slice:
    size, wrong = len(group.rows), int(errors[group.rows].sum())
    return Slice(
        by=group.by,
        column=group.column,
        value=group.value,
        n_rows=size,
        n_errors=wrong,
        accuracy=1 - wrong / size,
        accuracy_interval=wilson_interval(size - wrong, size),
        error_share=wrong / n_errors,
        p_value=p_value,
    )


def _same_rows(group: RowGroup, twins: Sequence[RowGroup]) -> str:
    names = [_trait(each) for each in (group, *twins[:MAX_TWINS])]
    n_more = len(twins) - MAX_TWINS
    last = f"{n_more:,} more" if n_more > 0 else names.pop()
    return f"The same rows have {', '.join(names)} and {last}."


def _trait(group: RowGroup) -> str:
    """What the rows of a part have."""
    if group.by == "word":
        return f"the word {quoted(group.value)}"
    if group.by == "column":
        return f"{quoted(group.value)} in {quoted(group.column)}"
    return "a text cut off" if group.value == CUT_OFF else f"{group.value} tokens"
