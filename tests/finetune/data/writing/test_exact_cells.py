"""What is written is read back: every cell of the source, whatever stands in it."""

import json
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.data.tables.reader import read_table
from finetune.data.tables.stream import TableStream, open_spooled, open_stream
from finetune.data.writing.changed_rows import change_rows
from finetune.data.writing.new_columns import NewColumn
from finetune.data.writing.row_writer import RowWriter
from finetune.errors import DataError
from tests.finetune.data.tables.sheets import as_rows, put

HOSTILE = st.text(
    st.sampled_from(
        [*"\"',;|=+-@\\ab12 \n\r\t{}[]", "é", "好", "😀", "\u202e", "א", "\u2028", "\ufeff"]
    )
    | st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    max_size=12,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | HOSTILE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
ADDED = (NewColumn(name="prediction", kind="text"), NewColumn(name="probability", kind="number"))


def copied(stream: TableStream, output: Path) -> Path:
    """A copy of the rows with two more columns."""
    writer = RowWriter(output, stream, ADDED)
    for rows in writer.missing(2):
        values: dict[str, Any] = {
            "prediction": ["a, b"] * len(rows),
            "probability": [0.1] * len(rows),
        }
        writer.write(next(stream.batches(len(rows), rows.start)), rows.start, values)
    return writer.finish()


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.tuples(HOSTILE, HOSTILE), min_size=1, max_size=8))
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_texts_come_back_from_every_kind(suffix: str, texts: list[tuple[str, str]]) -> None:
    content = "".join(json.dumps({"text": text, "note": note}) + "\n" for text, note in texts)
    with TemporaryDirectory() as folder, open_spooled("x.jsonl", BytesIO(content.encode())) as rows:
        table = read_table(copied(rows, Path(folder) / f"out{suffix}"))
        assert [row[:2] for row in as_rows(table)] == texts


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.dictionaries(st.sampled_from(["a", "b"]), VALUES), min_size=2, max_size=5))
def test_values_of_json_stay_what_they_are(rows: list[dict[str, object]]) -> None:
    # A lone row with lists in it is taken for a file whose rows are all in one object.
    content = "".join(json.dumps({"text": "x", **row}) + "\n" for row in rows).encode()
    with TemporaryDirectory() as folder, open_spooled("x.jsonl", BytesIO(content)) as stream:
        output = copied(stream, Path(folder) / "out.jsonl")
        added = {"prediction": "a, b", "probability": 0.1}
        wanted = [{"text": "x", **row, **added} for row in rows]
        assert list(map(json.loads, output.read_text("utf-8").split("\n")[:-1])) == wanted


def test_what_lines_of_a_text_would_be_taken_for_is_quoted(tmp_path: Path) -> None:
    """With quotes where they have to be, the reader would take them for rows."""
    rows = [
        {"text": "1,a,b,0.1\n2,a,b,0.1\n3", "label": "a"},
        *({"text": "x y", "label": "a"},) * 9,
    ]
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    with open_spooled("x.jsonl", BytesIO(content)) as stream:
        output = copied(stream, tmp_path / "out.csv")
    assert output.read_text().startswith('"text","label","prediction","probability"\n"1,a,b,0.1\n')
    assert [row[0] for row in as_rows(read_table(output))] == [row["text"] for row in rows]


def test_types_of_json_become_those_of_parquet(tmp_path: Path) -> None:
    rows = [
        {
            "i": 2**62,
            "f": 1,
            "b": True,
            "t": None,
            "l": ["a"],
            "n": [1],
            "o": {"a": 1},
            "m": [1, "a"],
        },
        {"i": 1, "f": 0.5, "b": None, "t": "x", "l": [], "n": [0.5], "o": [], "m": 10**30},
    ]
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    with open_spooled("x.jsonl", BytesIO(content)) as stream:
        table = pq.read_table(copied(stream, tmp_path / "out.parquet"))
    kinds = [str(kind).replace("element", "item") for kind in table.schema.types[:8]]
    assert kinds == [
        "int64", "double", "bool", "string", "list<item: string>", "list<item: double>",
        "string", "string",
    ]  # fmt: skip
    assert table["o"].to_pylist() == ['{"a": 1}', "[]"]
    assert table["m"].to_pylist() == ['[1, "a"]', str(10**30)]
    assert table["i"].to_pylist() == [2**62, 1]


