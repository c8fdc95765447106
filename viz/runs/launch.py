"""Starts, resumes and stops runs of `python -m finetune`: processes that outlive the app."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import IO

from filelock import lock_descriptor
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from finetune.checkpoint.hub import hub_answers
from finetune.data.tables.messages import shown
from viz.errors import RunError
from viz.model.text_files import Columns
from viz.runs.files import (
    NAME,
    finished_place,
    is_held,
    is_name,
    log_file,
    names,
    note,
    noted,
)
from viz.runs.public import require_private
from viz.runs.state import Run, began, open_run

BASE = "bert-base-uncased"
"""The base model of a first run."""
LONGEST_WORD = 10_000
"""Bytes of a word on a command line that is started; systems allow some 100,000."""
_children: list[subprocess.Popen[bytes]] = []
"""Processes started here; Python warns of one that is dropped while it runs."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the page asks of a run; all else keeps finetune's defaults."""

    name: str
    data: str
    base: str
    validation: str | None = None
    columns: Columns = field(default_factory=Columns)
    """The columns that are named; finetune finds the others."""
    epochs: int = 3
    learning_rate: float | None = None
    max_length: int | None = None
    seeds: int = 1

    def options(self) -> list[str]:
        """The options of `python -m finetune train`, but for `--output`."""
        given = {
            "model": self.base,
            "epochs": self.epochs,
            "learning-rate": self.learning_rate,
            "max-length": self.max_length,
            "seeds": self.seeds,
        }
        return _options(self._data() | given)

    def check_options(self) -> list[str]:
        """The options of `python -m finetune check`, only those that bear on what it finds.

        Tokens are counted where the base is a folder here: nothing is loaded for a check.
        """
        here = bool(self.base) and _is_folder(self.base)
        counting = {"model": self.base, "max-length": self.max_length} if here else {}
        return _options(self._data() | counting)

    def _data(self) -> dict[str, object]:
        return {
            "data": self.data,
            "validation": self.validation,
            "text-column": self.columns.text,
            "pair-column": self.columns.pair,
            "label-column": self.columns.label,
        }


def start(plan: Plan) -> None:
    """Start a run in the background; a RunError where its name or its base can't be used."""
    require_private("training")
    if not NAME.fullmatch(plan.name):
        raise RunError(
            f"{plan.name!r} can't name a run; use up to 60 letters, digits, - and _, a letter or "
            "digit first"
        )
    if _is_taken(plan.name):
        raise RunError(f"the name {plan.name!r} is taken; choose another name")
    _require_base(plan.base)
    words = ["train", *plan.options(), f"--output={finished_place(plan.name)}"]
    _launch(plan.name, words, data=Path(plan.data).name, base=plan.base)


def resume(name: str) -> None:
    """Go on with a run that stopped or failed; a RunError where it can't."""
    require_private("training")
    run = open_run(name)
    if not run.resumable:
        raise RunError(f"the run {name!r} is {run.state} and can't be resumed; start a new one")
    if run.processes > 1:
        raise RunError(
            f"the run {name!r} was begun by {run.processes} processes, and this page starts one; "
            f"go on with it in a terminal by {terminal_command(run)}"
        )
    _launch(name, ["resume", str(finished_place(name))], data=run.data, base=noted(name).base)


def stop(name: str) -> None:
    """Ask a run of the app to stop, as Ctrl-C does; one that is over is left alone."""
    require_private("stopping a run")
    if is_held(log_file(name)):
        known = noted(name)
        # Between its lock and its start a process has no number yet.
        if known.pid:
            with suppress(OSError):  # on a full disk it is stopped all the same
                note(name, **known.facts() | {"asked_to_stop": _now()})
            _interrupt(known.pid)


def _interrupt(process: int) -> None:
    """Do as Ctrl-C does, to a process that was started here and to those that it started."""
    with suppress(ProcessLookupError):
        if sys.platform == "win32":
            os.kill(process, signal.CTRL_BREAK_EVENT)
        else:
            os.killpg(process, signal.SIGINT)


