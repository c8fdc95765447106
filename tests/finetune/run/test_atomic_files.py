"""Files and folders that are there whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from finetune.run.atomic_files import (
    create_atomically,
    remove,
    remove_atomically,
    remove_partial_files,
    remove_quietly,
    sync_all,
    write_atomically,
    write_user_file,
)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing reach the disk any more."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_that_cannot_be_written_keeps_what_it_held(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    file = tmp_path / "settings.json"
    write_atomically(file, "first")
    write_atomically(file, b"second")
    assert file.read_text() == "second"
    request.getfixturevalue("full_disk")
    with pytest.raises(OSError, match="No space left"):
        write_atomically(file, "third")
    assert file.read_text() == "second"
    assert _names(tmp_path) == {"settings.json"}


@pytest.mark.usefixtures("full_disk")
def test_a_file_that_never_was_written_is_not_there_in_part(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        write_atomically(tmp_path / "new.csv", "x" * 10_000)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("leads_to", ["nowhere", "a file"])
def test_a_link_is_replaced_and_what_it_leads_to_is_left_alone(
    tmp_path: Path, leads_to: str
) -> None:
    target, room = tmp_path / "target", tmp_path / "room"
    room.mkdir()
    if leads_to == "a file":
        target.write_text("theirs")
    (room / "a.csv").symlink_to(target)
    write_atomically(room / "a.csv", "ours")
    assert (room / "a.csv").read_text() == "ours"
    assert not (room / "a.csv").is_symlink()
    assert target.exists() == (leads_to == "a file")
    assert not target.exists() or target.read_text() == "theirs"


def test_a_folder_of_that_name_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "a.csv"
    folder.mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(folder, "ours")
    assert _names(tmp_path) == {"a.csv"}
    assert not list(folder.iterdir())


def test_many_who_write_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    file, contents = tmp_path / "a", [letter * 50_000 for letter in "abcdefgh"]
    threads = [Thread(target=write_atomically, args=(file, content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.read_text() in contents
    assert _names(tmp_path) == {"a"}


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_takes_nobodys_name(
    tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not links:  # as on a memory card
        monkeypatch.setattr("os.link", refuse)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    create_atomically(tmp_path / "file", "first")
    for name in ("link", "folder", "file"):
        with pytest.raises(FileExistsError):
            create_atomically(tmp_path / name, "second")
    assert (tmp_path / "file").read_text() == "first"
    assert _names(tmp_path) == {"link", "folder", "file"}


def test_of_many_who_write_a_new_file_at_once_one_does(tmp_path: Path) -> None:
    lost: list[str] = []

    def write(content: str) -> None:
        try:
            create_atomically(tmp_path / "a", content)
        except FileExistsError:
            lost.append(content)

    threads = [Thread(target=write, args=(letter,)) for letter in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted([*lost, (tmp_path / "a").read_text()]) == list("abcdefgh")
    assert _names(tmp_path) == {"a"}


def test_the_longest_name_that_a_file_may_have_is_written(tmp_path: Path) -> None:
    for name in ("x" * 255, "ü" * 127):
        write_atomically(tmp_path / name, "content")
        assert (tmp_path / name).read_text() == "content"


def test_a_file_that_the_user_named_is_written_through_a_link_of_his(tmp_path: Path) -> None:
    (tmp_path / "report.json").symlink_to(tmp_path / "elsewhere.json")
    write_user_file(tmp_path / "report.json", "{}")
    assert (tmp_path / "elsewhere.json").read_text() == "{}"
    assert (tmp_path / "report.json").is_symlink()


def test_a_link_to_itself_that_the_user_named_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    write_user_file(tmp_path / "loop", "{}")
    assert (tmp_path / "loop").read_text() == "{}"


def test_a_folder_that_the_user_named_is_made(tmp_path: Path) -> None:
    write_user_file(tmp_path / "new" / "folder" / "report.json", "{}")
    assert (tmp_path / "new" / "folder" / "report.json").read_text() == "{}"


def test_a_pipe_that_the_user_named_is_handed_the_content(tmp_path: Path) -> None:
    pipe, heard = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = Thread(target=lambda: heard.append(pipe.read_text()))
    reader.start()
    write_user_file(pipe, "{}")
    reader.join(10)
    assert heard == ["{}"]
    assert pipe.is_fifo()


def test_what_a_killed_process_left_unfinished_is_swept_and_nothing_else(tmp_path: Path) -> None:
    for name in (".a.csv.0123.part", "b.part", ".c"):
        (tmp_path / name).touch()
    remove_partial_files(tmp_path)
    assert _names(tmp_path) == {"b.part", ".c"}


def test_a_folder_is_gone_with_what_an_earlier_removal_left(tmp_path: Path) -> None:
    folder, rest = tmp_path / "a", tmp_path / ".a.old"
    for place in (folder, rest):
        place.mkdir()
        (place / "file").touch()
    remove_atomically(folder)
    remove_atomically(folder)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("away", [remove, remove_quietly, remove_atomically])
def test_of_a_link_the_link_alone_is_removed(tmp_path: Path, away: Callable[[Path], None]) -> None:
    theirs, room = tmp_path / "theirs", tmp_path / "room"
    for folder in (theirs, room, room / "run"):
        folder.mkdir()
    (theirs / "file").touch()
    (room / "link").symlink_to(theirs)
    (room / ".link.old").symlink_to(theirs)
    (room / "run" / "inner").symlink_to(theirs)
    (room / "loop").symlink_to(room / "loop")
    for name in ("link", ".link.old", "run", "loop", "not there"):
        away(room / name)
    assert not list(room.iterdir())
    assert _names(theirs) == {"file"}


def test_what_the_system_does_not_let_go_of_is_raised_or_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    file = tmp_path / "file"
    file.touch()
    monkeypatch.setattr("pathlib.Path.unlink", refuse)
    with pytest.raises(PermissionError):
        remove(file)
    remove_quietly(file)
    assert file.exists()


def test_a_dangling_link_in_a_folder_does_not_keep_it_from_the_disk(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    sync_all(tmp_path)
