"""A file of texts scored: by processes of this machine, or those of torchrun, then one record."""

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from viz.cli.terminal import check_limit, check_output, load_classifier, record_path
from viz.errors import SelectionError

if TYPE_CHECKING:  # at run time they are imported where used, so that --help is quick
    from viz.faithfulness.score import ScoreRun
    from viz.faithfulness.score_row import ScoreConfig

MAX_DEFAULT_PROCESSES = 8
"""Started where nobody says how many: each holds the classifier in memory."""
MIN_ROWS_EACH = 4
"""Fewer rows than this are not worth a process of their own."""
MAX_DAYS = 30
"""How long the processes of torchrun wait for one another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreOptions:
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


def score_file(options: ScoreOptions) -> Path | None:
    """Score the rows of a file and write the record.

    Returns:
        Where the record is; None in all processes of torchrun but the first.

    Raises:
        SelectionError: where something can't be read or written, or another process failed.
    """
    from viz.faithfulness.record import FILE
    from viz.faithfulness.score import ScoreRun
    from viz.model.text_files import Columns, open_texts

    rank, world = process_rank(os.environ)
    target = record_path(options.checkpoint, options.output, FILE)
    texts = open_texts(options.data, Columns(*options.columns), options.limit)
    classifier = load_classifier(options.checkpoint)
    run = ScoreRun(classifier, texts, options.config, target.with_suffix(".partial"))
    with _single_thread(), _sigterm_as_exit(), _kept_message(run, rank):
        if world > 1:
            with _process_group(rank, world):
                _score_rows(run, options, rank, world)
        else:
            _score_rows(run, options)
    return _write(run, target) if rank == 0 else None


def process_rank(environment: Mapping[str, str]) -> tuple[int, int]:
    """The number of this process, and how many there are, as torchrun says.

    Raises:
        SelectionError: where the two make no sense.
    """
    values = environment.get("RANK", "0"), environment.get("WORLD_SIZE", "1")
    try:
        rank, world = map(int, values)
    except ValueError:
        rank, world = 0, 0
    alone = world == 1 or "MASTER_ADDR" in environment
    if not (0 <= rank < world and alone):
        raise SelectionError(
            f"RANK {values[0]!r} of WORLD_SIZE {values[1]!r} is not a process of torchrun; unset "
            "both, or start with torchrun."
        )
    return rank, world


def _score_rows(run: "ScoreRun", options: ScoreOptions, rank: int = 0, world: int = 1) -> None:
    """Score the rows left to this process, with a bar where somebody watches."""
    from tqdm import tqdm

    left, n_texts = run.rows_left(), len(run.texts.rows)
    if len(left) < n_texts and rank == 0:
        typer.echo(f"{n_texts - len(left):,} of {n_texts:,} texts are scored already.", err=True)
    rows = [row for row in left if row.number % world == rank]
    n_processes = _n_processes(run, options, len(rows)) if world == 1 else 1
    numbers = run.score(rows, rank, n_processes, partial(load_classifier, options.checkpoint))
    disable = None if rank == 0 else True  # None: where nobody watches, as in a log file
    with closing(numbers), tqdm(total=len(rows), unit="text", leave=False, disable=disable) as bar:
        for _ in numbers:
            bar.update()


def _n_processes(run: "ScoreRun", options: ScoreOptions, n_rows: int) -> int:
    """How many processes of this machine the rows that are left are worth."""
    if options.processes is not None:
        return options.processes
    if run.classifier.device.type != "cpu":
        return 1
    return max(1, min(_n_cores(), MAX_DEFAULT_PROCESSES, n_rows // MIN_ROWS_EACH))


def _n_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _process_group(rank: int, world: int) -> Iterator[None]:
    """The processes of torchrun: all are there before one begins, and done before one goes on.

    Who came late would find the results of the others in the record already, and gone.
    """
    from torch import distributed

    limit = timedelta(days=MAX_DAYS)
    distributed.init_process_group("gloo", rank=rank, world_size=world, timeout=limit)
    try:
        yield
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


@contextmanager
def _single_thread() -> Iterator[None]:
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


@contextmanager
def _sigterm_as_exit() -> Iterator[None]:
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
def _kept_message(run: "ScoreRun", rank: int) -> Iterator[None]:
    """Say what is kept where the run is stopped."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        if rank == 0:
            typer.echo(
                f"Stopped; {len(run.results()):,} of {len(run.texts.rows):,} texts are scored and "
                "kept; run the same command again to continue.",
                err=True,
            )
        raise


def _write(run: "ScoreRun", target: Path) -> Path:
    from viz.export.atomic_files import write
    from viz.faithfulness.summary import summarize

    record = summarize(run.classifier, run.texts, run.config, run.results())
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
