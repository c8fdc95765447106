"""An audit made up by hand, with every part of it: for the page, the report and their tests.

Its parts agree as those of a real one do: measures and cells are of the rows, shares of words add
up.
"""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from finetune.evaluation.calibration import measure_calibration
from finetune.evaluation.metrics import measure_classes
from finetune.run.column_names import ColumnNames
from viz.data.audit.record import AuditRecord
from viz.data.audit.run import Audit
from viz.data.counterfactuals.counterfactuals import Counterfactual, Edit, RowCounterfactuals
from viz.data.labels.label_errors import LabelError, LabelErrors, Neighbor, WordScore
from viz.data.missing import Missing
from viz.data.options import AuditOptions
from viz.data.reasons.cell_reasons import CellReasons, ReasonHead, ReasonWord, RowMean
from viz.data.reasons.silenced_heads import SilencedHeads
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import RowPredictions
from viz.data.shift.causes import ShiftCause
from viz.data.shift.domain_words import WordKindShift, WordShift
from viz.data.shift.shift import ClassShift, Shift
from viz.data.shortcuts.shortcuts import Shortcut, Shortcuts
from viz.data.slices.slices import Slice, Slices
from viz.faithfulness.interval import Interval
from viz.model.classifier import Classifier

LABELS = ("World", "Sports", "Business", "Sci/Tech")
N_ROWS = 48
UNLABELED = Missing(missing="The file has no labels.")
WORDS = ("oil", "prices", "rise", "team", "wins", "game", "chip", "web", "minister", "votes")


def full_audit(
    labels: tuple[str, ...] = LABELS,
    n_rows: int = N_ROWS,
    *,
    classifier: Classifier | None = None,
    **parts: Any,
) -> Audit:
    """An audit with all parts.

    Args:
        labels: The classes, two or more.
        n_rows: How many rows; every sixth is put into the class after its own.
        classifier: What is audited, with these labels; one that can't read where None.
        parts: Fields of the record that are to be others.
    """
    rows = audit_rows(labels, n_rows)
    predictions = row_predictions(rows, labels)
    copies = np.full(n_rows, -1)
    copies[0] = 1
    return Audit(
        classifier=named_classifier(labels) if classifier is None else classifier,
        record=replace(audit_record(rows, predictions, labels), **parts),
        rows=rows,
        predictions=predictions,
        near_copies=copies,
    )


def unlabeled_audit(labels: tuple[str, ...] = LABELS, n_rows: int = N_ROWS) -> Audit:
    """An audit of a file without labels."""
    audit = full_audit(labels, n_rows)
    rows = replace(
        audit.rows,
        gold=None,
        columns=replace(audit.rows.columns, label=None),
        table={name: cells for name, cells in audit.rows.table.items() if name != "label"},
    )
    needs_labels = ("measures", "calibration", "label_errors", "slices", "cells")
    missing: dict[str, Any] = dict.fromkeys(needs_labels, UNLABELED)
    record = replace(audit.record, label_column=None, n_labeled=0, **missing)
    return replace(audit, record=record, rows=rows, near_copies=None)


def named_classifier(labels: tuple[str, ...] = LABELS) -> Classifier:
    """A classifier of which only its classes and its name are known."""
    known = {
        "labels": labels,
        "multi_label": False,
        "regression": False,
        "name": "assets/ag-news-minilm",
        "fingerprint": "c" * 64,
        "temperature": None,
        "encoder": SimpleNamespace(window_settings=None),
    }
    return cast("Classifier", SimpleNamespace(**known))


def audit_rows(labels: Sequence[str] = LABELS, n_rows: int = N_ROWS) -> AuditRows:
    """Rows of all classes in turn, with a column of their own for the source."""
    gold = np.arange(n_rows) % len(labels)
    texts = tuple(_text(row) for row in range(n_rows))
    table: dict[str, Sequence[Any]] = {
        "text": list(texts),
        "label": [labels[number] for number in gold.tolist()],
        "source": [("wire", "web")[row % 2] for row in range(n_rows)],
    }
    return AuditRows(
        name="tuesday.csv",
        fingerprint="d" * 64,
        columns=ColumnNames("text", None, "label"),
        texts=texts,
        pairs=None,
        gold=gold,
        table=table,
        places=[row + 2 for row in range(n_rows)],
        notes=("'Sci/Tech' was read as the class 'Sci/Tech'.",),
    )


