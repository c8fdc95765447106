"""Labels that were made wrong come first, each with what speaks for another class."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from finetune.checkpoint.arrays import FloatArray
from finetune.run.record import RunRecord
from tests.tiny_models import tiny_checkpoint
from viz import Classifier
from viz.data.labels import label_errors as module
from viz.data.labels import label_probabilities
from viz.data.labels.label_errors import LabelErrors, expected_passes, find_label_errors
from viz.data.missing import Missing
from viz.data.options import AuditOptions
from viz.data.rows.audit_rows import AuditRows, rows_from
from viz.data.rows.row_predictions import RowPredictions
from viz.data.rows.word_contributions import word_contributions
from viz.model.classifier import default_checkpoint

WORDS = (
    *("oil", "prices", "rise", "stocks", "fall", "market", "team", "wins"),
    *("game", "election", "peace", "talks", "minister"),
)
HELD_OUT, TRAINED = AuditOptions(trained_on="no"), AuditOptions(trained_on="yes")


def texts(n_rows: int) -> list[str]:
    """Different texts of five words."""
    random = np.random.default_rng(0)
    return [" ".join(random.choice(WORDS, 5, replace=False)) for _ in range(n_rows)]


def labeled(classifier: Classifier, labels: Sequence[Any], name: str = "rows.csv") -> AuditRows:
    """Rows with labels, None for none."""
    lines = [
        {"text": text, "label": label}
        for text, label in zip(texts(len(labels)), labels, strict=True)
    ]
    return replace(rows_from(lines, classifier), name=name)


def predicted(
    classifier: Classifier, logits: FloatArray, states: FloatArray | None
) -> RowPredictions:
    return RowPredictions(
        read=np.ones(len(logits), bool),
        logits=logits,
        probabilities=classifier.probabilities(logits),
        n_tokens=np.full(len(logits), 7),
        n_unseen=np.zeros(len(logits), int),
        n_windows=np.ones(len(logits), int),
        states=states,
    )


def planted(
    classifier: Classifier, n_rows: int = 100
) -> tuple[AuditRows, RowPredictions, dict[int, str]]:
    """Rows of which every tenth has the label after its own; the true names of these."""
    random = np.random.default_rng(1)
    truth = np.arange(n_rows) % 4
    wrong = np.arange(0, n_rows, 10)
    given = truth.copy()
    given[wrong] = (truth[wrong] + 1) % 4
    logits = random.normal(size=(n_rows, 4)) + 4 * np.eye(4)[truth]
    states = random.normal(size=(n_rows, 8)) + 6 * np.eye(8)[truth]
    names = classifier.labels
    rows = labeled(classifier, [names[label] for label in given])
    return rows, predicted(classifier, logits, states), {int(i): names[truth[i]] for i in wrong}


def found_in(*arguments: Any) -> LabelErrors:
    errors = find_label_errors(*arguments)
    assert isinstance(errors, LabelErrors)
    return errors


@pytest.mark.parametrize("options", [HELD_OUT, TRAINED], ids=["held-out", "state-folds"])
def test_planted_errors_come_first(
    classifier: Classifier, options: AuditOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_EXPLAINED", 12)
    rows, predictions, wrong = planted(classifier)
    passes: list[float] = []
    errors = found_in(classifier, rows, predictions, options, passes.append)
    assert errors.estimated_by == ("held-out" if options is HELD_OUT else "state-folds")
    assert errors.n_rows == len(errors.items) == 100
    first = errors.items[: len(wrong)]
    assert {item.row: item.suggested for item in first} == wrong
    assert {item.row for item in errors.items if item.likely} <= set(wrong)
    assert errors.n_likely >= 3
    assert sum(item.likely for item in errors.items) == errors.n_likely
    scores = [item.score for item in errors.items]
    assert scores == sorted(scores, reverse=True)
    assert sum(passes) == expected_passes(classifier, rows, options) == 3 * 12
    for item in errors.items:
        assert item.label == rows.table["label"][item.row] != item.suggested
        assert item.label_probability == pytest.approx(np.exp(-item.score))
        assert len(item.neighbors) == 3
        assert item.row not in [near.row for near in item.neighbors]
        assert all(near.label == rows.table["label"][near.row] for near in item.neighbors)
    assert TypeAdapter(LabelErrors).validate_json(json.dumps(asdict(errors)), strict=True) == errors


def test_words_are_those_that_move_the_logits_from_one_class_to_the_other(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_EXPLAINED", 3)
    rows, predictions, _ = planted(classifier)
    items = found_in(classifier, rows, predictions, HELD_OUT).items
    for item in items[:3]:
        weights = np.zeros((1, 4))
        weights[0, classifier.labels.index(item.suggested)] = 1
        weights[0, classifier.labels.index(item.label)] = -1
        parts = word_contributions(classifier, rows, [item.row], weights)
        scores = dict(zip(parts.words[0], parts.scores[0], strict=True))
        assert {word.word: word.score for word in item.words} == pytest.approx(scores, abs=1e-5)
        sizes = [abs(word.score) for word in item.words]
        assert sizes == sorted(sizes, reverse=True)
    assert not any(item.words for item in items[3:])


@pytest.mark.usefixtures("_no_pass_adds_up")
def test_without_words_where_the_network_cant_be_split(classifier: Classifier) -> None:
    rows, predictions, _ = planted(classifier, 40)
    errors = found_in(classifier, rows, predictions, HELD_OUT)
    assert not any(item.words for item in errors.items)
    assert any(note.startswith("Words are not given.") for note in errors.notes)


def test_near_copies_with_different_labels_are_counted(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_EXPLAINED", 1)
    rows, predictions, _ = planted(classifier, 40)
    errors = found_in(classifier, rows, predictions, HELD_OUT)
    assert not any("near copy" in note for note in errors.notes)
    copied = replace(rows, texts=(rows.texts[2].upper(), *rows.texts[1:]))
    errors = found_in(classifier, copied, predictions, HELD_OUT)
    assert errors.notes[-1].startswith("2 rows have a near copy with another label")


def test_rows_without_a_label_or_unread_dont_count(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_EXPLAINED", 1)
    rows, predictions, wrong = planted(classifier)
    assert rows.gold is not None
    gold, read = rows.gold.copy(), predictions.read.copy()
    gold[[0, 33]], read[[10, 44]] = -1, False
    errors = found_in(
        classifier, replace(rows, gold=gold), replace(predictions, read=read), HELD_OUT
    )
    assert errors.n_rows == 96
    assert {item.row for item in errors.items[: len(wrong) - 2]} == set(wrong) - {0, 10}
    near = {near.row for item in errors.items for near in item.neighbors}
    assert not {0, 33, 10, 44} & (near | {item.row for item in errors.items})


@pytest.mark.parametrize("labels", [[0, 1], [2], [1] * 30, [0, 1, 2, 3] * 10])
@pytest.mark.parametrize("right", [True, False])
def test_few_rows_one_class_and_rows_all_right(
    classifier: Classifier, labels: list[int], right: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_EXPLAINED", 1)
    rows = labeled(classifier, [classifier.labels[label] for label in labels])
    sides = 9 * np.eye(4)[labels] * (1 if right else -1)
    states = np.random.default_rng(0).normal(size=(len(labels), 6))
    errors = found_in(classifier, rows, predicted(classifier, sides, states), HELD_OUT)
    assert len(errors.items) == errors.n_rows == len(labels)
    assert errors.n_likely <= len(labels)
    if right and len(labels) < label_probabilities.MIN_ROWS:
        assert errors.n_likely == 0
    assert len(errors.items[0].neighbors) == min(3, len(labels) - 1)


def test_where_nothing_can_judge_a_sentence_says_why(classifier: Classifier) -> None:
    rows, predictions, _ = planted(classifier, 40)
    bare = replace(rows, gold=None)
    few = replace(rows, gold=np.where(np.arange(40) < 7, 1, -1))
    stateless = replace(predictions, states=None)
    cases = {
        "No row has both a label": (bare, predictions, HELD_OUT),
        "takes 20 labeled rows, and there are 7": (few, predictions, TRAINED),
        "ask for folds": (rows, stateless, TRAINED),
        "there is none of this": (rows, predictions, AuditOptions(folds=3)),
    }
    for sentence, arguments in cases.items():
        result = find_label_errors(classifier, *arguments)
        assert isinstance(result, Missing)
        assert sentence in result.missing
    errors = found_in(classifier, rows, stateless, HELD_OUT)
    assert not any(item.neighbors for item in errors.items)


def test_a_regression_has_no_label_errors(tmp_path: Path) -> None:
    model = Classifier.load(tiny_checkpoint(tmp_path, labels=("score",), problem_type="regression"))
    rows = rows_from([{"text": "oil prices", "label": 0.5}], model)
    result = find_label_errors(model, rows, predicted(model, np.zeros((1, 1)), None), HELD_OUT)
    assert isinstance(result, Missing)
    assert "predicts a score" in result.missing


def test_several_classes_a_row_are_judged_class_by_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_EXPLAINED", 4)
    model = Classifier.load(
        tiny_checkpoint(tmp_path, labels=("a", "b", "c"), problem_type="multi_label_classification")
    )
    random = np.random.default_rng(0)
    truth = random.random((80, 3)) < 0.4
    given = truth.copy()
    wrong = np.arange(0, 80, 10)
    given[wrong, wrong // 10 % 3] ^= True
    lists = [[model.labels[i] for i in np.flatnonzero(row)] for row in given]
    rows = labeled(model, lists)
    logits = np.where(truth, 4.0, -4.0) + random.normal(size=(80, 3))
    states = np.concatenate([truth * 9, np.zeros((80, 3))], 1) + random.normal(size=(80, 6))
    for options in (HELD_OUT, TRAINED):
        errors = found_in(model, rows, predicted(model, logits, states), options)
        assert {item.row for item in errors.items[:8]} == set(wrong.tolist())
        for item in errors.items[:8]:
            right = [model.labels[i] for i in np.flatnonzero(truth[item.row])]
            assert item.suggested == ", ".join(right)
            assert item.label == ", ".join(lists[item.row])
            assert item.suggested_probability > item.label_probability
        assert {item.row for item in errors.items if item.likely} <= set(wrong.tolist())
        assert errors.n_likely >= 3
    # The classes that are added count for a row, those that are taken away against it.
    item = errors.items[0]
    flags = [
        np.isin(model.labels, name.split(", ")).astype(float)
        for name in (item.suggested, item.label)
    ]
    parts = word_contributions(model, rows, [item.row], (flags[0] - flags[1])[None])
    strongest = parts.scores[0][np.abs(parts.scores[0]).argmax()]
    assert item.words[0].score == pytest.approx(strongest, abs=1e-5)


def test_the_record_decides_unless_the_options_do(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_EXPLAINED", 1)
    rows, predictions, _ = planted(classifier)
    record = replace(
        RunRecord.load(default_checkpoint()),
        labels=classifier.labels,
        settings={"data": ["rows.csv"], "output": "x", "save_dtype": "float32"},
    )
    monkeypatch.setattr(label_probabilities, "run_record", lambda classifier: record)
    errors = found_in(classifier, rows, predictions, AuditOptions())
    assert errors.estimated_by == "state-folds"
    assert "'rows.csv'" in errors.notes[0]
    errors = found_in(classifier, rows, predictions, HELD_OUT)
    assert errors.estimated_by == "held-out"
    assert "rows.csv" not in " ".join(errors.notes)
