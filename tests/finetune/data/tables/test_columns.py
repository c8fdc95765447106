"""Columns are found by their names, or named, and those left unread are told."""

from collections.abc import Sequence

import pytest
from datasets import Dataset

from finetune.data.tables.columns import find_columns, usual_columns
from finetune.data.tables.table import Table
from finetune.errors import DataError
from finetune.run.column_names import ColumnNames


def table(columns: dict[str, list[object]] | Sequence[tuple[str, list[object]]]) -> Table:
    """A table of these columns; a list of them can have one name twice."""
    pairs = list(columns.items() if isinstance(columns, dict) else columns)
    return Table(
        name="x.csv",
        column_names=[name for name, _ in pairs],
        cells=tuple(cells for _, cells in pairs),
        places=range(2, 2 + len(pairs[0][1])),
    )


def bare(names: Sequence[str]) -> Table:
    """A table with nothing but column names."""
    return table([(name, []) for name in names])


@pytest.mark.parametrize(
    ("names", "text", "pair", "label"),
    [
        (["text", "label", "label_name", "source"], "text", None, "label"),
        (["id", "Review", "Sentiment"], "Review", None, "Sentiment"),
        (["premise", "hypothesis", "label"], "premise", "hypothesis", "label"),
        (["sentence1", "sentence2", "label", "idx"], "sentence1", "sentence2", "label"),
        (["question", "sentence", "label"], "question", "sentence", "label"),
        (["text", "text_pair", "labels"], "text", "text_pair", "labels"),
        (["sentence", "label"], "sentence", None, "label"),
        (["content", "title", "class"], "content", None, "class"),
        (["text", "label_name"], "text", None, "label_name"),
        (["Class Index", "Title", "Description"], "Description", None, "Class Index"),
        (["Text", "text", "label"], "text", None, "label"),
        (["text", "Text", "Label", "label"], "text", None, "label"),
    ],
)
def test_columns_are_found(names: list[str], text: str, pair: str | None, label: str) -> None:
    columns = find_columns(bare(names), "x.csv")
    assert (columns.text, columns.pair, columns.label) == (text, pair, label)
    assert columns.label_name == ("label_name" if {"label", "label_name"} <= {*names} else None)


def test_named_columns_win() -> None:
    named = ColumnNames(text="headline", label="topic")
    columns = find_columns(bare(["text", "headline", "label", "topic"]), "x", named)
    assert (columns.text, columns.pair, columns.label) == ("headline", None, "topic")
    others = bare(["text", "other", "label"])
    assert find_columns(others, "x", ColumnNames(pair="other")).text == "text"


@pytest.mark.parametrize(
    ("names", "named", "message"),
    [
        (["a", "b"], {}, "no text column among 'a', 'b' of 'x.csv'; name it with --text-column"),
        (["text", "b"], {}, "no label column among 'text', 'b'"),
        (["text", "label"], {"text": "c"}, "no column 'c' in 'x.csv'; --text-column can be 'text'"),
        (["text", "label"], {"pair": "c"}, "--pair-column can be"),
        (["text", "label"], {"label": "c"}, "--label-column can be"),
        (
            ["oil is up again today"],
            {},
            "whose first line may be a row instead of a header; name it",
        ),
        (["text", "label"], {"text": "text", "label": "text"}, "'text' of 'x.csv' can't have two"),
        (["text", "label"], {"text": "text", "pair": "text"}, "'text' of 'x.csv' can't have two"),
        (["text", "label", "text"], {}, "'x.csv' has 2 columns named 'text'"),
        (["text", "label", "label"], {}, "'x.csv' has 2 columns named 'label'"),
        ([f"c{i}" for i in range(5_000)], {}, "'c11' and 4,988 more of 'x.csv'"),
        (
            ["n" * 200_000, "b"],
            {},
            "'nnnnnnnnnnnnnnnnnnnnnnnnnnnnn…nnnnnnnnnnnnnnnnnnnnnnnnnnnnnn', 'b' of",
        ),
    ],
)
def test_a_missing_column_lists_what_there_is(
    names: list[str], named: dict[str, str], message: str
) -> None:
    with pytest.raises(DataError) as caught:
        find_columns(bare(names), "x.csv", ColumnNames(**named))
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400