def test_a_parquet_keeps_types_categories_and_names_of_classes(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "text": ["a", "b", "c", "d", "e"],
            "size": pd.Categorical(list("xyxyx"), categories=["y", "x", "z"], ordered=True),
            "when": pd.Timestamp("2020-01-01", tz="UTC"),
            "raw": [b"\xff"] * 5,
        },
        index=range(100, 105),
    )
    frame.to_parquet(tmp_path / "x.parquet", row_group_size=3)
    with open_stream(tmp_path / "x.parquet") as stream:
        output = copied(stream, tmp_path / "out.parquet")
        with pytest.raises(DataError, match=r"row 1 of 'x.parquet' has binary data, which can't"):
            RowWriter(tmp_path / "out.csv", stream, ADDED)
    old, new = pq.read_schema(tmp_path / "x.parquet"), pq.read_schema(output)
    assert list(new)[: len(old)] == list(old)
    assert new.metadata == old.metadata
    copy = pd.read_parquet(output)[list(frame.columns)]
    assert list(copy["size"].cat.categories) == ["y", "x", "z"]
    pd.testing.assert_frame_equal(copy, pd.read_parquet(tmp_path / "x.parquet"))


def test_datasets_still_knows_the_classes_of_a_copy(tmp_path: Path) -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["World", "Sports"])})
    data = Dataset.from_dict({"text": ["oil", "gas"], "label": [1, 0]}, features=features)
    data.to_parquet(tmp_path / "x.parquet")
    with open_stream(tmp_path / "x.parquet") as stream:
        copy = Dataset.from_parquet(str(copied(stream, tmp_path / "out.parquet")))
    assert copy.features["label"].names == ["World", "Sports"]
    assert copy["label"][:] == [1, 0]


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(HOSTILE, min_size=2, max_size=6),
    changed=st.integers(0, 5),
    dropped=st.integers(0, 5),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_a_changed_row_leaves_all_others_as_they_were(
    texts: list[str], changed: int, dropped: int, end: str
) -> None:
    lines = [f'"{text.replace(chr(34), chr(34) * 2)}",good{end}' for text in texts]
    content = f"text,label{end}" + "".join(lines)
    try:
        with open_spooled("x.csv", BytesIO(content.encode())):
            pass
    except DataError:
        return  # a text that reads as rows
    changed, dropped = changed % len(texts), dropped % len(texts)
    changes = {changed: {"label": "bad"}, dropped: None}
    file = change_rows("x.csv", BytesIO(content.encode()), changes)
    kept = [line for row, line in enumerate(lines) if row not in changes]
    for line in kept:
        assert line.encode() in file
    if changed != dropped:
        assert file.count(f",bad{end}".encode()) >= 1
        assert file.endswith(end.encode())


@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["plain", "mark"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])
def test_lines_of_json_are_changed_where_they_are_read(start: str, end: str) -> None:
    """Python on Windows ends lines in `\\r\\r\\n` where text that ends in `\\r\\n` is written."""
    rows = [f'{{"text": "{name}", "label": "x"}}{end}' for name in "abc"]
    content = (start + "".join(rows)).encode()
    changed = change_rows("x.jsonl", BytesIO(content), {0: {"label": "z"}, 1: None})
    assert changed.decode() == f'{start}{{"text": "a", "label": "z"}}\n{rows[2]}'
    changed = change_rows("x.jsonl", BytesIO(content), {1: {"label": "z"}})
    assert changed.decode() == f'{start}{rows[0]}{{"text": "b", "label": "z"}}\n{rows[2]}'


def test_a_tsv_without_quoting_stays_one(tmp_path: Path) -> None:
    content = 'text\tlabel\n"opens\tgood\nplain\tbad\nhe said "no\tgood\n'
    path = put(tmp_path, "x.tsv", content)
    with path.open("rb") as file:
        new = change_rows("x.tsv", file, {0: {"label": "bad"}, 1: None})
        assert new.decode() == 'text\tlabel\n"opens\tbad\nhe said "no\tgood\n'
        with pytest.raises(DataError, match="no cell can hold a tab or a line break"):
            change_rows("x.tsv", file, {0: {"label": "b\tad"}})
    with open_stream(path) as stream:
        table = read_table(copied(stream, tmp_path / "out.tsv"))
    assert list(table.cells[0]) == ['"opens', "plain", 'he said "no']


def test_categories_of_many_values_and_rows_end_in_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finetune.data.writing.parquet_output.ROWS_PER_GROUP", 8)
    monkeypatch.setattr("finetune.data.writing.parquet_output.MAX_CATEGORIES", 5)
    names = pa.array([f"k{i % 11}" for i in range(40)]).dictionary_encode()
    pq.write_table(pa.table({"text": names}), tmp_path / "x.parquet", row_group_size=9)
    contents = set()
    for size in (3, 5, 40):
        with open_stream(tmp_path / "x.parquet") as stream:
            writer = RowWriter(tmp_path / f"{size}.parquet", stream, ())
            for rows in writer.missing(size):
                writer.write(next(stream.batches(len(rows), rows.start)), rows.start, {})
            contents.add(writer.finish().read_bytes())
    assert len(contents) == 1
    copy = pq.ParquetFile(tmp_path / "3.parquet")
    assert copy.read()["text"].to_pylist() == names.to_pylist()
    assert copy.metadata.num_row_groups == 5