def terminal_command(run: Run) -> str:
    """The command that goes on with a run by as many processes as began it."""
    python = "python" if run.processes == 1 else f"torchrun --nproc-per-node {run.processes}"
    return f"{python} -m finetune resume {shlex.quote(str(finished_place(run.name)))}"


def free_name(stem: str) -> str:
    """A name like *stem* that a new run can have."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")[:50] or "run"
    numbered = (plain if number == 1 else f"{plain}-{number}" for number in count(1))
    return next(name for name in numbered if not _is_taken(name))


def last_base() -> str:
    """The base model that the app was last given."""
    bases = [(began(name), base) for name in names() if (base := noted(name).base)]
    return str(max(bases)[1]) if bases else BASE


def command(words: list[str]) -> list[str]:
    """The command line of finetune with *words*; a RunError where one can't stand on it."""
    for word in words:
        if not is_word(word):
            raise RunError(
                f"{shown(word)} can't be handed to a run: it is too long, or has a character that"
                " no command can have; give another"
            )
    return [sys.executable, "-m", "finetune", *words]


def is_word(text: str) -> bool:
    """Whether *text* can stand on a command line."""
    try:
        return "\0" not in text and len(text.encode()) <= LONGEST_WORD
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def _options(values: Mapping[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in values.items() if value is not None]


def _is_folder(path: str) -> bool:
    # Path's own methods raise on an unknown user or a name too long, which may be typed here.
    return is_word(path) and os.path.isdir(os.path.expanduser(path))  # noqa: PTH111, PTH112


def _require_base(base: str) -> None:
    """Refuse a base model that can't be there, before a process is started for it."""
    if not base:
        raise RunError(f"name a base model: a folder, or an id on the Hub such as {BASE}")
    if _is_folder(base) or _is_cached(base):
        return
    if not is_word(base) or not _may_be_hub_name(base):
        raise RunError(
            f"{shown(base)} is not a folder here, and not an id that a model on the Hub can have; "
            "give another base model"
        )
    if hub_answers():
        return
    raise RunError(
        f"{base!r} is no folder here, and the Hugging Face Hub can't be reached; give the folder "
        "of a base model, or connect to the network"
    )


def _may_be_hub_name(base: str) -> bool:
    try:
        validate_repo_id(base)
    except HFValidationError:
        return False
    return True


def _is_cached(base: str) -> bool:
    try:
        return isinstance(try_to_load_from_cache(base, "config.json"), str)
    except (HFValidationError, ValueError, OSError):
        return False


def _launch(name: str, words: list[str], **facts: str | None) -> None:
    log = log_file(name)
    heard = open_run(name).history.text("time")
    facts |= {"heard": heard}
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with _opened(log) as output:
            _lock(output, name)
            output.truncate(0)
            moment = time.time()
            # The number of the process before must not be taken for that of this one.
            note(name, began=moment, **facts)
            process = subprocess.Popen(
                command(words),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            _children[:] = [process, *(child for child in _children if child.poll() is None)]
            try:
                note(name, pid=process.pid, began=moment, **facts)
            except OSError:
                process.kill()  # nobody could stop it later
                raise
    except OSError as error:
        raise RunError(
            f"the run {name!r} can't be started: {error.strerror or error}; make room on the disk, "
            "and see that the folder of runs can be written to"
        ) from error


def _opened(log: Path) -> IO[str]:
    """The log, to be written to; never what a link of its name leads to."""
    if log.is_symlink() or (log.exists() and not log.is_file()):
        raise RunError(f"{str(log)!r} is a link or a folder; delete it by hand")
    return log.open("a")


def _now() -> str:
    """The time as events tell it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _lock(output: IO[str], name: str) -> None:
    """Hold the log for the process that is handed it: the lock lasts until all have closed it."""
    if not lock_descriptor(output.fileno(), blocking=False):
        raise RunError(f"the run {name!r} goes on already; wait for it, or stop it")


def _is_taken(name: str) -> bool:
    """Whether a new run of that name would meet another; one that left nothing is no other."""
    # A link that leads nowhere has the name too, and would lead the result elsewhere.
    if not is_name(name) or os.path.lexists(finished_place(name)):
        return True
    run = open_run(name)
    return run.state == "running" or run.resumable
