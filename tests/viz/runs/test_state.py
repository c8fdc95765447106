"""Runs, by what their files say."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from finetune.run.record import RunRecord
from tests.viz.rooms import START, Event, epoch, finish, leave, step
from viz.model.classifier import default_checkpoint
from viz.runs import files, state

STOPPED: Event = {"kind": "stopped", "sentence": "stopped on request"}
LATER = "t9"
"""A time after that of every event."""
FAILED: Event = {"kind": "failed", "sentence": "The disk is full."}


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs for each test."""
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


@contextmanager
def held(file: Path) -> Iterator[None]:
    """A process holds the lock of *file*."""
    with file.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def note(room: Path, name: str, **facts: object) -> None:
    """Change what was noted of a run."""
    file = room / "logs" / f"{name}.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | facts))


@pytest.mark.parametrize(
    ("last", "outcome", "sentence"),
    [
        (STOPPED, "stopped", ""),
        (FAILED, "failed", "The disk is full."),
        (step(7), "failed", state.KILLED),
        ({"kind": "failed"}, "failed", state.KILLED),
    ],
)
def test_the_last_event_tells_how_a_run_ended(
    room: Path, last: Event, outcome: str, sentence: str
) -> None:
    leave(room, "mine", [START, step(5), last], log="training: 25%")
    run = state.open_run("mine")
    assert (run.state, run.failure, run.resumable) == (outcome, sentence, True)


def test_a_run_that_was_asked_to_stop_is_stopped_even_if_it_says_nothing(room: Path) -> None:
    leave(room, "mine", [START, step(5)])
    note(room, "mine", stop_requested_at=LATER)
    assert state.open_run("mine").state == "stopped"


def test_a_process_that_ends_before_its_first_event_gives_its_last_line(room: Path) -> None:
    """The events are of the run before, which was stopped; only the log is new."""
    leave(room, "mine", [START, STOPPED], log="Rows: 3\nthe rows are not those it began with\n")
    note(room, "mine", last_event_time="t1")
    run = state.open_run("mine")
    assert (run.state, run.has_events) == ("failed", False)
    assert run.failure == "the rows are not those it began with"


def test_a_crash_gives_the_last_line_of_its_traceback(room: Path) -> None:
    leave(room, "mine", [START, step(5)], log="Traceback (most…):\nValueError: no\n\n")
    assert state.open_run("mine").failure == "ValueError: no"


def test_a_run_without_a_log_died(room: Path) -> None:
    leave(room, "mine", [])
    (room / "logs" / "mine.log").unlink()
    assert state.open_run("mine").failure == state.KILLED


def test_what_was_kept_comes_in_the_order_of_its_steps(room: Path) -> None:
    work = leave(room, "mine", [START, STOPPED], steps=(100, 20))
    (work / "checkpoints" / ".checkpoint-120.partial").mkdir()
    (work / "checkpoints" / "checkpoint-best").mkdir()
    (work / "checkpoints" / "checkpoint-best" / "model.safetensors").touch()
    found = [place.name for place in state.open_run("mine").checkpoints]
    assert found == ["checkpoint-20", "checkpoint-100"]


def test_of_several_seeds_the_one_trained_last_gives_what_was_kept(room: Path) -> None:
    work = leave(room, "mine", [START, STOPPED])
    settings = {"settings": {"data": ["rows.csv"], "seeds": 12}}
    (work / "settings.json").write_text(json.dumps(settings))
    for place in (
        "seeds/seed-9/checkpoints/checkpoint-30",
        "seeds/seed-10/checkpoints/checkpoint-5",
    ):
        (work / place).mkdir(parents=True)
        (work / place / "model.safetensors").touch()
    run = state.open_run("mine")
    assert run.n_seeds == 12
    assert [place.parts[-3:] for place in run.checkpoints] == [
        ("seed-10", "checkpoints", "checkpoint-5")
    ]


def test_a_run_of_a_terminal_runs_while_its_lock_is_held(room: Path) -> None:
    work = room / ".theirs.partial"
    work.mkdir()
    settings = {"settings": {"data": ["/far/rows.csv", "more.csv"]}}
    (work / "settings.json").write_text(json.dumps(settings))
    with held(work / "lock"):
        run = state.open_run("theirs")
        assert (run.state, run.can_stop, run.checkpoints) == ("running", False, ())
    (found,) = state.runs()
    assert (found.name, found.state, found.data) == ("theirs", "failed", "rows.csv, more.csv")


