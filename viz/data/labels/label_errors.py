"""Rows whose label is likely wrong, ranked, each with what speaks for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.run.json_files import Count, Items, Number, Share
from viz.attribution.method import no_progress
from viz.data.labels.confident_learning import confident_errors, label_loss, multi_label_loss
from viz.data.labels.label_probabilities import Estimator, estimate_probabilities
from viz.data.labels.state_folds import Question
from viz.data.labels.training_folds import fold_passes
from viz.data.labels.training_rows import gold_names
from viz.data.missing import Missing
from viz.data.options import AuditOptions
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.near_copies import conflicting_copies
from viz.data.rows.nearest_rows import nearest_rows
from viz.data.rows.row_predictions import RowPredictions
from viz.data.rows.row_table import class_names
from viz.data.rows.word_contributions import PASSES_PER_ROW, word_contributions
from viz.errors import MethodError, RunError
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier
from viz.model.run_record import run_record
from viz.types import BoolArray

MIN_ITEMS, MAX_ITEMS = 200, 1_000
"""How many rows of the ranking are kept: all likely errors and SPARE_ITEMS more, within these."""
SPARE_ITEMS = 50
MAX_EXPLAINED = 200
"""Rows, from the first on, whose words are taken apart."""
MAX_WORDS = 10
"""Words of a row that are kept, those that count most."""
N_NEIGHBORS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WordScore:
    """A word of a row and what it adds to an explained scalar."""

    word: str
    score: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbor:
    """A row that lies near another one."""

    row: Count
    label: str
    """The label that the file gives it."""
    similarity: Number
    """Cosine of the two states that the class is read from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelError:
    """A row whose label is likely wrong."""

    row: Count
    """Counted from 0 over all rows of the file."""
    label: str
    """What the file says; of several classes all names, in the order of the classes, with commas
    between, empty where a row has none."""
    suggested: str
    """The class that would be right, or the classes."""
    score: Number
    """What rows are ranked by; the higher, the likelier an error: minus the logarithm of
    `label_probability`, and with several classes a text an average over all of them in which the
    worst counts most.  In nats."""
    likely: bool
    """Whether confident learning counts it among the errors, beyond ranking it."""
    label_probability: Share
    """Out of sample."""
    suggested_probability: Share
    words: Items[WordScore]
    """The words that say so: what each adds to the logit of `suggested` minus that of `label`, the
    strongest first; none where the network can't be split."""
    neighbors: Items[Neighbor]
    """The three nearest other rows, the nearest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelErrors:
    """All rows that were looked at, in the order in which to look at them."""

    estimated_by: Estimator
    """Where the probabilities come from: the classifier itself, which did not see these rows in
    training, together with folds of a linear head over its states; these folds alone; or folds of
    real trainings, together with folds of the head."""
    n_rows: Count
    """Rows with a label that were judged."""
    n_likely: Count
    """How many errors confident learning counts among them."""
    items: Items[LabelError]
    """The first of the ranking, the likeliest first."""
    notes: Items[str] = ()


def find_label_errors(
    classifier: Classifier,
    rows: AuditRows,
    predictions: RowPredictions,
    options: AuditOptions,
    progress: ProgressCallback = no_progress,
    *,
    work: Path | None = None,
    near_copies: IntArray | None = None,
) -> LabelErrors | Missing:
    """Rank the labeled rows of a file by how likely their label is wrong.

    Args:
        classifier: What read the rows.
        rows: All rows of the file.
        predictions: What the classifier says of them, with states.
        options: Whether they were trained on, how many folds to train, the seed.
        progress: Called with passes done since the last call; what it raises ends the work.
        work: Where the trainings of `options.folds` keep what is finished; by default nowhere.
        near_copies: As `conflicting_copies` gives them, where they are known.  (N,)

    Returns:
        The first of the ranking; one sentence where there are no labels or no classes, or where
        nothing can judge these rows that hasn't seen their labels.
    """
    if classifier.regression:
        return Missing(
            missing="Label errors are looked for among classes, and this model predicts a score;"
            " sort the rows by their loss."
        )
    if classifier.n_classes < 2 and not classifier.multi_label:
        return Missing(missing="The model has one class, so no label can be wrong.")
    names = gold_names(rows, classifier.labels)
    if not any(names[i] is not None for i in np.flatnonzero(predictions.read)):
        return Missing(missing="No row has both a label and a text that the model can read.")
    try:
        known = estimate_probabilities(classifier, rows, predictions, options, progress, work=work)
    except RunError as error:
        return Missing(missing=str(error))
    if isinstance(known, Missing):
        return known
    verdicts = _verdicts(known.questions, multi_label=classifier.multi_label)
    order = np.argsort(-verdicts.loss, kind="stable")
    n_likely = int(verdicts.likely.sum())
    first = order[: min(max(MIN_ITEMS, n_likely + SPARE_ITEMS), MAX_ITEMS)]
    words, notes = _words(classifier, rows, known.numbers, verdicts, first, progress)
    neighbors: list[list[tuple[int, float]]] = [[] for _ in first]
    if predictions.states is not None:
        neighbors = nearest_rows(predictions.states[known.numbers], first, N_NEIGHBORS)

    def label_name(flags: BoolArray) -> str:
        return class_names(classifier.labels, flags.astype(int))

    return LabelErrors(
        estimated_by=known.estimated_by,
        n_rows=len(known.numbers),
        n_likely=n_likely,
        items=tuple(
            LabelError(
                row=int(known.numbers[place]),
                label=label_name(verdicts.given[place]),
                suggested=label_name(verdicts.suggested[place]),
                score=float(verdicts.loss[place]),
                likely=bool(verdicts.likely[place]),
                label_probability=float(verdicts.label_probability[place]),
                suggested_probability=float(verdicts.suggested_probability[place]),
                words=words[number] if number < len(words) else (),
                neighbors=tuple(
                    Neighbor(
                        row=int(known.numbers[near]),
                        label=label_name(verdicts.given[near]),
                        similarity=cosine,
                    )
                    for near, cosine in neighbors[number]
                ),
            )
            for number, place in enumerate(first.tolist())
        ),
        notes=(
            *known.notes,
            *notes,
            *_copy_notes(conflicting_copies(rows) if near_copies is None else near_copies),
        ),
    )


def expected_passes(classifier: Classifier, rows: AuditRows, options: AuditOptions) -> float:
    """About how many forward passes `find_label_errors` takes."""
    passes = PASSES_PER_ROW * min(MAX_EXPLAINED, len(rows))
    record = run_record(classifier) if options.folds > 1 else None
    return passes if record is None else passes + fold_passes(record, len(rows), options.folds)


def _copy_notes(near_copies: IntArray) -> list[str]:
    """A sentence where near copies have different labels."""
    n_rows = int((near_copies >= 0).sum())
    if not n_rows:
        return []
    return [
        f"{n_rows:,} rows have a near copy with another label, so that one of the two is wrong; the"
        " table of rows names it."
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdicts:
    """What is said of N labeled rows."""

    loss: FloatArray
    """(N,)"""
    likely: BoolArray
    """(N,)"""
    given: BoolArray
    """Which classes the file gives a row.  (N, C)"""
    suggested: BoolArray
    """Which classes would be right.  (N, C)"""
    label_probability: FloatArray
    """(N,)"""
    suggested_probability: FloatArray
    """(N,)"""


def _verdicts(questions: Sequence[Question], *, multi_label: bool) -> _Verdicts:
    return _class_by_class(questions) if multi_label else _one_class(questions[0])


def _one_class(question: Question) -> _Verdicts:
    """Rows of which each has one of C classes."""
    labels, logarithms = question.labels, question.log_probabilities
    every = np.arange(len(labels))
    others = logarithms.copy()
    others[every, labels] = -np.inf
    suggested = others.argmax(axis=1)
    loss = label_loss(labels, logarithms)
    classes = np.eye(logarithms.shape[1], dtype=bool)
    return _Verdicts(
        loss=loss,
        likely=confident_errors(labels, logarithms),
        given=classes[labels],
        suggested=classes[suggested],
        label_probability=np.exp(-loss),
        suggested_probability=np.exp(logarithms[every, suggested]),
    )


def _class_by_class(questions: Sequence[Question]) -> _Verdicts:
    """Rows of which each may have any of C classes, every one of them a question of its own.

    What is suggested flips each answer that is less probable than its opposite; where there is
    none, the least probable one.  Answers count as independent.
    """
    losses = np.stack([label_loss(each.labels, each.log_probabilities) for each in questions], 1)
    opposite = np.stack(
        [label_loss(1 - each.labels, each.log_probabilities) for each in questions], 1
    )
    flips = opposite < losses
    none = ~flips.any(axis=1)
    flips[none, (losses - opposite)[none].argmax(axis=1)] = True
    given = np.stack([each.labels for each in questions], axis=1).astype(bool)
    likely = [confident_errors(each.labels, each.log_probabilities) for each in questions]
    return _Verdicts(
        loss=multi_label_loss(losses),
        likely=np.any(likely, axis=0),
        given=given,
        suggested=given ^ flips,
        label_probability=np.exp(-losses.sum(axis=1)),
        suggested_probability=np.exp(-np.where(flips, opposite, losses).sum(axis=1)),
    )


def _words(
    classifier: Classifier,
    rows: AuditRows,
    numbers: IntArray,
    verdicts: _Verdicts,
    first: IntArray,
    progress: ProgressCallback,
) -> tuple[list[tuple[WordScore, ...]], list[str]]:
    """The words of the first rows of the ranking, and a note where there are none."""
    explained = first[:MAX_EXPLAINED]
    contrasts = verdicts.suggested[explained].astype(float) - verdicts.given[explained]
    try:
        parts = word_contributions(
            classifier, rows, numbers[explained], contrasts, progress=progress
        )
    except MethodError as error:
        return [], [f"Words are not given. {error}"]
    words = [
        tuple(
            WordScore(word=words[i], score=float(scores[i]))
            for i in np.argsort(-np.abs(scores), kind="stable")[:MAX_WORDS]
        )
        for words, scores in zip(parts.words, parts.scores, strict=True)
    ]
    more = len(first) - len(explained)
    return words, [f"Words are given of the first {MAX_EXPLAINED} rows."] if more else []
