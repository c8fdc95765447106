"""Starts, resumes and stops runs of `clsight train`: processes that outlive the app."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import IO

from filelock import lock_descriptor

from finetune.run.config_sections import LoopConfig, OutputConfig
from finetune.run.event_schema import event_time
from finetune.run.resume_command import resume_command
from viz.errors import RunError
from viz.model.text_files import Columns
from viz.runs.base_model import is_folder, require_base_model
from viz.runs.files import (
    NAME,
    finished_folder,
    is_locked,
    is_run_name,
    launch_record,
    log_file,
    write_launch_record,
)
from viz.runs.finetune_command import clsight_command
from viz.runs.public import require_private
from viz.runs.state import Run, open_run

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
    epochs: int = LoopConfig.epochs
    learning_rate: float | None = None
    max_length: int | None = None
    seeds: int = LoopConfig.seeds
    keep_epochs: bool = OutputConfig.keep_epochs
    ranking: bool = OutputConfig.ranking

    def options(self) -> list[str]:
        """The options of `clsight train`, but for `--output`."""
        given = {
            "model": self.base,
            "epochs": self.epochs,
            "learning-rate": self.learning_rate,
            "max-length": self.max_length,
            "seeds": self.seeds,
        }
        switches = ["--keep-epochs"] * self.keep_epochs + ["--no-ranking"] * (not self.ranking)
        return _options(self._data() | given) + switches

    def check_options(self) -> list[str]:
        """The options of `clsight check`, only those that bear on what it finds.

        Tokens are counted where the base is a folder here: nothing is loaded for a check.
        """
        here = bool(self.base) and is_folder(self.base)
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
            "digit first."
        )
    if _is_taken(plan.name):
        raise RunError(f"The name {plan.name!r} is taken; choose another name.")
    require_base_model(plan.base)
    words = ["train", *plan.options(), f"--output={finished_folder(plan.name)}"]
    _launch(plan.name, words, data=Path(plan.data).name, base=plan.base)


def resume(name: str) -> None:
    """Resume a run that stopped or failed; a RunError where it can't be resumed."""
    require_private("training")
    run = open_run(name)
    if not run.resumable:
        raise RunError(f"The run {name!r} is {run.state} and can't be resumed; start a new one.")
    if run.n_processes > 1:
        raise RunError(
            f"The run {name!r} was started by {run.n_processes} processes, and this page starts "
            f"one; resume it in a terminal with {terminal_command(run)}."
        )
    _launch(
        name, ["resume", str(finished_folder(name))], data=run.data, base=launch_record(name).base
    )


def stop(name: str) -> None:
    """Ask a run of the app to stop, as Ctrl-C does; one that is over is left alone."""
    require_private("stopping a run")
    if is_locked(log_file(name)):
        known = launch_record(name)
        # Between its lock and its start a process has no id yet.
        if known.pid:
            with suppress(OSError):  # on a full disk it is stopped all the same
                write_launch_record(name, **known.entries() | {"stop_requested_at": event_time()})
            _interrupt(known.pid)


def _interrupt(process: int) -> None:
    """Do what Ctrl-C does, to a process that was started here and to those that it started."""
    with suppress(ProcessLookupError):
        if sys.platform == "win32":
            os.kill(process, signal.CTRL_BREAK_EVENT)
        else:
            os.killpg(process, signal.SIGINT)


def terminal_command(run: Run) -> str:
    """The command that resumes a run with as many processes as started it."""
    return resume_command(finished_folder(run.name), run.n_processes)


def free_name(stem: str) -> str:
    """A name like *stem* that a new run can have."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")[:50] or "run"
    numbered = (plain if number == 1 else f"{plain}-{number}" for number in count(1))
    return next(name for name in numbered if not _is_taken(name))


def _options(values: Mapping[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in values.items() if value is not None]


def _launch(name: str, words: list[str], **entries: str | None) -> None:
    log = log_file(name)
    entries |= {"last_event_time": open_run(name).history.of_last_event("time")}
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with _open_log(log) as output:
            _lock(output, name)
            output.truncate(0)
            moment = time.time()
            # Before the start: the process id of an earlier run must not be taken for this one's.
            write_launch_record(name, started_at=moment, **entries)
            process = subprocess.Popen(
                clsight_command(*words),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            _children[:] = [process, *(child for child in _children if child.poll() is None)]
            try:
                write_launch_record(name, pid=process.pid, started_at=moment, **entries)
            except OSError:
                process.kill()  # nobody could stop it later
                raise
    except OSError as error:
        raise RunError(
            f"The run {name!r} can't be started: {error.strerror or error}; free up disk space, "
            "and check that the folder of runs is writable."
        ) from error


def _open_log(log: Path) -> IO[str]:
    """The log, opened for writing; never what a link of its name leads to."""
    if log.is_symlink() or (log.exists() and not log.is_file()):
        raise RunError(f"{str(log)!r} is a link or a folder; delete it by hand.")
    return log.open("a")


def _lock(output: IO[str], name: str) -> None:
    """Lock the log for the process that inherits it: the lock lasts until all have closed it."""
    if not lock_descriptor(output.fileno(), blocking=False):
        raise RunError(f"The run {name!r} is already running; wait for it, or stop it.")


def _is_taken(name: str) -> bool:
    """Whether a new run of that name would meet another; one that left nothing is no other."""
    # A link that leads nowhere has the name too, and would lead the result elsewhere.
    if not is_run_name(name) or os.path.lexists(finished_folder(name)):
        return True
    run = open_run(name)
    return run.state == "running" or run.resumable
