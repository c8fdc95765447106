"""Folders of runs as `clsight train` leaves them, made by hand."""

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from finetune.run.record import RunRecord
from viz.model.classifier import default_checkpoint

Event = dict[str, Any]
START: Event = {"kind": "start", "pid": 1, "steps": 20, "epochs": 2}


def step(number: int, loss: float = 1.0) -> Event:
    """The event of a step of a run of 20 steps in 2 epochs."""
    pace = {"texts_per_second": 40.0, "seconds_left": 6.0}
    return {"kind": "step", "step": number, "steps": 20, "epoch": number / 10, "loss": loss} | pace


def epoch(number: int, accuracy: float = 0.5) -> Event:
    """The event of a measured epoch."""
    losses = {"train_loss": 0.9, "validation_loss": 0.8}
    return {"kind": "epoch", "epoch": number, "accuracy": accuracy, "macro_f1": 0.4} | losses


def written(events: Sequence[Event]) -> str:
    """Events as lines of their file, a second apart."""
    return "".join(json.dumps({"time": f"t{i}"} | event) + "\n" for i, event in enumerate(events))


def leave(
    room: Path, name: str, events: Sequence[Event], *, steps: Sequence[int] = (), log: str = ""
) -> Path:
    """The working folder of a run that the app started and that is over, and what was noted."""
    work = room / f".{name}.partial"
    work.mkdir(parents=True)
    (work / "settings.json").write_text("{}")
    (work / "events.jsonl").write_text(written(events))
    for number in steps:
        kept = work / "checkpoints" / f"checkpoint-{number}"
        kept.mkdir(parents=True)
        (kept / "model.safetensors").write_bytes(b"")
    (room / "logs").mkdir(exist_ok=True)
    (room / "logs" / f"{name}.log").write_text(log)
    facts = {
        "pid": 0,
        "started_at": 1.0,
        "last_event_time": "",
        "data": "rows.csv",
        "base": "bases/tiny",
    }
    (room / "logs" / f"{name}.json").write_text(json.dumps(facts))
    return work


def finish(room: Path, name: str, **changes: Any) -> None:
    """A finished run, with the record of the shipped checkpoint but for the changes."""
    work = leave(room, name, [START, epoch(1), epoch(2)])
    replace(RunRecord.load(default_checkpoint()), **changes).save(work)
    work.rename(room / name)


@contextmanager
def running(room: Path, name: str, *, asked: bool = False) -> Iterator[None]:
    """Hold a run as a process of the app that works on it would."""
    if asked:
        file = room / "logs" / f"{name}.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"stop_requested_at": "t9"}))
    with (room / "logs" / f"{name}.log").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
