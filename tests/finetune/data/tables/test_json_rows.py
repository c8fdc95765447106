"""JSON Lines and JSON: rows as they are, in either kind of file, or a refusal."""

import json
import re
from pathlib import Path

import pytest

from finetune.data.tables.reader import read_head
from tests.finetune.data.tables.sheets import as_rows, put, read_table, refusal

TWO = [{"text": "oil", "label": 1}, {"text": "gas", "label": 2}]


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
@pytest.mark.parametrize(
    "content",
    [
        "\n".join(map(json.dumps, TWO)),
        "\ufeff" + "\r\n\r\n".join(map(json.dumps, TWO)) + "\n \n",
        json.dumps(TWO),
        "\ufeff" + json.dumps(TWO, indent=2) + "\n",
    ],
)
def test_lines_and_lists_are_read_in_either_kind(suffix: str, content: str, tmp_path: Path) -> None:
    table = read_table(put(tmp_path, f"x{suffix}", content))
    assert (table.column_names, as_rows(table)) == (["text", "label"], [("oil", 1), ("gas", 2)])


def test_what_a_row_lacks_is_missing(tmp_path: Path) -> None:
    content = '{"a": "x"}\n{" b ": null, "a": NaN}\n{"b": [1, 2]}'
    table = read_table(put(tmp_path, "x.jsonl", content))
    assert as_rows(table) == [("x", None), (None, None), (None, [1, 2])]
    assert (table.column_names, table["b"]) == (["a", "b"], [None, None, [1, 2]])


def test_values_keep_their_types_and_their_digits(tmp_path: Path) -> None:
    row = {"a": 10**400, "b": 12345678901234567890, "c": 1.5, "d": True, "e": "\ud83d\ude00"}
    content = json.dumps(row)
    assert as_rows(read_table(put(tmp_path, "x.json", content))) == [
        (10**400, 12345678901234567890, 1.5, True, "😀")
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"data": [{"text": "a"}]}', "has everything in one object; write the rows as a list"),
        ('{"train": [{"text": "a"}], "test": []}', "has everything in one object"),
        ('{"version": "1.0", "data": [{"text": "a"}]}', "has everything in one object"),
        ('{"text": {"0": "a", "1": "b"}, "label": {"0": 1}}', "has everything in one object"),
        ('{"text": ["a", "b"], "label": [1, 0]}', "has everything in one object"),
        ('{"columns": ["text"], "index": [0], "data": [["a"]]}', "has everything in one object"),
        ('{\n "data": [\n{"text": "a"}]\n}', "has everything in one object over several lines"),
        ("[[1, 2], [3, 4]]", "row 1 of 'x.json' is a list, not an object"),
        ('["a", "b"]', "row 1 of 'x.json' is a single value, not an object"),
        ("3\n", "line 1 of 'x.json' is a single value, not an object"),
        ('{"text": "a"}\n{"text": \n', "line 2 is not one whole object"),
        ('{"text": "a"}{"text": "b"}\n', "line 1 is not one whole object (more follows"),
        ('{"text": "a"},\n{"text": "b"}\n', "line 1 is not one whole object (more follows"),
        ('[{"text": "a"},\n{"text": "b"', "row 2, from line 2 on, is not a whole object"),
        ('[{"text": "a"}\n{"text": "b"}]', "after row 1 comes neither a comma nor"),
        ('[{"text": "a"}', "after row 1 comes neither a comma nor the end of the list"),
        ('[{"text": "a"}]\n[{"text": "b"}]', "more follows the list of rows"),
        ('[{"text": "a"},]', "row 2, from line 1 on, is not a whole object"),
        ('{"text": "a", "label": 1, "label": 2}', "line 1 of 'x.json' gives 'label' twice"),
        ('{"text": "a", " text": "b"}', "line 1 of 'x.json' gives 'text' twice"),
        ('{"text": "\\ud800", "label": 1}', "line 1 of 'x.json' has half of a surrogate pair"),
        ('{"text": "a", "label": 1e999}', "line 1 of 'x.json' has the number 1e999, which"),
        ('{"text": "a", "label": -Infinity}', "has the number -Infinity, which can't be read"),
        ('{"text": "a", "label": 1' + "0" * 5_000 + "}", "has a number that is too long"),
        ('{"text": "a\tb"}', "line 1 is not one whole object (invalid control character"),
        ("", "'x.json' is empty; it needs rows"),
        ("\n\n", "'x.json' has no rows"),
        ("[]", "'x.json' has no rows"),
        (b'{"text": "caf\xe9"}', "'x.json' is not UTF-8; save it as UTF-8 (see line 1)"),
        ("text,label\na,b\n", "line 1 is not one whole object"),
        (b"\x1f\x8b\x08", "'x.json' is a compressed file (gzip)"),
    ],
)
def test_what_is_not_rows_is_refused(content: str | bytes, told: str, tmp_path: Path) -> None:
    assert told in refusal(put(tmp_path, "x.json", content))


