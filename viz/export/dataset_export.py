"""The export of a whole data set: files for every row, and an index of them.

A run can be stopped at any moment, killed too, and resumes where it stopped.  Each file is put in
place whole; a row is entered into `index.csv` once all of its files are there, and a line that was
cut short is dropped and its row made again.  `settings.json` says what the folder is of, so that a
run with other settings does not mix in, and no two runs write into it at once.

Texts are read in batches of one length: measured on two cores, that is up to 2.6 times as fast up
to 64 tokens and slower from 192 on.  Texts of unequal lengths would have to be padded, and padding
moves weights by up to 3e-6, more than `clsight replay` lets pass.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from finetune.errors import RecordError
from finetune.run.atomic_files import remove_partial_files
from finetune.run.json_files import Schema
from viz.attribution import default_methods
from viz.documents.read_document import read_document
from viz.errors import SelectionError, VizError
from viz.export.atomic_files import locked_folder, write
from viz.export.document_files import document_files
from viz.export.filenames import figure_start
from viz.export.formats import Content, render
from viz.export.index import ExportIndex, IndexRow
from viz.export.options import ExportOptions
from viz.figures.kinds import FIGURE_KINDS
from viz.model.classifier import Classifier
from viz.model.installation import version
from viz.model.row_windows import settings_of_rows
from viz.model.text_files import Row, Texts
from viz.types import Encoding, Prediction, Reading

SETTINGS = "settings.json"
LOOKAHEAD_ROWS = 256
"""Rows that are encoded ahead, to find some of equal length among them."""
BATCH_ROWS = 8
_SETTINGS: Schema[Mapping[str, Any]] = Schema(dict[str, Any])
MAX_BATCHED_TOKENS = 64
"""The longest texts that are read together."""

Encoded = tuple[Row, Encoding]


class DatasetExport:
    """One data set on its way into one folder.

    Args:
        classifier: What reads it.
        texts: The rows.
        options: What is made of each.
        folder: Where the files go.

    Raises:
        SelectionError: where the folder holds another export, another run is writing into it, or
            the options can't be met.
    """

    def __init__(
        self, classifier: Classifier, texts: Texts, options: ExportOptions, folder: Path
    ) -> None:
        self.classifier, self.texts, self.folder = classifier, texts, folder
        # One method for all rows: texts explained by several could not be compared.
        method = options.request.method or default_methods(classifier)[0]
        self.options = replace(options, request=replace(options.request, method=method))
        self._windows = settings_of_rows(classifier, pairs=texts.columns.pair is not None)
        self._try_out()
        with ExitStack() as lock:
            lock.enter_context(locked_folder(folder))
            _claim_folder(folder, self._settings())
            remove_partial_files(folder)
            self.index = ExportIndex.open(folder)
            self._lock = lock.pop_all()
        self.waiting = [row for row in texts.rows if row.number not in self.index]
        """The rows that are still to do."""

    def run(self) -> Iterator[IndexRow]:
        """Make the files of every waiting row; a row is yielded when it is entered."""
        with self._lock:
            for start in range(0, len(self.waiting), LOOKAHEAD_ROWS):
                for row in self._window(self.waiting[start : start + LOOKAHEAD_ROWS]):
                    self.index.add(row)
                    yield row
            self.index.close(
                [
                    figure_start(self.classifier.name, kind)
                    for kind in self.options.request.kinds
                    if FIGURE_KINDS[kind].has_fixed_columns
                ]
            )

    def _window(self, rows: Sequence[Row]) -> Iterator[IndexRow]:
        encoded: list[Encoded] = []
        for row in rows:
            try:
                encoding = self.classifier.encode(row.text, row.pair)
                if encoding.n_unseen and self._windows is not None:
                    yield self._save_document(row)
                else:
                    encoded.append((row, encoding))
            except VizError as error:
                yield _refused(row, error)
        for batch in _batches(encoded):
            yield from self._save_batch(batch)

    def _save_batch(self, batch: Sequence[Encoded]) -> Iterator[IndexRow]:
        """Read some rows together; where one of them can't be read, each by itself."""
        try:
            readings = self.classifier.read_many([encoding for _, encoding in batch])
        except VizError as error:
            if len(batch) == 1:
                yield _refused(batch[0][0], error)
                return
            for single in batch:
                yield from self._save_batch([single])
            return
        for (row, _), reading in zip(batch, readings, strict=True):
            yield self._save_row(row, reading)

    def _save_row(self, row: Row, reading: Reading) -> IndexRow:
        """Put the files of one row in place; what can't be made is noted."""
        notes = list(reading.encoding.notes)
        files = self.options.files(self.classifier, reading, notes)
        return self._saved(row, reading.prediction, files, notes)

    def _save_document(self, row: Row) -> IndexRow:
        """The same of a row that is read in windows."""
        document = read_document(self.classifier, row.text)
        notes = list(document.notes)
        files = document_files(self.options, self.classifier, document, notes)
        return self._saved(row, document.prediction, files, notes)

    def _saved(
        self,
        row: Row,
        prediction: Prediction,
        files: Iterator[tuple[str, Content]],
        notes: list[str],
    ) -> IndexRow:
        names: list[str] = []
        while True:
            try:
                file = next(files, None)
            except VizError as error:
                names, notes = [], [*notes, str(error)]
                break
            if file is None:
                break
            name, content = file
            # What the disk refuses ends the run, and is no note of a row.
            names.append(write(self.folder / f"{row.number:06d}-{name}", content).name)
        return IndexRow(
            row.number,
            tuple(names),
            # The score of a regression, as the true one stands beside it.
            f"{float(prediction.logits[0]):.7g}" if prediction.regression else prediction.label,
            prediction.probability,
            row.gold_label,
            " ".join(notes),
        )

    def _try_out(self) -> None:
        """Make one picture of a short text, so that what no row allows is said once."""
        request = self.options.request
        if request.quadrant != "all":
            if self.texts.columns.pair is None:
                raise SelectionError(
                    f"{self.texts.name!r} has no second texts, so there is no quadrant "
                    f"{request.quadrant}; name their column with --pair-column."
                )
            request = replace(request, quadrant="all")
        (reading,) = self.classifier.read_many([self.classifier.encoder.probe()])
        for spec in request.specs(self.classifier, reading):
            render(spec, self.options.formats[0], self.options.render_options)

    def _settings(self) -> Mapping[str, object]:
        """What decides the content of the folder."""
        windows = {} if self._windows is None else {"windows": asdict(self._windows)}
        return windows | {
            "version": version(),
            "checkpoint": self.classifier.name,
            "fingerprint": self.classifier.fingerprint,
            "without": [list(head) for head in self.classifier.off],
            "data": self.texts.fingerprint,
            "columns": asdict(self.texts.columns),
            "formats": list(self.options.formats),
            "zip": self.options.packed,
            "look": asdict(self.options.render_options),
            "request": asdict(self.options.request) | {"kinds": list(self.options.request.kinds)},
        }


