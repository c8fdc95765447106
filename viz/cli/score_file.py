"""A file of texts scored: by processes of this machine, or those of torchrun, then one record."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from finetune.errors import quoted
from viz.cli.processes import (
    n_cores,
    process_group,
    process_rank,
    sigterm_as_exit,
)
from viz.cli.terminal import check_limit, check_output, load_classifier, record_path
from viz.cli.windows import AS_TRAINED, WindowOptions
from viz.errors import SelectionError

if TYPE_CHECKING:  # at run time they are imported where used, so that --help is quick
    from viz.faithfulness.score import ScoreRun
    from viz.faithfulness.score_row import ScoreConfig
    from viz.model.classifier import Classifier

MAX_DEFAULT_PROCESSES = 8
"""Started where nobody says how many: each holds the classifier in memory."""
MIN_ROWS_EACH = 4
"""Fewer rows than this are not worth a process of their own."""


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
    windows: WindowOptions = AS_TRAINED
    search: bool = False
    """Whether the best and the worst order of each text are searched for."""
    judge: str | None = None
    """The twin by which orders are measured too."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        check_limit(self.limit)
        if self.processes is not None and self.processes < 1:
            raise SelectionError(f"--processes {self.processes} does nothing; give 1 or more.")
        check_output(self.output, [self.data])


def score_file(options: ScoreOptions) -> Path | None:
    """Score the rows of a file and write the record.

    Returns:
        Where the record is; None in all processes of torchrun but the first.

    Raises:
        SelectionError: where something can't be read or written, or another process failed.
    """
    from viz.faithfulness.judge import Judge
    from viz.faithfulness.judge_scores import masking_note
    from viz.faithfulness.limits import FOLDER, LimitSearch
    from viz.faithfulness.record import FILE
    from viz.faithfulness.score import ScoreRun
    from viz.jobs.threads import single_thread
    from viz.model.row_windows import reading_note, require_single_texts
    from viz.model.text_files import Columns, open_texts

    rank, world = process_rank(os.environ)
    target = record_path(options.checkpoint, options.output, FILE)
    texts = open_texts(options.data, Columns(*options.columns), options.limit)
    classifier = _load(options)
    pairs = texts.columns.pair is not None
    if options.windows.requested:
        require_single_texts(texts.columns.pair)
    if rank == 0 and (note := reading_note(classifier, pairs=pairs)):
        typer.echo(note, err=True)
    limits = LimitSearch(target.parent / FOLDER) if options.search else None
    config = replace(options.config, limits=limits)
    judge = None if options.judge is None else Judge(classifier, load_classifier(options.judge))
    if rank == 0 and judge is not None and (note := masking_note(judge.masking)):
        typer.echo(f"{quoted(judge.twin.name)} is asked as a judge. {note}", err=True)
    run = ScoreRun(classifier, texts, config, target.with_suffix(".partial"), judge)
    with single_thread(), sigterm_as_exit(), _kept_message(run, rank):
        if world > 1:
            with process_group(rank, world):
                _score_rows(run, options, rank, world)
        else:
            _score_rows(run, options)
    return _write(run, target) if rank == 0 else None


def _load(options: ScoreOptions) -> "Classifier":
    """The classifier, as it is to read texts that are too long."""
    return options.windows.of(load_classifier(options.checkpoint))


def _score_rows(run: "ScoreRun", options: ScoreOptions, rank: int = 0, world: int = 1) -> None:
    """Score the rows left to this process, with a bar where somebody watches."""
    from tqdm import tqdm

    left, n_texts = run.rows_left(), len(run.texts.rows)
    if len(left) < n_texts and rank == 0:
        typer.echo(f"{n_texts - len(left):,} of {n_texts:,} texts are scored already.", err=True)
    rows = [row for row in left if row.number % world == rank]
    n_processes = _n_processes(run, options, len(rows)) if world == 1 else 1
    load_twin = partial(load_classifier, options.judge)
    numbers = run.score(rows, rank, n_processes, partial(_load, options), load_twin)
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
    return max(1, min(n_cores(), MAX_DEFAULT_PROCESSES, n_rows // MIN_ROWS_EACH))


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
    from viz.faithfulness.record import content_of
    from viz.faithfulness.summary import summarize

    record = summarize(run.classifier, run.texts, run.config, run.results(), run.judge)
    for reason, count in record.skipped.items():
        if count:
            were = "text was" if count == 1 else "texts were"
            typer.echo(f"{count:,} {were} skipped: {reason}.", err=True)
    if record.caution:
        typer.echo(record.caution, err=True)
    if record.documents is not None and record.documents.n_by_sentence:
        typer.echo(
            f"Of {record.documents.n_by_sentence:,} long texts sentences were hidden, not words.",
            err=True,
        )
    if record.judge is not None:
        typer.echo(record.judge.sentence, err=True)
        if record.judge.no_accuracy is not None:
            typer.echo(record.judge.no_accuracy, err=True)
    elif run.judge is not None:
        typer.echo("No text was judged by the twin: all are read in windows.", err=True)
    if record.planted is not None:
        typer.echo(record.planted.sentence, err=True)
    if record.metric_test is not None:
        typer.echo(record.metric_test.sentence, err=True)
    for each in record.methods:
        if each.refused is not None:
            typer.echo(f"{each.method}: {each.refused}", err=True)
    write(target, content_of(record))
    run.partial_results.remove({row.number for row in run.texts.rows})
    return target
