"""Runs: what their files say, and a real one from its start over a stop to its end."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.tiny import tiny_checkpoint
from viz import runs
from viz.errors import RunError
from viz.runs import Plan

KINDS = {"good": "the team wins the game", "bad": "oil prices fall"}


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs for each test."""
    monkeypatch.setenv(runs.PLACE, str(tmp_path / "runs"))
    return tmp_path / "runs"


def write_data(file: Path, rows: int = 40) -> Path:
    """Rows of two classes that can be told apart; each text is there once."""
    lines = [
        f"{text} {i}{'x' * (i % 7)},{kind}" for i in range(rows) for kind, text in KINDS.items()
    ]
    file.write_text("\n".join(["text,label", *lines]) + "\n")
    return file


def wait(name: str, seconds: float = 200) -> runs.Run:
    """The run when it is over."""
    end = time.monotonic() + seconds
    while (run := runs.open_run(name)).state == "running":
        assert time.monotonic() < end, "the run does not end"
        time.sleep(0.1)
    return run


def test_half_a_line_and_what_is_no_event_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text('{"kind": "start", "pid": 1}\n7\n{"loss": 1}\n{"kind": "step", "lo')
    assert runs.read_events(file) == [{"kind": "start", "pid": 1}]
    assert runs.read_events(tmp_path / "none") == []


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "a b", "-x", "a/b", "data", "x" * 61])
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(RunError):
        runs.start(Plan(name, "rows.csv", "base"))


def test_an_upload_never_leaves_the_folder_or_replaces_another(room: Path) -> None:
    first = runs.keep_upload("../../a b.csv", b"1")
    assert first == room / "data" / "a-b.csv"
    assert runs.keep_upload("a b.csv", b"1") == first
    second = runs.keep_upload("a b.csv", b"2")
    assert second != first
    assert [first.read_bytes(), second.read_bytes()] == [b"1", b"2"]
    assert runs.data_files() == sorted([first, second])
    with pytest.raises(RunError, match=r"ends in \.csv"):
        runs.keep_upload("a.exe", b"")


def test_a_run_goes_from_its_start_to_a_record(tmp_path: Path) -> None:
    base = tiny_checkpoint(tmp_path / "base")
    runs.start(Plan("first", str(write_data(tmp_path / "rows.csv")), str(base), epochs=1))
    assert runs.open_run("first").state == "running"
    with pytest.raises(RunError, match="taken"):
        runs.start(Plan("first", "rows.csv", str(base)))
    run = wait("first")
    assert (run.state, run.sentence) == ("finished", "")
    assert run.record is not None
    assert len(run.record.epochs) == 1
    assert [place.name for place in run.checkpoints] == ["first"]
    assert [one.name for one in runs.runs()] == ["first"]


def test_a_run_that_fails_says_why(tmp_path: Path) -> None:
    runs.start(Plan("lost", str(tmp_path / "none.csv"), "nowhere"))
    run = wait("lost")
    assert run.state == "failed"
    assert "none.csv" in run.sentence


def test_a_stopped_run_is_told_from_a_killed_one(tmp_path: Path, room: Path) -> None:
    base, data = tiny_checkpoint(tmp_path / "base"), write_data(tmp_path / "rows.csv")
    for name in ("stopped", "killed"):
        runs.start(Plan(name, str(data), str(base), epochs=500))
    runs.stop("stopped")
    os.killpg(json.loads((room / "logs" / "killed.json").read_text())["pid"], signal.SIGKILL)
    assert wait("stopped").state == "stopped"
    killed = wait("killed")
    assert killed.state == "failed"
    assert killed.sentence


def test_the_check_gives_its_findings(tmp_path: Path) -> None:
    one_class = tmp_path / "one.csv"
    one_class.write_text("text,label\n" + "".join(f"word {i},same\n" for i in range(30)))
    assert runs.check(str(one_class), None)["fatal"]
    assert not runs.check(str(write_data(tmp_path / "rows.csv")), None)["fatal"]
