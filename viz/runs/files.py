"""The files of a run, and what the app writes beside them.

All runs lie in one folder: `NAME` is a finished one, `.NAME.partial` one that is not, and in `logs`
the app keeps what it knows of those it started.
"""

import json
import os
import re
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from filelock import lock_descriptor
from pydantic import Field

from finetune.checkpoint.run_files import PARTIAL_SUFFIX, RECORD, SETTINGS, partial_name
from finetune.errors import RecordError
from finetune.run.atomic_files import write_atomically
from finetune.run.json_files import Amount, Items, Schema, open_regular_file
from viz.errors import as_sentence

T = TypeVar("T")

FOLDER_VARIABLE = "CLSIGHT_RUNS"
"""The environment variable that names another folder than `runs` in the current one."""
DATA_FOLDER, LOGS_FOLDER, AUDITS_FOLDER = "data", "logs", "audits"
OTHER_FOLDERS = (DATA_FOLDER, LOGS_FOLDER, AUDITS_FOLDER)
"""Folders in it that are not runs."""
MAX_LOG_BYTES = 2**20
"""Of the end of a log, in which a reason is looked for."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
LOCK_RETRY_SECONDS = 0.01
"""After which a lock is tried again: another thread that tries it holds it for a moment."""
_lock_checks = threading.Lock()


@dataclass(frozen=True, kw_only=True, slots=True)
class LaunchRecord:
    """What only the app knows of a run that it started."""

    pid: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Of the process group; missing until there is one."""
    started_at: Amount | None = None
    """When it was last started or resumed, in seconds since 1970."""
    last_event_time: str = ""
    """The time of the last event before that."""
    data: str | None = None
    base: str | None = None
    stop_requested_at: str = ""
    """As events tell the time; empty where it was not asked to stop."""

    def entries(self) -> dict[str, object]:
        """What is known, to be written again."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestedSettings:
    """What the app shows of the settings of a run."""

    data: Items[str] = ()
    seeds: Annotated[int, Field(ge=1, le=1_000_000)] = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class StartSettings:
    """What a run that is not finished was started with."""

    settings: RequestedSettings = RequestedSettings()
    processes: Annotated[int, Field(ge=1, le=1_000_000)] = 1


_LAUNCH_RECORD: Schema[LaunchRecord] = Schema(LaunchRecord)
_START_SETTINGS: Schema[StartSettings] = Schema(StartSettings)


def runs_folder() -> Path:
    """The folder of all runs; it need not exist."""
    return Path(os.environ.get(FOLDER_VARIABLE) or "runs").expanduser().resolve()


def finished_folder(name: str) -> Path:
    """The folder of a finished run."""
    return runs_folder() / name


def partial_folder(name: str) -> Path:
    """The folder that a run writes to until it is finished."""
    return runs_folder() / partial_name(name)


def log_file(name: str) -> Path:
    """The output of a run that the app started; locked for as long as it runs."""
    return runs_folder() / LOGS_FOLDER / f"{name}.log"


def run_names() -> set[str]:
    """The names of all runs, finished or not; nothing else in the folder is a run."""
    started = {file.stem for file in (runs_folder() / LOGS_FOLDER).glob("*.json")}
    finished = {file.parent.name for file in runs_folder().glob(f"*/{RECORD}")}
    others = {
        place.name[1:].removesuffix(PARTIAL_SUFFIX)
        for place in runs_folder().glob(partial_name("*"))
    }
    return {name for name in started | finished | others if is_run_name(name)}


def is_run_name(name: str) -> bool:
    """Whether a run can have this name, which then leads nowhere but into the folder of runs."""
    return NAME.fullmatch(name) is not None and name.lower() not in OTHER_FOLDERS


def is_locked(file: Path) -> bool:
    """Whether a process holds the lock of *file*; the system releases it with the process."""
    if not file.is_file():
        return False
    try:
        with _lock_checks, file.open("rb") as lock:
            for _ in range(2):
                if lock_descriptor(lock.fileno(), blocking=False):
                    return False
                time.sleep(LOCK_RETRY_SECONDS)
    except OSError:
        return False
    return True


def write_launch_record(name: str, **entries: object) -> None:
    """Write beside the log what only the app knows, whole or not at all."""
    write_atomically(log_file(name).with_suffix(".json"), json.dumps(entries))


def launch_record(name: str) -> LaunchRecord:
    """What the app knows of a run that it started; nothing of one that a terminal did."""
    return read_launch_record(name)[0]


def read_launch_record(name: str) -> tuple[LaunchRecord, str]:
    """What the app knows of a run that it started, and why that can't be read, if it can't."""
    return read_or_default(_LAUNCH_RECORD, log_file(name).with_suffix(".json"), LaunchRecord())


def read_start_settings(name: str) -> tuple[StartSettings, str]:
    """The settings of a run that is not finished, and why they can't be read, if they can't."""
    return read_or_default(_START_SETTINGS, partial_folder(name) / SETTINGS, StartSettings())


def read_or_default(schema: Schema[T], file: Path, default: T) -> tuple[T, str]:
    """The record in a file, and why it can't be read; where there is none, neither."""
    try:
        return schema.read(file), ""
    except RecordError as error:
        missing = isinstance(error.__cause__, FileNotFoundError)
        return default, "" if missing else as_sentence(error)


def read_log(name: str) -> str:
    """The end of the output; empty where the app did not start the run."""
    try:
        with open_regular_file(log_file(name)) as file:
            file.seek(max(file.seek(0, os.SEEK_END) - MAX_LOG_BYTES, 0))
            return file.read(MAX_LOG_BYTES).decode("utf-8", errors="replace")
    except RecordError:
        return ""


def last_line(text: str) -> str:
    """The last line that isn't blank; empty where there is none."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
