"""The predictions of a file: read block by block, written in order, resumed after a kill.

A block is a stretch of rows of a fixed size.  It is read by one thread, its rows sorted by length
within it, so that which process or thread reads a block, and when, changes no number.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch

from finetune.data.tables.columns import find_texts
from finetune.data.tables.stream import TableStream
from finetune.data.tables.table import Table, written_texts
from finetune.data.writing.row_writer import RowWriter
from finetune.errors import DataError, OutputError, RecordError
from finetune.run.atomic_files import write_atomically
from finetune.run.column_names import ColumnNames
from finetune.run.json_files import Count, Schema
from viz.attribution.method import no_progress
from viz.data.prediction.columns import PredictionColumns
from viz.data.prediction.precision import (
    Precision,
    PrecisionChoice,
    choose_precision,
    predict_in,
    require,
)
from viz.data.rows.row_predictions import RowPredictions
from viz.errors import SelectionError, as_sentence
from viz.jobs.background import ProgressCallback
from viz.jobs.cancellation import CancelledError, cancellation_check
from viz.model.classifier import Classifier
from viz.model.row_windows import count_beyond_training, require_single_texts, settings_of_rows
from viz.model.settings_digest import settings_digest

FORMAT = 1
"""Of what is kept of an unfinished run; that of another one is not continued."""
CPU_BLOCK_ROWS, BLOCK_ROWS = 512, 4096
"""Rows of a block: on a CPU few, so that each core has one; elsewhere many, for large batches."""
SAMPLE_PLACES = 8
"""Places of the file from which the sample is drawn by which a precision is chosen."""
MIN_BLOCKS = 4
"""A file of fewer blocks is read in float32: to choose would cost more than it gains."""
PRECISION, COUNTS = "precision.json", "counts-{:012}.json"
"""Files beside the parts: what was chosen, and for a block what is to be said of how many rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """How many rows have something that is to be said once all are predicted."""

    blank: Count = 0
    """Rows without a text, or without a second text."""
    invisible: Count = 0
    """Rows of whose text the model sees nothing."""
    beyond_training: Count = 0
    """Rows of which more tokens are read at once than training read of any text."""

    def __add__(self, other: "RowCounts") -> "RowCounts":
        """Of two stretches of rows together."""
        return RowCounts(
            blank=self.blank + other.blank,
            invisible=self.invisible + other.invisible,
            beyond_training=self.beyond_training + other.beyond_training,
        )


_CHOICE: Schema[PrecisionChoice] = Schema(PrecisionChoice)
_COUNTS: Schema[RowCounts] = Schema(RowCounts)


