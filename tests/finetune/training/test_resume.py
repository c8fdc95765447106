"""A run that is killed and resumed ends in the weights, and the record, of one that was not."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from finetune.__main__ import app
from finetune.checkpoint.models import load_checkpoint
from finetune.checkpoint.run_files import JOURNAL
from finetune.errors import ConfigError, DataError, FinetuneError, OutputError
from finetune.run.config import TrainConfig
from finetune.run.output_folder import describe_remains, stopped_run, working_folder
from finetune.run.record import RunRecord
from finetune.run.snapshot_folders import Snapshots
from finetune.run.tuning_folder import is_stopped_search, tuning_path
from finetune.training.train import train
from tests.finetune.news import news, write_csv
from tests.finetune.runs import fail_snapshot, silent, tiny_run

pytestmark = pytest.mark.usefixtures("_no_pictures")

KILL = """
import os, signal, sys
from finetune.checkpoint.garbage import collect_less_garbage
collect_less_garbage()
from finetune.training.trainer import SnapshotTrainer

step, after = int(sys.argv[1]), sys.argv[2] == "after"
take = SnapshotTrainer.take_snapshot

def take_and_die(self):
    if self.state.global_step == step and not after:
        os.kill(os.getpid(), signal.SIGKILL)
    take(self)
    if self.state.global_step == step:
        os.kill(os.getpid(), signal.SIGKILL)

SnapshotTrainer.take_snapshot = take_and_die
sys.argv[1:] = sys.argv[3:]
from finetune.__main__ import app
app()
"""
"""The command line, killed by the system just before or after its snapshot of a step."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("news")
    return write_csv(folder / "news.csv", news(80))


settings = partial(
    tiny_run, epochs=2, save_minutes=0, baseline=False, keep_steps=4, keep_epochs=True
)


History = dict[str, bytes]
Whole = tuple[RunRecord, bytes, History]

SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "accumulated": {
        "gradient_accumulation": 3,
        "batch_size": 4,
        "gradient_checkpointing": True,
        "precision": "bfloat16",
    },
    "thawing": {"gradual_unfreezing": 0.6, "masking": True},
    "lora": {"lora_rank": 2, "learning_rate": 2e-2},
    "patience": {
        "patience": 1,
        "epochs": 6,
        "learning_rate": 1e-6,
        "deterministic": True,
        "keep_steps": 5,
    },
}


@pytest.fixture(scope="module")
def whole(data: Path, base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Whole]:
    """The record and the weights of each uninterrupted run."""
    found = {}
    for name, more in SETTINGS.items():
        output = tmp_path_factory.mktemp("whole") / "out"
        record = train(settings(data, base, output, **more), say=silent)
        found[name] = record, (output / "model.safetensors").read_bytes(), history_of(output)
    return found


def history_of(output: Path) -> History:
    """All files that were kept of the way, by their places."""
    files = (path for path in (output / "history").rglob("*") if path.is_file())
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in files}


def check_same(output: Path, record: RunRecord, whole: Whole) -> None:
    expected, weights, history = whole
    assert history_of(output) == history
    assert (output / "model.safetensors").read_bytes() == weights
    assert record.epochs == expected.epochs
    assert record.best_epoch == expected.best_epoch
    assert record.validation == expected.validation


