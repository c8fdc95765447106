"""What is wrong with data, as `clsight check` finds it, by a process that stays ready.

Such a process imports finetune once, which takes longer than most checks.  It is a process of its
own, so that data too large for memory ends the check and not the app.
"""

import atexit
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from finetune.checkpoint.run_files import CHECK_REPORT
from finetune.errors import RecordError
from finetune.run.json_files import Count, Items, Schema
from viz.errors import RunError, as_sentence
from viz.jobs.cancellation import check_cancelled
from viz.runs.finetune_command import require_arguments
from viz.runs.public import require_private

IDLE_SECONDS = 600.0
"""After which a process that checks nothing is ended: it takes half a gigabyte."""
UNCANCELED_SECONDS = 3.0
"""For which a check runs on that nobody waits for any more: a new process would take longer."""
POLL_SECONDS = 0.1

NAMED_ALIKE = "; each file needs texts and classes (or scores) in columns of the same names"
PAGE_WORDS = {
    ", or name a single one with --label-column": ", or choose a single one",
    "; name it with --text-column": NAMED_ALIKE,
    "; name it with --label-column": NAMED_ALIKE,
    "--text-column": "the column of texts",
    "--pair-column": "the column of second texts",
    "--label-column": "the column of labels",
    "--max-length": "the longest text",
}
"""What the page calls the options that the check's errors name, the longest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that the check has to say."""

    kind: str
    severity: Literal["stop", "warning", "note"]
    sentence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What the page shows of a check."""

    fatal: bool
    rows: Mapping[str, Count]
    """Rows that can be used, by split."""
    classes: Count
    """0 where rows have scores."""
    reads: Items[str]
    """What the columns are read as."""
    findings: Items[Finding]
    truncation_counted: bool


_REPORT: Schema[Report] = Schema(Report)


def check(options: Sequence[str]) -> Report:
    """The report of `clsight check`; a RunError with its sentence where it made none."""
    require_private("checking data")
    require_arguments(*options)
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / CHECK_REPORT
        try:
            error = _processes.check([*options, f"--json={file}"])
        except OSError as refusal:
            raise RunError(
                f"The data check can't be started: {refusal.strerror or refusal}; close other "
                "programs, and try again."
            ) from refusal
        if file.is_file():
            try:
                return _REPORT.read(file)
            except RecordError as damage:
                raise RunError(f"{as_sentence(damage)[:-1]}; check the data again.") from damage
    if not error:
        raise RunError("The data check ended without a message; try again.")
    raise RunError(without_options(f"{error[:1].upper()}{error[1:].rstrip('.')}."))


def prepare() -> None:
    """Start the process that a check will need, unless there is one."""
    with suppress(OSError):  # a check says so
        _processes.prepare()


def without_options(sentence: str) -> str:
    """A sentence of the command line in the words of the page."""
    for option, words in PAGE_WORDS.items():
        sentence = sentence.replace(option, words)
    return sentence


class CheckProcess:
    """A process that checks data, one set of options after another."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "viz.runs.check_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def check(self, options: Sequence[str]) -> str:
        """What is wrong where no report was written; empty where it ended without a message.

        Raises:
            BaseException: what ends the run of the page that waits; the process is to be ended.
        """
        answer: Future[str] = Future()
        threading.Thread(target=self._ask, args=(options, answer), daemon=True).start()
        seconds = UNCANCELED_SECONDS
        while True:
            try:
                line = answer.result(timeout=seconds)
            except TimeoutError:
                check_cancelled()
                seconds = POLL_SECONDS
            else:
                return str(json.loads(line)) if line else ""

    def _ask(self, options: Sequence[str], answer: Future[str]) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(options) + "\n")
            self._process.stdin.flush()
            answer.set_result(self._process.stdout.readline())
        except (OSError, ValueError):  # it has ended, or was ended meanwhile
            answer.set_result("")

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # options that it did not read
                    pipe.close()


class CheckProcesses:
    """Processes that check data: one more where all are busy, of which one is kept for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: CheckProcess | None = None
        self._timer: threading.Timer | None = None

    def check(self, options: Sequence[str]) -> str:
        """As `CheckProcess.check`, by a process that is idle or new."""
        process = self._take() or CheckProcess()
        try:
            error = process.check(options)
        except BaseException:
            process.end()
            raise
        self._keep(process)
        return error

    def prepare(self) -> None:
        """Start a process unless one is idle."""
        self._keep(self._take() or CheckProcess())

    def end_idle(self) -> None:
        """End the process that is idle."""
        process = self._take()
        if process is not None:
            process.end()

    def _take(self) -> CheckProcess | None:
        with self._lock:
            process, self._idle = self._idle, None
            if self._timer is not None:
                self._timer.cancel()
        if process is None or process.is_alive:
            return process
        process.end()
        return None

    def _keep(self, process: CheckProcess) -> None:
        with self._lock:
            if self._idle is None and process.is_alive:
                self._idle = process
                self._timer = threading.Timer(IDLE_SECONDS, self.end_idle)
                self._timer.daemon = True
                self._timer.start()
                return
        process.end()


_processes = CheckProcesses()
atexit.register(_processes.end_idle)
