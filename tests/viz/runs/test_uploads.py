"""Data files of the Train page."""

import json
import os
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from viz.errors import RunError
from viz.runs import files, uploads


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs for each test."""
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(tmp_path / "runs"))
    return tmp_path / "runs"


def test_an_upload_never_leaves_the_folder_or_replaces_another(room: Path) -> None:
    first = uploads.keep_upload("../../a b.csv", b"1")
    assert first == room / "data" / "a-b.csv"
    second = uploads.keep_upload("a b.csv", b"2")
    assert second != first
    assert [first.read_bytes(), second.read_bytes()] == [b"1", b"2"]
    assert uploads.data_files() == sorted([first, second])


def test_the_same_upload_is_left_as_it_is() -> None:
    """Its date says whether it was checked."""
    first = uploads.keep_upload("rows.csv", b"1")
    written = first.stat().st_mtime_ns
    assert uploads.keep_upload("rows.csv", b"1") == first
    assert first.stat().st_mtime_ns == written


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.exe").touch()
    with pytest.raises(RunError, match=r"ends in \.csv"):
        uploads.keep_upload("a.exe", b"")
    with pytest.raises(RunError, match=r"ends in \.csv"):
        uploads.data_file(str(tmp_path / "a.exe"))


def test_a_typed_path_is_found_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.CSV"
    file.write_text("text,label\n")
    assert uploads.data_file(str(file)) == file
    with pytest.raises(RunError, match=r"'none\.csv' can't be read: no such file"):
        uploads.data_file(str(tmp_path / "none.csv"))


def parquet(rows: dict[str, list[str]]) -> bytes:
    """A Parquet file of these columns."""
    file = BytesIO()
    pq.write_table(pa.table(rows), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.csv", b"\xef\xbb\xbftext,label\none,a\ntwo,b\nthree,c\n", [("one", "a"), ("two", "b")]),
        ("a.TSV", b"text\tlabel\none, two\ta\n", [("one, two", "a")]),
        ("a.jsonl", b'{"text": "one", "label": 1}\n', [("one", "1")]),
        ("a.parquet", parquet({"text": ["one"] * 9, "label": ["a"] * 9}), [("one", "a")] * 2),
    ],
)
def test_the_first_rows_of_every_kind_of_file_are_read(
    tmp_path: Path, name: str, content: bytes, rows: list[tuple[str, str]]
) -> None:
    (tmp_path / name).write_bytes(content)
    found = uploads.first_rows(uploads.head(tmp_path / name), 2)
    assert found == [{"text": text, "label": label} for text, label in rows]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("empty.parquet", parquet({"text": []}), "'empty.parquet' has no rows"),
        ("broken.parquet", b"no parquet", "'broken.parquet' can't be read as parquet"),
        ("empty.csv", b"", "'empty.csv' is empty"),
        ("a.jsonl", b"x", "'a.jsonl' can't be read as jsonl: line 1 is not one whole object"),
        ("a.csv", b'text,label\n"oil,a\n', "the quote that begins in line 2 is never closed"),
        ("a.csv", b'"3","Oil and gas"\n"3","Peace"\n', "seems to have no header line; add one"),
        ("a.csv", b"PK\x03\x04 xl/", "'a.csv' is an Excel workbook"),
    ],
)
def test_a_file_that_shows_no_rows_says_why(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RunError) as refused:
        uploads.head(tmp_path / name)
    assert told in str(refused.value)


def test_a_cell_of_any_length_is_shown(tmp_path: Path) -> None:
    (tmp_path / "huge.csv").write_bytes(b"text,label\n" + b"x" * 200_000 + b",a\n")
    assert uploads.first_rows(uploads.head(tmp_path / "huge.csv"), 2) == [
        {"text": "x" * 200_000, "label": "a"}
    ]


def test_cells_of_any_kind_are_shown_as_text(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["one"], "label": [2]}), tmp_path / "a.parquet")
    assert uploads.first_rows(uploads.head(tmp_path / "a.parquet"), 1) == [
        {"text": "one", "label": "2"}
    ]


def test_a_name_that_comes_again_is_numbered(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,note,note\none,x,y\n")
    table = uploads.head(tmp_path / "a.csv")
    assert uploads.first_rows(table, 1) == [{"text": "one", "note": "x", "note (2)": "y"}]
    assert uploads.column_names(table) == ["text", "note"]


def test_names_that_no_command_can_have_are_not_offered(tmp_path: Path) -> None:
    rows = {"text": "one", "a\0b": "x", "n" * 200_000: "y"}
    (tmp_path / "a.json").write_text(json.dumps([rows]))
    assert uploads.column_names(uploads.head(tmp_path / "a.json")) == ["text"]


@pytest.mark.parametrize(
    "path", ["a\0.csv", "~nobody-here/x.csv", "x" * 5_000 + ".csv", "\ud800.csv", "/" * 5_000]
)
def test_a_path_that_no_file_can_have_is_one_sentence(path: str) -> None:
    with pytest.raises(RunError) as refused:
        uploads.data_file(path)
    assert len(str(refused.value)) < 300


def test_a_pipe_and_a_device_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "zero.jsonl").symlink_to("/dev/zero")
    (tmp_path / "folder.csv").mkdir()
    for name in ("pipe.csv", "zero.jsonl", "folder.csv"):
        with pytest.raises(RunError, match="is a"):
            uploads.data_file(str(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "content", "names"),
    [
        ("a.csv", "\ufeff文本, 标签 ,文本\n好,a,b\n".encode(), ["文本", "标签"]),
        ("a.tsv", b"one, two\tlabel\nx\ty\n", ["one, two", "label"]),
        ("a.jsonl", b'{"a": "one"}\n{"a": "two", "b": 1}\n', ["a", "b"]),
        ("a.parquet", parquet({"文本": ["one"], "b": ["a"]}), ["文本", "b"]),
    ],
)
def test_the_names_of_columns_are_read(
    tmp_path: Path, name: str, content: bytes, names: list[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    assert uploads.column_names(uploads.head(tmp_path / name)) == names
