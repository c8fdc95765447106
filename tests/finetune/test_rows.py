"""Rows: classes by name whatever the label column holds; joined, and aligned with a model."""

from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from finetune.dataset.rows import align_rows, join_rows
from finetune.errors import DataError
from tests.finetune.news import rows_of


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["b", "a", "b"], ("a", "b")),
        ([1, 0, 1], ("0", "1")),
        (["10", "9", "10"], ("9", "10")),
        ([2.0, 1.0, 2.0], ("1", "2")),
        (["10.0", "-9.00", "10"], ("-9", "10")),
        (["1.5", "1.0", "1.5"], ("1.0", "1.5")),
        ([True, False, True], ("False", "True")),
        (["a", "1", "a"], ("1", "a")),
    ],
)
def test_classes_are_sorted_by_number_or_alphabet(
    labels: list[Any], names: tuple[str, ...]
) -> None:
    rows = rows_of({"text": ["x", "y", "z"], "label": labels})
    assert rows.names == names
    assert rows.labels == ((names[1],), (names[0],), (names[1],))


def test_a_label_name_column_names_the_numbers() -> None:
    rows = rows_of({"text": ["x", "y"], "label": [1, 0], "label_name": ["World", "Sports"]})
    assert (rows.names, rows.keys) == (("Sports", "World"), ("0", "1"))
    assert rows.labels == (("World",), ("Sports",))


@pytest.mark.parametrize("names", [["a", "b", "c"], ["a", "a", "a"]])
def test_names_that_contradict_numbers_are_refused(names: list[str]) -> None:
    with pytest.raises(DataError, match="label_name"):
        rows_of({"text": ["x", "y", "z"], "label": [0, 0, 1], "label_name": names})


def test_class_label_features_give_names_and_missing_labels() -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["neg", "pos"])})
    data = Dataset.from_dict({"text": ["x", "y", "z"], "label": [1, 0, -1]}, features=features)
    rows = rows_of(data)
    assert (rows.names, rows.labels, rows.unlabelled) == (("neg", "pos"), (("pos",), ("neg",)), 1)


def test_lists_of_labels_are_several_classes() -> None:
    rows = rows_of({"text": ["x", "y", "z"], "label": [["b", "a"], [], ["c"]]})
    assert rows.multi_label
    assert rows.names == ("a", "b", "c")
    assert rows.labels == (("b", "a"), (), ("c",))
    features = Features({"text": Value("string"), "labels": List(ClassLabel(names=["p", "q"]))})
    data = Dataset.from_dict({"text": ["x", "y"], "labels": [[1], [0, 1]]}, features=features)
    assert rows_of(data).labels == (("q",), ("p", "q"))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[0, 0, 1], [1, 0, 0]], "names each class once"),
        ([0.25, 0.75], "a label is a class, not a fraction"),
        (["a", "['a', 'b']"], "use JSON Lines for lists of labels"),
        (["[]", "[1, 2]"], "use JSON Lines for lists of labels"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows_of({"text": ["x", "y"], "label": labels})


def test_blank_texts_and_missing_labels_are_counted() -> None:
    rows = rows_of(
        {"text": ["x", " ", None, "y", "z"], "label": ["a", "a", "b", None, "b"]},
    )
    assert (rows.texts, rows.blank, rows.unlabelled) == (("x", "z"), 2, 1)


def test_numbers_are_texts_and_lists_are_not() -> None:
    assert rows_of({"text": [7, 3.5], "label": ["a", "b"]}).texts == ("7.0", "3.5")
    with pytest.raises(DataError, match="holds list values"):
        rows_of({"text": [["x"], ["y"]], "label": ["a", "b"]})


def test_further_files_add_rows_and_classes() -> None:
    first = rows_of({"text": ["x", "y"], "label": ["b", "a"]})
    second = rows_of({"text": ["z"], "label": ["c"]})
    assert join_rows([first, second]).names == ("a", "b", "c")
    assert join_rows([first, second]).texts == ("x", "y", "z")


def test_numbers_of_a_further_file_take_the_names_of_the_first() -> None:
    first = rows_of({"text": ["x", "y"], "label": [1, 2], "label_name": ["one", "two"]})
    second = rows_of({"text": ["z"], "label": [2]})
    assert join_rows([first, second]).labels == (("one",), ("two",), ("two",))
    with pytest.raises(DataError, match="name all"):
        join_rows([second, first])


@pytest.mark.parametrize(
    "odd",
    [
        {"text": ["x"], "text_pair": ["y"], "label": ["a"]},
        {"text": ["x"], "label": [["a"]]},
    ],
)
def test_files_of_two_kinds_are_refused(odd: dict[str, list[Any]]) -> None:
    with pytest.raises(DataError, match="give one kind"):
        join_rows([rows_of({"text": ["x"], "label": ["a"]}), rows_of(odd)])


@pytest.mark.parametrize(
    ("found", "aligned"),
    [
        (["NEGATIVE", "POSITIVE"], ("negative", "positive")),
        ([0, 1], ("negative", "positive")),
        (["1", "0"], ("positive", "negative")),
    ],
)
def test_labels_match_a_checkpoint_by_name_or_number(
    found: list[Any], aligned: tuple[str, ...]
) -> None:
    rows = rows_of({"text": ["x", "y"], "label": found})
    renamed = align_rows(rows, ("negative", "positive"), where="x")
    assert renamed.labels == tuple((name,) for name in aligned)


@pytest.mark.parametrize("found", ["neutral", 2])
def test_an_unknown_class_is_named(found: Any) -> None:
    rows = rows_of({"text": ["x"], "label": [found]})
    with pytest.raises(DataError, match=rf"has the class '{found}'; the model knows 'neg', 'pos'"):
        align_rows(rows, ("neg", "pos"), where="x")


def test_numbers_are_no_indices_where_classes_are_numbers() -> None:
    rows = rows_of({"text": ["x", "y", "z"], "label": ["0", "1", "2"]})
    with pytest.raises(DataError, match="has the class '0'; the model knows '1', '2', '3'"):
        align_rows(rows, ("1", "2", "3"), where="x")


def test_a_class_in_brackets_is_a_class() -> None:
    rows = rows_of({"text": ["x", "y"], "label": ["[other]", "a"]})
    assert rows.names == ("[other]", "a")
