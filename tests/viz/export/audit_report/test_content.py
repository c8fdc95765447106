"""The report of an audit holds what its record does, or says why it can't."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from finetune.evaluation.regression import measure_scores
from finetune.run.measurements import Metrics
from tests.audits import full_audit, shift, unlabeled_audit
from viz.data.audit.run import Audit
from viz.data.audit.summary import summary
from viz.data.labels.label_errors import WordScore
from viz.data.missing import Missing
from viz.data.reasons.cell_reasons import CellReasons, ReasonHead, RowMean
from viz.export.audit_report.content import audit_document
from viz.export.audit_report.document import Bar, Document, Picture, Section, Table, Text
from viz.export.audit_report.findings import label_errors
from viz.export.audit_report.reasons import cell_reasons
from viz.export.audit_report.shift import shift as part_of_shift
from viz.faithfulness.interval import Interval
from viz.model.installation import version

PARTS = {
    "Measures": "measures",
    "Calibration": "calibration",
    "Confused classes": "measures",
    "Reasons of confused classes": "cells",
    "Slices": "slices",
    "Label errors": "label_errors",
    "Shortcuts": "shortcuts",
    "Counterfactuals": "counterfactuals",
    "Shift": "shift",
}
"""Sections, and the field of the record that each is about."""


@pytest.fixture(scope="module")
def full() -> Audit:
    return full_audit()


@pytest.fixture(scope="module")
def document(full: Audit) -> Document:
    return audit_document(full)


def section(document: Document, title: str) -> Section:
    return next(each for each in document.sections if each.title == title)


def texts(part: Section) -> list[str]:
    return [block.text for block in part.blocks if isinstance(block, Text)]


def lines(part: Section) -> list[tuple[str, ...]]:
    """The rows of all tables, bars as they are written."""
    return [
        tuple(cell.text if isinstance(cell, Bar) else cell for cell in row)
        for block in part.blocks
        if isinstance(block, Table)
        for row in block.rows
    ]


def test_what_was_audited_comes_with_all_that_it_depends_on(
    full: Audit, document: Document
) -> None:
    facts = {row[0]: row[1] for row in lines(section(document, "What was audited"))}
    record = full.record
    assert facts["Checkpoint"] == record.checkpoint
    assert facts["SHA-256 of its weights"] == record.fingerprint
    assert facts["SHA-256 of the file and how it was read"] == record.data_fingerprint
    assert facts["Seed"] == str(record.options.seed)
    assert facts["Made by"] == f"CLSight {version()}"
    assert record.data in document.title


def test_the_summary_comes_first(full: Audit, document: Document) -> None:
    assert document.sections[0].title == "In short"
    assert texts(document.sections[0]) == list(summary(full.record))


def test_measures_stand_with_their_intervals(full: Audit, document: Document) -> None:
    measures = full.record.measures
    assert isinstance(measures, Metrics)
    low, high = measures.accuracy_interval
    rows = lines(section(document, "Measures"))
    assert rows[0] == ("Accuracy", f"{measures.accuracy:.2%}", f"{low:.2%} to {high:.2%}")
    assert [row[0] for row in rows[4:]] == [each.label for each in measures.classes]


def test_the_most_confused_classes_are_counted_as_in_the_matrix(
    full: Audit, document: Document
) -> None:
    measures = full.record.measures
    assert isinstance(measures, Metrics)
    assert measures.confusion is not None
    labels = measures.confusion_labels
    for gold, predicted, count, _ in lines(section(document, "Confused classes")):
        row = measures.confusion[labels.index(gold)]
        assert int(count) == row[labels.index(predicted)]


def test_each_part_says_what_was_found(full: Audit, document: Document) -> None:
    record: Any = full.record
    assert [row[1] for row in lines(section(document, "Slices"))] == [
        each.value for each in record.slices.items
    ]
    errors = lines(section(document, "Label errors"))
    places = full.table["place"]
    assert [(row[0], row[1], row[2]) for row in errors] == [
        (str(places.iat[each.row]), each.label, each.suggested)
        for each in record.label_errors.items
    ]
    assert [row[0] for row in lines(section(document, "Shortcuts"))] == [
        each.word for each in record.shortcuts.items
    ]
    reasons = section(document, "Reasons of confused classes")
    assert [text for text in texts(reasons) if text.startswith("True ")] == [
        f"True {cell.gold}, predicted {cell.predicted}" for cell in record.cells
    ]
    edits = lines(section(document, "Counterfactuals"))
    assert len(edits) == sum(len(each.items) for each in record.counterfactuals)
    shifted = {cell for row in lines(section(document, "Shift")) for cell in row}
    assert {each.word for each in record.shift.words} <= shifted
    assert {each.sentence for each in record.shift.causes} <= shifted


def test_the_scores_of_a_shift_are_in_their_own_unit() -> None:
    fall = Interval(-0.5, -0.7, -0.3)
    measures = {row[0]: row[1:] for row in lines(part_of_shift(replace(shift(), confidence=fall)))}
    assert measures["Mean confidence"] == ("−50.0 points", "−70.0 to −30.0")
    of_scores = replace(shift(), confidence=fall, regression=True, classes=())
    measures = {row[0]: row[1:] for row in lines(part_of_shift(of_scores))}
    assert measures["Change of the mean score"] == ("−0.5000", "−0.7000 to −0.3000")
    assert "Mean confidence" not in measures


def test_every_section_says_how_to_read_it(document: Document) -> None:
    kinds = {
        each.title: {block.kind for block in each.blocks if isinstance(block, Text)}
        for each in document.sections[2:]
    }
    assert {title for title, found in kinds.items() if "guide" not in found} == set()


def test_a_part_that_is_missing_says_why(full: Audit) -> None:
    fields: dict[str, Any] = {
        field: Missing(missing=f"No {field} today.") for field in PARTS.values()
    }
    document = audit_document(replace(full, record=replace(full.record, **fields)))
    for title, field in PARTS.items():
        assert section(document, title).blocks == (Text(f"No {field} today.", "missing"),)


def test_an_audit_without_labels_gives_what_it_can() -> None:
    document = audit_document(unlabeled_audit())
    assert section(document, "Shortcuts").blocks[0] != section(document, "Slices").blocks[0]
    assert lines(section(document, "Shift"))
    assert not any(
        isinstance(block, Picture) for each in document.sections for block in each.blocks
    )


def test_scores_have_a_picture_of_their_own(full: Audit) -> None:
    scores = measure_scores(
        np.array([1.0, 2.0, 4.0, 3.0, 5.0]), np.array([1.5, 2.0, 3.0, 3.0, 4.5])
    )
    document = audit_document(replace(full, record=replace(full.record, measures=scores)))
    assert isinstance(section(document, "Scores").blocks[-1], Picture)
    assert ("Root mean squared error", f"{scores.rmse:.4g}", "") in lines(
        section(document, "Measures")
    )


def test_long_lists_say_how_many_there_are(full: Audit) -> None:
    errors: Any = full.record.label_errors
    part = label_errors(replace(errors, items=errors.items * 20), full.table)
    assert len(lines(part)) == 50
    assert any("first 50 of 60 rows" in text and "first 60 of" in text for text in texts(part))


def test_labels_that_the_ranking_does_not_doubt_are_not_listed(full: Audit) -> None:
    errors: Any = full.record.label_errors
    sure = replace(errors.items[0], likely=False, label_probability=0.9, suggested_probability=0.1)
    part = label_errors(replace(errors, items=(*errors.items, sure)), full.table)
    assert len(lines(part)) == len(errors.items)
    assert not lines(label_errors(replace(errors, items=(sure,)), full.table))


def test_a_word_is_named_once_and_only_where_it_says_so(full: Audit) -> None:
    errors: Any = full.record.label_errors
    oil, game = (WordScore(word=word, score=1.0) for word in ("oil", "game"))
    words = (oil, oil, replace(oil, word="talks", score=-1.0), game)
    part = label_errors(replace(errors, items=(replace(errors.items[0], words=words),)), full.table)
    assert lines(part)[0][6] == "oil, game"


def test_a_mean_of_one_row_has_no_interval(full: Audit) -> None:
    cell = cast(tuple[CellReasons, ...], full.record.cells)[0]
    heads, one = cast(tuple[ReasonHead, ...], cell.heads), RowMean(0.6, None, None)
    words = (replace(cell.words[0], n_rows=1, contribution=one), cell.words[0])
    shown = lines(
        cell_reasons(
            (replace(cell, words=words, heads=(replace(heads[0], contribution=one), heads[0])),)
        )
    )
    assert shown[0][3] == "+0.60"
    assert shown[1][3] == "+0.60 (+0.40 to +0.80)"
    assert shown[2][1:] == ("+0.60", "")
    assert shown[3][1:] == ("+0.50", "+0.30 to +0.70")