class PredictionRun:
    """One file, one classifier and one output; several processes can share the work.

    Args:
        classifier: What predicts.
        source: The file.
        output: The file to write; how follows from how its name ends.
        columns: The columns of texts that are named; others are found by usual names.
        all_classes: Whether to write the probability of each class.
        overwrite: Whether a file that is there may be replaced.
        single_texts: Whether second texts are refused, as where windows were asked for.

    Raises:
        SelectionError: where the file has no such columns, or the output can't be written.
        MethodError: where heads are off.
    """

    def __init__(
        self,
        classifier: Classifier,
        source: TableStream,
        output: Path,
        *,
        columns: ColumnNames | None = None,
        precision: Precision | None = None,
        all_classes: bool = False,
        overwrite: bool = False,
        single_texts: bool = False,
    ) -> None:
        classifier.require_all_heads("A file of predictions")
        self.classifier, self.source, self._precision = classifier, source, precision
        on_cpu = classifier.device.type == "cpu"
        self.block_rows = CPU_BLOCK_ROWS if on_cpu else BLOCK_ROWS
        if precision is not None:
            require(precision, classifier.device)
        with _one_sentence():
            used = find_texts(source.head, source.name, columns)
            assert used.text is not None  # else it was refused
            self.text_column: str = used.text
            self.pair_column = used.pair
            for name in filter(None, (used.text, used.pair)):
                written_texts(source.head, name)  # refused now, not row by row
            if single_texts:
                require_single_texts(used.pair)
            windows = settings_of_rows(classifier, pairs=used.pair is not None)
            self.columns = PredictionColumns.beside(
                source.column_names,
                classifier,
                all_classes=all_classes,
                windows=windows is not None,
            )
            settings: dict[str, str | int | float | bool | None] = {
                "format": FORMAT,
                "checkpoint": classifier.fingerprint,
                "checkpoint settings": settings_digest(classifier),
                "temperature": classifier.temperature,
                "device": classifier.device.type,
                "precision": precision,
                "text": self.text_column,
                "pair": self.pair_column,
                "window": self.block_rows,
            }
            if windows is not None:
                settings |= {f"text window {key}": own for key, own in asdict(windows).items()}
            try:
                output.parent.mkdir(parents=True, exist_ok=True)
                self._writer = RowWriter(
                    output, source, self.columns.added, settings, overwrite=overwrite
                )
            except OSError as error:
                raise SelectionError(
                    f"{str(output)!r} can't be written: {_reason(error)}; give another output."
                ) from error

    def blocks_left(self) -> list[range]:
        """The rows of each block that has no predictions yet."""
        return self._writer.missing(self.block_rows)

    def choose_precision(self) -> PrecisionChoice:
        """The precision that was named or chosen; the first process chooses, the others follow.

        Raises:
            SelectionError: where the run was begun in one that this machine lacks.
        """
        path = self._writer.folder / PRECISION
        with _one_sentence():
            if path.is_file():
                choice = _CHOICE.read(path)
                require(choice.precision, self.classifier.device)
                return choice
            choice = self._chosen()
            write_atomically(path, json.dumps(asdict(choice)))
            return choice

    def predict(
        self,
        blocks: Sequence[range],
        choice: PrecisionChoice,
        *,
        n_threads: int = 1,
        progress: ProgressCallback = no_progress,
    ) -> None:
        """Predict the rows of blocks, each with one of some threads, and keep what comes of it.

        Args:
            blocks: Some of `blocks_left`.
            choice: In which numbers.
            n_threads: How many blocks are read at once.
            progress: Called with the rows read since the last call, by any thread.
        """
        if not blocks:
            return
        with _one_sentence(), _threads(n_threads) as submit:
            pending: deque[tuple[int, Table, Future[_Block]]] = deque()
            for start, table in self._tables({block.start for block in blocks}):
                texts = written_texts(table, self.text_column)
                pairs = None if self.pair_column is None else written_texts(table, self.pair_column)
                future = submit(partial(self._predict, choice, texts, pairs, progress))
                pending.append((start, table, future))
                if len(pending) > n_threads:  # one waits, so that no thread does
                    self._write(*pending.popleft())
            while pending:
                self._write(*pending.popleft())

    def discard_if_empty(self) -> None:
        """Leave nothing behind of a run that came to nothing."""
        if sum(map(len, self.blocks_left())) == len(self.source):
            self._writer.discard()

    def finish(self) -> RowCounts:
        """Put the file together once no block is left; one process does."""
        with _one_sentence():
            files = sorted(self._writer.folder.glob(COUNTS.format(0).replace("0" * 12, "*")))
            counts = sum(map(_COUNTS.read, files), start=RowCounts())
            self._writer.finish()
            return counts

    def _chosen(self) -> PrecisionChoice:
        if self._precision is not None:
            return PrecisionChoice(precision=self._precision)
        n_rows, size = len(self.source), self.block_rows // SAMPLE_PLACES
        if n_rows < MIN_BLOCKS * self.block_rows:
            return PrecisionChoice(precision="float32")
        texts: list[str] = []
        pairs: list[str] = []
        for place in range(SAMPLE_PLACES):
            table = next(self.source.batches(size, place * n_rows // SAMPLE_PLACES))
            texts += written_texts(table, self.text_column)
            pairs += [] if self.pair_column is None else written_texts(table, self.pair_column)
        return choose_precision(self.classifier, texts, pairs or None)

    def _tables(self, starts: set[int]) -> Iterator[tuple[int, Table]]:
        """The rows of blocks by where these begin."""
        start, last = min(starts), max(starts)
        for table in self.source.batches(self.block_rows, start):
            if start in starts:
                yield start, table
            start += len(table)
            if start > last:
                return

    def _predict(
        self,
        choice: PrecisionChoice,
        texts: Sequence[str],
        pairs: Sequence[str] | None,
        progress: ProgressCallback,
    ) -> "_Block":
        predictions = predict_in(choice, self.classifier, texts, pairs, progress=progress)
        progress(int((~predictions.read).sum()))
        return _Block(predictions, _count_rows(self.classifier, predictions, texts, pairs))

    def _write(self, start: int, table: Table, future: "Future[_Block]") -> None:
        block = future.result()
        if block.counts != RowCounts():  # before the rows, by which it is told that they are done
            path = self._writer.folder / COUNTS.format(start)
            write_atomically(path, json.dumps(asdict(block.counts)))
        self._writer.write(table, start, self.columns.values(block.predictions))


@dataclass(frozen=True, slots=True)
class _Block:
    predictions: RowPredictions
    counts: RowCounts


def _count_rows(
    classifier: Classifier,
    predictions: RowPredictions,
    texts: Sequence[str],
    pairs: Sequence[str] | None,
) -> RowCounts:
    unread = [row for row, read in enumerate(predictions.read) if not read]
    blank = sum(
        not texts[row].strip() or (pairs is not None and not pairs[row].strip()) for row in unread
    )
    return RowCounts(
        blank=blank,
        invisible=len(unread) - blank,
        beyond_training=count_beyond_training(classifier, predictions.n_tokens),
    )


@contextmanager
def _threads(count: int) -> "Iterator[Callable[[Callable[[], _Block]], Future[_Block]]]":
    """What calls a function in one of some threads, which end early where this one does."""
    stopped = threading.Event()

    def check() -> None:
        if stopped.is_set():
            raise CancelledError

    def call(function: Callable[[], _Block]) -> _Block:
        with cancellation_check(check):
            return function()

    # How many threads share a product moves the last bit of a logit.
    with ThreadPoolExecutor(count, "predict", lambda: torch.set_num_threads(1)) as pool:
        try:
            yield lambda function: pool.submit(call, function)
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _one_sentence() -> Iterator[None]:
    try:
        yield
    except (DataError, OutputError, RecordError) as error:
        raise SelectionError(as_sentence(error)) from error
    except OSError as error:
        raise SelectionError(
            f"The output can't be written: {_reason(error)}; what is predicted is kept: run the "
            "same command again once that is mended."
        ) from error


def _reason(error: OSError) -> str:
    return (error.strerror or "the system refuses").lower()