@pytest.mark.parametrize(
    ("name", "step"),
    [
        *(("plain", step) for step in (4, 9, 10, 18)),
        *(("accumulated", step) for step in (4, 6, 12)),
        *((name, step) for name in ("thawing", "lora", "patience") for step in (4, 9)),
    ],
)
def test_a_run_that_failed_at_any_step_ends_as_if_it_had_not(
    name: str,
    step: int,
    data: Path,
    base: Path,
    whole: dict[str, Whole],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = tmp_path / "out"
    fail_snapshot(monkeypatch, step=step)
    with pytest.raises(FinetuneError, match=r"continue it with clsight resume .*out"):
        train(settings(data, base, output, **SETTINGS[name]), say=silent)
    monkeypatch.undo()
    record = train(stopped_run(output), say=silent)
    check_same(output, record, whole[name])
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_run_resumed_again_and_again_ends_as_if_it_had_not_stopped(
    data: Path, base: Path, whole: dict[str, Whole], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    output = tmp_path / "out"
    config = settings(data, base, output, resume=True)
    for step in (2, 3, 9, 18):
        fail_snapshot(monkeypatch, step=step)
        with pytest.raises(FinetuneError):
            train(config, say=silent)
        monkeypatch.undo()
    check_same(output, train(config, say=silent), whole["plain"])


def command(data: Path, base: Path, output: Path) -> list[str]:
    options = {
        "data": data, "model": base, "output": output, "epochs": 2, "batch-size": 8,
        "learning-rate": 5e-3, "save-minutes": 0, "keep-steps": 4,
    }  # fmt: skip
    return [
        "train",
        "--no-baseline",
        "--keep-epochs",
        *(f"--{name}={value}" for name, value in options.items()),
    ]


def python(*words: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    words = (sys.executable, *words)
    return subprocess.run(
        list(map(str, words)), capture_output=True, text=True, env=environment, check=False
    )


@pytest.mark.parametrize(("step", "when"), [(3, "before"), (9, "after")])
def test_a_killed_command_is_resumed_with_the_same_weights(
    step: int,
    when: str,
    data: Path,
    base: Path,
    whole: dict[str, Whole],
    tmp_path: Path,
) -> None:
    output = tmp_path / "out"
    killed = python("-c", KILL, step, when, *command(data, base, output))
    assert killed.returncode == -signal.SIGKILL
    work = tmp_path / ".out.partial"
    kept = Snapshots(work / "checkpoints")
    last = max(kept.steps())
    assert last == (step if when == "after" else step - 1)
    for number in kept.steps():
        assert load_checkpoint(str(kept.path(number))).labels
    again = CliRunner().invoke(app, command(data, base, output))
    assert again.exit_code == 1
    assert "continue it with --resume, or start over with --overwrite" in again.stderr
    resumed = python("-m", "finetune", "resume", output)
    assert resumed.returncode == 0, resumed.stderr
    assert f"Resuming after step {last}." in resumed.stdout
    assert (output / "model.safetensors").read_bytes() == whole["plain"][1]
    assert history_of(output) == whole["plain"][2]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_the_run_and_says_how_to_go_on(
    number: signal.Signals,
    data: Path,
    base: Path,
    whole: dict[str, Whole],
    tmp_path: Path,
) -> None:
    output = tmp_path / "out"
    stop = KILL.replace("SIGKILL", number.name)
    stopped = python("-c", stop, 4, "after", *command(data, base, output))
    assert stopped.returncode == 130
    assert f"the run is kept: continue it with clsight resume {output}" in stopped.stderr
    events = (tmp_path / ".out.partial" / "events.jsonl").read_text().splitlines()
    assert json.loads(events[-1])["kind"] == "stopped"
    assert CliRunner().invoke(app, ["resume", str(output)]).exit_code == 0
    assert (output / "model.safetensors").read_bytes() == whole["plain"][1]


# --- what can't be resumed -------------------------------------------------------------------


@pytest.fixture
def stopped(data: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    """The settings of a run that failed."""
    config = settings(data, base, tmp_path / "out")
    fail_snapshot(monkeypatch, step=5)
    with pytest.raises(FinetuneError):
        train(config, say=silent)
    monkeypatch.undo()
    return config


def test_other_settings_or_rows_are_another_run(stopped: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has --batch-size 8, not 4; give the same to continue"):
        train(replace(stopped, batch_size=4, resume=True), say=silent)
    other = write_csv(tmp_path / "other.csv", news(80))
    with pytest.raises(ConfigError, match="has --data"):
        train(replace(stopped, data=(str(other),), resume=True), say=silent)


def test_changed_rows_are_refused(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_csv(tmp_path / "news.csv", news(80))
    config = settings(data, base, tmp_path / "out")
    fail_snapshot(monkeypatch, step=5)
    with pytest.raises(FinetuneError):
        train(config, say=silent)
    monkeypatch.undo()
    write_csv(data, news(90))
    with pytest.raises(DataError, match="rows of train are not those"):
        train(replace(config, resume=True), say=silent)
    record = train(replace(config, overwrite=True), say=silent)
    assert record.splits["train"].rows == 81


def test_a_damaged_snapshot_is_passed_over(
    stopped: TrainConfig, whole: dict[str, Whole], tmp_path: Path
) -> None:
    newest = tmp_path / ".out.partial" / "checkpoints" / "checkpoint-4"
    (newest / "optimizer.pt").write_bytes(b"half")
    said: list[str] = []
    record = train(stopped_run(stopped.output), say=said.append)
    assert "'optimizer.pt' in checkpoint-4 is not what was written; it is skipped." in said
    assert "Resuming after step 3." in said
    check_same(tmp_path / "out", record, whole["plain"])


def test_a_run_without_a_whole_snapshot_begins_anew(
    stopped: TrainConfig, whole: dict[str, Whole], tmp_path: Path
) -> None:
    for manifest in tmp_path.glob(".out.partial/checkpoints/*/manifest.json"):
        manifest.unlink()
    said: list[str] = []
    record = train(stopped_run(stopped.output), say=said.append)
    assert "No snapshot is complete; the run starts over." in said
    check_same(tmp_path / "out", record, whole["plain"])


def test_a_run_without_the_weights_of_its_best_epoch_goes_on_from_before_it(
    data: Path, base: Path, whole: dict[str, Whole], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    config = settings(data, base, tmp_path / "out")
    fail_snapshot(monkeypatch, step=12)
    with pytest.raises(FinetuneError):
        train(config, say=silent)
    monkeypatch.undo()
    kept = Snapshots(tmp_path / ".out.partial" / "checkpoints")
    assert kept.steps() == [9, 10, 11]
    shutil.rmtree(kept.path(9))
    said: list[str] = []
    record = train(stopped_run(config.output), say=said.append)
    assert "No snapshot is complete; the run starts over." in said
    check_same(tmp_path / "out", record, whole["plain"])


def test_a_run_that_had_ended_is_put_in_its_place_without_a_step(
    data: Path, base: Path, whole: dict[str, Whole], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def busy(*_: object) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr("finetune.run.output_folder._replace", busy)
    with pytest.raises(FinetuneError, match="clsight resume tries again"):
        train(settings(data, base, tmp_path / "out"), say=silent)
    monkeypatch.undo()
    monkeypatch.setattr("finetune.training.train.train_in", None)
    said: list[str] = []
    record = train(stopped_run(tmp_path / "out"), say=said.append)
    assert said == ["The run was already finished; moving its checkpoint into place."]
    check_same(tmp_path / "out", record, whole["plain"])
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_run_that_replaces_a_folder_is_resumed_and_replaces_it(
    data: Path, base: Path, whole: dict[str, Whole], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    output = tmp_path / "out"
    output.mkdir()
    (output / "old.txt").touch()
    fail_snapshot(monkeypatch, step=5)
    with pytest.raises(FinetuneError, match="the run is kept"):
        train(settings(data, base, output, overwrite=True), say=silent)
    monkeypatch.undo()
    assert (output / "old.txt").exists()
    check_same(output, train(stopped_run(output), say=silent), whole["plain"])
    assert not (output / "old.txt").exists()


def test_a_finished_run_that_is_started_again_has_nothing_to_do(
    data: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    record = train(settings(data, base, output, epochs=1), say=silent)
    before = {path.name: path.stat().st_mtime_ns for path in output.iterdir()}
    monkeypatch.setattr("finetune.training.train.train_in", None)
    said: list[str] = []
    again = settings(data, base, output, epochs=1, resume=True, save_minutes=7)
    assert train(again, say=said.append) == record
    assert said == ["The run is finished, with the same settings; nothing is left to do."]
    # A rate that isn't given is the one that the run took.
    assert train(replace(again, learning_rate=None), say=silent) == record
    assert {path.name: path.stat().st_mtime_ns for path in output.iterdir()} == before
    for more, told in (
        ({"epochs": 2}, "--epochs 1, not 2"),
        ({"learning_rate": 1e-4}, "--learning-rate 0.005, not 0.0001"),
        ({"data": (str(base),)}, "--data news.csv, not tiny-bert"),
    ):
        with pytest.raises(ConfigError, match=f"'out' is finished and had {told}; give the same"):
            train(replace(again, **more), say=silent)
    with pytest.raises(FinetuneError, match="isn't empty"):
        train(replace(again, resume=False), say=silent)
    (output / "run.json").unlink()
    with pytest.raises(FinetuneError, match="isn't empty"):
        train(again, say=silent)


def test_the_commands_of_a_finished_run_end_with_0(data: Path, base: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    given = [*command(data, base, output), "--resume"]
    for words in (given, given, ["resume", str(output)]):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
    assert "is finished; nothing is left to do." in result.output
    other = CliRunner().invoke(app, [*given, "--seed=7"])
    assert other.exit_code == 1
    assert "had --seed 42, not 7" in other.stderr


def test_what_comes_after_a_damaged_snapshot_is_kept(
    stopped: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were passed over have higher numbers than the ones that follow them."""
    kept = Snapshots(tmp_path / ".out.partial" / "checkpoints")
    assert kept.steps() == [3, 4]
    (kept.path(4) / "optimizer.pt").write_bytes(b"half")
    kept.path(4).rename(kept.path(8))
    fail_snapshot(monkeypatch, step=6)
    with pytest.raises(FinetuneError):
        train(stopped_run(stopped.output), say=silent)
    assert kept.steps() == [4, 5]


def test_another_number_of_processes_is_another_run(stopped: TrainConfig, tmp_path: Path) -> None:
    file = tmp_path / ".out.partial" / "settings.json"
    file.write_text(file.read_text().replace('"processes": 1', '"processes": 2'))
    assert "torchrun --nproc-per-node 2 -m finetune resume" in describe_remains(stopped.output)
    with pytest.raises(ConfigError, match="has 2 processes, not 1; start as many"):
        train(stopped_run(stopped.output), say=silent)


def test_a_run_at_work_is_not_called_stopped(stopped: TrainConfig) -> None:
    with (
        working_folder(stopped.output, resume=True),
        pytest.raises(OutputError, match="another process is using this output"),
    ):
        train(stopped, say=silent)
    # What held it ended as a run does that is whole.
    assert stopped.output.is_dir()


@pytest.mark.parametrize("resume", [False, True])
def test_a_stopped_search_for_the_output_is_not_passed_over(
    resume: bool, data: Path, base: Path, tmp_path: Path
) -> None:
    config = settings(data, base, tmp_path / "out", resume=resume, epochs=1)
    folder = tuning_path(config.output)
    folder.mkdir()
    for name in ("settings.json", JOURNAL):
        (folder / name).touch()
    with pytest.raises(OutputError, match=r"a search for 'out' was stopped .* clsight resume"):
        train(config, say=silent)
    assert is_stopped_search(config.output)
    said: list[str] = []
    train(replace(config, overwrite=True, resume=False), say=said.append)
    assert said[0] == "The search that was stopped for this output is removed."
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_damaged_settings_are_one_sentence(stopped: TrainConfig, tmp_path: Path) -> None:
    (tmp_path / ".out.partial" / "settings.json").write_text("{}")
    with pytest.raises(FinetuneError, match=r"settings\.json of the stopped run is damaged"):
        stopped_run(stopped.output)
