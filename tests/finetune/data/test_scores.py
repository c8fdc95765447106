"""Scores: which label columns hold them, and which labels are none."""

from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, Value

from finetune.data.class_matching import join_rows
from finetune.data.rows import read_rows
from finetune.data.scores import holds_fractions, read_scores
from finetune.data.tables.columns import Columns
from finetune.errors import DataError
from finetune.run.column_names import ColumnNames

COLUMNS = Columns(text="text", pair=None, label="label", label_name=None)


def labeled(*labels: Any, feature: Any = None) -> Dataset:
    columns = {"text": [f"text {i}" for i in range(len(labels))], "label": list(labels)}
    features = feature and Features({"text": Value("string"), "label": feature})
    return Dataset.from_dict(columns, features)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([1.5, 2.0], True),
        ([1.5, float("inf")], True),
        (["1.5", "NaN", "-inf"], True),
        ([1.0, float("inf")], False),
        ([-0.25, None, float("nan")], True),
        (["1.5", " 2 ", "", "-3e-1"], True),
        ([1.0, 2.0], False),
        ([1, 2], False),
        (["1", "2.0"], False),
        (["1.5", "good"], False),
        ([[1.5], [2.5]], False),
        ([None, None], False),
        ([True, False], False),
    ],
)
def test_fractions_among_numbers_make_scores(labels: list[Any], expected: bool) -> None:
    assert holds_fractions(labeled(*labels), COLUMNS) is expected


def test_named_classes_never_hold_fractions() -> None:
    data = labeled(0, 1, feature=ClassLabel(names=["1.5", "2.5"]))
    assert not holds_fractions(data, COLUMNS)
    assert read_scores(data, COLUMNS) == [0.0, 1.0]


def test_a_missing_score_is_none() -> None:
    assert read_scores(labeled(1.5, None, float("nan")), COLUMNS) == [1.5, None, None]
    assert read_scores(labeled("4", " ", "nan", ".5"), COLUMNS) == [4.0, None, None, 0.5]
    assert read_scores(labeled(1, -1, feature=ClassLabel(names=["a", "b"])), COLUMNS) == [1, None]
    assert read_scores(labeled(1, -1), COLUMNS) == [1, -1]


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        (float("-inf"), "-inf"),
        ("1e999", "1e999"),
        (1e31, r"1e\+31"),
        ("good", "good"),
        ("4,5", "4,5"),
        (True, "True"),
        ([1.5], r"\[1.5\]"),
    ],
)
def test_what_is_no_number_or_too_large_is_refused(label: Any, shown: str) -> None:
    with pytest.raises(DataError, match=f"column 'label' holds '{shown}', which is not a score"):
        read_scores(labeled(label), COLUMNS)


def test_rows_with_scores_have_no_classes() -> None:
    data = labeled(1.5, None, 2.5, 4.0)
    rows = read_rows(data, "rows", ColumnNames(), regression=True)
    assert (rows.scores, rows.unlabeled, rows.texts[-1]) == ((1.5, 2.5, 4.0), 1, "text 3")
    assert (rows.names, rows.labels, rows.multi_label) == ((), ((), (), ()), False)
    assert rows.answers() == [1.5, 2.5, 4.0]
    assert rows.select([2, 0]).scores == (4.0, 1.5)
    assert join_rows([rows, rows.select([1])]).scores == (1.5, 2.5, 4.0, 2.5)


def test_a_fingerprint_knows_the_scores() -> None:
    first, same, other = (
        read_rows(labeled(label), "rows", ColumnNames(), regression=True)
        for label in (1.0, "1", 1.5)
    )
    assert first.fingerprint() == same.fingerprint() != other.fingerprint()