def test_a_run_of_the_app_runs_while_its_log_is_held(room: Path) -> None:
    leave(room, "mine", [START], steps=(20,))
    note(room, "mine", stop_requested_at=LATER)
    with held(room / "logs" / "mine.log"):
        run = state.open_run("mine")
        assert (run.state, run.can_stop, run.stop_requested) == ("running", True, True)
        assert not run.resumable
        assert not run.checkpoints


def test_a_finished_run_has_its_record_and_its_history(room: Path) -> None:
    work = leave(room, "mine", [START, epoch(1)])
    record = RunRecord.load(default_checkpoint())
    record.save(work)
    work.rename(room / "mine")
    (run,) = state.runs()
    assert (run.state, run.data, run.record) == ("finished", record.data_name, record)
    assert run.checkpoints == (room / "mine",)
    with held(room / "logs" / "mine.log"):  # its process has not ended yet
        assert state.open_run("mine") == run
    assert [one.epoch for one in run.history.epochs] == [1]


def test_a_finished_run_of_several_seeds_shows_the_one_that_was_kept(room: Path) -> None:
    record = RunRecord.load(default_checkpoint())
    best: Event = epoch(1) | {"train_loss": record.epochs[0].train_loss}
    work = leave(room, "mine", [START, best, {"kind": "end"}, START, epoch(1), {"kind": "end"}])
    record.save(work)
    work.rename(room / "mine")
    (run,) = state.runs()
    assert [one.measured["train_loss"] for one in run.history.epochs] == [best["train_loss"]]
    assert len(run.history.seed_histories) == 1


def test_a_damaged_record_is_the_reason_and_its_folder_can_be_opened(room: Path) -> None:
    leave(room, "mine", [START, step(5)]).rename(room / "mine")
    (room / "mine" / "settings.json").unlink()
    (room / "mine" / "run.json").write_text("{")
    note(room, "mine", stop_requested_at=LATER)
    (run,) = state.runs()
    assert (run.state, run.record, run.resumable) == ("failed", None, False)
    assert run.failure.startswith("'run.json' in 'mine' is damaged: it isn't JSON")
    assert run.checkpoints == (room / "mine",)


def test_a_stopped_run_that_was_to_replace_a_result_hides_behind_none(room: Path) -> None:
    RunRecord.load(default_checkpoint()).save(leave(room, "mine", [START, epoch(1)]))
    (room / ".mine.partial").rename(room / "mine")
    leave(room, "mine", [START, step(5), STOPPED], steps=(5,))
    (run,) = state.runs()
    assert (run.state, run.record, run.resumable) == ("stopped", None, True)
    assert [one.step for one in run.history.steps] == [5]
    assert [place.name for place in run.checkpoints] == ["mine", "checkpoint-5"]
    (room / "mine" / "run.json").write_text("{")
    damaged = state.open_run("mine")
    assert (damaged.state, damaged.failure) == ("stopped", "")
    assert [place.name for place in damaged.checkpoints] == ["checkpoint-5"]


def test_a_whole_result_needs_one_process_to_be_put_in_its_place(room: Path) -> None:
    work = leave(room, "mine", [START, epoch(2), {"kind": "end"}])
    (work / "settings.json").write_text('{"processes": 2}')
    run = state.open_run("mine")
    assert (run.is_complete, run.resumable, run.n_processes) == (False, True, 2)
    RunRecord.load(default_checkpoint()).save(work)
    run = state.open_run("mine")
    assert (run.is_complete, run.resumable, run.n_processes) == (True, True, 1)


@pytest.mark.parametrize(
    ("log", "listed"),
    [
        ("Best epoch 2; checkpoint in runs/mine.\nPushed to me/mine.\n", []),
        ("none.csv is not there\n", ["mine"]),
    ],
)
def test_a_result_that_was_deleted_is_not_listed(room: Path, log: str, listed: list[str]) -> None:
    work = leave(room, "mine", [START], log=log)
    shutil.rmtree(work)
    assert [run.name for run in state.runs()] == listed


def test_a_wish_to_stop_does_not_stick_to_a_run_resumed_since(room: Path) -> None:
    again: Event = {"kind": "resume", "step": 5}
    work = leave(room, "mine", [START, step(5), STOPPED, again, step(7)])
    note(room, "mine", stop_requested_at="t1")
    assert state.open_run("mine").state == "failed"
    with held(work / "lock"):
        assert not state.open_run("mine").stop_requested
    note(room, "mine", stop_requested_at=LATER)
    assert state.open_run("mine").state == "stopped"


