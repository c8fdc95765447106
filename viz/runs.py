"""Runs of `python -m finetune` and their files: started, stopped, resumed, listed.

A run is a process of its own, which outlives the browser and the app.  All that is known of it is
read from its folder.  It holds a lock on its log through its output, so the system frees the lock
with the process however that ends, and no number of a process is taken for another's.
"""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from finetune.errors import ModelError
from finetune.record import RunRecord
from viz.errors import RunError

PLACE = "CLSIGHT_RUNS"
"""The environment variable that names another folder than `runs` in the current one."""
DATA, LOGS = "data", "logs"
"""Folders in it that hold no run."""
SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
DIED = "The process ended without a word: it was killed, or memory ran out."

State = Literal["running", "stopped", "failed", "finished"]
Event = dict[str, Any]
_children: list[subprocess.Popen[bytes]] = []
"""Processes started here; Python warns of one that is dropped while it runs."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the page asks of a run; all else keeps finetune's defaults."""

    name: str
    data: str
    base: str
    validation: str | None = None
    epochs: int = 3
    learning_rate: float = 5e-5
    max_length: int | None = None

    def options(self) -> list[str]:
        """The options of `python -m finetune train`, but for `--output`."""
        given = {
            "data": self.data,
            "model": self.base,
            "validation": self.validation,
            "epochs": self.epochs,
            "learning-rate": self.learning_rate,
            "max-length": self.max_length,
        }
        return [f"--{name}={value}" for name, value in given.items() if value is not None]


@dataclass(frozen=True, slots=True)
class Run:
    """What the files say of a run now."""

    name: str
    state: State
    data: str
    events: tuple[Event, ...]
    sentence: str
    """Why it stopped or failed; else empty."""
    record: RunRecord | None
    checkpoints: tuple[Path, ...]
    """Folders that can be opened: the result, or the epochs kept so far."""
    resumable: bool

    def of_kind(self, kind: str) -> list[Event]:
        """Its events of one kind, in their order."""
        return [event for event in self.events if event["kind"] == kind]


def room() -> Path:
    """The folder of all runs; it need not exist."""
    return Path(os.environ.get(PLACE) or "runs").expanduser().resolve()


def start(plan: Plan) -> None:
    """Start a run in the background; a RunError where its name is no name, or taken."""
    if not NAME.fullmatch(plan.name):
        raise RunError(
            f"{plan.name!r} can't name a run; use up to 60 letters, digits, - and _, a letter or "
            "digit first"
        )
    if plan.name.lower() in (DATA, LOGS) or _is_taken(plan.name):
        raise RunError(f"the name {plan.name!r} is taken; choose another name")
    output = room() / plan.name
    _launch(plan.name, ["train", *plan.options(), f"--output={output}"], Path(plan.data).name)


def resume(name: str) -> None:
    """Go on with a run that stopped or failed; a RunError where it can't."""
    run = open_run(name)
    if not run.resumable:
        raise RunError(f"the run {name!r} is {run.state} and can't be resumed; start a new one")
    _launch(name, ["resume", str(room() / name)], run.data)


def stop(name: str) -> None:
    """Ask a run to stop, as Ctrl-C does; one that is over is left alone."""
    if _is_alive(name):
        _note(name, **_noted(name) | {"asked_to_stop": True})
        os.killpg(_noted(name)["pid"], signal.SIGINT)


def runs() -> list[Run]:
    """All runs, the newest first."""
    names = {file.stem for file in (room() / LOGS).glob("*.json")}
    names |= {file.parent.name for file in room().glob("*/run.json")}
    return sorted(map(open_run, names), key=lambda run: (-_began(run.name), run.name))


def open_run(name: str) -> Run:
    """What is known of a run from its files."""
    alive = _is_alive(name)
    folder, work = room() / name, _work(name)
    record = None if alive else _record(folder)
    at = work if record is None else folder
    events = read_events(at / "events.jsonl")
    state = "running" if alive else _ended(name, events, record)
    return Run(
        name=name,
        state=state,
        data=record.data_name if record else str(_noted(name).get("data", "")),
        events=tuple(events),
        sentence=_sentence(name, events) if state in ("stopped", "failed") else "",
        record=record,
        checkpoints=(folder,) if record else _epochs(work),
        resumable=state in ("stopped", "failed") and (work / "settings.json").is_file(),
    )


