"""A file read in pieces: the same rows and refusals as whole, in memory that does not grow."""

import hashlib
import json
import tracemalloc
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.data.tables import json_window, lines, quotes
from finetune.data.tables.columns import find_texts
from finetune.data.tables.known_cells import known_cells
from finetune.data.tables.stream import open_spooled, open_stream
from finetune.errors import DataError
from tests.finetune.data.tables.sheets import ROWS, as_rows, joined, put, read_table, refusal


def test_names_that_only_later_rows_have_are_known_from_the_first(tmp_path: Path) -> None:
    content = '{"text": "oil"}\n' * 5 + '{"text": "gas", "label": "a"}\n'
    with open_stream(put(tmp_path, "x.jsonl", content)) as stream:
        assert stream.head.column_names == ["text", "label"]
        first, second = stream.batches(4)
        assert (first["label"], second["label"]) == ([None] * 4, [None, "a"])
        assert find_texts(stream.head, stream.name).label == "label"


def test_a_column_of_two_kinds_is_refused_in_each_piece(tmp_path: Path) -> None:
    content = '{"text": "oil", "label": 1}\n' * 5 + '{"text": "gas", "label": "a"}\n'
    path = put(tmp_path, "x.jsonl", content)
    with open_stream(path) as stream:
        for table in stream.batches(2):
            with pytest.raises(DataError, match="has a number in line 1 and a text in line 6"):
                table["label"]
            assert table["text"][0] in ("oil", "gas")


