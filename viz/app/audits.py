"""Audits of the Data page: each made once, in the background, and looked at while it goes on."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from finetune.run.measurements import Metrics
from viz.app import background, checkpoints, visitors
from viz.app.cache import LRUCache
from viz.data.audit.parts import PASSES_PER_CELL
from viz.data.audit.run import Audit, AuditRun
from viz.data.checkpoint_comparison import CheckpointComparison, compare_checkpoints
from viz.data.counterfactuals.counterfactuals import RowCounterfactuals, find_counterfactuals
from viz.data.labels.corrections import Correction, corrected_rows, is_corrected_version
from viz.data.labels.training_rows import training_split
from viz.data.missing import Missing
from viz.data.options import AuditOptions
from viz.data.reasons.cell_reasons import CellReasons, explain_cell
from viz.data.rows.audit_rows import AuditRows, open_rows
from viz.data.rows.row_predictions import predict
from viz.jobs.background import BackgroundJob, ProgressCallback
from viz.mechanism.ablation.curve import check_countable
from viz.mechanism.ablation.measurement import FileCurve, expected_passes, file_curve
from viz.model.classifier import Classifier
from viz.model.run_record import run_record
from viz.model.text_files import Columns
from viz.model.windows import window_settings
from viz.runs import uploads
from viz.runs.audit_folders import audit_folder

Part = TypeVar("Part")

KIND, CELL, COUNTERFACTUALS = "audit", "audit-cell", "audit-counterfactuals"
COMPARISON, HEAD_CURVE = "audit-comparison", "audit-heads"
"""Kinds of results: a session waits for one of each at a time."""
OPTIONS = AuditOptions(n_counterfactuals=0)
"""Those of the page: what flips a row is searched when a reader asks."""
PASSES_PER_SEARCH = 1_450
"""Forward passes that a search for the edits that flip a row takes, about."""
MAX_CACHED_BYTES = 1e9
"""Of finished audits, which lie in files too."""
ROWS_PER_SECOND = 60
"""Read on two slow cores, by a small model."""
N_ORDERED, N_COUNTED, N_RANDOM = 32, 200, 3
"""Rows that heads are ordered on, rows that are counted, and random orders of a page's curve."""
TO_COME = Missing(missing="The reasons come once all rows are read.")


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What is audited: plain values, by which the result is cached."""

    source: str
    """The checkpoint."""
    data: Path
    columns: Columns
    reference: Path | None
    versions: tuple[tuple[float, int], ...]
    """When each file was last written, in seconds since 1970, and its size."""
    windows: bool | None = None
    """Whether rows that are too long are read in windows; None as the checkpoint says."""

    @classmethod
    def of(
        cls,
        source: str,
        data: Path,
        columns: Columns,
        reference: Path | None,
        windows: bool | None = None,
    ) -> "AuditRequest":
        """The request for files as they are now."""
        files = [data] if reference is None else [data, reference]
        versions = tuple(_version(file) for file in files)
        return cls(source, data, columns, reference, versions, windows)

    def reader(self, source: str | None = None) -> Classifier:
        """The classifier, as it is to read rows that are too long.

        Args:
            source: Another checkpoint than that which is audited.
        """
        classifier = checkpoints.classifier(source or self.source)
        if self.windows is None:
            return classifier
        settings = window_settings(classifier.encoder) if self.windows else None
        return classifier.with_windows(settings)

    def key(self, kind: str, *more: Hashable) -> Hashable:
        """What a result is cached by: another key once the checkpoint or a file is written again.

        Args:
            kind: Of the result.
            more: What tells it from others of its kind.
        """
        return (kind, checkpoints.identity(self.source), self, *more)


@dataclass(frozen=True, slots=True)
class Compared:
    """Another checkpoint on the rows of an audit."""

    result: CheckpointComparison | Missing
    notes: tuple[str, ...]
    """What is to be known before believing it."""


def audit(request: AuditRequest) -> Audit | None:
    """The audit; None where it isn't there yet."""
    return cast("Audit | None", _audits.get(request.key(KIND)))


def job(request: AuditRequest) -> BackgroundJob[Audit]:
    """The audit, being made in the background; what was made of it before is read from its files.

    Raises:
        CheckpointError: where the checkpoint can't be loaded.
    """
    key = request.key(KIND)
    return background.submit(key, lambda: _run(request, key), 1.0, cache=_audits)