def read_events(file: Path) -> list[Event]:
    """The events of a file that may still be written: no file is none, half a line is passed over.

    A line is also passed over where it is no event.
    """
    try:
        lines = file.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [event for line in lines if (event := _event(line)) is not None]


def keep_upload(name: str, content: bytes) -> Path:
    """Save an uploaded file under a safe name of our own; a RunError for another kind of file."""
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise RunError(f"{name!r} is no data file; give one that ends in {', '.join(SUFFIXES)}")
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(name).stem).strip("-")[:60] or "upload"
    folder = room() / DATA
    folder.mkdir(parents=True, exist_ok=True)
    number, place = 1, folder / f"{stem}{suffix}"
    while place.exists() and place.read_bytes() != content:
        number, place = number + 1, folder / f"{stem}-{number + 1}{suffix}"
    place.write_bytes(content)
    return place


def data_files() -> list[Path]:
    """Data files that were uploaded before."""
    return sorted(file for file in (room() / DATA).glob("*") if file.suffix in SUFFIXES)


def check(data: str, validation: str | None) -> dict[str, Any]:
    """The report of `python -m finetune check`; a RunError with its sentence where it made none."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "check.json"
        words = ["check", f"--data={data}", f"--json={report}"]
        words += [f"--validation={validation}"] if validation else []
        done = subprocess.run(_command(words), capture_output=True, text=True)
        if report.is_file():
            return dict(json.loads(report.read_text("utf-8")))
    raise RunError(_last_line(done.stderr) or "the data check ended without a word; try again")


def _command(words: list[str]) -> list[str]:
    return [sys.executable, "-m", "finetune", *words]


def _launch(name: str, words: list[str], data: str) -> None:
    log = _log(name)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        _lock(output, name)
        process = subprocess.Popen(
            _command(words),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _children[:] = [process, *(child for child in _children if child.poll() is None)]
        _note(name, pid=process.pid, data=data)


def _lock(output: IO[str], name: str) -> None:
    try:
        fcntl.flock(output, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RunError(f"the run {name!r} goes on already; wait for it, or stop it") from error


def _is_alive(name: str) -> bool:
    try:
        with _log(name).open() as log:
            fcntl.flock(log, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _is_taken(name: str) -> bool:
    places = (room() / name, _work(name), _log(name))
    return any(place.exists() for place in places)


def _work(name: str) -> Path:
    """The folder that a run fills; of several, as earlier runs may leave theirs, the newest."""
    found = [path for path in room().glob(f".{name}.*partial") if path.is_dir()]
    return max(found, key=lambda path: path.stat().st_mtime, default=room() / f".{name}.partial")


def _log(name: str) -> Path:
    return room() / LOGS / f"{name}.log"


def _note(name: str, **facts: object) -> None:
    """Write beside the log what only the app knows, whole or not at all."""
    file = _log(name).with_suffix(".json")
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(facts), "utf-8")
    fresh.replace(file)


def _noted(name: str) -> dict[str, Any]:
    try:
        return dict(json.loads(_log(name).with_suffix(".json").read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def _began(name: str) -> float:
    for place in (_log(name).with_suffix(".json"), room() / name):
        if place.exists():
            return place.stat().st_mtime
    return 0.0


def _record(folder: Path) -> RunRecord | None:
    try:
        return RunRecord.load(folder)
    except (ModelError, OSError):
        return None


def _ended(name: str, events: list[Event], record: RunRecord | None) -> State:
    if record is not None:
        return "finished"
    asked = _noted(name).get("asked_to_stop") or (events and events[-1]["kind"] == "stopped")
    return "stopped" if asked else "failed"


def _sentence(name: str, events: list[Event]) -> str:
    if events and events[-1]["kind"] == "failed":
        return str(events[-1].get("sentence", DIED))
    try:
        return _last_line(_log(name).read_text("utf-8", errors="replace")) or DIED
    except OSError:
        return DIED


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _epochs(work: Path) -> tuple[Path, ...]:
    return tuple(sorted(file.parent for file in work.glob("epochs/checkpoint-*/model.safetensors")))


def _event(line: str) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("kind"), str) else None
