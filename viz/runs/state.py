"""The state of runs of `clsight train`, from their files.

A run is a process of its own, which outlives the browser and the app, and may have been started in
a terminal.  It holds a lock on a file in its folder, and on its log where the app started it.  The
system releases a lock with its process, however that ends, while the number of a process may be
given to another one.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from finetune.checkpoint.folder import WEIGHTS
from finetune.checkpoint.run_files import (
    CHECKPOINTS,
    EVENTS,
    LOCK,
    NOT_RANKED,
    RANKING,
    RECORD,
    RESULT_LINE,
    SEED_PREFIX,
    SEEDS,
    SETTINGS,
    SNAPSHOT_PREFIX,
)
from finetune.errors import ModelError
from finetune.run.event_schema import FAILED, STOPPED
from finetune.run.record import RunRecord
from viz.errors import as_sentence
from viz.faithfulness.record import FILE
from viz.runs.files import (
    finished_folder,
    is_locked,
    last_line,
    launch_record,
    log_file,
    partial_folder,
    read_launch_record,
    read_log,
    read_start_settings,
    run_names,
)
from viz.runs.history import History, read_history

KILLED = "The process ended without a message: it was killed, or it ran out of memory."

State = Literal["running", "stopped", "failed", "finished"]


@dataclass(frozen=True, slots=True)
class Run:
    """What the files say of a run now."""

    name: str
    state: State
    data: str = ""
    failure: str = ""
    """Why it failed, a sentence; else empty."""
    is_complete: bool = False
    """Whether its result is complete, and only has to be moved to its place."""
    record: RunRecord | None = None
    checkpoints: tuple[Path, ...] = ()
    """Folders that can be opened while it doesn't run: the result, also one that the run was to
    replace, and its snapshots, in order."""
    resumable: bool = False
    n_processes: int = 1
    """How many have to resume it together."""
    can_stop: bool = False
    """Whether it runs and the app started it, so that the app can stop it."""
    stop_requested: bool = False
    has_events: bool = False
    """Whether it has written an event since it was started or resumed."""
    history: History = field(default_factory=History)
    """Of several seeds of a finished run, the one that was kept."""
    n_seeds: int = 1
    is_ranking: bool = False
    """Whether it is finished, and its process ranks the methods for its result."""
    ranking_failure: str = ""
    """Why its methods were not ranked, a sentence; else empty."""
    problems: tuple[str, ...] = ()
    """A sentence for each of its files that can't be read, beside `failure`."""


def runs() -> list[Run]:
    """All runs, the newest first."""
    names = sorted(run_names(), key=lambda name: (-started_at(name), name))
    return [open_run(name) for name in names if not _is_deleted(name)]


def open_run(name: str) -> Run:
    """What is known of a run from its files, whatever they hold."""
    try:
        return _open(name)
    except OSError as error:
        reason = error.strerror or "the system refuses"
        failure = f"The files of {name!r} can't be read: {reason}."
        return Run(name=name, state="failed", failure=failure)


