"""A file of rows is written whole or not at all, whoever stops whenever."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetune.data.tables.stream import open_stream
from finetune.data.writing.new_columns import NewColumn, unused_name
from finetune.data.writing.row_writer import RowWriter
from finetune.errors import DataError, OutputError
from finetune.run import atomic_files
from tests.finetune.data.tables.sheets import as_rows, put, read_table, write

ROWS = [(f'"text"\n{i}, second' if i % 3 else f"=text {i}", str(i % 2)) for i in range(50)]
ADDED = (NewColumn(name="prediction", kind="text"), NewColumn(name="probability", kind="number"))
SUFFIXES = [".csv", ".tsv", ".jsonl", ".parquet"]


def source(folder: Path, suffix: str) -> Path:
    """A file of `ROWS`."""
    objects = [{"text": text, "label": label} for text, label in ROWS]
    path = folder / f"rows{suffix}"
    match suffix:
        case ".parquet":
            pq.write_table(pa.Table.from_pylist(objects), path, row_group_size=7)
        case ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in objects), "utf-8")
        case ".json":
            path.write_text(json.dumps(objects), "utf-8")
        case _:
            write(path, ("text", "label"), ROWS, delimiter="\t" if suffix == ".tsv" else ",")
    return path


def added(rows: range) -> dict[str, Sequence[object]]:
    """What is added to these rows."""
    return {
        "prediction": ["good, bad"[row % 5 :] for row in rows],
        "probability": [1 / (row + 3) for row in rows],
    }


def write_part(writer: RowWriter, path: Path, rows: range) -> None:
    """Write some of the rows."""
    with open_stream(path) as stream:
        table = next(stream.batches(len(rows), rows.start))
    writer.write(table, rows.start, added(rows))


def written(path: Path, output: Path, size: int = 20) -> bytes:
    """What the output holds in the end, by a writer that is told to go on with what is missing."""
    with open_stream(path) as stream:
        writer = RowWriter(output, stream, ADDED, {"checkpoint": "x"})
    for rows in writer.missing(size):
        write_part(writer, path, rows)
    return writer.finish().read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", [".csv", ".tsv", ".jsonl", ".json", ".parquet"])
def test_every_kind_is_written_in_every_kind(kind: str, suffix: str, tmp_path: Path) -> None:
    path = source(tmp_path, kind)
    written(path, tmp_path / f"out{suffix}")
    table = read_table(tmp_path / f"out{suffix}")
    assert table.column_names == ["text", "label", "prediction", "probability"]
    values = added(range(50))
    wanted = [
        (*row, *cells) for row, cells in zip(ROWS, zip(*values.values(), strict=True), strict=True)
    ]
    found = [(*row[:3], float(str(row[3]))) for row in as_rows(table)]
    assert found == wanted
    assert [entry.name for entry in tmp_path.iterdir() if "partial" in entry.name] == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_bytes_do_not_depend_on_the_parts(suffix: str, tmp_path: Path) -> None:
    path = source(tmp_path, ".csv")
    whole = written(path, tmp_path / f"out{suffix}", 50)
    with open_stream(path) as stream:
        writers = [RowWriter(tmp_path / f"b{suffix}", stream, ADDED) for _ in range(3)]
    for rows in reversed(writers[0].missing(7)):
        write_part(writers[rows.start % 3], path, rows)
        assert rows not in writers[1].missing(7)
    assert writers[2].finish().read_bytes() == whole


class _Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_killed_at_any_step_it_ends_in_the_same_file(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every change of the disk is a step: a name that is given, moved or removed."""
    path, output = source(tmp_path, ".csv"), tmp_path / f"out{suffix}"
    whole = written(path, tmp_path / f"whole{suffix}")
    steps, last = 0, [0]

    def counted(change: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **named: object) -> object:
            last[0] -= 1
            if last[0] == 0:
                raise _Killed
            return change(*arguments, **named)

        return step

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink", "rename", "mkdir"):
            patch.setattr(Path, name, counted(getattr(Path, name)))
        patch.setattr(os, "link", counted(os.link))
        patch.setattr(shutil, "rmtree", counted(shutil.rmtree))
        while True:
            steps += 1
            last[0] = steps
            try:
                content = written(path, output)
            except _Killed:
                last[0] = 0
                assert not output.exists() or output.read_bytes() == whole
                continue_after_kill(path, output, whole)
                continue
            assert content == whole
            break
    assert steps > 10


def continue_after_kill(path: Path, output: Path, whole: bytes) -> None:
    """Start again, unless all was done; then remove all for the next try."""
    try:
        assert written(path, output) == whole
    except OutputError as error:  # all was done but the removal of the parts
        assert "is there already" in str(error)  # noqa: PT017
        assert output.read_bytes() == whole
    output.unlink()
    for entry in output.parent.glob(f".{output.name}*"):
        atomic_files.remove(entry)