@pytest.mark.parametrize(
    ("name", "end"), [("x.csv", "\n"), ("x.csv", "\r"), ("x.tsv", "\r\n"), ("x.jsonl", "\n")]
)
def test_reading_begins_at_any_row(
    name: str, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positions are kept for each few rows."""
    monkeypatch.setattr("finetune.data.tables.delimited.INDEX_STEP", 4)
    monkeypatch.setattr("finetune.data.tables.json_rows.INDEX_STEP", 4)
    rows = [(f"tëxt {i}", "good") for i in range(13)]
    if name == "x.jsonl":
        content = "\ufeff" + "\n\n".join(
            json.dumps({"text": text, "label": label}) for text, label in rows
        )
    else:
        separator = "," if name == "x.csv" else "\t"
        content = "\ufeff" + joined(rows, separator).replace("\n", end)
    with open_stream(put(tmp_path, name, content)) as stream:
        whole = next(stream.batches(13))
        assert (len(stream), as_rows(whole)) == (13, rows)
        for start in range(14):
            pieces = list(stream.batches(5, start))
            assert [row for piece in pieces for row in as_rows(piece)] == rows[start:]
            assert [place for piece in pieces for place in piece.places] == whole.places[start:]


def test_a_parquet_of_several_groups_is_read_from_any_row(tmp_path: Path) -> None:
    table = pa.table({"text": [str(i) for i in range(50)]})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=7)
    with open_stream(tmp_path / "x.parquet") as stream:
        for start in (0, 6, 7, 8, 48, 50):
            pieces = list(stream.batches(10, start))
            assert [len(piece) for piece in pieces[:-1]] == [10] * len(pieces[:-1])
            assert [cell for piece in pieces for cell in piece["text"]] == table[
                "text"
            ].to_pylist()[start:]
            assert [place for piece in pieces for place in piece.places] == list(
                range(start + 1, 51)
            )


def test_what_comes_once_is_read_from_a_spool() -> None:
    content = joined(ROWS).encode()
    with open_spooled("stdin.csv", BytesIO(content)) as stream:
        assert as_rows(next(stream.batches(100))) == ROWS
        assert stream.sha256 == hashlib.sha256(content).hexdigest()
    for name, bad, sentence in (
        ("stdin.csv", b"", "'stdin.csv' is empty"),
        ("stdin.csv", b"PK\x03\x04", "ZIP file"),
        ("stdin.txt", content, "'stdin.txt' is not a file of rows"),
        ("stdin.csv", b'text,label\n"a,b\n', "never closed"),
    ):
        with pytest.raises(DataError, match=sentence), open_spooled(name, BytesIO(bad)):
            pass


def test_a_file_that_changes_meanwhile_is_told(tmp_path: Path) -> None:
    path = put(tmp_path, "x.csv", joined(ROWS))
    with open_stream(path) as stream:
        path.write_text(joined([*ROWS, ("one more", "good")]), "utf-8")
        with pytest.raises(DataError, match=r"'x.csv' has changed while it was read; start again"):
            next(stream.batches(5))


def test_two_iterations_do_not_mix(tmp_path: Path) -> None:
    with open_stream(put(tmp_path, "x.csv", joined(ROWS))) as stream:
        first = stream.batches(5)
        next(first)
        next(stream.batches(5))
        with pytest.raises(RuntimeError, match="another iteration"):
            next(first)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), min_size=1))
def test_a_list_is_read_across_the_ends_of_pieces(texts: list[str]) -> None:
    content = json.dumps([{"text": text} for text in texts], ensure_ascii=False, indent=1).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_window, "_CHUNK_BYTES", 5)
        with open_spooled("x.json", BytesIO(content)) as stream:
            assert next(stream.batches(1000))["text"] == texts


def test_lists_that_are_wrong_beyond_the_first_piece_are_told_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_window, "_CHUNK_BYTES", 16)
    good = '[\n{"text": "a long text\\u00e9 é"},\n'
    for rest, told in (
        ('{"text": "b"', "row 2, from line 3 on, is not a whole object"),
        ('{"text": "b"} {}', "after row 2 comes neither a comma nor the end"),
        ('{"text": "b"}]\n\n x', "more follows the list of rows"),
        ("7]", "row 2 of 'x.json' is a single value"),
        ('{"text": "b\0"}]', "line 3 of 'x.json' has a NUL character"),
    ):
        assert told in refusal(put(tmp_path, "x.json", good + rest))
    assert "UTF-8 (see line 3)" in refusal(
        put(tmp_path, "x.json", good.encode() + b'{"a": "\xe9"}]')
    )


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.csv", "text,label\n" + "a" * 300, "line 2 of 'x.csv' has more than 0 MB"),
        ("x.csv", "text,label\r" + "a" * 300, "line 2 of 'x.csv' has more than 0 MB"),
        ("x.jsonl", '{"text": "' + "a" * 300 + '"}', "line 1 of 'x.jsonl' has more than 0 MB"),
        ("x.json", '[{"text": "' + "a" * 300 + '"}]', "row 1 of 'x.json' has more than 0 million"),
        ("x.csv", 'text,label\n"' + "abc\n" * 70, "the quote that begins in line 2 takes in more"),
    ],
)
def test_what_is_too_long_to_be_a_row_is_told(
    name: str, content: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 256)
    monkeypatch.setattr("finetune.data.tables.json_rows.MAX_LINE_BYTES", 256)
    monkeypatch.setattr(json_window, "MAX_LINE_BYTES", 256)
    monkeypatch.setattr(json_window, "_CHUNK_BYTES", 64)
    monkeypatch.setattr(lines, "_CHUNK_BYTES", 64)
    monkeypatch.setattr(quotes, "MAX_CELL_CHARS", 256)
    assert told in refusal(put(tmp_path, name, content))


def test_cells_are_known_by_all_rows_of_a_file() -> None:
    rows = [(f"text {i}", "good" if i % 2 else "bad", str(i / 3), f"k{i}") for i in range(40)]
    tests = known_cells(rows, 4)
    assert sorted(tests) == [1, 2, 3]
    assert [tests[1](cell) for cell in ("good", "bad", "text 1")] == [True, True, False]
    assert [tests[2](cell) for cell in ("7.5", "", "x")] == [True, False, False]
    assert [tests[3](cell) for cell in ("any", "two words")] == [True, False]
    assert known_cells([], 4) == {}


def test_a_tsv_whose_header_is_quoted_is_read_with_quoting(tmp_path: Path) -> None:
    """Its lines alone would make rows, too."""
    path = put(tmp_path, "x.tsv", '"text"\t"label"\n"one\ttwo\nthree"\t"good"\n"four"\t"bad"\n')
    assert as_rows(read_table(path)) == [("one\ttwo\nthree", "good"), ("four", "bad")]


def test_a_quoted_file_tells_lines_of_a_text_from_rows(tmp_path: Path) -> None:
    """Without the quotes around all cells, the lines of the first text look like rows."""
    rows = [("1,a\n2,b\n3,a", "a"), *((f"text {i}", "ab"[i % 2]) for i in range(9))]
    plain = "text,label\n" + "".join(
        f'"{text}",{label}\n' if "\n" in text else f"{text},{label}\n" for text, label in rows
    )
    assert "takes in rows up to line 4" in refusal(put(tmp_path, "x.csv", plain))
    quoted = '"text","label"\n' + "".join(f'"{text}","{label}"\n' for text, label in rows)
    assert as_rows(read_table(put(tmp_path, "y.csv", quoted))) == rows
    swallowed = quoted.replace('"text 3"', '"text 3').replace('"text 6"', 'text 6"')
    refusal(put(tmp_path, "z.csv", swallowed))


@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.jsonl", "x.json"])
def test_memory_does_not_grow_with_the_rows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("stream", "delimited"):
        monkeypatch.setattr(f"finetune.data.tables.{place}.SAMPLE_CELLS", 50)
    monkeypatch.setattr(json_window, "_CHUNK_BYTES", 4_096)
    peaks = []
    for n_rows in (100, 200, 1_000):
        rows = [(f"line {i}\nof " + "a long text " * 50, "good") for i in range(n_rows)]
        if name.startswith("x.json"):
            objects = [json.dumps({"text": text, "label": label}) for text, label in rows]
            content = "\n".join(objects) if name == "x.jsonl" else f"[{','.join(objects)}]"
        else:
            separator = "," if name == "x.csv" else "\t"
            content = joined([(f'"{text}"', label) for text, label in rows], separator)
        path = put(tmp_path, name, content)
        tracemalloc.start()
        with open_stream(path) as stream:
            assert sum(map(len, stream.batches(20))) == n_rows
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.3 * peaks[1]  # the first is that of imports, too
