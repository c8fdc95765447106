"""An audit: all that is found out about a file and a classifier, part by part."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd

from finetune.checkpoint.arrays import IntArray
from viz.attribution.method import no_progress
from viz.data.audit.cache import AuditCache
from viz.data.audit.measures import measure_rows
from viz.data.audit.parts import NO_REFERENCE, PARTS
from viz.data.audit.record import AuditRecord
from viz.data.counterfactuals.counterfactuals import RowCounterfactuals, find_counterfactuals
from viz.data.counterfactuals.replacements import data_vocabulary
from viz.data.missing import Missing
from viz.data.options import AuditOptions, check_options
from viz.data.reasons.cell_reasons import CellReasons, explain_cell
from viz.data.rows.audit_rows import AuditRows, rows_from
from viz.data.rows.labeled_rows import labeled_rows
from viz.data.rows.near_copies import conflicting_copies
from viz.data.rows.row_predictions import RowPredictions
from viz.data.rows.row_reading import no_predictions, read_rows
from viz.data.rows.row_table import row_table
from viz.errors import VizError
from viz.jobs.background import ProgressCallback
from viz.jobs.cancellation import check_cancelled
from viz.model.classifier import Classifier
from viz.model.row_windows import (
    beyond_training_notes,
    count_beyond_training,
    reading_note,
    row_encodings,
    settings_of_rows,
)
from viz.model.settings_digest import settings_digest

NOT_YET = Missing(missing="Not measured yet.")
MAX_SETS = 150
"""Sets of edits of a kind that are tried of each row: less than for a row that a reader asks of."""
DEFAULT_OPTIONS = AuditOptions()


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What is known of a file and a classifier; parts may be to come."""

    classifier: Classifier
    record: AuditRecord
    rows: AuditRows
    predictions: RowPredictions
    near_copies: IntArray | None = None
    """As `conflicting_copies` gives them.  (N,)"""

    @property
    def subject(self) -> Hashable:
        """What its numbers of rows and its classes are about, whatever else is asked of it.

        It is another one once the weights, the file or the columns that are read are others.
        """
        record = self.record
        return record.fingerprint, record.labels, record.data_fingerprint

    @cached_property
    def table(self) -> pd.DataFrame:
        """A line for each row; the columns are those of `row_table`."""
        return row_table(self.classifier, self.rows, self.predictions, self.near_copies)


def audit(
    classifier: Classifier,
    rows: AuditRows | Sequence[Mapping[str, Any] | str],
    *,
    reference: AuditRows | Sequence[Mapping[str, Any] | str] | None = None,
    options: AuditOptions = DEFAULT_OPTIONS,
    folder: Path | None = None,
    progress: ProgressCallback = no_progress,
) -> Audit:
    """Find out what is wrong on a data set, and why.

    Args:
        classifier: What is audited.
        rows: What `open_rows` reads of a file, or a mapping of column names to cells for each row,
            such as `{"text": "Oil prices rise", "label": "Business"}`.
        reference: Earlier rows to compare with.
        options: Settings of the parts.
        folder: Where results are kept, so that an audit that was stopped goes on; None for nowhere.
        progress: Called with the forward passes done since the last call; what it raises ends the
            work.

    Returns:
        `record`, each part a result or the reason why there is none; `table`, a pandas frame with a
        line for each of N rows; `predictions`, among them logits and probabilities (N, C) and the
        states that classes are read from (N, D).

    Raises:
        SelectionError: if rows can't be read, an option is out of its range, or the folder can't
            be written to.
        CheckpointError: if the model fails.
    """
    given = rows if isinstance(rows, AuditRows) else rows_from(rows, classifier)
    if reference is not None and not isinstance(reference, AuditRows):
        reference = rows_from(reference, classifier)
    return AuditRun(classifier, given, options, reference=reference, folder=folder).run(progress)


