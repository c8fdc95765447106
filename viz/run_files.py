"""Where the files of a run lie, and what the app writes beside them.

All runs lie in one folder: `NAME` is a finished one, `.NAME.partial` one that is not, and in `logs`
the app keeps what it knows of those it started.
"""

import fcntl
import json
import os
import re
from pathlib import Path
from typing import Any

PLACE = "CLSIGHT_RUNS"
"""The environment variable that names another folder than `runs` in the current one."""
DATA, LOGS = "data", "logs"
"""Folders in it that hold no run."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
PARTIAL = ".partial"


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
    """The names of all runs, finished or not."""
    started = {file.stem for file in (room() / LOGS).glob("*.json")}
    finished = {file.parent.name for file in room().glob("*/run.json")}
    others = {place.name[1:].removesuffix(PARTIAL) for place in room().glob(f".*{PARTIAL}")}
    return (started | finished | others) - {""}


def is_held(file: Path) -> bool:
    """Whether a process holds the lock of *file*."""
    try:
        with file.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def note(name: str, **facts: object) -> None:
    """Write beside the log what only the app knows, whole or not at all."""
    file = log_file(name).with_suffix(".json")
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(facts), "utf-8")
    fresh.replace(file)


def noted(name: str) -> dict[str, Any]:
    """What was noted of a run; nothing of one that was started in a terminal."""
    return json_object(log_file(name).with_suffix(".json"))


def json_object(file: Path) -> dict[str, Any]:
    """The JSON object in *file*; an empty one where there is none."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def last_line(text: str) -> str:
    """The last line that isn't blank; empty where there is none."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
