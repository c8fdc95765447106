"""Runs of `python -m finetune`, by what their files say.

A run is a process of its own, which outlives the browser and the app, and may have been started in
a terminal.  It holds a lock on a file in its folder, and on its log where the app started it: the
system frees a lock with the process however that ends, and no number of a process is taken for
another's.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from finetune.errors import ModelError
from finetune.run.record import RunRecord
from viz.errors import as_sentence
from viz.runs.files import (
    SETTINGS,
    finished_place,
    is_held,
    last_line,
    log_file,
    log_of,
    names,
    noted,
    read_begun,
    read_note,
    working_place,
)
from viz.runs.history import History, read_history

EVENTS, RECORD = "events.jsonl", "run.json"
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
    damage: tuple[str, ...] = ()
    """A sentence for each of its files that can't be read, beside `sentence`."""


def runs() -> list[Run]:
    """All runs, the newest first."""
    known = sorted(names(), key=lambda name: (-began(name), name))
    return [open_run(name) for name in known if not _is_deleted(name)]


def open_run(name: str) -> Run:
    """What is known of a run from its files, whatever lies there."""
    try:
        return _open(name)
    except OSError as error:
        reason = error.strerror or "the system refuses"
        return _unreadable(name, f"The files of {name!r} can't be read: {reason}.")


def _unreadable(name: str, sentence: str) -> Run:
    return Run(
        name=name,
        state="failed",
        data="",
        sentence=sentence,
        is_whole=False,
        record=None,
        checkpoints=(),
        resumable=False,
        processes=1,
        ours=False,
        asked_to_stop=False,
        is_heard=False,
        history=History(),
        seeds=1,
    )


def _open(name: str) -> Run:
    folder, work = finished_place(name), working_place(name)
    (known, unknown), (begun, lost) = read_note(name), read_begun(name)
    held = is_held(log_file(name))
    # A process that has put its result in its place has only to end.
    alive = (held or is_held(work / "lock")) and (work.exists() or not folder.exists())
    unfinished = os.path.lexists(work / SETTINGS)
    result, broken = (None, "") if alive else _result(folder)
    # A run that replaces a result leaves that in its place until it is finished.
    record, broken = (None, "") if unfinished else (result, broken)
    damage = lost or broken
    history = read_history((folder if record or broken else work) / EVENTS)
    if record is not None:
        history = history.of_best(record.epochs[0].train_loss)
    is_heard = history.text("time") != known.heard
    told = history.text("kind") if is_heard else ""
    # A run that went on in a terminal since it was asked was not asked again.
    asked = not damage and known.asked_to_stop > history.began
    state = _state(alive=alive, finished=record is not None, told=told, asked=asked)
    if damage and not alive:
        state = "failed"
    over = state in ("stopped", "failed")
    is_whole = over and unfinished and (work / RECORD).is_file()
    kept = _kept(work) if over else ()
    return Run(
        name=name,
        state=state,
        data=record.data_name if record else known.data or _data(begun.settings.data),
        sentence=(damage or _reason(name, history, told)) if state == "failed" else "",
        is_whole=is_whole,
        record=record,
        checkpoints=(folder, *kept) if result or broken else kept,
        resumable=over and unfinished and not lost,
        processes=1 if is_whole else begun.processes,
        # One whose note is lost can't be reached.
        ours=alive and held and not unknown,
        asked_to_stop=alive and held and asked,
        is_heard=is_heard,
        history=history,
        seeds=begun.settings.seeds,
        damage=tuple(filter(None, (lost * alive, unknown, *_gaps(history)))),
    )


def _gaps(history: History) -> Iterator[str]:
    """What is missing in the curves."""
    yield history.damage
    if history.unread:
        lines = f"{history.unread:,} line{'s' * (history.unread != 1)}"
        yield f"{lines} of {EVENTS} can't be read; the curves are drawn without them."


def began(name: str) -> float:
    """When a run was last started or resumed, in seconds since 1970, as far as its files tell."""
    moment = noted(name).began
    if moment is not None:
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


def _data(sources: tuple[str, ...]) -> str:
    return ", ".join(Path(source).name for source in sources)


def _result(folder: Path) -> tuple[RunRecord | None, str]:
    """The record of a result, or what is wrong with it; neither where there is none."""
    if not os.path.lexists(folder / RECORD):
        return None, ""
    try:
        return RunRecord.load(folder), ""
    except ModelError as error:
        return None, as_sentence(error)


def _is_deleted(name: str) -> bool:
    """Whether a run had put its result in its place, where it is no more."""
    if os.path.lexists(finished_place(name)) or os.path.lexists(working_place(name)):
        return False
    return any(line.startswith(PUT) for line in log_of(name).splitlines())


def _reason(name: str, history: History, told: str) -> str:
    if told == "failed":
        return history.text("sentence") or DIED
    log = log_of(name)
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