def _refused(row: Row, error: VizError) -> IndexRow:
    """A row without files, and why."""
    return IndexRow(row.number, gold=row.gold_label, note=str(error))


def _batches(encoded: Sequence[Encoded]) -> Iterator[Sequence[Encoded]]:
    """Rows that are read together, shortest first."""
    by_length = sorted(encoded, key=_n_tokens)
    for n_tokens, group in groupby(by_length, key=_n_tokens):
        same, size = list(group), BATCH_ROWS if n_tokens <= MAX_BATCHED_TOKENS else 1
        for start in range(0, len(same), size):
            yield same[start : start + size]


def _n_tokens(encoded: Encoded) -> int:
    return encoded[1].n_tokens


def _claim_folder(folder: Path, settings: Mapping[str, object]) -> None:
    """Make a folder ours, or refuse one that holds something else."""
    path = folder / SETTINGS
    content = json.dumps(settings, indent=2, ensure_ascii=False)
    if os.path.lexists(path):
        try:
            before = _SETTINGS.read(path)
        except RecordError:  # it is only compared: all of it differs
            before = {}
        now = json.loads(content)
        different = [name for name in {**now, **before} if before.get(name) != now.get(name)]
        if different:
            raise SelectionError(
                f"{str(folder)!r} holds an export with other settings ({', '.join(different)}); "
                "choose another folder, or the same settings to resume."
            )
        return
    if (folder / ExportIndex.NAME).exists():
        raise SelectionError(
            f"{str(folder)!r} holds an {ExportIndex.NAME} that no export left there; "
            "choose another folder."
        )
    write(path, content.encode())
