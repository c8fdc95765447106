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

EVENTS, SETTINGS, RECORD = "events.jsonl", "settings.json", "run.json"
DIED = "The process ended without a word: it was killed, or memory ran out."

PUT = "Best epoch "
"""What the line of a log begins with that says where the result is."""

State = Literal["running", "stopped", "failed", "finished"]


@dataclass(frozen=True, slots=True)
class Run:
    """What the files say of a run now."""

    name: str
    state: State
    data: str
    sentence: str
    """Why it failed; else empty."""
    is_whole: bool
    """Whether its result is whole, and only has to be put in its place."""
    record: RunRecord | None
    checkpoints: tuple[Path, ...]
    """Folders that can be opened while it doesn't run: the result, also one that the run was to
    replace, and what was kept, in order."""
    resumable: bool
    processes: int
    """How many have to go on with it together."""
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
    known = sorted(names(), key=lambda name: (-began(name), name))
    return [open_run(name) for name in known if not _is_deleted(name)]


def open_run(name: str) -> Run:
    """What is known of a run from its files."""
    folder, work, known = finished_place(name), working_place(name), noted(name)
    ours = is_held(log_file(name))
    # A process that has put its result in its place has only to end.
    alive = (ours or is_held(work / "lock")) and (work.exists() or not folder.exists())
    unfinished, begun = (work / SETTINGS).is_file(), json_object(work / SETTINGS)
    result, damage = (None, "") if alive else _result(folder)
    # A run that replaces a result leaves that in its place until it is finished.
    record, damage = (None, "") if unfinished else (result, damage)
    history = read_history((folder if record or damage else work) / EVENTS)
    if record is not None and record.epochs:
        history = history.of_best(record.epochs[0].train_loss)
    is_heard = history.text("time") != known.get("heard", "")
    told = history.text("kind") if is_heard else ""
    # A run that went on in a terminal since it was asked was not asked again.
    asked = not damage and str(known.get("asked_to_stop", "")) > history.began
    state = _state(alive=alive, finished=record is not None, told=told, asked=asked)
    over, settings = state in ("stopped", "failed"), _settings(begun)
    is_whole = over and unfinished and (work / RECORD).is_file()
    kept = _kept(work) if over else ()
    return Run(
        name=name,
        state=state,
        data=record.data_name if record else known.get("data") or _data(settings),
        sentence=(damage or _reason(name, history, told)) if state == "failed" else "",
        is_whole=is_whole,
        record=record,
        checkpoints=(folder, *kept) if result or damage else kept,
        resumable=over and unfinished,
        processes=1 if is_whole else _count(begun, "processes"),
        ours=alive and ours,
        asked_to_stop=alive and ours and asked,
        is_heard=is_heard,
        history=history,
        seeds=_count(settings, "seeds"),
    )


def began(name: str) -> float:
    """When a run was last started or resumed, in seconds since 1970, as far as its files tell."""
    moment = noted(name).get("began")
    if isinstance(moment, float):
        return moment
    for file in (working_place(name) / SETTINGS, finished_place(name) / RECORD):
        with suppress(OSError):
            return file.stat().st_mtime
    return 0.0


def _state(*, alive: bool, finished: bool, told: str, asked: bool) -> State:
    if alive:
        return "running"
    if finished:
        return "finished"
    return "stopped" if told == "stopped" or (asked and told != "failed") else "failed"


def _settings(begun: dict[str, Any]) -> dict[str, Any]:
    """What a run that is not finished was asked for; empty where it has not written that yet."""
    settings = begun.get("settings")
    return settings if isinstance(settings, dict) else {}


def _data(settings: dict[str, Any]) -> str:
    given = settings.get("data")
    return ", ".join(Path(str(path)).name for path in given) if isinstance(given, list) else ""


def _count(facts: dict[str, Any], name: str) -> int:
    number = facts.get(name)
    return number if isinstance(number, int) else 1


def _result(folder: Path) -> tuple[RunRecord | None, str]:
    """The record of a result, or what is wrong with it; neither where there is none."""
    if not (folder / RECORD).is_file():
        return None, ""
    try:
        return RunRecord.load(folder), ""
    except ModelError as error:
        return None, str(error)
    except OSError as error:
        return None, f"{RECORD} in {folder.name!r} can't be read: {error.strerror}"


def _is_deleted(name: str) -> bool:
    """Whether a run had put its result in its place, where it is no more."""
    if finished_place(name).exists() or working_place(name).exists():
        return False
    return any(line.startswith(PUT) for line in _log(name).splitlines())


def _log(name: str) -> str:
    """What the process has said; empty where it was not started by the app."""
    try:
        return log_file(name).read_text("utf-8", errors="replace")
    except OSError:
        return ""


def _reason(name: str, history: History, told: str) -> str:
    if told == "failed":
        return history.text("sentence") or DIED
    log = _log(name)
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
