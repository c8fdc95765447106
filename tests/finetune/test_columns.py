"""Columns are found by their names, or named."""

import pytest

from finetune.dataset.columns import ColumnNames, find_columns
from finetune.errors import DataError


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
    ],
)
def test_columns_are_found(names: list[str], text: str, pair: str | None, label: str) -> None:
    columns = find_columns(names, "x.csv", ColumnNames())
    assert (columns.text, columns.pair, columns.label) == (text, pair, label)
    assert columns.label_name == ("label_name" if {"label", "label_name"} <= {*names} else None)


def test_named_columns_win() -> None:
    named = ColumnNames(text="headline", label="topic")
    columns = find_columns(["text", "headline", "label", "topic"], "x", named)
    assert (columns.text, columns.pair, columns.label) == ("headline", None, "topic")
    assert find_columns(["text", "other", "label"], "x", ColumnNames(pair="other")).text == "text"


@pytest.mark.parametrize(
    ("names", "named", "message"),
    [
        (["a", "b"], {}, "no text column among 'a', 'b' of 'x.csv'; name it with --text-column"),
        (["text", "b"], {}, "no label column among 'text', 'b'"),
        (["text", "label"], {"text": "c"}, "no column 'c' in 'x.csv'; --text-column can be 'text'"),
        (["text", "label"], {"pair": "c"}, "--pair-column can be"),
        (["text", "label"], {"label": "c"}, "--label-column can be"),
    ],
)
def test_a_missing_column_lists_what_there_is(
    names: list[str], named: dict[str, str], message: str
) -> None:
    with pytest.raises(DataError) as caught:
        find_columns(names, "x.csv", ColumnNames(**named))
    assert message in str(caught.value)