def _open(name: str) -> Run:
    folder, work = finished_folder(name), partial_folder(name)
    launch, launch_problem = read_launch_record(name)
    start, start_problem = read_start_settings(name)
    log_locked = is_locked(log_file(name))
    # A process that has moved its result to its place has only to end.
    running = (log_locked or is_locked(work / LOCK)) and (work.exists() or not folder.exists())
    unfinished = os.path.lexists(work / SETTINGS)
    result, result_problem = (None, "") if running else _result(folder)
    # A run that replaces a result leaves that in its place until it is finished.
    record, record_problem = (None, "") if unfinished else (result, result_problem)
    problem = start_problem or record_problem
    history = read_history((folder if record or record_problem else work) / EVENTS)
    if record is not None:
        history = history.of_kept_seed(record.epochs[0].train_loss)
    has_events = history.of_last_event("time") != launch.last_event_time
    last_kind = history.of_last_event("kind") if has_events else ""
    # One that was resumed in a terminal after the request was not asked to stop since.
    stop_requested = not problem and launch.stop_requested_at > history.started_at
    state = _state(
        running=running,
        finished=record is not None,
        last_kind=last_kind,
        stop_requested=stop_requested,
    )
    if problem and not running:
        state = "failed"
    ended = state in ("stopped", "failed")
    is_complete = ended and unfinished and (work / RECORD).is_file()
    snapshots = _snapshots(work) if ended else ()
    return Run(
        name=name,
        state=state,
        data=record.data_name if record else launch.data or _file_names(start.settings.data),
        failure=(problem or _failure(name, history, last_kind)) if state == "failed" else "",
        is_complete=is_complete,
        record=record,
        checkpoints=(folder, *snapshots) if result or record_problem else snapshots,
        resumable=ended and unfinished and not start_problem,
        n_processes=1 if is_complete else start.processes,
        # Without its launch record its process is not known.
        can_stop=running and log_locked and not launch_problem,
        stop_requested=running and log_locked and stop_requested,
        has_events=has_events,
        history=history,
        n_seeds=start.settings.seeds,
        is_ranking=record is not None and log_locked and _began_to_rank(name),
        ranking_failure="" if record is None else _ranking_failure(name, folder),
        problems=tuple(filter(None, (start_problem * running, launch_problem, *_gaps(history)))),
    )


def _gaps(history: History) -> Iterator[str]:
    """What is missing in the curves."""
    yield history.problem
    if history.n_unreadable_lines:
        lines = f"{history.n_unreadable_lines:,} line{'s' * (history.n_unreadable_lines != 1)}"
        yield f"{lines} of {EVENTS} can't be read; the curves are drawn without them."


def started_at(name: str) -> float:
    """When a run was last started or resumed, in seconds since 1970, as far as its files tell."""
    moment = launch_record(name).started_at
    if moment is not None:
        return moment
    for file in (partial_folder(name) / SETTINGS, finished_folder(name) / RECORD):
        with suppress(OSError):
            return file.stat().st_mtime
    return 0.0


def _state(*, running: bool, finished: bool, last_kind: str, stop_requested: bool) -> State:
    if running:
        return "running"
    if finished:
        return "finished"
    stopped = last_kind == STOPPED or (stop_requested and last_kind != FAILED)
    return "stopped" if stopped else "failed"


def _file_names(sources: tuple[str, ...]) -> str:
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
    """Whether a run had moved its result to its place, where it is no more."""
    if os.path.lexists(finished_folder(name)) or os.path.lexists(partial_folder(name)):
        return False
    return any(line.startswith(RESULT_LINE) for line in read_log(name).splitlines())


def _failure(name: str, history: History, last_kind: str) -> str:
    if last_kind == FAILED:
        return history.of_last_event("sentence") or KILLED
    log = read_log(name)
    # While it trains, the last line of its log says how far it is, not why it ended.
    return (last_line(log) if not last_kind or "Traceback" in log else "") or KILLED


def _began_to_rank(name: str) -> bool:
    return any(line.startswith(RANKING) for line in read_log(name).splitlines())


def _ranking_failure(name: str, folder: Path) -> str:
    """What the log says of it, unless the methods were ranked since."""
    line = last_line(read_log(name))
    return line if line.startswith(NOT_RANKED) and not (folder / FILE).exists() else ""


def _snapshots(work: Path) -> tuple[Path, ...]:
    """Snapshots of the seed that is being trained, in the order of their steps."""
    for place in (*sorted(work.glob(f"{SEEDS}/{SEED_PREFIX}*"), key=_number, reverse=True), work):
        files = place.glob(f"{CHECKPOINTS}/{SNAPSHOT_PREFIX}*/{WEIGHTS}")
        folders = [file.parent for file in files if _number(file.parent)]
        if folders:
            return tuple(sorted(folders, key=_number))
    return ()


def _number(folder: Path) -> int:
    """The number that a name ends in; 0 where there is none."""
    number = folder.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0
