"""What is no file of rows is told at once, and never waited for."""

import os
import socket
from pathlib import Path

import pytest

from finetune.data.sources import open_source
from finetune.errors import DataError
from tests.finetune.data.tables.sheets import read_table, refusal


def test_a_pipe_a_device_and_a_folder_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    (tmp_path / "folder.csv").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.csv"))
    for name in ("pipe.csv", "zero.csv", "s.csv"):
        assert refusal(tmp_path / name).startswith(f"'{name}' is a device, a pipe or a socket")
        with pytest.raises(DataError, match="is a device, a pipe or a socket"):
            open_source(str(tmp_path / name))
    assert refusal(tmp_path / "folder.csv").startswith("'folder.csv' is a folder")


def test_a_link_that_leads_nowhere_or_to_itself_is_told(tmp_path: Path) -> None:
    (tmp_path / "dangling.csv").symlink_to("nowhere")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    assert "no such file" in refusal(tmp_path / "dangling.csv")
    assert "too many levels" in refusal(tmp_path / "loop.csv")


@pytest.mark.parametrize(
    "name", ["a\0.csv", "x" * 5_000 + ".csv", "\ud800.csv", "~nobody-here/x.csv", "gone.csv"]
)
def test_a_name_that_no_file_can_have_is_one_sentence(name: str, tmp_path: Path) -> None:
    assert len(refusal(tmp_path / name)) < 200
    for source in (name, f"./{name}", f"/{name}", name.removesuffix(".csv") + "/x.csv"):
        with pytest.raises(DataError) as caught:
            open_source(source)
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("x.xlsx", "'x.xlsx' is an Excel workbook; save the sheet as CSV (UTF-8)"),
        ("x.XLS", "'x.XLS' is an Excel workbook; save the sheet as CSV (UTF-8)"),
        ("x.ods", "'x.ods' is a spreadsheet; save the sheet as CSV (UTF-8)"),
        ("x.csv.gz", "'x.csv.gz' is a compressed file (gz); decompress it first"),
        ("x.txt", "'x.txt' is not a file of rows; give one that ends in .csv, .tsv, .jsonl, .json"),
        ("x", "'x' is not a file of rows"),
    ],
)
def test_a_file_of_another_kind_is_told_by_its_name(name: str, told: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"text,label\na,b\n")
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / name)
    assert str(caught.value).startswith(told)
