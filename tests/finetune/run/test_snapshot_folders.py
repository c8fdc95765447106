"""Snapshots: whole or not there, proven when read, the old ones removed."""

import shutil
from pathlib import Path

import pytest
from safetensors import SafetensorError

from finetune.errors import SnapshotError
from finetune.run.snapshot_folders import MANIFEST, Snapshots, verify


def write(snapshots: Snapshots, step: int, content: str = "weights") -> Path:
    with snapshots.writing(step) as folder:
        (folder / "model.safetensors").write_text(content)
        (folder / "optimizer.pt").write_bytes(bytes(3_000_000))
    return snapshots.path(step)


def fail(snapshots: Snapshots, step: int, error: Exception) -> None:
    with snapshots.writing(step) as folder:
        (folder / "model.safetensors").touch()
        raise error


def deaf(_: str) -> None:
    """Hear nothing."""


def test_the_newest_is_the_one_of_the_highest_step(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "checkpoints")
    assert snapshots.newest(deaf) is None
    for step in (9, 100, 20):
        write(snapshots, step)
    assert snapshots.steps() == [9, 20, 100]
    assert snapshots.newest(deaf) == 100


@pytest.mark.parametrize("error", [OSError(28, "No space left"), SafetensorError("I/O error")])
def test_one_that_fails_leaves_the_others_and_no_trace(error: Exception, tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    write(snapshots, 1)
    with pytest.raises(SnapshotError, match="no snapshot of step 2 could be written"):
        fail(snapshots, 2, error)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-1"]
    verify(snapshots.path(1))


def test_one_of_the_same_step_is_replaced(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    write(snapshots, 1, "first")
    assert (write(snapshots, 1, "second") / "model.safetensors").read_text() == "second"
    verify(snapshots.path(1))


def cut_short(folder: Path) -> None:
    (folder / "optimizer.pt").write_bytes(bytes(2_000_000))


def flip_a_bit(folder: Path) -> None:
    (folder / "optimizer.pt").write_bytes(bytes(2_999_999) + b"\x01")


def remove_a_file(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def remove_the_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


def damage_the_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text("[]")


@pytest.mark.parametrize(
    "damage", [cut_short, flip_a_bit, remove_a_file, remove_the_manifest, damage_the_manifest]
)
def test_a_damaged_one_is_passed_over_and_named(damage: object, tmp_path: Path) -> None:
    assert callable(damage)
    snapshots = Snapshots(tmp_path)
    heard: list[str] = []
    write(snapshots, 1)
    damage(write(snapshots, 2))
    assert snapshots.newest(heard.append) == 1
    (sentence,) = heard
    assert "checkpoint-2" in sentence
    assert str(tmp_path) not in sentence


def test_one_that_needs_another_is_passed_over_where_that_is_gone(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    heard: list[str] = []
    for step in (1, 2, 3):
        write(snapshots, step)

    def needs(folder: Path) -> list[int]:
        return [2] if folder == snapshots.path(3) else []

    assert snapshots.newest(deaf, needs) == 3
    shutil.rmtree(snapshots.path(2))
    assert snapshots.newest(heard.append, needs) == 1
    assert "checkpoint-2" in heard[0]


def test_one_that_is_removed_is_gone_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while its files go, it isn't there half."""
    snapshots = Snapshots(tmp_path)
    for step in (1, 2):
        write(snapshots, step)
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)
    snapshots.keep({2})
    assert snapshots.steps() == [2]


def test_what_is_not_kept_goes_and_halves_too(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    for step in (1, 2, 3):
        write(snapshots, step)
    shutil.copytree(snapshots.path(3), snapshots.partial_path(4))
    assert snapshots.steps() == [1, 2, 3]
    snapshots.keep({1, 3})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-1", "checkpoint-3"]
