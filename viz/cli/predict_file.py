"""A file predicted: by threads of this process, or with others of torchrun, into one file."""

import os
import shutil
import threading
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import typer

from viz.cli.processes import (
    local_rank,
    n_cores,
    process_group,
    process_rank,
    sigterm_as_exit,
    wait_for_all,
)
from viz.cli.terminal import check_output
from viz.cli.windows import AS_TRAINED, WindowOptions
from viz.errors import SelectionError, as_sentence

if TYPE_CHECKING:  # at run time they are imported where used, so that --help is quick
    from finetune.data.tables.stream import TableStream
    from viz.data.prediction.precision import PrecisionChoice
    from viz.data.prediction.run import PredictionRun, RowCounts
    from viz.model.classifier import Classifier

STANDARD = Path("-")
"""Standard input, or output."""
STARTS = {b"PAR1": "parquet", b"{": "jsonl", b"[": "jsonl"}
"""How standard input is written by what it begins with; by default CSV."""
Format = Literal["csv", "tsv", "jsonl", "parquet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictOptions:
    """The options of `predict`, checked as far as can be without reading anything."""

    data: Path
    output: Path
    checkpoint: str | None
    all_classes: bool
    columns: tuple[str | None, str | None]
    """The columns of texts and of second texts that were named."""
    precision: Literal["float32", "bfloat16"] | None
    """None to choose one."""
    stream_format: Format | None
    overwrite: bool
    windows: WindowOptions = AS_TRAINED

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.output != STANDARD:
            check_output(self.output)
        if self.stream_format is not None and STANDARD not in (self.data, self.output):
            raise SelectionError(
                "--format says how standard input and output are written; a file is written as its "
                "name ends."
            )


def predict_file(options: PredictOptions) -> Path | None:
    """Predict the rows of a file and write them with the columns that they have.

    Returns:
        Where they are; None where that is standard output, and in all processes of torchrun but the
        first.

    Raises:
        SelectionError: where something can't be read or written.
    """
    from viz.jobs.threads import single_thread

    rank, world = process_rank(os.environ)
    if world > 1 and STANDARD in (options.data, options.output):
        raise SelectionError(
            "Standard input and output can't be shared by several processes; name files, or start "
            "without torchrun."
        )
    with _opened(options) as source, _target(options, source) as target:
        run = _begun(options, source, target)
        with single_thread(), sigterm_as_exit(), _kept(options, run, rank, world):
            with process_group(rank, world) if world > 1 else nullcontext():
                _predict_rows(run, rank, world)
            counts = run.finish() if rank == 0 else None
        if counts is None:
            return None
        _print_end(run, counts)
        if options.output != STANDARD:
            return options.output
        _copy_to_stdout(target)
        return None


@contextmanager
def _opened(options: PredictOptions) -> "Iterator[TableStream]":
    """The rows of the file, or of standard input by way of a temporary file."""
    from finetune.data.tables.stream import open_spooled, open_stream
    from finetune.errors import DataError

    try:
        if options.data != STANDARD:
            with open_stream(options.data) as source:
                yield source
            return
        stdin = BufferedReader(typer.get_binary_stream("stdin"))  # type: ignore[type-var]
        try:
            start = stdin.peek(64).removeprefix(BOM_UTF8).lstrip()
            known = [STARTS[each] for each in STARTS if start.startswith(each)]
            kind = options.stream_format or (known or ["csv"])[0]
            with open_spooled(f"stdin.{kind}", stdin) as source:
                yield source
        finally:
            stdin.detach()
    except DataError as error:
        raise SelectionError(as_sentence(error)) from error


@contextmanager
def _target(options: PredictOptions, source: "TableStream") -> Iterator[Path]:
    """The file to write: for standard output a temporary one."""
    if options.output != STANDARD:
        yield options.output
        return
    suffix = f".{options.stream_format}" if options.stream_format else Path(source.name).suffix
    suffix = ".jsonl" if suffix.lower() == ".json" else suffix
    with TemporaryDirectory() as folder:
        yield Path(folder) / f"predictions{suffix}"


def _begun(options: PredictOptions, source: "TableStream", target: Path) -> "PredictionRun":
    """The run, once it is sure that nothing stands in its way; says what it reads."""
    from finetune.run.column_names import ColumnNames
    from viz.data.prediction.run import PredictionRun

    return PredictionRun(
        options.windows.of(_load(options.checkpoint)),
        source,
        target,
        columns=ColumnNames(*options.columns),
        precision=options.precision,
        all_classes=options.all_classes,
        overwrite=options.overwrite,
        single_texts=options.windows.requested,
    )


def _load(checkpoint: str | None) -> "Classifier":
    """The checkpoint, on a GPU of this process's own if there are some."""
    import torch

    from viz.model.classifier import Classifier, default_checkpoint

    device = None
    if torch.cuda.is_available():
        device = f"cuda:{local_rank(os.environ)[0] % torch.cuda.device_count()}"
    return Classifier.load(checkpoint or default_checkpoint(), device=device)


def _predict_rows(run: "PredictionRun", rank: int, world: int) -> None:
    """Predict the rows left to this process, with a bar where somebody watches."""
    from tqdm import tqdm

    choice = run.choose_precision() if rank == 0 else None
    wait_for_all(world)
    choice = choice or run.choose_precision()
    blocks = run.blocks_left()
    wait_for_all(world)  # else a quick process would have done some that a slow one deals out
    n_left = sum(map(len, blocks))
    if rank == 0:
        _print_begin(run, choice, n_left)
    blocks = blocks[rank::world]
    total, lock = sum(map(len, blocks)), threading.Lock()
    done = len(run.source) - n_left if world == 1 else 0
    disable = None if rank == 0 else True  # None: where nobody watches, as in a log file
    with tqdm(total=done + total, initial=done, unit="row", leave=False, disable=disable) as bar:

        def progress(rows: float) -> None:
            with lock:
                bar.update(int(rows))

        run.predict(blocks, choice, n_threads=_n_threads(run, world), progress=progress)


def _n_threads(run: "PredictionRun", world: int) -> int:
    """How many blocks this process reads at once: one for each core that it has to itself."""
    if run.classifier.device.type != "cpu":
        return 1
    return max(1, n_cores() // local_rank(os.environ)[1])


def _print_begin(run: "PredictionRun", choice: "PrecisionChoice", n_left: int) -> None:
    from viz.model.row_windows import reading_note

    n_rows = len(run.source)
    if run.pair_column is None:
        read = f"Column {run.text_column!r} is read"
    else:
        read = f"Columns {run.text_column!r} and {run.pair_column!r} are read"
    typer.echo(f"{read}, of {n_rows:,} {'row' if n_rows == 1 else 'rows'}.", err=True)
    for name, own in run.columns.renamed.items():
        typer.echo(f"There is a column {name!r} already; the new one is called {own!r}.", err=True)
    if note := reading_note(run.classifier, pairs=run.pair_column is not None):
        typer.echo(note, err=True)
    if choice.reason:
        typer.echo(f"Read in {choice.precision}: {choice.reason}", err=True)
    if n_left < n_rows:
        typer.echo(f"{n_rows - n_left:,} of {n_rows:,} rows are predicted already.", err=True)


def _print_end(run: "PredictionRun", counts: "RowCounts") -> None:
    from viz.model.row_windows import beyond_training_notes

    for note in beyond_training_notes(run.classifier, counts.beyond_training):
        typer.echo(note, err=True)
    count = counts.blank + counts.invisible
    if not count:
        return
    whys = [f"{counts.blank:,} blank"] if counts.blank else []
    if counts.invisible:
        whys.append(f"{counts.invisible:,} with nothing that the model sees")
    rows = "1 row has" if count == 1 else f"{count:,} rows have"
    typer.echo(f"{rows} no prediction: {', '.join(whys)}.", err=True)


@contextmanager
def _kept(options: PredictOptions, run: "PredictionRun", rank: int, world: int) -> Iterator[None]:
    """Say what is kept where the run is stopped; leave nothing where that is nothing."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        n_rows = len(run.source)
        done = n_rows - sum(map(len, run.blocks_left()))
        if not done and world == 1:
            run.discard_if_empty()
        elif rank == 0 and options.output != STANDARD:
            typer.echo(
                f"Stopped; {done:,} of {n_rows:,} rows are predicted and kept; run the same "
                "command again to continue.",
                err=True,
            )
        raise
    except BaseException:
        if world == 1:
            run.discard_if_empty()
        raise


def _copy_to_stdout(path: Path) -> None:
    stdout = typer.get_binary_stream("stdout")
    with path.open("rb") as file:
        shutil.copyfileobj(file, stdout)
    stdout.flush()