def test_a_run_of_a_terminal_was_not_asked_by_the_app(room: Path) -> None:
    """It is opening its data: no event tells yet that it was resumed."""
    work = leave(room, "mine", [START, step(5), STOPPED])
    note(room, "mine", stop_requested_at=LATER)
    with held(work / "lock"):
        run = state.open_run("mine")
    assert (run.state, run.stop_requested) == ("running", False)


def test_the_newest_run_comes_first(room: Path) -> None:
    for started, name in enumerate(("first", "second", "third")):
        leave(room, name, [])
        note(room, name, started_at=float(started))
    (room / ".theirs.partial").mkdir()
    assert [run.name for run in state.runs()] == ["third", "second", "first", "theirs"]


OBSTACLES = ("folder", "pipe", "zero", "loop", "dangling")


def obstruct(place: Path, kind: str) -> None:
    """Put something that is no file where one is looked for."""
    if kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to({"zero": "/dev/zero", "loop": place.name, "dangling": "nowhere"}[kind])


DAMAGED = ("[" * 100_000, '{"a": 1e999}', "\udcff", "[]", "null", "")


@pytest.mark.parametrize("content", DAMAGED)
def test_one_damaged_record_hides_no_other_run(room: Path, content: str) -> None:
    finish(room, "mine")
    finish(room, "other")
    raw = content.encode("utf-8", "surrogateescape")
    (room / "mine" / "run.json").write_bytes(raw)
    (room / "logs" / "mine.json").write_bytes(raw)
    states = {run.name: (run.state, run.failure[:29]) for run in state.runs()}
    assert states == {
        "mine": ("failed", "'run.json' in 'mine' is damag"),
        "other": ("finished", ""),
    }


def test_a_damaged_note_is_said_and_its_run_stays_as_it_is(room: Path) -> None:
    finish(room, "mine")
    leave(room, "other", [START, step(5), STOPPED], steps=(5,))
    for name in ("mine", "other"):
        note(room, name, pid=-1)
    mine, other = (state.open_run(name) for name in ("mine", "other"))
    assert (mine.state, other.state, other.resumable) == ("finished", "stopped", True)
    assert mine.problems[0].startswith("'mine.json' is damaged: in 'pid', input should be greater")
    with held(room / "logs" / "other.log"):
        assert not state.open_run("other").can_stop


def test_a_run_whose_settings_are_damaged_can_not_be_resumed(room: Path) -> None:
    work = leave(room, "mine", [START, step(5), STOPPED], steps=(5,))
    (work / "settings.json").write_text('{"settings": {"seeds": "two"}}')
    run = state.open_run("mine")
    assert (run.state, run.resumable) == ("failed", False)
    assert run.failure.startswith("'settings.json' is damaged: in 'settings.seeds', input should")
    assert [place.name for place in run.checkpoints] == ["checkpoint-5"]


def test_events_that_can_not_be_read_are_counted(room: Path) -> None:
    work = leave(room, "mine", [START, step(5), STOPPED])
    with (work / "events.jsonl").open("a") as events:
        events.write('{"kind": "step", "step": -1, "epoch": 1, "loss": 1}\n[]\n')
    run = state.open_run("mine")
    assert (run.state, len(run.history.steps)) == ("stopped", 1)
    assert run.problems == (
        "2 lines of events.jsonl can't be read; the curves are drawn without them.",
    )


@pytest.mark.parametrize("file", ["run.json", "events.jsonl", "settings.json", "lock"])
@pytest.mark.parametrize("kind", OBSTACLES)
def test_whatever_lies_in_the_folder_the_run_is_listed(room: Path, file: str, kind: str) -> None:
    finish(room, "other")
    work = leave(room, "mine", [START, step(5)])
    place = work / file
    place.unlink(missing_ok=True)
    obstruct(place, kind)
    if file == "run.json":
        (work / "settings.json").unlink()
        work.rename(room / "mine")
    found = {run.name: run.state for run in state.runs()}
    assert found["other"] == "finished"
    if kind != "dangling":
        assert found["mine"] == "failed"


def test_notes_and_logs_that_are_no_files_are_no_notes_and_logs(room: Path) -> None:
    for kind in OBSTACLES:
        leave(room, kind, [START, step(5)])
        for suffix in (".json", ".log"):
            place = (room / "logs" / kind).with_suffix(suffix)
            place.unlink()
            obstruct(place, kind)
    assert {run.failure for run in state.runs()} == {state.KILLED}