def snapshot(request: AuditRequest) -> Audit | None:
    """What is known so far; None before the rows are there."""
    run = cast("AuditRun | None", _runs.get(request.key(KIND)))
    return None if run is None else run.latest


def cell_reasons(
    request: AuditRequest, audit: Audit, gold: int, predicted: int
) -> CellReasons | Missing | BackgroundJob[CellReasons | Missing]:
    """The reasons of a cell, or the job that finds them where the record doesn't have them.

    While rows are read, that is a sentence: the cell is not yet what it will be.
    """
    labels, record = audit.record.labels, audit.record
    if not isinstance(record.cells, Missing):
        for reasons in record.cells:
            if (reasons.gold, reasons.predicted) == (labels[gold], labels[predicted]):
                return reasons

    if audit.near_copies is None:
        return TO_COME

    def explain(classifier: Classifier, progress: ProgressCallback) -> CellReasons | Missing:
        rows, predictions = audit.rows, audit.predictions
        return explain_cell(
            classifier, rows, predictions, gold, predicted, record.options, progress
        )

    return _part(request, request.key(CELL, gold, predicted), explain, PASSES_PER_CELL)


def counterfactuals(
    request: AuditRequest, audit: Audit, row: int, *, start: bool
) -> RowCounterfactuals | Missing | BackgroundJob[RowCounterfactuals | Missing] | None:
    """What flips a row, or the job that finds it; None where neither is there and none is started.

    Args:
        request: What is audited.
        audit: Its result.
        row: The row, counted from 0.
        start: Whether to search where nobody has.
    """
    known = audit.record.counterfactuals
    if not isinstance(known, Missing):
        for one in known:
            if one.row == row:
                return one

    def find(classifier: Classifier, progress: ProgressCallback) -> RowCounterfactuals | Missing:
        return find_counterfactuals(classifier, audit.rows, audit.predictions, row, progress)

    key = request.key(COUNTERFACTUALS, row)
    if not start and background.results().get(key) is None:
        return None
    return _part(request, key, find, PASSES_PER_SEARCH)


def has_head_curve(audit: Audit) -> bool:
    """Whether right rows can be counted as heads go: all are read, and have one class each."""
    gold = audit.rows.gold
    return (
        audit.near_copies is not None
        and isinstance(audit.record.measures, Metrics)
        and gold is not None
        and gold.ndim == 1
    )


def head_curve(
    request: AuditRequest, audit: Audit, *, start: bool
) -> FileCurve | BackgroundJob[FileCurve] | None:
    """How accuracy falls as heads go, or the job that counts; None where none is started.

    Args:
        request: What is audited.
        audit: Its result.
        start: Whether to count where nobody has.

    Raises:
        MethodError: where heads of this architecture can't be switched off.
    """
    rows = audit.rows

    def count(classifier: Classifier, progress: ProgressCallback) -> FileCurve:
        return file_curve(
            classifier,
            rows.texts,
            rows.pairs,
            rows.gold,
            n_ordered=N_ORDERED,
            n_counted=N_COUNTED,
            n_random=N_RANDOM,
            progress=progress,
        )

    key = request.key(HEAD_CURVE)
    if not start and background.results().get(key) is None:
        return None
    check_countable(checkpoints.classifier(request.source))
    return _part(request, key, count, _curve_passes(request, audit))


def head_curve_seconds(request: AuditRequest, audit: Audit) -> float:
    """About how long counting takes, before there is a pace."""
    return _curve_passes(request, audit) / ROWS_PER_SECOND


def _curve_passes(request: AuditRequest, audit: Audit) -> int:
    classifier = checkpoints.classifier(request.source)
    return expected_passes(
        classifier,
        len(audit.rows),
        n_ordered=N_ORDERED,
        n_counted=N_COUNTED,
        n_random=N_RANDOM,
    )


