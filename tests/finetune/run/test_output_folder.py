"""The output folder: what it may replace, and what stays when it can't be put in its place."""

from pathlib import Path

import pytest

from finetune.checkpoint.run_files import CHECKPOINTS
from finetune.errors import OutputError
from finetune.run.output_folder import (
    check_output,
    describe_remains,
    require_no_stopped_run,
    stopped_run,
    working_folder,
)


def fill(output: Path) -> None:
    """A run whose checkpoint is one file."""
    with working_folder(output) as work:
        (work / CHECKPOINTS / "checkpoint-1").mkdir(parents=True)
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


def test_a_working_folder_that_is_a_link_is_refused_and_what_it_leads_to_is_left(
    tmp_path: Path,
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "file").touch()
    (tmp_path / ".out.partial").symlink_to(theirs)
    with pytest.raises(OutputError, match=r"\.out\.partial beside the output is a link; remove it"):
        fill(tmp_path / "out")
    assert [path.name for path in theirs.iterdir()] == ["file"]


def test_links_left_beside_and_inside_the_output_go_without_what_they_lead_to(
    tmp_path: Path,
) -> None:
    theirs, out, work = tmp_path / "theirs", tmp_path / "out", tmp_path / ".out.partial"
    for folder in (theirs, out, work):
        folder.mkdir()
    (theirs / "file").touch()
    for link in (work / "link", work / "loop", out / CHECKPOINTS, tmp_path / ".out.old"):
        link.symlink_to(work / "loop" if link.name == "loop" else theirs)
    (work / ".run.json.0123.part").touch()
    fill(out)
    assert [path.name for path in theirs.iterdir()] == ["file"]
    assert [path.name for path in out.iterdir()] == ["model.safetensors"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "theirs"]


def test_a_half_written_file_of_a_killed_process_is_not_part_of_the_result(tmp_path: Path) -> None:
    with working_folder(tmp_path / "out") as work:
        (work / "model.safetensors").touch()
        (work / ".run.json.0123.part").touch()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model.safetensors"]


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    fill(Path("~/out"))
    assert (tmp_path / "out" / "model.safetensors").is_file()
    with pytest.raises(OutputError, match="can't be found"):
        check_output(Path("~nobody-of-that-name/out"), inputs=(), overwrite=False)


@pytest.mark.parametrize("output", ["", ".", ".."])
def test_the_current_folder_and_those_above_are_refused(
    output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="current folder or one above it"):
        check_output(Path(output), inputs=(), overwrite=True)
    with pytest.raises(OutputError, match="'/' is the whole disk"):
        check_output(Path("/"), inputs=(), overwrite=True)


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


@pytest.mark.parametrize("place", [".out.partial", ".out.old", ".out.tuning/trial-001"])
def test_a_base_inside_what_a_run_empties_is_not_lost(place: str, tmp_path: Path) -> None:
    snapshot = tmp_path / place / CHECKPOINTS / "checkpoint-6"
    snapshot.mkdir(parents=True)
    with pytest.raises(OutputError, match="holds 'checkpoint-6', which the run reads"):
        check_output(tmp_path / "out", inputs=(str(snapshot),), overwrite=True)
    check_output(tmp_path / "other", inputs=(str(snapshot),), overwrite=True)


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
    work = tmp_path / ".out.partial"
    with pytest.raises(
        OutputError, match=r"\(Device or resource busy\).* kept in \.out\."
    ) as caught:
        fill(output)
    assert str(tmp_path) not in str(caught.value)
    assert {CHECKPOINTS, "model.safetensors"} < {path.name for path in work.iterdir()}
    assert (output / "old.txt").exists() == full


@pytest.mark.parametrize("full", [False, True])
def test_what_a_kill_left_of_the_replaced_folder_goes(full: bool, tmp_path: Path) -> None:
    output, old = tmp_path / "out", tmp_path / ".out.old"
    for folder in (old, output) if full else (old,):
        folder.mkdir()
        (folder / "old.txt").touch()
    fill(output)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert not (output / "old.txt").exists()


def stop(output: Path, *, kept: bool, resume: bool = False) -> None:
    """A run that is stopped, with or without a snapshot."""
    with working_folder(output, resume=resume) as work:
        assert (work / CHECKPOINTS / "checkpoint-1").is_dir() == resume
        (work / "settings.json").touch()
        if kept:
            (work / CHECKPOINTS / "checkpoint-1").mkdir(parents=True, exist_ok=True)
        raise KeyboardInterrupt


@pytest.mark.parametrize("kept", [False, True])
def test_a_stopped_run_is_kept_where_it_has_a_snapshot(kept: bool, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        stop(output, kept=kept)
    assert (tmp_path / ".out.partial").exists() == kept
    assert (f"clsight resume {output}" in describe_remains(output)) == kept


def test_a_kept_run_is_not_begun_anew_unasked(tmp_path: Path) -> None:
    output = tmp_path / "out"
    require_no_stopped_run(output)
    with pytest.raises(KeyboardInterrupt):
        stop(output, kept=True)
    with pytest.raises(
        OutputError, match="continue it with --resume, or start over with --overwrite"
    ):
        require_no_stopped_run(output)


def test_a_finished_checkpoint_out_of_place_is_not_lost(tmp_path: Path) -> None:
    work = tmp_path / ".out.partial"
    work.mkdir()
    for name in ("settings.json", "run.json"):
        (work / name).touch()
    with pytest.raises(OutputError, match="continue it with --resume"):
        require_no_stopped_run(tmp_path / "out")


def test_the_folder_is_in_its_place_before_anything_is_taken_out_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in between, it has too much in it rather than too little to go on."""
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)
    fill(tmp_path / "out")
    assert (tmp_path / "out" / CHECKPOINTS / "checkpoint-1").is_dir()


def test_a_run_to_resume_finds_its_folder_and_another_an_empty_one(tmp_path: Path) -> None:
    output = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        stop(output, kept=True)
    with pytest.raises(KeyboardInterrupt):
        stop(output, kept=True, resume=True)
    with working_folder(output) as work:
        assert [path.name for path in work.iterdir()] == ["lock"]


def test_two_runs_cannot_work_on_one_output(tmp_path: Path) -> None:
    with (
        working_folder(tmp_path / "out"),
        pytest.raises(OutputError, match="another process is using this output"),
        working_folder(tmp_path / "out"),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(("there", "why"), [(False, "nothing of it"), (True, "it is finished")])
def test_only_a_stopped_run_can_be_resumed(there: bool, why: str, tmp_path: Path) -> None:
    if there:
        (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match=f"no run of 'out' was stopped: {why}"):
        stopped_run(tmp_path / "out")
