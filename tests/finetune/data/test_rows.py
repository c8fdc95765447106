"""Rows: classes by name whatever the label column holds; joined, and aligned with a model."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from finetune.data.class_matching import align_rows, join_rows, match_classes, numbering_differs
from finetune.errors import DataError
from tests.finetune.news import rows_of

NEWS = ("World", "Sports", "Business", "Sci/Tech")


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
    assert (rows.names, rows.labels, rows.unlabeled) == (("neg", "pos"), (("pos",), ("neg",)), 1)


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
        ([["a", "a"], ["b"]], "names each class once"),
        ([["a", None], ["b"]], "names each class once"),
        ([[0.25, 0.75], [1.0]], "holds 0.25 in a list; a label is a name or a number"),
        (["a", "['a', 'b']"], "use JSON Lines for lists of labels"),
        (["[]", "[1, 2]"], "use JSON Lines for lists of labels"),
        (["a", "('a', 'b')"], "a list written out; use JSON Lines for lists of labels"),
        (["a", "{'name': 'a'}"], "an object written out; use JSON Lines for lists of labels"),
        ([{"name": "a"}, {"name": "b"}], "holds objects, such as .*; a label is a name or a"),
        ([{"a": 1, "b": 0}, {"a": 0, "b": 1}], "holds objects, such as"),
        ([[{"name": "a"}], [{"name": "b"}]], "holds objects, such as"),
        ([[["a"]], [["b"]]], "holds lists within lists, such as"),
        ([b"a", b"b"], "holds binary data, such as"),
        ([timedelta(1), timedelta(2)], "holds timedelta, such as"),
        ([float("inf"), 1.0], "holds inf; a label is a name or a number"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows_of({"text": ["x", "y"], "label": labels})


def test_blank_texts_and_missing_labels_are_counted() -> None:
    rows = rows_of(
        {"text": ["x", " ", None, "y", "z"], "label": ["a", "a", "b", None, "b"]},
    )
    assert (rows.texts, rows.blank, rows.unlabeled) == (("x", "z"), 2, 1)


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


@pytest.mark.parametrize("other", [["good", "bad"], [0, 1], [["a"], ["b"]], [["a"], []]])
def test_a_file_without_labels_is_of_any_kind(other: list[Any]) -> None:
    none = rows_of({"text": ["x", " "], "label": [None, "a"]})
    rows = rows_of({"text": ["y", "z"], "label": other})
    for parts in ([none, rows], [rows, none], [none, none, rows]):
        whole = join_rows(parts)
        assert (whole.texts, whole.names, whole.labels) == (rows.texts, rows.names, rows.labels)
        assert (whole.multi_label, whole.blank) == (rows.multi_label, len(parts) - 1)
        assert whole.unlabeled == len(parts) - 1
    assert len(join_rows([none, none])) == 0


@pytest.mark.parametrize("other", [[["a"], ["b"]], [[3], [2, 4]]])
def test_lists_without_a_class_neither_name_nor_number_any(other: list[Any]) -> None:
    none = rows_of({"text": ["x", "y"], "label": [[], []]})
    rows = rows_of({"text": ["x", "y"], "label": other})
    assert not none.numbered
    assert not none.named
    for parts in ([none, rows], [rows, none]):
        assert join_rows(parts).names == rows.names


@pytest.mark.parametrize(("role", "called"), [("train", "training"), ("test", "test")])
def test_a_refusal_says_of_which_role_the_files_are(role: str, called: str) -> None:
    named, numbered = (rows_of({"text": ["x"], "label": [each]}) for each in ("good", 1))
    with pytest.raises(DataError, match=f"^a further {called} file has the class '1'; those"):
        join_rows([named, numbered], role)
    with pytest.raises(DataError, match=f"^some {called} files name their classes"):
        join_rows([numbered, named], role)


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


@pytest.mark.parametrize(
    "rows",
    [
        [[1, 0], [0, 1]],
        [[1.0, 0.0], [0.0, 1.0]],
        [[True, False], [False, True]],
        [["0", "1"], ["1", "0"]],
        [["1.0", "0.0"], ["1.0", "0.0"]],
        [[0, 0, 1], [1, 1, 0]],
        [[0, 0], [1, 1]],
        [[0, 1], []],
        [[0, 1], None],
    ],
)
def test_flags_are_no_names_of_classes(rows: list[Any]) -> None:
    with pytest.raises(DataError, match=r"holds lists of . flags, such as .*; list the names of"):
        rows_of({"text": ["x", "y"], "label": rows})


@pytest.mark.parametrize("rows", [["1 0 0", "0 1 0"], ["1,0", "0,1"], ["0|1", ""]])
def test_flags_that_are_written_out_are_no_names_either(rows: list[str]) -> None:
    with pytest.raises(DataError, match=r"holds flags written out, such as .*; use JSON Lines and"):
        rows_of({"text": ["x", "y"], "label": rows})


def test_a_list_of_one_zero_or_one_in_each_row_is_refused() -> None:
    with pytest.raises(DataError, match=r"is a list of one 0 or 1, such as .*; write the class"):
        rows_of({"text": ["x", "y"], "label": [[0], [1]]})


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([[0, 1], [1]], (("0", "1"), ("1",))),
        ([[0], []], (("0",), ())),
        ([[1, 2], [2, 3]], (("1", "2"), ("2", "3"))),
        ([["0", "a"], ["1", "b"]], (("0", "a"), ("1", "b"))),
    ],
)
def test_lists_of_numbers_that_name_classes_are_read(labels: list[Any], expected: Any) -> None:
    rows = rows_of({"text": ["x", "y"], "label": labels})
    assert rows.labels == expected


def test_lists_that_have_names_for_their_numbers_are_no_flags() -> None:
    rows = rows_of(
        {"text": ["x"], "label": [[1, 0]], "label_name": [["Sports", "World"]]},
    )
    assert (rows.labels, rows.names) == ((("Sports", "World"),), ("World", "Sports"))


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["007", "08", "7"], ("007", "08", "7")),
        (["3", "３", "3"], ("3", "３")),
        ([Decimal("2.00"), Decimal("1.00"), None], ("1", "2")),
        ([2.5, 1.5, None], ("1.5", "2.5")),
        ([2.0, 1.5, float("nan")], ("1.5", "2")),
        ([date(2026, 1, 2), date(2026, 1, 1), None], ("2026-01-01", "2026-01-02")),
    ],
)
def test_labels_that_are_almost_numbers_keep_their_names(
    labels: list[Any], names: tuple[str, ...]
) -> None:
    assert rows_of({"text": ["x", "y", "z"], "label": labels}).names == names


@pytest.mark.parametrize("label", [5, 3, -2])
def test_a_class_number_without_a_name_is_refused(label: int) -> None:
    """`cast_column` doesn't look whether the numbers have names."""
    data = Dataset.from_dict({"text": ["x", "y"], "label": [label, 0]})
    with pytest.raises(DataError, match=f"class number {label}, but it has names for 3 classes, 0"):
        rows_of(data.cast_column("label", ClassLabel(names=["a", "b", "c"])))


