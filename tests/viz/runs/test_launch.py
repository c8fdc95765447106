"""Runs, started, stopped and resumed: real processes on a tiny model."""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from tests.finetune.news import news, write_csv
from tests.viz.rooms import START, leave, running
from viz.errors import RunError
from viz.model.text_files import Columns
from viz.runs import base_model, files, launch, state
from viz.runs.launch import Plan


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of runs for each test, whose processes are waited for."""
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(tmp_path / "runs"))
    yield tmp_path / "runs"
    for child in launch._children:
        child.wait()


@pytest.fixture
def data(tmp_path: Path) -> str:
    """A file of made-up news."""
    return str(write_csv(tmp_path / "news.csv", news(60)))


def wait(name: str, until: Callable[[state.Run], bool]) -> state.Run:
    """The run as soon as it is so far; pytest's own limit ends a wait in vain."""
    while not until(run := state.open_run(name)):
        time.sleep(0.1)
    return run


def is_over(run: state.Run) -> bool:
    """Whether it doesn't run."""
    return run.state != "running"


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "a b", "-x", "a/b", "x" * 61])
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(RunError, match="can't name a run"):
        launch.start(Plan(name, "rows.csv", "base"))


def test_a_name_that_is_taken_is_refused_and_another_proposed(room: Path) -> None:
    leave(room, "mine", [START])
    (room / "mine-2").mkdir()
    with pytest.raises(RunError, match="'mine' is taken"):
        launch.start(Plan("mine", "rows.csv", "base"))
    assert launch.free_name("mine") == "mine-3"
    assert launch.free_name("data") == "data-2"
    assert launch.free_name("?? ") == "run"


def test_a_run_that_left_nothing_gives_its_name_free(room: Path) -> None:
    work = leave(room, "mine", [])
    (work / "settings.json").unlink()
    assert launch.free_name("mine") == "mine"


@pytest.mark.parametrize(
    "base", ["no/hub/name", "a\0b", "~nobody-here/base", "x" * 5_000, "/" + "x" * 5_000, "\ud800"]
)
def test_a_base_that_nothing_can_be_is_refused_at_once(base: str) -> None:
    plan = Plan("mine", "rows.csv", base)
    assert isinstance(plan.check_options(), list)
    with pytest.raises(RunError, match="is not a folder here, and not an id") as refused:
        launch.start(plan)
    assert len(str(refused.value)) < 200


def test_without_a_network_a_base_that_is_not_here_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for base in ("some-model-of-nobody", "no/such-name"):
        with pytest.raises(
            RunError, match="the Hugging Face Hub can't be reached; give the folder"
        ):
            launch.start(Plan("mine", "rows.csv", base))
    with pytest.raises(RunError, match="Name a base model"):
        launch.start(Plan("mine", "rows.csv", ""))


def test_the_base_of_the_run_before_is_proposed(room: Path) -> None:
    assert base_model.last_base_model() == base_model.DEFAULT_BASE
    leave(room, "mine", [])
    assert base_model.last_base_model() == "bases/tiny"


def test_what_was_asked_becomes_options() -> None:
    plan = Plan("mine", "rows.csv", "base", validation="held.csv", epochs=2, max_length=64, seeds=3)
    assert plan.options() == [
        "--data=rows.csv",
        "--validation=held.csv",
        "--model=base",
        "--epochs=2",
        "--max-length=64",
        "--seeds=3",
    ]


def test_a_history_is_kept_where_it_is_asked_for() -> None:
    assert "--keep-epochs" not in Plan("mine", "rows.csv", "base").options()
    assert "--keep-epochs" in Plan("mine", "rows.csv", "base", keep_epochs=True).options()


def test_columns_that_are_named_become_options() -> None:
    plan = Plan("mine", "rows.csv", "base", columns=Columns("a", "b", "c"))
    named = ["--text-column=a", "--pair-column=b", "--label-column=c"]
    assert set(named) < set(plan.options())
    assert plan.check_options() == ["--data=rows.csv", *named]


@pytest.mark.parametrize("base", ["", "owner/name", "~nobody-here/x", "x" * 5_000])
def test_a_check_loads_no_base_that_is_no_folder_here(base: str, tmp_path: Path) -> None:
    assert Plan("mine", "rows.csv", base, max_length=8).check_options() == ["--data=rows.csv"]
    here = Plan("mine", "rows.csv", str(tmp_path), max_length=8).check_options()
    assert here == ["--data=rows.csv", f"--model={tmp_path}", "--max-length=8"]


def test_what_is_finished_or_unknown_is_neither_stopped_nor_resumed() -> None:
    launch.stop("nobody")
    with pytest.raises(RunError, match="can't be resumed"):
        launch.resume("nobody")


def test_a_run_of_several_processes_is_resumed_in_a_terminal(room: Path) -> None:
    work = leave(room, "mine", [START])
    (work / "settings.json").write_text('{"processes": 2}')
    told = f"torchrun --nproc-per-node 2 -m finetune resume {room / 'mine'}"
    with pytest.raises(RunError, match=re.escape(told)):
        launch.resume("mine")