def comparison(
    request: AuditRequest, audit: Audit, other: str, corrections: tuple[Correction, ...]
) -> Compared | BackgroundJob[Compared]:
    """How another checkpoint does on the same rows, or the job that finds it.

    Args:
        request: What is audited.
        audit: Its result.
        other: The other checkpoint.
        corrections: What the reader says of the labels.
    """
    key = request.key(COMPARISON, checkpoints.identity(other), corrections)
    known = cast("Compared | None", background.results().get(key))
    if known is not None:
        return known
    classifier = request.reader(other)
    rows = corrected_rows(audit.rows, corrections, audit.record.labels)

    def compare(progress: ProgressCallback) -> Compared:
        after = predict(classifier, rows.texts, rows.pairs, progress=progress)
        result = compare_checkpoints(rows, audit.predictions, after, audit.classifier, classifier)
        return Compared(result, tuple(_training_notes(classifier, audit.rows)))

    return background.submit(key, lambda: compare, float(len(rows)))


def _training_notes(classifier: Classifier, rows: AuditRows) -> Iterator[str]:
    """Whether a checkpoint saw the rows in training, so that it does better on them."""
    record = run_record(classifier)
    split = training_split(record, rows)
    data = [] if record is None else record.settings.get("data")
    names = [str(name) for name in (data if isinstance(data, list) else [data])]
    corrected = [name for name in names if is_corrected_version(name, rows.name)]
    if split.trained:
        yield split.reason
    elif corrected:
        yield (
            f"The other checkpoint was trained on {corrected[0]!r}, so it saw most of these rows "
            "and does better on them than on new ones; judge it by rows it didn't see."
        )


def reading_seconds(audit: Audit) -> float:
    """About how long it takes to read the rows of an audit again, before there is a pace."""
    return len(audit.rows) / ROWS_PER_SECOND


def release_memory() -> None:
    """Let go of all audits; their files stay."""
    _audits.clear()
    _runs.clear()


def _part(
    request: AuditRequest,
    key: Hashable,
    compute: Callable[[Classifier, ProgressCallback], Part],
    expected: float,
) -> Part | BackgroundJob[Part]:
    """A part that is computed on request, or the job that does so."""
    result = cast("Part | None", background.results().get(key))
    if result is not None:
        return result
    classifier = request.reader()
    return background.submit(
        key, lambda: lambda progress: compute(classifier, progress), float(max(expected, 1))
    )


def _run(request: AuditRequest, key: Hashable) -> Callable[[ProgressCallback], Audit]:
    classifier = request.reader()

    def compute(progress: ProgressCallback) -> Audit:
        rows = open_rows(request.data, classifier, request.columns)
        reference = _reference(request, classifier)
        others = [] if reference is None else [reference.fingerprint]
        if request.windows is not None:
            others.append(f"windows: {request.windows}")
        folder = audit_folder(classifier.fingerprint, rows.fingerprint, *others)
        run = AuditRun(classifier, rows, OPTIONS, reference=reference, folder=folder)
        _runs.add(key, run)
        expected = max(run.expected_passes, 1)
        # Kept before the run goes, so that there is always something to look at.
        audit = _audits.add(key, run.run(lambda passes: progress(passes / expected)))
        _runs.remove(key)
        return audit

    return compute


def _reference(request: AuditRequest, classifier: Classifier) -> AuditRows | None:
    """The rows to compare with: of the same columns where the file has them."""
    file, columns = request.reference, request.columns
    if file is None:
        return None
    names = uploads.column_names(uploads.head(file))
    wanted = (columns.text, columns.pair, columns.label)
    return open_rows(
        file, classifier, Columns(*(name if name in names else None for name in wanted))
    )


def _version(file: Path) -> tuple[float, int]:
    """By what a file is known to be the same; zeros for one that is gone."""
    if not file.is_file():
        return 0.0, 0
    status = file.stat()
    return status.st_mtime, status.st_size


def _n_bytes(result: object) -> float:
    """What an audit takes in memory, about."""
    if not isinstance(result, Audit):
        return 0
    states = result.predictions.states
    letters = sum(map(len, result.rows.texts)) * (1 + len(result.rows.table))
    return result.predictions.logits.nbytes + (0 if states is None else states.nbytes) + letters


_audits = LRUCache(MAX_CACHED_BYTES, _n_bytes)
_runs = LRUCache(4)
"""Runs that are going on, or were stopped: what is known of them can be looked at."""
visitors.release_when_all_left(release_memory)