def test_a_row_of_two_labels_has_two_names() -> None:
    with pytest.raises(DataError, match="it has to name each label of the row"):
        rows_of({"text": ["x"], "label": [[1, 0]], "label_name": [["Sports"]]})


def test_a_text_that_is_no_number_is_blank() -> None:
    assert rows_of({"text": [1.5, float("nan")], "label": ["a", "b"]}).blank == 1


@pytest.mark.parametrize("found", ["neutral", 3])
def test_an_unknown_class_is_named(found: Any) -> None:
    rows = rows_of({"text": ["x"], "label": [found]})
    with pytest.raises(DataError, match=rf"has the class '{found}'; the model knows 'neg', 'pos'"):
        align_rows(rows, ("neg", "pos"), where="x")


@pytest.mark.parametrize("found", ["A", 0, "B"])
def test_two_classes_of_one_name_are_refused(found: Any) -> None:
    rows = rows_of({"text": ["x"], "label": [found]})
    with pytest.raises(DataError, match="two classes of the model are called 'A', so labels of x"):
        align_rows(rows, ("A", "A", "B"), where="x")


def test_classes_that_differ_by_case_alone_match_as_they_are_written() -> None:
    known = ("US", "us", "UK")
    rows = rows_of({"text": ["x", "y", "z"], "label": ["us", "US", "uk"]})
    assert align_rows(rows, known, where="x").labels == (("us",), ("US",), ("UK",))
    rows = rows_of({"text": ["x"], "label": ["Us"]})
    with pytest.raises(DataError, match="has the class 'Us'; the model knows 'US', 'us', 'UK'"):
        align_rows(rows, known, where="x")


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (
            [0, 1, 2],
            "The labels of 'x' are numbers, read as positions from 0: 0 = World, 1 = Sports,"
            " 2 = Business.",
        ),
        (
            [1, 2, 3],
            "The labels of 'x' are numbers, read as positions from 0: 1 = Sports, 2 = Business,"
            " 3 = Sci/Tech; no row has 0, so if they are counted from 1, every class is one off:"
            " subtract 1 from each or write the names.",
        ),
        (["world", "Sports", "Business"], ""),
    ],
)
def test_what_numbers_are_read_as_is_said(labels: list[Any], sentence: str) -> None:
    rows = rows_of({"text": ["x", "y", "z"], "label": labels})
    assert match_classes(rows, NEWS).sentence("'x'") == sentence


