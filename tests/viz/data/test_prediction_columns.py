"""What a prediction adds to a file, under names that nothing has."""

from pathlib import Path

import pytest

from tests.tiny_models import LABELS, tiny_checkpoint
from viz import Classifier
from viz.data.prediction.columns import PredictionColumns
from viz.data.rows.row_predictions import predict

TEXTS = ("oil prices rise", "", "the team wins " * 40)


def classifier_of(folder: Path, **settings: object) -> Classifier:
    return Classifier.load(tiny_checkpoint(folder, **settings), device="cpu")  # type: ignore[arg-type]


def test_one_class_has_its_probability(classifier: Classifier) -> None:
    rows = predict(classifier, TEXTS)
    columns = PredictionColumns.beside(["text"], classifier, all_classes=True)
    values = columns.values(rows)
    every = [f"probability_{label}" for label in LABELS]
    assert list(values) == ["prediction", "probability", *every, "unseen_tokens"]
    assert [column.name for column in columns.added] == list(values)
    assert values["prediction"] == [LABELS[rows.predicted[0]], None, LABELS[rows.predicted[2]]]
    assert values["unseen_tokens"] == [0, None, rows.n_unseen[2]]
    assert rows.n_unseen[2] > 0
    for name, expected in [
        ("probability", rows.probabilities.max(axis=1)),
        *zip(every, rows.probabilities.T, strict=True),
    ]:
        assert values[name][1] is None
        for row in (0, 2):
            assert values[name][row] == pytest.approx(expected[row], rel=5e-6)
            assert len(f"{values[name][row]!r}".strip("0.").replace(".", "")) <= 6


def test_no_column_of_the_file_is_overwritten(classifier: Classifier) -> None:
    existing = ["text", "prediction", "prediction_2", "probability_World"]
    columns = PredictionColumns.beside(existing, classifier, all_classes=True)
    assert columns.renamed == {
        "prediction": "prediction_3",
        "probability_World": "probability_World_2",
    }
    assert not set(columns.values(predict(classifier, TEXTS))) & set(existing)


def test_classes_with_names_of_other_columns_keep_columns_of_their_own(tmp_path: Path) -> None:
    classifier = classifier_of(tmp_path, labels=("a", "a_2", "b"))
    existing = ["text", "probability_a"]
    columns = PredictionColumns.beside(existing, classifier, all_classes=True)
    names = [column.name for column in columns.added]
    assert len(set(names)) == len(names) == 6
    assert columns.renamed == {"probability_a": "probability_a_3"}


def test_a_multi_label_head_gives_lists(tmp_path: Path) -> None:
    classifier = classifier_of(tmp_path, problem_type="multi_label_classification")
    rows = predict(classifier, TEXTS)
    columns = PredictionColumns.beside([], classifier)
    values = columns.values(rows)
    assert [column.kind for column in columns.added] == ["texts", "numbers", "integer"]
    for row in (0, 2):
        assigned = classifier.read(TEXTS[row]).prediction.assigned_classes
        assert values["prediction"][row] == [LABELS[number] for number in assigned]
        expected = rows.probabilities[row][list(assigned)].tolist()
        assert values["probability"][row] == pytest.approx(expected, rel=5e-6)
    assert values["prediction"][1] is values["probability"][1] is None


def test_a_score_has_no_probability(tmp_path: Path) -> None:
    classifier = classifier_of(tmp_path, labels=("stars",), problem_type="regression")
    rows = predict(classifier, TEXTS)
    columns = PredictionColumns.beside(["text"], classifier, all_classes=True)
    values = columns.values(rows)
    assert [(column.name, column.kind) for column in columns.added] == [
        ("prediction", "number"),
        ("unseen_tokens", "integer"),
    ]
    assert values["prediction"] == [
        pytest.approx(rows.logits[0, 0], rel=5e-6),
        None,
        pytest.approx(rows.logits[2, 0], rel=5e-6),
    ]
