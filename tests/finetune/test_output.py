"""The output folder: what it may replace, and what stays when it can't be put in its place."""

import os
from pathlib import Path

import pytest

from finetune.errors import OutputError
from finetune.output import EPOCHS, check_output, kept_epochs, working_folder


def fill(output: Path) -> None:
    """A run whose checkpoint is one file."""
    with working_folder(output) as work:
        (work / EPOCHS / "checkpoint-1").mkdir(parents=True)
        (work / "model.safetensors").write_text("weights")


@pytest.mark.parametrize("target_exists", [False, True])
def test_a_link_is_followed(target_exists: bool, tmp_path: Path) -> None:
    target, output = tmp_path / "target", tmp_path / "out"
    if target_exists:
        target.mkdir()
    output.symlink_to(target)
    check_output(output, inputs=(), overwrite=False)
    fill(output)
    assert output.is_symlink()
    assert [path.name for path in target.iterdir()] == ["model.safetensors"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "target"]


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    fill(Path("~/out"))
    assert (tmp_path / "out" / "model.safetensors").is_file()
    with pytest.raises(OutputError, match="leads nowhere"):
        check_output(Path("~nobody-of-that-name/out"), inputs=(), overwrite=False)


@pytest.mark.parametrize("output", ["", ".", "..", "/"])
def test_the_current_folder_and_those_above_are_refused(
    output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="current folder or one above it"):
        check_output(Path(output), inputs=(), overwrite=True)


def test_a_mount_point_is_refused() -> None:
    with pytest.raises(OutputError, match="'proc' is a mount point"):
        check_output(Path("/proc"), inputs=(), overwrite=True)


@pytest.mark.parametrize("source", ["out", "out/train.csv", "link/train.csv"])
def test_what_the_run_reads_is_not_replaced(source: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "train.csv").touch()
    (tmp_path / "link").symlink_to(output)
    inputs = ("owner/name", str(tmp_path / source))
    with pytest.raises(OutputError, match="which the run reads"):
        check_output(output, inputs=inputs, overwrite=True)
    check_output(tmp_path / "other", inputs=inputs, overwrite=True)


@pytest.mark.parametrize("full", [False, True])
def test_a_checkpoint_that_cannot_be_moved_is_kept(
    full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    rename = Path.rename

    def busy(self: Path, target: Path) -> Path:
        if self.suffix == ".partial":
            raise OSError(16, "Device or resource busy", str(self))
        return rename(self, target)

    if full:
        output.mkdir()
        (output / "old.txt").touch()
    monkeypatch.setattr(Path, "rename", busy)
    work = tmp_path / f".out.{os.getpid()}.partial"
    with pytest.raises(
        OutputError, match=r"\(Device or resource busy\).* kept in \.out\."
    ) as caught:
        fill(output)
    assert str(tmp_path) not in str(caught.value)
    assert [path.name for path in work.iterdir()] == ["model.safetensors"]
    assert (output / "old.txt").exists() == full


@pytest.mark.parametrize("finished", [False, True])
def test_an_epoch_without_weights_is_not_kept(finished: bool, tmp_path: Path) -> None:
    output = tmp_path / "out"
    epoch = tmp_path / f".out.{os.getpid()}.partial" / EPOCHS / "checkpoint-1"

    def stop() -> None:
        with working_folder(output):
            epoch.mkdir(parents=True)
            if finished:
                (epoch / "model.safetensors").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert epoch.exists() == finished
    assert ("finished epochs are kept" in kept_epochs(output)) == finished