def test_parts_of_other_settings_and_files_are_not_mixed(tmp_path: Path) -> None:
    path, output = source(tmp_path, ".csv"), tmp_path / "out.csv"
    with open_stream(path) as stream:
        writer = RowWriter(output, stream, ADDED, {"checkpoint": "a"})
        with pytest.raises(OutputError, match=r"'out.csv' lacks rows from 0 on"):
            writer.finish()
        writer.write(next(stream.batches(5)), 0, added(range(5)))
        with pytest.raises(OutputError, match=r"holds rows that were written from another file or"):
            RowWriter(output, stream, ADDED, {"checkpoint": "b"})
        other = RowWriter(output, stream, ADDED, {"checkpoint": "b"}, overwrite=True)
        assert other.missing(50) == [range(50)]
        with pytest.raises(OutputError, match=r"another process has finished 'out.csv' or begun"):
            writer.write(next(stream.batches(5)), 0, added(range(5)))
        # Settings with which nothing was written yet are not kept.
        RowWriter(output, stream, ADDED, {"checkpoint": "c"})
        with pytest.raises(OutputError, match=r"another process has finished 'out.csv' or begun"):
            other.finish()


def test_lists_of_numbers_are_written_to_every_kind_of_file(tmp_path: Path) -> None:
    path = put(tmp_path, "x.jsonl", '{"text": "a"}\n{"text": "b"}\n{"text": "c"}\n')
    cells: list[object] = [[0.5, 0.25], None, []]
    for suffix, expected in (
        (".csv", ["[0.5, 0.25]", "", "[]"]),
        (".jsonl", cells),
        (".parquet", cells),
    ):
        with open_stream(path) as stream:
            writer = RowWriter(
                tmp_path / f"out{suffix}", stream, [NewColumn(name="p", kind="numbers")]
            )
            writer.write(next(stream.batches(3)), 0, {"p": cells})
            assert read_table(writer.finish())["p"] == expected


def test_a_file_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    path, output = source(tmp_path, ".csv"), put(tmp_path, "out.csv", "mine")
    with open_stream(path) as stream:
        with pytest.raises(OutputError, match=r"'out.csv' is there already; give another output"):
            RowWriter(output, stream, ADDED)
        output.unlink()
        writer = RowWriter(output, stream, ADDED)
        writer.write(next(stream.batches(50)), 0, added(range(50)))
    put(tmp_path, "out.csv", "mine")
    with pytest.raises(OutputError, match="was made by somebody else meanwhile"):
        writer.finish()
    assert output.read_text() == "mine"


def test_the_source_and_a_folder_are_never_replaced(tmp_path: Path) -> None:
    path = source(tmp_path, ".csv")
    (tmp_path / "link.csv").symlink_to(path)
    (tmp_path / "folder.csv").mkdir()
    with open_stream(path) as stream:
        for name, sentence in (
            ("rows.csv", "is the file that is read"),
            ("link.csv", "is the file that is read"),
            ("folder.csv", "is a folder; give the name of a file"),
        ):
            with pytest.raises(OutputError, match=sentence):
                RowWriter(tmp_path / name, stream, ADDED, overwrite=True)


def test_parts_are_not_written_behind_a_link(tmp_path: Path) -> None:
    path = source(tmp_path, ".csv")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".out.csv.partial").symlink_to(tmp_path / "elsewhere")
    with (
        open_stream(path) as stream,
        pytest.raises(OutputError, match=r"'.out.csv.partial' is a link; remove it"),
    ):
        RowWriter(tmp_path / "out.csv", stream, ADDED)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_what_an_output_cannot_hold_is_told_before_the_first_row(tmp_path: Path) -> None:
    path = put(tmp_path, "x.jsonl", '{"text": "a"}\n{"text": "b\\u0000"}\n')
    with open_stream(path) as stream:
        with pytest.raises(
            DataError, match=r"line 2 of 'x.jsonl' has a NUL character, which can't"
        ):
            RowWriter(tmp_path / "out.csv", stream, ADDED)
        RowWriter(tmp_path / "out.jsonl", stream, ADDED)
        with pytest.raises(
            OutputError, match=r"'out.txt' ends in none of '.csv', '.tsv', '.jsonl'"
        ):
            RowWriter(tmp_path / "out.txt", stream, ADDED)
        with pytest.raises(OutputError, match="can't be written: no such file or directory"):
            RowWriter(tmp_path / "gone" / "out.jsonl", stream, ADDED)
    twice = put(tmp_path, "x.csv", "text,note,note\na,b,c\n")
    with open_stream(twice) as stream, pytest.raises(DataError, match="2 columns are named 'note'"):
        RowWriter(tmp_path / "out2.jsonl", stream, ADDED)


def test_a_name_that_is_taken_gets_a_number() -> None:
    assert unused_name("a", ["b"]) == "a"
    assert unused_name("a", ["a", "a_2", "A"]) == "a_3"