class AuditRun:
    """An audit as it is made; what is known so far can be looked at from another thread."""

    def __init__(
        self,
        classifier: Classifier,
        rows: AuditRows,
        options: AuditOptions = DEFAULT_OPTIONS,
        *,
        reference: AuditRows | None = None,
        folder: Path | None = None,
    ) -> None:
        check_options(options)
        classifier.require_all_heads("An audit")
        self.classifier: Classifier = classifier
        self.rows: AuditRows = rows
        self.options: AuditOptions = options
        self.reference: AuditRows | None = reference
        self._windows = settings_of_rows(classifier, pairs=rows.pairs is not None)
        settings = {
            "checkpoint": classifier.fingerprint,
            "checkpoint settings": settings_digest(classifier),
            "temperature": classifier.temperature,
            "data": rows.fingerprint,
            "reference": None if reference is None else reference.fingerprint,
            "options": asdict(options),
        }
        if self._windows is not None:
            settings["windows"] = asdict(self._windows)
        self._cache = AuditCache(folder, settings)
        self.latest = Audit(
            classifier=classifier,
            record=self._first_record(),
            rows=rows,
            predictions=no_predictions(classifier, len(rows)),
        )
        """What is known so far; it is replaced, never changed."""

    def run(self, progress: ProgressCallback = no_progress) -> Audit:
        """Make all parts, those that were kept excepted; arguments and errors as for `audit`."""
        self._cache.prepare()
        for predictions in self._read("rows", self.rows, progress):
            self._update(predictions)
        near_copies = conflicting_copies(self.rows)
        record = replace(self.latest.record, notes=(*self.rows.notes, *self._reading_notes()))
        self.latest = replace(self.latest, record=record, near_copies=near_copies)
        for part in PARTS:
            check_cancelled()
            share = _Share(progress, part.expected_passes(self))
            result = self._cached(part.name, part.kind, partial(part.make, self), share)
            share.finish()
            record = replace(self.latest.record, **{part.name: result})
            self.latest = replace(self.latest, record=record)
        return self.latest

    @property
    def work_folder(self) -> Path | None:
        """Where parts may keep what they worked out so far; None for nowhere."""
        return self._cache.folder

    @property
    def expected_passes(self) -> float:
        """About how many forward passes all of it takes."""
        return len(self.rows) + sum(part.expected_passes(self) for part in PARTS)

    def read_reference(self, progress: ProgressCallback = no_progress) -> Iterator[RowPredictions]:
        """What is predicted of the rows to compare with, more of them from one time to the next."""
        assert self.reference is not None  # or nobody asks
        return self._read("reference", self.reference, progress)

    def cell(
        self, gold: int, predicted: int, progress: ProgressCallback = no_progress
    ) -> CellReasons | Missing:
        """Why rows of one class are taken for another, once all rows are read."""

        def make(progress: ProgressCallback) -> CellReasons | Missing:
            rows, predictions = self.rows, self.latest.predictions
            return explain_cell(
                self.classifier, rows, predictions, gold, predicted, self.options, progress
            )

        kind, name = CellReasons | Missing, f"cell-{gold}-{predicted}"
        reasons: CellReasons | Missing = self._cached(name, kind, make, progress)
        return reasons

    def counterfactuals_of(
        self, row: int, progress: ProgressCallback = no_progress
    ) -> RowCounterfactuals | Missing:
        """The smallest edits that change the class of a row, once all rows are read."""

        def make(progress: ProgressCallback) -> RowCounterfactuals | Missing:
            rows, predictions = self.rows, self.latest.predictions
            return find_counterfactuals(
                self.classifier,
                rows,
                predictions,
                row,
                progress,
                vocabulary=self._vocabulary,
                max_sets=MAX_SETS,
            )

        kind, name = RowCounterfactuals | Missing, f"counterfactuals-{row}"
        flips: RowCounterfactuals | Missing = self._cached(name, kind, make, progress)
        return flips

    def _read(
        self, name: str, rows: AuditRows, progress: ProgressCallback
    ) -> Iterator[RowPredictions]:
        cache, seed = self._cache, self.options.seed
        return read_rows(self.classifier, name, rows, cache=cache, seed=seed, progress=progress)

    def _cached(
        self,
        name: str,
        kind: Any,
        make: Callable[[ProgressCallback], Any],
        progress: ProgressCallback,
    ) -> Any:
        """What was kept under a name, or what is made and kept; why not, where it can't be made.

        A reason why not is not kept: it may have gone by the next time, as a folder that was away.
        """
        kept = self._cache.get(name, kind)
        if kept is not None:
            return kept
        try:
            result = make(progress)
        except VizError as error:
            result = Missing(missing=str(error))
        if not isinstance(result, Missing):
            self._cache.add(name, kind, result)
        return result

    @cached_property
    def _vocabulary(self) -> tuple[str, ...]:
        return data_vocabulary(self.classifier, self.rows, self.latest.predictions)

    def _reading_notes(self) -> Iterator[str]:
        """What is to be known of the rows once all are read."""
        predictions = self.latest.predictions
        unread = int((~predictions.read).sum())
        if unread:
            rows = "1 row has" if unread == 1 else f"{unread:,} rows have"
            yield f"{rows} no text that the model can read."
        cut = int((predictions.n_unseen > 0).sum())
        if cut:
            rows = "1 row is" if cut == 1 else f"{cut:,} rows are"
            yield f"{rows} longer than the model reads, which never saw the rest."
        long = cut or int((predictions.n_windows > 1).sum())
        note = reading_note(self.classifier, pairs=self.rows.pairs is not None)
        if long and note is not None:
            yield note
        beyond = count_beyond_training(self.classifier, predictions.n_tokens)
        yield from beyond_training_notes(self.classifier, beyond)
        yield from self._special_notes()

    def _special_notes(self) -> Iterator[str]:
        """Which special tokens texts have in them, as if they were words."""
        encoder, texts, pairs = self.classifier.encoder, self.rows.texts, self.rows.pairs
        special, n_rows, names = encoder.special_names, 0, dict[str, None]()
        for row in self.latest.predictions.read.nonzero()[0]:
            text, pair = texts[row], None if pairs is None else pairs[row]
            if any(name in text or name in (pair or "") for name in special):
                check_cancelled()
                written = encoder.written_specials(
                    row_encodings(self.classifier, text, pair).encoding
                )
                n_rows += bool(written)
                names |= dict.fromkeys(written)
        if n_rows:
            rows = "In 1 row" if n_rows == 1 else f"In {n_rows:,} rows"
            are = "is read as a special token" if len(names) == 1 else "are read as special tokens"
            yield f"{rows} {', '.join(sorted(names))} {are}."

    def _update(self, predictions: RowPredictions) -> None:
        """Take in what was predicted so far, and measure it."""
        measures = measure_rows(self.classifier, self.rows, predictions)
        record = replace(
            self.latest.record,
            n_read=int(predictions.read.sum()),
            n_labeled=int(labeled_rows(self.rows, predictions).sum()),
            measures=measures.metrics,
            calibration=measures.calibration,
        )
        self.latest = replace(self.latest, record=record, predictions=predictions)

    def _first_record(self) -> AuditRecord:
        rows, columns = self.rows, self.rows.columns
        assert columns.text is not None  # it was read
        return AuditRecord(
            checkpoint=self.classifier.name,
            fingerprint=self.classifier.fingerprint,
            data=rows.name,
            data_fingerprint=rows.fingerprint,
            text_column=columns.text,
            pair_column=columns.pair,
            label_column=columns.label,
            labels=self.classifier.labels,
            n_rows=len(rows),
            n_read=0,
            n_labeled=0,
            options=self.options,
            windows=self._windows,
            notes=rows.notes,
            measures=NOT_YET,
            calibration=NOT_YET,
            label_errors=NOT_YET,
            slices=NOT_YET,
            shortcuts=NOT_YET,
            cells=NOT_YET,
            counterfactuals=NOT_YET,
            shift=NO_REFERENCE if self.reference is None else NOT_YET,
        )


class _Share:
    """The progress of a part: in all as many passes as were expected, however many it takes."""

    def __init__(self, progress: ProgressCallback, expected: float) -> None:
        self._progress, self._left = progress, expected

    def __call__(self, passes: float) -> None:
        passes = min(passes, self._left)
        self._left -= passes
        self._progress(passes)

    def finish(self) -> None:
        """Count what is left, of a part that took less or was kept."""
        self(self._left)