def row_predictions(rows: AuditRows, labels: Sequence[str] = LABELS) -> RowPredictions:
    """Predictions of which every sixth is the class after that of the row."""
    n_rows, n_classes = len(rows), len(labels)
    row = np.arange(n_rows)
    gold = row % n_classes if rows.gold is None else np.asarray(rows.gold)
    predicted = np.where(row % 6 == 5, (gold + 1) % n_classes, gold)
    logits = np.zeros((n_rows, n_classes))
    logits[row, gold] = 1.0
    logits[row, predicted] = 2.0 + row % 5 / 2
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return RowPredictions(
        read=np.ones(n_rows, bool),
        logits=logits,
        probabilities=exponents / exponents.sum(axis=1, keepdims=True),
        n_tokens=7 + row % 9,
        n_unseen=row % 3,
        n_windows=np.ones(n_rows, int),
        states=None,
    )


def audit_record(
    rows: AuditRows, predictions: RowPredictions, labels: tuple[str, ...] = LABELS
) -> AuditRecord:
    """What the audit says of labeled rows."""
    gold = np.asarray(rows.gold)
    return AuditRecord(
        checkpoint="assets/ag-news-minilm",
        fingerprint="c" * 64,
        data=rows.name,
        data_fingerprint=rows.fingerprint,
        text_column="text",
        pair_column=None,
        label_column="label",
        labels=labels,
        n_rows=len(rows),
        n_read=len(rows),
        n_labeled=len(rows),
        options=AuditOptions(),
        notes=rows.notes,
        measures=measure_classes(gold, predictions.predicted, labels),
        calibration=measure_calibration(predictions.logits, gold),
        label_errors=label_errors(labels),
        slices=slices(),
        shortcuts=shortcuts(labels),
        cells=tuple(
            cell_reasons(gold, predictions, number, labels)
            for number in range(len(labels))
            if (predictions.predicted[gold == number] == (number + 1) % len(labels)).any()
        )[:6],
        counterfactuals=(counterfactuals(labels),),
        shift=shift(labels),
    )


def label_errors(labels: Sequence[str] = LABELS) -> LabelErrors:
    """Three rows that are looked at first; of the last nothing but the ranking is known."""
    first = LabelError(
        row=5,
        label=labels[5 % len(labels)],
        suggested=labels[6 % len(labels)],
        score=0.91,
        likely=True,
        label_probability=0.04,
        suggested_probability=0.95,
        words=(WordScore(word="game", score=1.4), WordScore(word="oil", score=-0.3)),
        neighbors=tuple(
            Neighbor(row=row, label=labels[6 % len(labels)], similarity=0.98 - row / 100)
            for row in (2, 6, 10)
        ),
    )
    return LabelErrors(
        estimated_by="held-out",
        n_rows=N_ROWS,
        n_likely=2,
        items=(
            first,
            replace(first, row=11, label=labels[11 % len(labels)], score=0.7),
            replace(first, row=17, score=0.2, likely=False, words=(), neighbors=()),
        ),
        notes=("Near copies of a row don't count among its neighbors.",),
    )


def slices() -> Slices:
    """One of each kind."""
    worst = Slice(
        by="column",
        column="source",
        value="web",
        n_rows=24,
        n_errors=8,
        accuracy=16 / 24,
        accuracy_interval=(0.47, 0.82),
        error_share=1.0,
        p_value=0.004,
    )
    return Slices(
        n_tested=40,
        n_rows=N_ROWS,
        accuracy=40 / 48,
        items=(
            worst,
            replace(worst, by="word", column="text", value="game", n_rows=10, p_value=0.01),
            replace(worst, by="length", column="tokens", value="12 to 15", p_value=0.03),
        ),
    )


def shortcuts(labels: Sequence[str] = LABELS) -> Shortcuts:
    """A word that is a shortcut, and one that isn't."""
    flagged = Shortcut(
        word="game",
        label=labels[1],
        n_rows=10,
        contribution=Interval(1.2, 0.9, 1.5),
        removal=Interval(0.31, 0.2, 0.42),
        n_removal=9,
        insertion=Interval(0.4, 0.3, 0.5),
        n_insertion=30,
        removal_flips=Interval(0.4, 0.2, 0.6),
        insertion_flips=Interval(0.3, 0.2, 0.4),
        consistency=4.0,
        similar=("team", "match"),
        similar_share=0.1,
        flagged=True,
    )
    return Shortcuts(
        n_explained=N_ROWS,
        n_words=31,
        items=(
            flagged,
            replace(flagged, word="oil", flagged=False, insertion=Interval(0.01, -0.02, 0.03)),
        ),
    )


