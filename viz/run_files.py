"""Where the files of a run lie, and what the app writes beside them.

All runs lie in one folder: `NAME` is a finished one, `.NAME.partial` one that is not, and in `logs`
the app keeps what it knows of those it started.
"""

import json
import os
import re
import threading
import time
from pathlib import Path
from typing import Any

from filelock import lock_descriptor

from finetune.disk import write_whole

PLACE = "CLSIGHT_RUNS"
"""The environment variable that names another folder than `runs` in the current one."""
DATA, LOGS = "data", "logs"
"""Folders in it that hold no run."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
PARTIAL = ".partial"
GLANCE = 0.01
"""Seconds after which a lock is looked at again: another one who looks holds it for a moment."""
_looking = threading.Lock()


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
    write_whole(log_file(name).with_suffix(".json"), json.dumps(facts))


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