def test_a_process_that_has_no_number_yet_is_not_stopped(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is the one whose number was noted before it."""
    signalled: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, number: signalled.append(group))
    noted: list[files.LaunchRecord] = []

    def begin(words: list[str], **settings: object) -> None:
        launch.stop("mine")
        noted.append(files.launch_record("mine"))
        raise OSError("no process")

    leave(room, "mine", [START])
    files.write_launch_record("mine", pid=4711)
    assert files.launch_record("mine").pid == 4711
    monkeypatch.setattr(subprocess, "Popen", begin)
    with pytest.raises(RunError, match="'mine' can't be started: no process; free up disk space"):
        launch.resume("mine")
    assert signalled == []
    assert [set(record.entries()) for record in noted] == [{"started_at", "last_event_time"}]


def test_a_wish_to_stop_is_noted_with_its_time(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signalled: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, number: signalled.append(group))
    leave(room, "mine", [START])
    files.write_launch_record("mine", pid=4711)
    before = datetime.now(UTC) - timedelta(seconds=1)
    with (room / "logs" / "mine.log").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        launch.stop("mine")
    assert signalled == [4711]
    asked = datetime.fromisoformat(files.launch_record("mine").stop_requested_at)
    assert before < asked < datetime.now(UTC) + timedelta(seconds=1)


@pytest.mark.parametrize("written", [0, 1])
def test_on_a_full_disk_a_run_is_refused_in_one_sentence_and_nothing_goes_on(
    room: Path, written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*arguments: object) -> None:
        if len(notes) == written:
            raise OSError(28, "No space left on device")
        notes.append(arguments)

    notes: list[object] = []
    monkeypatch.setattr(files, "write_atomically", write)
    monkeypatch.setattr(launch, "clsight_command", lambda *words: ["sleep", "100"])
    leave(room, "mine", [START])
    with pytest.raises(RunError, match="'mine' can't be started: No space left on device; free"):
        launch.resume("mine")
    for child in launch._children:
        child.wait(10)
    assert not files.is_locked(files.log_file("mine"))


def test_on_a_full_disk_a_run_is_stopped_all_the_same(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    signalled: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, number: signalled.append(group))
    leave(room, "mine", [START])
    files.write_launch_record("mine", pid=4711)
    monkeypatch.setattr(files, "write_atomically", full)
    with running(room, "mine"):
        launch.stop("mine")
    assert signalled == [4711]


@pytest.mark.parametrize("target", ["nowhere", "file", "folder"])
def test_the_log_of_a_run_is_never_written_through_a_link(
    room: Path, tmp_path: Path, target: str
) -> None:
    theirs, log = tmp_path / "theirs", files.log_file("mine")
    leave(room, "mine", [START])
    log.unlink()
    if target == "folder":
        log.mkdir()
    else:
        log.symlink_to(theirs)
    if target == "file":
        theirs.write_text("theirs")
    with pytest.raises(RunError, match="is a link or a folder; delete it by hand"):
        launch.resume("mine")
    assert not theirs.exists() or theirs.read_text() == "theirs"


def test_a_name_that_is_a_link_leading_nowhere_is_taken(room: Path, tmp_path: Path) -> None:
    room.mkdir()
    (room / "mine").symlink_to(tmp_path / "nowhere")
    assert launch.free_name("mine") == "mine-2"


def test_a_lock_ends_with_the_last_process_that_was_handed_it(room: Path) -> None:
    """Whoever started it may have ended long before: the lock is the open file's."""
    leave(room, "mine", [])
    log = files.log_file("mine")
    with log.open("a") as output:
        launch._lock(output, "mine")
        child = subprocess.Popen(["sleep", "100"], stdout=output)
    try:
        assert files.is_locked(log)
        with log.open("a") as other, pytest.raises(RunError, match="is already running"):
            launch._lock(other, "mine")
    finally:
        child.kill()
        child.wait()
    assert not files.is_locked(log)


def test_those_who_look_at_a_lock_never_take_each_other_for_its_holder(room: Path) -> None:
    leave(room, "mine", [])
    log = files.log_file("mine")
    seen: list[bool] = []

    def look() -> None:
        seen.extend(files.is_locked(log) for _ in range(50))

    threads = [Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [False] * 400


def test_a_run_that_fails_says_why(tmp_path: Path, checkpoint: Path) -> None:
    launch.start(Plan("lost", str(tmp_path / "none.csv"), str(checkpoint)))
    run = wait("lost", is_over)
    assert (run.state, run.resumable) == ("failed", False)
    assert "no file or folder" in run.failure


@pytest.mark.timeout(900)  # three processes import torch
def test_a_run_is_stopped_killed_resumed_to_its_end_and_deleted(
    room: Path, data: str, checkpoint: Path
) -> None:
    launch.start(Plan("mine", data, str(checkpoint), epochs=40))
    with pytest.raises(RunError, match="taken"):
        launch.start(Plan("mine", data, str(checkpoint)))
    wait("mine", lambda run: bool(run.history.epochs))
    launch.stop("mine")
    stopped = wait("mine", is_over)
    assert (stopped.state, stopped.resumable) == ("stopped", True)
    assert stopped.checkpoints
    done = len(stopped.history.epochs)

    launch.resume("mine")
    with pytest.raises(RunError, match="running and can't be resumed"):
        launch.resume("mine")
    wait("mine", lambda run: len(run.history.epochs) > done)
    os.killpg(json.loads((room / "logs" / "mine.json").read_text())["pid"], signal.SIGKILL)
    killed = wait("mine", is_over)
    assert (killed.state, killed.failure) == ("failed", state.KILLED)

    launch.resume("mine")
    run = wait("mine", is_over)
    assert (run.state, run.failure) == ("finished", "")
    assert run.data == "news.csv"
    assert [one.epoch for one in run.history.epochs] == list(range(1, 41))
    steps = [one.step for one in run.history.steps]
    assert steps == sorted(set(steps))

    # A result that was deleted, by what a real process has said: its log alone would look like that
    # of a failed run.
    wait("mine", lambda run: not files.is_locked(files.log_file("mine")))
    assert [run.name for run in state.runs()] == ["mine"]
    shutil.rmtree(room / "mine")
    assert state.runs() == []
