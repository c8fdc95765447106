"""Probabilities of the classes of labeled rows, by what has not seen their labels."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.special import log_expit, log_softmax

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.attribution.method import no_progress
from viz.data.labels.state_folds import (
    N_FOLDS,
    Question,
    copy_groups,
    deal_folds,
    head_log_probabilities,
    head_weight,
)
from viz.data.labels.training_folds import FoldTrainings, base_model
from viz.data.labels.training_rows import TrainingSplit, gold_names, training_split
from viz.data.missing import Missing
from viz.data.options import AuditOptions
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import RowPredictions
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier
from viz.model.run_record import checkpoint_folder, run_record

Estimator = Literal["held-out", "state-folds", "training-folds"]
MIN_ROWS = 20
"""Rows from which on a head over states is fitted in folds."""
HEAD_ADDED = (
    "Probabilities are a geometric mean of the classifier's own and of those of a linear head over"
    f" its states, which is fitted to the other rows of this file in {N_FOLDS} folds."
)
HEAD_ALONE = (
    f"Probabilities come from a linear head over the classifier's states, fitted in {N_FOLDS}"
    " folds. The states themselves were learned from these labels, so wrong labels that the"
    " training has learned by heart rank lower than they would after trainings in folds."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelProbabilities:
    """What is known of N labeled rows."""

    numbers: IntArray
    """Which rows of the file.  (N,)"""
    questions: list[Question]
    """One with C classes; or C questions whether a class is there, each with two."""
    estimated_by: Estimator
    notes: tuple[str, ...]


def estimate_probabilities(
    classifier: Classifier,
    rows: AuditRows,
    predictions: RowPredictions,
    options: AuditOptions,
    progress: ProgressCallback = no_progress,
    *,
    work: Path | None = None,
) -> LabelProbabilities | Missing:
    """Probabilities for all rows that have a label and were read.

    Of rows that are new to the classifier they are its own, improved by a head over states; of
    rows that it was trained on, those of the head alone; or with `options.folds` those of as many
    trainings.

    Args:
        classifier: A classifier with two classes or more, or a multi-label one.
        rows: All rows of a file, at least one with a label.
        predictions: What the classifier says of them.
        options: As in `find_label_errors`.
        progress: Called with the passes done since the last call.
        work: Where trainings are kept.

    Raises:
        RunError: if a training fails.
    """
    names = gold_names(rows, classifier.labels)
    numbers = np.array(
        [i for i in np.flatnonzero(predictions.read).tolist() if names[i] is not None], dtype=int
    )
    questions = _questions(classifier, rows, predictions, numbers)
    if options.folds:
        return _by_trainings(
            classifier, rows, predictions, names, numbers, questions, options, progress, work=work
        )
    split = TrainingSplit(options.trained_on == "yes", "")
    if options.trained_on == "auto":
        split = training_split(run_record(classifier), rows)
    few = len(numbers) < MIN_ROWS
    if split.trained and (few or predictions.states is None):
        return Missing(
            missing=f"{split.reason or 'The classifier was trained on these rows.'} To judge their"
            " labels by others"
            + (
                f" takes {MIN_ROWS} labeled rows, and there are {len(numbers):,}."
                if few
                else " takes trainings in folds, as it can't be told which state the classifier"
                " reads a class from; ask for folds."
            )
        )
    notes = [split.reason] if split.reason else []
    if not few and predictions.states is not None:
        notes.append(HEAD_ALONE if split.trained else HEAD_ADDED)
        folds = _folds(rows, numbers, questions, N_FOLDS, options.seed)
        questions = _with_head(
            predictions.states[numbers], questions, folds, options.seed, alone=split.trained
        )
    return LabelProbabilities(
        numbers=numbers,
        questions=questions,
        estimated_by="state-folds" if split.trained else "held-out",
        notes=tuple(notes),
    )


def _by_trainings(
    classifier: Classifier,
    rows: AuditRows,
    predictions: RowPredictions,
    names: Sequence[tuple[str, ...] | None],
    numbers: IntArray,
    questions: Sequence[Question],
    options: AuditOptions,
    progress: ProgressCallback,
    *,
    work: Path | None,
) -> LabelProbabilities | Missing:
    """What trainings in folds say."""
    record = run_record(classifier)
    if record is None:
        return Missing(
            missing="Folds are trained with the settings in run.json, and there is none of this"
            " classifier beside its weights; set folds to 0."
        )
    if not 2 <= options.folds <= len(numbers):
        return Missing(
            missing=f"{len(numbers):,} labeled rows can't be trained on in {options.folds:,}"
            " folds; give two folds at least, and no more than rows."
        )
    folds = _folds(rows, numbers, questions, options.folds, options.seed)
    with tempfile.TemporaryDirectory() as temporary:
        trainings = FoldTrainings(
            classifier=classifier,
            record=record,
            base=base_model(record, checkpoint_folder(classifier)),
            rows=rows,
            names={number: names[number] or () for number in numbers.tolist()},
            work=work or Path(temporary),
        )
        answers = trainings.log_probabilities(folds, progress)
    by_question = [answers] if answers.ndim == 2 else list(answers.transpose(1, 0, 2))
    questions = [
        replace(question, log_probabilities=answer)
        for question, answer in zip(questions, by_question, strict=True)
    ]
    notes = [
        f"Each row is judged by one of {options.folds} trainings of {record.base!r} on the rows of"
        " all other folds."
    ]
    if predictions.states is not None and len(numbers) >= MIN_ROWS:
        notes.append(
            "Its probabilities are joined with those of a linear head over the classifier's states,"
            " fitted in the same folds."
        )
        questions = _with_head(predictions.states[numbers], questions, folds, options.seed)
    return LabelProbabilities(
        numbers=numbers,
        questions=questions,
        estimated_by="training-folds",
        notes=tuple(notes),
    )


def _with_head(
    states: FloatArray,
    questions: Sequence[Question],
    folds: IntArray,
    seed: int,
    *,
    alone: bool = False,
) -> list[Question]:
    """The same questions, answered by a head over states too, or by it alone."""
    weight = 1.0 if alone else head_weight(len(states))
    answers = head_log_probabilities(states, questions, folds, weight=weight, seed=seed)
    return [
        replace(question, log_probabilities=answer)
        for question, answer in zip(questions, answers, strict=True)
    ]


def _folds(
    rows: AuditRows,
    numbers: IntArray,
    questions: Sequence[Question],
    n_folds: int,
    seed: int,
) -> IntArray:
    """Folds with near copies together; the classes of a row dealt as one."""
    texts = [rows.texts[number] for number in numbers]
    pairs = None if rows.pairs is None else [rows.pairs[number] for number in numbers]
    answers = np.stack([question.labels for question in questions], axis=1)
    _, classes = np.unique(answers, axis=0, return_inverse=True)
    return deal_folds(copy_groups(texts, pairs), classes, n_folds, seed)


def _questions(
    classifier: Classifier, rows: AuditRows, predictions: RowPredictions, numbers: IntArray
) -> list[Question]:
    """What each row is asked, with the classifier's own answers at its temperature."""
    assert rows.gold is not None
    gold = rows.gold[numbers].astype(int)
    logits = predictions.logits[numbers].astype(float) / (classifier.temperature or 1.0)
    if not classifier.multi_label:
        return [Question(labels=gold, log_probabilities=log_softmax(logits, axis=1))]
    answers = np.stack([log_expit(-logits), log_expit(logits)], axis=2)
    return [
        Question(labels=gold[:, label], log_probabilities=answers[:, label])
        for label in range(classifier.n_classes)
    ]
