"""Where the files of a run lie, and what the app writes beside them.

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

from finetune.errors import RecordError
from finetune.run.atomic_files import write_atomically
from finetune.run.json_files import Amount, Items, Schema, open_regular_file
from viz.errors import as_sentence

T = TypeVar("T")

PLACE = "CLSIGHT_RUNS"
"""The environment variable that names another folder than `runs` in the current one."""
DATA, LOGS = "data", "logs"
"""Folders in it that hold no run."""
SETTINGS = "settings.json"
MOST_LOG = 2**20
"""Bytes of the end of a log in which a reason is looked for."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
PARTIAL = ".partial"
GLANCE = 0.01
"""Seconds after which a lock is looked at again: another one who looks holds it for a moment."""
_looking = threading.Lock()


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What only the app knows of a run that it started."""

    pid: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Of the process group; missing until there is one."""
    began: Amount | None = None
    """When it was last started or resumed, in seconds since 1970."""
    heard: str = ""
    """The time of the last event before that."""
    data: str | None = None
    base: str | None = None
    asked_to_stop: str = ""
    """When it was last asked to, as events tell the time."""

    def facts(self) -> dict[str, object]:
        """What was noted, to be written again."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the app shows of the settings of a run."""

    data: Items[str] = ()
    seeds: Annotated[int, Field(ge=1, le=1_000_000)] = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """What a run that is not finished was begun with."""

    settings: Asked = Asked()
    processes: Annotated[int, Field(ge=1, le=1_000_000)] = 1


_NOTE: Schema[Note] = Schema(Note)
_BEGUN: Schema[Begun] = Schema(Begun)


def room() -> Path:
    """The folder of all runs; it need not exist."""
    return Path(os.environ.get(PLACE) or "runs").expanduser().resolve()


def finished_place(name: str) -> Path:
    """The folder of a finished run."""
    return room() / name


def working_place(name: str) -> Path:
    """The folder that a run fills until it is finished."""
    return room() / f".{name}{PARTIAL}"


def log_file(name: str) -> Path:
    """What a run that the app started has said; locked for as long as it goes on."""
    return room() / LOGS / f"{name}.log"


def names() -> set[str]:
    """The names of all runs, finished or not; nothing else that lies there is a run."""
    started = {file.stem for file in (room() / LOGS).glob("*.json")}
    finished = {file.parent.name for file in room().glob("*/run.json")}
    others = {place.name[1:].removesuffix(PARTIAL) for place in room().glob(f".*{PARTIAL}")}
    return {name for name in started | finished | others if is_name(name)}


def is_name(name: str) -> bool:
    """Whether a run can have this name, which then leads nowhere but into the folder of runs."""
    return NAME.fullmatch(name) is not None and name.lower() not in (DATA, LOGS)


def is_held(file: Path) -> bool:
    """Whether a process holds the lock of *file*; the system frees it with the process."""
    if not file.is_file():
        return False
    try:
        with _looking, file.open("rb") as lock:
            for _ in range(2):
                if lock_descriptor(lock.fileno(), blocking=False):
                    return False
                time.sleep(GLANCE)
    except OSError:
        return False
    return True


def note(name: str, **facts: object) -> None:
    """Write beside the log what only the app knows, whole or not at all."""
    write_atomically(log_file(name).with_suffix(".json"), json.dumps(facts))


def noted(name: str) -> Note:
    """What was noted of a run; nothing of one that was started in a terminal."""
    return read_note(name)[0]


def read_note(name: str) -> tuple[Note, str]:
    """What was noted of a run, and why that can't be read, if it can't."""
    return read_or_default(_NOTE, log_file(name).with_suffix(".json"), Note())


def read_begun(name: str) -> tuple[Begun, str]:
    """What a run that is not finished was asked for, and why that can't be read, if it can't."""
    return read_or_default(_BEGUN, working_place(name) / SETTINGS, Begun())


def read_or_default(schema: Schema[T], file: Path, default: T) -> tuple[T, str]:
    """The record in a file, and why it can't be read; where there is none, neither."""
    try:
        return schema.read(file), ""
    except RecordError as error:
        missing = isinstance(error.__cause__, FileNotFoundError)
        return default, "" if missing else as_sentence(error)


def log_of(name: str) -> str:
    """The end of what the process has said; empty where it was not started by the app."""
    try:
        with open_regular_file(log_file(name)) as file:
            file.seek(max(file.seek(0, os.SEEK_END) - MOST_LOG, 0))
            return file.read(MOST_LOG).decode("utf-8", errors="replace")
    except RecordError:
        return ""


def last_line(text: str) -> str:
    """The last line that isn't blank; empty where there is none."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
