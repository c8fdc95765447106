"""Runs of `python -m finetune`, by what their files say.

A run is a process of its own, which outlives the browser and the app, and may have been started in
a terminal.  It holds a lock on a file in its folder, and on its log where the app started it: the
system frees a lock with the process however that ends, and no number of a process is taken for
another's.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from finetune.errors import ModelError
from finetune.record import RunRecord
from viz.history import History, read_history
from viz.run_files import (
    finished_place,
    is_held,
    json_object,
    last_line,
    log_file,
    names,
    noted,
    working_place,
)

EVENTS = "events.jsonl"
DIED = "The process ended without a word: it was killed, or memory ran out."

State = Literal["running", "stopped", "failed", "finished"]


@dataclass(frozen=True, slots=True)
class Run:
    """What the files say of a run now."""

    name: str
    state: State
    data: str
    sentence: str
    """Why it failed; else empty."""
    record: RunRecord | None
    checkpoints: tuple[Path, ...]
    """Folders that can be opened while it doesn't run: the result, or what was kept, in order."""
    resumable: bool
    ours: bool
    """Whether it runs and the app started it, so that the app can stop it."""
    asked_to_stop: bool
    is_heard: bool
    """Whether it has written an event since it was started or resumed."""
    history: History
    """Of several seeds of a finished run, the one that was kept."""
    seeds: int
    """How many trainings the run is made of."""


def runs() -> list[Run]:
    """All runs, the newest first."""
    return [open_run(name) for name in sorted(names(), key=lambda name: (-began(name), name))]


def open_run(name: str) -> Run:
    """What is known of a run from its files."""
    folder, work, known = finished_place(name), working_place(name), noted(name)
    ours = is_held(log_file(name))
    # A process that has put its result in its place has only to end.
    alive = (ours or is_held(work / "lock")) and (work.exists() or not folder.exists())
    record = None if alive else _record(folder)
    history = read_history((work if record is None else folder) / EVENTS)
    if record is not None and record.epochs:
        history = history.of_best(record.epochs[0].train_loss)
    is_heard = history.text("time") != known.get("heard", "")
    told = history.text("kind") if is_heard else ""
    asked = bool(known.get("asked_to_stop"))
    state = _state(alive=alive, finished=record is not None, told=told, asked=asked)
    over, settings = state in ("stopped", "failed"), _settings(work)
    return Run(
        name=name,
        state=state,
        data=record.data_name if record else known.get("data") or _data(settings),
        sentence=_reason(name, history, told) if state == "failed" else "",
        record=record,
        checkpoints=(folder,) if record else _kept(work) if over else (),
        resumable=over and (work / "settings.json").is_file(),
        ours=alive and ours,
        asked_to_stop=alive and asked,
        is_heard=is_heard,
        history=history,
        seeds=seeds if isinstance(seeds := settings.get("seeds"), int) else 1,
    )


def began(name: str) -> float:
    """When a run was last started or resumed, in seconds since 1970, as far as its files tell."""
    moment = noted(name).get("began")
    if isinstance(moment, float):
        return moment
    for file in (working_place(name) / "settings.json", finished_place(name) / "run.json"):
        with suppress(OSError):
            return file.stat().st_mtime
    return 0.0


def _state(*, alive: bool, finished: bool, told: str, asked: bool) -> State:
    if alive:
        return "running"
    if finished:
        return "finished"
    return "stopped" if told == "stopped" or (asked and told != "failed") else "failed"


def _settings(work: Path) -> dict[str, Any]:
    """What a run that is not finished was asked for; empty where it has not written that yet."""
    settings = json_object(work / "settings.json").get("settings")
    return settings if isinstance(settings, dict) else {}


def _data(settings: dict[str, Any]) -> str:
    given = settings.get("data")
    return ", ".join(Path(str(path)).name for path in given) if isinstance(given, list) else ""


def _record(folder: Path) -> RunRecord | None:
    try:
        return RunRecord.load(folder)
    except (ModelError, OSError):
        return None


def _reason(name: str, history: History, told: str) -> str:
    if told == "failed":
        return history.text("sentence") or DIED
    try:
        log = log_file(name).read_text("utf-8", errors="replace")
    except OSError:
        return DIED
    # While it trains, the last line of its log says how far it is, not why it ended.
    return (last_line(log) if not told or "Traceback" in log else "") or DIED


def _kept(work: Path) -> tuple[Path, ...]:
    """Snapshots of the seed that is being trained, in the order of their steps."""
    for place in (*sorted(work.glob("seeds/seed-*"), key=_number, reverse=True), work):
        found = [file.parent for file in place.glob("checkpoints/checkpoint-*/model.safetensors")]
        if kept := sorted((folder for folder in found if _number(folder)), key=_number):
            return tuple(kept)
    return ()


def _number(folder: Path) -> int:
    """The number that a name ends in; 0 where there is none."""
    number = folder.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0