def test_numbers_from_one_are_refused_where_they_go_too_far() -> None:
    rows = rows_of({"text": ["x", "y", "z", "w"], "label": [1, 2, 3, 4]})
    message = (
        "'x' has the class '4', but numbers are read as positions from 0, 3 at most; these look"
        " counted from 1, so subtract 1 from each or write the names: 'World', 'Sports',"
        " 'Business', 'Sci/Tech'"
    )
    with pytest.raises(DataError) as caught:
        align_rows(rows, NEWS, where="'x'")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "labels", [("1 star", "2 stars", "3 stars"), ("stars: 3", "stars: 1", "stars: 2")]
)
def test_numbers_in_the_names_of_classes_go_before_positions(labels: tuple[str, ...]) -> None:
    rows = rows_of({"text": ["x", "y"], "label": [1, 3]})
    first, last = (name for (name,) in align_rows(rows, labels, where="x").labels)
    assert "1" in first
    assert "3" in last
    assert match_classes(rows, labels).sentence("x") == (
        "The labels of x are numbers, read as those in the names of the classes:"
        f" 1 = {first}, 3 = {last}."
    )


def test_files_that_count_from_zero_and_from_one_are_told_apart() -> None:
    zero, one, few, names = (
        rows_of({"text": ["x"] * len(labels), "label": labels})
        for labels in ([0, 1, 2], [1, 2, 3], [3, 1], ["a", "b"])
    )
    assert numbering_differs(zero, one)
    assert numbering_differs(few, zero)
    assert not numbering_differs(zero, zero)
    assert not numbering_differs(one, few)
    assert not numbering_differs(zero, names)


def test_five_thousand_classes_are_not_all_listed() -> None:
    known = tuple(f"class {i}" for i in range(5_000))
    rows = rows_of({"text": ["x"], "label": ["other"]})
    with pytest.raises(DataError) as caught:
        align_rows(rows, known, where="x")
    assert len(str(caught.value)) < 400
    assert str(caught.value).endswith("and 4,988 more")


def test_numbers_are_no_indices_where_classes_are_numbers() -> None:
    rows = rows_of({"text": ["x", "y", "z"], "label": ["0", "1", "2"]})
    with pytest.raises(DataError, match="has the class '0'; the model knows '1', '2', '3'"):
        align_rows(rows, ("1", "2", "3"), where="x")


def test_a_class_in_brackets_is_a_class() -> None:
    rows = rows_of({"text": ["x", "y"], "label": ["[other]", "a"]})
    assert rows.names == ("[other]", "a")
