"""Files and folders that are there whole or not at all."""

from pathlib import Path

import pytest

from finetune.disk import remove_whole, write_whole


def test_a_file_that_cannot_be_written_keeps_what_it_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.json"
    write_whole(file, "first")
    write_whole(file, "second")
    assert file.read_text() == "second"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(file, "third")
    assert file.read_text() == "second"


def test_a_folder_is_gone_with_what_an_earlier_removal_left(tmp_path: Path) -> None:
    folder, rest = tmp_path / "a", tmp_path / ".a.old"
    for place in (folder, rest):
        place.mkdir()
        (place / "file").touch()
    remove_whole(folder)
    remove_whole(folder)
    assert not list(tmp_path.iterdir())
