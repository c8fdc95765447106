"""The scoring of a file: one process or several, a bar for all of them, then one file."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from viz.cli.terminal import check_limit, check_output, file_for
from viz.errors import SelectionError

if TYPE_CHECKING:
    from viz.faithfulness.score import ScoreConfig, ScoreRun

MOST_PROCESSES = 8
"""Started where nobody says how many: each holds the classifier in memory."""
PARENT = "CLSIGHT_PARENT"
"""The environment variable by which a process knows which one started it."""
ROWS_EACH = 4
"""Fewer rows than this are not worth a process of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of `score`, checked as far as can be without a checkpoint."""

    data: Path
    checkpoint: str | None
    limit: int | None
    config: "ScoreConfig"
    output: Path | None
    processes: int | None
    columns: tuple[str | None, str | None, str | None]
    """The columns of texts, second texts and true classes that were named."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        check_limit(self.limit)
        if self.processes is not None and self.processes < 1:
            raise SelectionError(f"--processes {self.processes} does nothing; give 1 or more.")
        check_output(self.output)

    def arguments(self) -> Iterator[str]:
        """What another process must be told, as it stands on a command line."""
        named = {
            "--data": self.data,
            "--checkpoint": self.checkpoint,
            "--limit": self.limit,
            "--methods": ",".join(self.config.methods),
            "--seed": self.config.seed,
            "--output": self.output,
            "--text-column": self.columns[0],
            "--pair-column": self.columns[1],
        }
        for name, value in named.items():
            if value is not None:
                yield f"{name}={value}"

    @property
    def target(self) -> Path:
        """The file to write.

        Raises:
            SelectionError: where the checkpoint has no folder that it could lie in.
        """
        from viz.faithfulness.record import FILE

        return file_for(self.checkpoint, self.output, FILE)


def score_all(asked: Asked) -> Path | None:
    """Score the rows of this process; the first process waits for all and writes the file.

    Returns:
        Where the file is; None in all processes but the first.

    Raises:
        SelectionError: where something can't be read or written, or another process failed.
    """
    rank, world = place(os.environ)
    target = asked.target
    run = _open(asked, target.with_suffix(".partial"))
    run.rank, run.world = rank, world
    if world > 1:
        _gather(run)
    else:
        run.world = _worth(asked, run)
    to_start = run.world if world == 1 else 1
    with _one_thread():
        if rank:
            for _ in run.run():
                _end_with_parent(os.environ)
            return None
        with _terminated_as_ended(), _others(asked, to_start) as others, _told(run):
            _watch(run, others)
    return _write(run, target)


def place(environment: Mapping[str, str]) -> tuple[int, int]:
    """The number of this process, and how many there are, as torchrun says.

    Raises:
        SelectionError: where the two make no sense.
    """
    given = environment.get("RANK", "0"), environment.get("WORLD_SIZE", "1")
    try:
        rank, world = map(int, given)
    except ValueError:
        rank, world = 0, 0
    if not 0 <= rank < world:
        raise SelectionError(
            f"RANK {given[0]!r} of WORLD_SIZE {given[1]!r} is no process; unset both, or start "
            "with torchrun."
        )
    return rank, world


def _open(asked: Asked, folder: Path) -> "ScoreRun":
    from viz.cli.terminal import load
    from viz.faithfulness.score import ScoreRun
    from viz.model.text_files import Columns, open_texts

    texts = open_texts(asked.data, Columns(*asked.columns), asked.limit)
    return ScoreRun(load(asked.checkpoint), texts, asked.config, folder)


def _worth(asked: Asked, run: "ScoreRun") -> int:
    """How many processes of this machine the rows that are left are worth."""
    if asked.processes is not None:
        return asked.processes
    if run.classifier.device.type != "cpu":
        return 1
    left = len(run.wanted) - run.done
    return max(1, min(_cores(), MOST_PROCESSES, left // ROWS_EACH))


def _cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _gather(run: "ScoreRun") -> None:
    """Wait until all processes of torchrun know what is left to do.

    One that came late might find the lines of all others merged and gone.
    """
    _ = run.known_before  # read now, kept for later
    if "MASTER_ADDR" not in os.environ:
        return
    from torch import distributed

    distributed.init_process_group("gloo", rank=run.rank, world_size=run.world)
    distributed.barrier()
    distributed.destroy_process_group()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute with one thread: how many there are moves the last bit of a logit.

    More processes with one thread each are faster than one process with more threads, too.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


Process = subprocess.Popen[bytes]


@contextmanager
def _others(asked: Asked, world: int) -> Iterator[list[Process]]:
    """The same command in as many processes, this one counted; ended where this one ends early."""
    import viz

    root = str(Path(viz.__file__).resolve().parent.parent)
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    own = {name: value for name, value in os.environ.items() if name != "MASTER_ADDR"}
    shared = {**own, "WORLD_SIZE": str(world), "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    shared[PARENT] = str(os.getpid())
    command = [sys.executable, "-m", "viz", "score", *asked.arguments()]
    others = [
        subprocess.Popen(command, env={**shared, "RANK": str(rank)}) for rank in range(1, world)
    ]
    try:
        yield others
    finally:
        for process in others:
            if process.poll() is None:
                process.terminate()
            process.wait()


def _watch(run: "ScoreRun", others: Sequence[Process]) -> None:
    """Score the rows of this process and wait for those of all others, with one bar for all."""
    from tqdm import tqdm

    n_rows, done = len(run.wanted), run.done
    if done:
        typer.echo(f"{done:,} of {n_rows:,} texts are scored already.", err=True)
    # A bar where somebody watches; none in a log file.
    with tqdm(total=n_rows, initial=done, unit="text", leave=False, disable=None) as bar:
        for known in run.run():
            bar.update(known - bar.n)
        for known in run.wait():
            bar.update(known - bar.n)
            _check_alive(others)


@contextmanager
def _terminated_as_ended() -> Iterator[None]:
    """Let SIGTERM end this process as any error does, so that it ends the others too."""

    def end(*_: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _told(run: "ScoreRun") -> Iterator[None]:
    """Say that nothing is lost where the run is stopped."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        typer.echo(
            f"Stopped; {run.done:,} of {len(run.wanted):,} texts are scored and kept: "
            "start the same command again, it goes on there.",
            err=True,
        )
        raise


def _end_with_parent(environment: Mapping[str, str]) -> None:
    """End a process whose first one was killed; what it has scored is kept."""
    parent = environment.get(PARENT)
    if parent is not None and parent != str(os.getppid()):
        raise SystemExit(1)


def _check_alive(others: Sequence[Process]) -> None:
    for process in others:
        if process.poll():
            raise SelectionError(
                f"One of the processes ended with code {process.returncode}; start the command "
                "again, it goes on where it was."
            )


def _write(run: "ScoreRun", target: Path) -> Path:
    from viz.export.atomic_files import write
    from viz.faithfulness.summary import summarize

    record = summarize(run.classifier, run.texts, run.config, run.lines())
    for reason, count in record.skipped.items():
        if count:
            were = "text was" if count == 1 else "texts were"
            typer.echo(f"{count:,} {were} skipped: {reason}.", err=True)
    for each in record.methods:
        if each.refused is not None:
            typer.echo(f"{each.method}: {each.refused}", err=True)
    write(target, record.to_json().encode())
    run.partial_results.remove()
    return target
