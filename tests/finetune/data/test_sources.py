"""Files, folders and the Hub: every format gives the same rows, and what is broken is refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from datasets import Dataset, DatasetDict

from finetune.data.sources import open_source
from finetune.data.tables.table import Columnar
from finetune.errors import DataError
from tests.finetune.news import news, rows_of, write_csv, write_jsonl


def lone(path: Path) -> Columnar:
    """The only split of a source."""
    (split,) = open_source(str(path)).values()
    return split


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet", ""])
def test_every_format_gives_the_same_rows(suffix: str, tmp_path: Path) -> None:
    made, path = news(9), tmp_path / f"news{suffix}"
    match suffix:
        case ".csv":
            write_csv(path, made)
        case ".tsv":
            write_csv(path, made, delimiter="\t")
        case ".jsonl":
            write_jsonl(path, made)
        case ".parquet":
            Dataset.from_list(made).to_parquet(path)
        case _:
            Dataset.from_list(made).save_to_disk(path)
    rows = rows_of(lone(path))
    assert rows.texts == tuple(row["text"] for row in made)
    assert rows.names == ("Business", "Sports", "World")
    assert rows.fingerprint() == rows_of(Dataset.from_list(made)).fingerprint()


def test_a_folder_of_files_and_a_saved_dict_have_splits(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    for name in ("train", "dev", "test"):
        write_csv(tmp_path / "files" / f"{name}.csv", news(6))
    assert set(open_source(str(tmp_path / "files"))) == {"train", "validation", "test"}
    data = Dataset.from_list(news(6))
    DatasetDict({"train": data, "test": data}).save_to_disk(tmp_path / "saved")
    assert set(open_source(str(tmp_path / "saved"))) == {"train", "test"}


def test_csv_cells_stay_the_text_they_are(tmp_path: Path) -> None:
    cells = ["None", "007", "NA", "3.50", "true", "  spaced "]
    path = write_csv(tmp_path / "x.csv", [{"text": text, "label": "a"} for text in cells])
    rows = rows_of(lone(path))
    assert rows.texts == ("None", "007", "NA", "3.50", "true", "spaced")


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("\ufefftext,label\noil,a\n", encoding="utf-8")
    assert lone(path).column_names == ["text", "label"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"", "is empty"),
        ("x.csv", b"\n\n", "is empty"),
        ("x.csv", b"text,label\ncaf\xe9,a\n", "'x.csv' is not UTF-8; save it as UTF-8"),
        ("x.csv", "text,label\nx,a\n".encode("utf-16"), "'x.csv' is not UTF-8 but UTF-16"),
        ("x.jsonl", b'{"text": "caf\xe9", "label": "a"}\n', "'x.jsonl' is not UTF-8"),
        ("x.csv", b"text;label\noil, gas;a\n", "the separator of 'x.csv' looks like ';'"),
        ("x.csv", b"text\tlabel\nx\ta\n", r"looks like '\\t'; save it with commas"),
        ("x.csv", b"id,nr\ttext\tlabel\n1\toil, gas\ta\n", r"looks like '\\t'; save it with"),
        ("x.tsv", b"nr\tid,text,label\n1,oil,a\n", "looks like ','; save it with commas"),
        ("x.csv", b'text,label\n"never closed,a\n', "can't be read as csv"),
        ("x.csv", b"text,label\na,b\na,b,c,d\n", "can't be read as csv"),
        ("x.csv", b"text,label\na,b,c,d\n", "4 cells under 2 column names"),
        ("x.jsonl", b'{"text": "a", "label"', "can't be read as jsonl"),
        ("x.parquet", b"PAR1 but not really", "can't be read as parquet"),
        ("x.xlsx", b"PK", "is an Excel workbook; save the sheet as CSV"),
    ],
)
def test_a_broken_file_is_refused(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        open_source(str(tmp_path / name))
    assert str(tmp_path) not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no train, validation or test file; call"):
        open_source(str(tmp_path))
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(DataError, match="can't be read as a data set"):
        open_source(str(tmp_path))


def test_a_saved_set_that_is_empty_or_lost_its_rows_is_refused(tmp_path: Path) -> None:
    data = Dataset.from_list(news(6))
    data.select([]).save_to_disk(tmp_path / "empty")
    with pytest.raises(DataError, match="'empty' can't be read as a data set: it is empty or dam"):
        open_source(str(tmp_path / "empty"))
    data.save_to_disk(tmp_path / "lost")
    (arrow,) = (tmp_path / "lost").glob("*.arrow")
    arrow.unlink()
    with pytest.raises(DataError, match="write it again with save_to_disk") as caught:
        open_source(str(tmp_path / "lost"))
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (",text,label\n0,oil,a\n1,gas,b\n", ["Unnamed: 0", "text", "label"]),
        ("text,label,,\noil,a,,\ngas,b,,\n", ["text", "label", "Unnamed: 2", "Unnamed: 3"]),
        ("text,label\noil,a,\ngas,b,\n", ["text", "label"]),
        ("\n \ntext,label\n\noil,a\n\ngas,b\n", ["text", "label"]),
        ("\ufeff\ntext,label\noil,a\ngas,b\n", ["text", "label"]),
        ("\ufeff\ufefftext,label\noil,a\ngas,b\n", ["text", "label"]),
    ],
)
def test_a_csv_with_a_nameless_column_or_blank_lines_is_read(
    content: str, names: list[str], tmp_path: Path
) -> None:
    (tmp_path / "x.csv").write_text(content, "utf-8")
    data = lone(tmp_path / "x.csv")
    assert data.column_names == names
    assert rows_of(data).texts == ("oil", "gas")
    assert rows_of(data).names == ("a", "b")


def test_broken_json_lines_are_one_line_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"text": "a", "label": "b"}\n{"text": "a", \n')
    command = [sys.executable, "-m", "finetune", "train", "--data", str(tmp_path / "x.jsonl")]
    command += ["--model", "no-model", "--output", str(tmp_path / "out")]
    offline = os.environ | {"HF_HUB_OFFLINE": "1"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=offline)
    (line,) = result.stderr.splitlines()
    assert line.startswith("'x.jsonl' can't be read as jsonl")
    assert str(tmp_path) not in line


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(DataError, match="the name of the data is empty"):
        open_source("")


@pytest.mark.parametrize("source", ["gone.csv", "./gone", "/gone/away", "a/b/c/gone"])
def test_a_path_that_does_not_exist_is_said(source: str) -> None:
    with pytest.raises(DataError, match="no file or folder"):
        open_source(source)


def test_a_hub_name_out_of_reach_is_one_sentence() -> None:
    with pytest.raises(DataError, match="the Hub has no such data set or can't be reached"):
        open_source("nobody/nothing:config")