@pytest.mark.parametrize("depth", [101, 900, 3_000, 100_000])
@pytest.mark.parametrize("opened", ["[", '{"a":'])
def test_deep_nesting_is_one_sentence(depth: int, opened: str, tmp_path: Path) -> None:
    closed = "]" if opened == "[" else "}"
    for inside in (opened * depth + "1" + closed * depth, opened * depth):
        line = '{"text": "x", "label": ' + inside + "}"
        for content in (line, f"[{line}]", inside):
            sentence = refusal(put(tmp_path, "x.jsonl", content))
            assert re.search("nested too deep|whole object|is a list, not an object", sentence)


def test_the_first_rows_of_a_long_list_take_only_its_beginning(tmp_path: Path) -> None:
    rows = [{"text": f"{i} " + "word " * 200, "label": i} for i in range(2_000)]
    content = json.dumps(rows)
    whole = read_table(put(tmp_path, "x.json", content))
    cut = put(tmp_path, "cut.json", content[:-1_000])
    assert as_rows(read_head(cut, 1_500)) == as_rows(whole)[:1_500]
    assert "is not a whole object" in refusal(cut)


def test_many_names_in_many_rows_take_no_more_than_the_file(tmp_path: Path) -> None:
    """A table of all names and rows would have 400 million cells."""
    content = "".join(f'{{"k{i}": {i}}}\n' for i in range(20_000))
    table = read_table(put(tmp_path, "x.jsonl", content))
    assert (len(table), len(table.column_names)) == (20_000, 20_000)
    assert table["k19999"][-1] == 19_999


def test_texts_as_names_are_no_row(tmp_path: Path) -> None:
    content = json.dumps({f"{what} is up again": "bad" for what in ("oil", "gold", "gas")})
    sentence = refusal(put(tmp_path, "x.json", content))
    assert sentence.startswith("'x.json' has everything in one object; write the rows as a list")


@pytest.mark.parametrize(
    "row",
    [
        {"Customer review": "Nice film, really", "Star rating": "good"},
        {"Customer review": "Nice film, really", "Star rating": "good", "Number of votes": 3},
        {"用户评论内容": "很好看", "情感分类标签": "好"},
    ],
)
def test_a_lone_row_with_long_names_is_a_row(row: dict[str, object], tmp_path: Path) -> None:
    for content in (json.dumps(row), json.dumps([row])):
        table = read_table(put(tmp_path, "x.json", content))
        assert (table.column_names, as_rows(table)) == (list(row), [tuple(row.values())])


def test_a_row_of_lists_is_a_row_where_it_stands_in_a_list(tmp_path: Path) -> None:
    content = '{"tokens": ["a"], "labels": ["x"]}'
    assert "has everything in one object" in refusal(put(tmp_path, "x.json", content))
    table = read_table(put(tmp_path, "x.json", f"[{content}]"))
    assert as_rows(table) == [(["a"], ["x"])]
