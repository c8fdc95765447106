"""Uploads are kept whole or not at all, under a name that nothing has, in their folder."""

import os
from pathlib import Path
from threading import Thread

import pytest

from viz.errors import RunError
from viz.runs import files, uploads


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of uploads."""
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(tmp_path / "runs"))
    place = tmp_path / "runs" / files.DATA_FOLDER
    place.mkdir(parents=True)
    return place


def test_a_full_disk_is_one_sentence_and_no_half_of_the_file_is_offered(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(
        RunError, match=r"^'rows\.csv' can't be kept: No space left on device; free"
    ):
        uploads.keep_upload("rows.csv", b"text,label\n" * 1000)
    assert not list(folder.iterdir())
    assert uploads.data_files() == []


def test_a_file_killed_half_way_is_not_offered(folder: Path) -> None:
    for name in (".rows.csv.0123.part", ".hidden.csv"):
        (folder / name).write_text("text,la")
    assert uploads.data_files() == []


def test_what_has_the_name_already_is_left_alone_whatever_it_is(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "a.csv").symlink_to(tmp_path / "nowhere.csv")
    (folder / "a-2.csv").mkdir()
    (folder / "a-3.csv").symlink_to(folder / "a-3.csv")
    os.mkfifo(folder / "a-4.csv")
    (tmp_path / "same.csv").write_text("text,label\n")
    (folder / "a-5.csv").symlink_to(tmp_path / "same.csv")
    kept = uploads.keep_upload("a.csv", b"text,label\n")
    assert kept == folder / "a-6.csv"
    assert kept.read_text() == "text,label\n"
    assert not (tmp_path / "nowhere.csv").exists()
    assert kept in uploads.data_files()
    assert not {folder / "a.csv", folder / "a-2.csv", folder / "a-4.csv"} & set(
        uploads.data_files()
    )


def test_two_uploads_of_one_name_at_once_are_both_kept(folder: Path) -> None:
    contents = [f"text,label\n{letter},1\n".encode() for letter in "abcdef"]
    threads = [Thread(target=uploads.keep_upload, args=("a.csv", each)) for each in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(file.read_bytes() for file in folder.iterdir()) == contents


def test_a_folder_that_can_not_be_made_is_one_sentence(folder: Path) -> None:
    folder.rmdir()
    folder.symlink_to(folder.with_name("nowhere"))
    with pytest.raises(RunError, match=r"^'a\.csv' can't be kept: File exists"):
        uploads.keep_upload("a.csv", b"")