def cell_reasons(
    gold: Any, predictions: RowPredictions, number: int, labels: Sequence[str] = LABELS
) -> CellReasons:
    """Reasons of the cell of class `number` and the class after it."""
    other = (number + 1) % len(labels)
    n_rows = int(((gold == number) & (predictions.predicted == other)).sum())
    word = ReasonWord(word="game", n_rows=n_rows, share=0.6, contribution=RowMean(0.6, 0.4, 0.8))
    return CellReasons(
        gold=labels[number],
        predicted=labels[other],
        n_rows=n_rows,
        n_explained=n_rows,
        difference=1.0,
        bias=0.3,
        special=0.2,
        words=(
            word,
            replace(word, word="oil", share=-0.1, contribution=RowMean(-0.1, -0.3, 0.1)),
        ),
        heads=(
            ReasonHead(layer=3, head=7, contribution=RowMean(0.5, 0.3, 0.7)),
            ReasonHead(layer=5, head=0, contribution=RowMean(-0.2, -0.4, 0.1)),
        ),
        silenced=SilencedHeads(
            heads=((3, 7),),
            right_before=0.0,
            right_after=0.5,
            gold_accuracy_before=0.83,
            gold_accuracy_after=0.9,
            predicted_accuracy_before=0.85,
            predicted_accuracy_after=0.8,
            n_gold=12,
            n_predicted=12,
        ),
    )


def counterfactuals(labels: Sequence[str] = LABELS) -> RowCounterfactuals:
    """What flips row 5, by hiding a word and by replacing it."""
    text = _text(5)
    written, number = text.split()[0], 5 % len(labels)
    flip = Counterfactual(
        kind="delete",
        edits=(Edit(word=0, written=written, replacement=None),),
        text=text.partition(" ")[2],
        label=labels[number],
        probability=0.66,
        smallest=True,
    )
    replaced = Edit(word=0, written=written, replacement="minister")
    return RowCounterfactuals(
        row=5,
        label=labels[(number + 1) % len(labels)],
        probability=0.8,
        items=(flip, replace(flip, kind="replace", edits=(replaced,), smallest=False)),
        notes=("No word whose hiding flips the class was found.",),
    )


def shift(labels: Sequence[str] = LABELS) -> Shift:
    """An alarm with two causes."""
    return Shift(
        reference="last-month.csv",
        reference_fingerprint="e" * 64,
        n_reference=200,
        n_rows=N_ROWS,
        classes=(
            ClassShift(
                label=labels[1],
                reference_share=0.25,
                share=0.4,
                difference=Interval(0.15, 0.05, 0.25),
            ),
            ClassShift(
                label=labels[0],
                reference_share=0.25,
                share=0.1,
                difference=Interval(-0.15, -0.25, -0.05),
            ),
        ),
        confidence=Interval(-0.05, -0.09, -0.01),
        estimated_accuracy=Interval(0.82, 0.78, 0.86),
        estimated_by="average thresholded confidence (Garg et al. 2022)",
        reference_accuracy=0.9,
        domain_auc=Interval(0.71, 0.66, 0.76),
        p_value=0.001,
        error_rate=0.05,
        alarm=True,
        causes=(
            ShiftCause(cause="topic", strength=0.7, sentence="'chip' is in 20% of rows, not 2%."),
            ShiftCause(cause="class prior", strength=0.4, sentence="40% Sports, not 25%."),
        ),
        words=(
            WordShift(word="chip", kind="new", reference_share=0.0, share=0.2, score=0.4),
            WordShift(
                word="game", kind="used differently", reference_share=0.1, share=0.12, score=0.1
            ),
            WordShift(word="votes", kind="gone", reference_share=0.1, share=0.0, score=-0.2),
        ),
        word_kinds=(
            WordKindShift(kind="new", n_words=12, score=0.6),
            WordKindShift(kind="gone", n_words=9, score=-0.3),
            WordKindShift(kind="used differently", n_words=7, score=0.15),
        ),
        domain_difference=0.5,
        domain_bias=0.05,
        notes=("Rows of the two files that are equal were left out.",),
    )


def _text(row: int) -> str:
    """A text of four different words."""
    return " ".join(WORDS[(row * 3 + step) % len(WORDS)] for step in range(4))