def test_only_a_column_that_is_read_needs_a_name_of_its_own() -> None:
    assert find_columns(bare(["text", "label", "note", "note"]), "x.csv").text == "text"


CHINESE = ["石油价格上涨了", "球队赢了比赛", "和平谈判开始", "剧本很好看"]
WORDS: list[object] = ["oil prices rise", "the team wins", "peace talks begin", "a good script"]


@pytest.mark.parametrize(
    ("columns", "read", "unread"),
    [
        ({"Text": WORDS, "text": WORDS, "label": [*"abab"]}, "text", ("Text",)),
        (
            {"Class Index": [*"1212"], "Title": WORDS, "Description": WORDS},
            "Description",
            ("Title",),
        ),
        ({"document": [*"5678"], "clean_text": WORDS, "label": [*"abab"]}, "clean_text", ()),
        (
            {"document": [f"doc-{i}" for i in range(4)], "clean_text": WORDS, "label": [*"abab"]},
            "clean_text",
            (),
        ),
        (
            {"document": [5, 6, 7, 8], "headline": WORDS, "teaser": WORDS, "label": [*"abab"]},
            "document",
            ("headline", "teaser"),
        ),
        ({"text": ["yes", "no", "hm", "so"], "raw": WORDS, "label": [*"abab"]}, "text", ("raw",)),
        (
            {
                "text": WORDS,
                "raw": [*CHINESE],
                "label": [*"abab"],
                "kind": ["a b", "c d", "a b", "a b"],
                "url": ["http://a.b/c d"] * 4,
                "day": ["2020-01-01 10:00", "2020-01-02 10:00", "2020-01-03", ""],
            },
            "text",
            ("raw",),
        ),
        (
            {"text": WORDS, "label": [0, 1, 0, 1], "label_name": ["a b", "c d", "a b", "c d"]},
            "text",
            (),
        ),
    ],
)
def test_columns_of_texts_that_are_left_unread_are_told(
    columns: dict[str, list[object]], read: str, unread: tuple[str, ...]
) -> None:
    for data in (table(columns), Dataset.from_dict(columns)):
        found = find_columns(data, "x.csv")
        assert (found.text, found.unread) == (read, unread)


@pytest.mark.parametrize(
    ("yes", "no"), [("1", "0"), (1, 0), (1.0, 0.0), (True, False), ("true", "false")]
)
def test_a_flag_for_each_class_is_to_be_one_list(yes: object, no: object) -> None:
    flags: dict[str, list[object]] = {name: [yes, no, no, yes] for name in ("toxic", "insult")}
    with pytest.raises(DataError) as caught:
        find_columns(table({"id": [*"5678"], "comment_text": WORDS} | flags), "x.csv")
    assert str(caught.value) == (
        "'toxic', 'insult' of 'x.csv' look like one class each, 0 or 1; write each row's classes as"
        ' one list in JSON Lines, such as "labels": ["toxic", "insult"], or name a single one with'
        " --label-column"
    )


def test_what_is_not_found_is_left_open() -> None:
    assert usual_columns(bare(["a", "label"])) == ColumnNames(None, None, "label")


def test_the_cells_of_a_column_that_is_read_are_of_one_kind() -> None:
    mixed = table({"text": WORDS, "label": ["a", None, 1, "b"], "list": [["a"], [1], [], None]})
    assert mixed["text"] == WORDS
    with pytest.raises(DataError) as caught:
        mixed["label"]
    assert str(caught.value) == (
        "column 'label' of 'x.csv' has a text in line 2 and a number in line 4; write all its cells"
        " in one way"
    )
    with pytest.raises(DataError, match="a list of texts in line 2 and a list of numbers in line"):
        mixed["list"]
