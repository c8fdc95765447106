"""audit.json: what an audit says of a file and a classifier."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from finetune.checkpoint.windows import WindowSettings
from finetune.run.json_files import Count, Items
from finetune.run.measurements import AnyMetrics, CalibrationMetrics
from viz.data.counterfactuals.counterfactuals import RowCounterfactuals
from viz.data.labels.label_errors import LabelErrors
from viz.data.missing import Missing
from viz.data.options import AuditOptions
from viz.data.reasons.cell_reasons import CellReasons
from viz.data.shift.shift import Shift
from viz.data.shortcuts.shortcuts import Shortcuts
from viz.data.slices.slices import Slices
from viz.faithfulness.record_file import RecordFile

FILE = "audit.json"
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """The file.  Rows are counted from 0 over all rows of the data."""

    checkpoint: str
    fingerprint: str
    """SHA-256 of the weights."""
    data: str
    data_fingerprint: str
    text_column: str
    pair_column: str | None
    label_column: str | None
    labels: Items[str]
    """The classes, by number."""
    n_rows: Count
    n_read: Count
    """Rows with a text that the model can read."""
    n_labeled: Count
    """Of these, rows with a label."""
    options: AuditOptions
    notes: Items[str]
    measures: AnyMetrics | Missing
    calibration: CalibrationMetrics | Missing
    label_errors: LabelErrors | Missing
    slices: Slices | Missing
    shortcuts: Shortcuts | Missing
    cells: Items[CellReasons] | Missing
    """Of the cells of errors with the most rows, the largest first."""
    counterfactuals: Items[RowCounterfactuals] | Missing
    shift: Shift | Missing
    windows: WindowSettings | None = None
    """How rows that are too long were read in windows; None where they were cut."""

    def to_json(self) -> str:
        """The content of the file."""
        content = {"format": FORMAT, **asdict(self)}
        if self.windows is None:
            del content["windows"]
        return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _contradictions(record: AuditRecord) -> Iterator[str]:
    if not record.n_labeled <= record.n_read <= record.n_rows:
        yield "more rows were read than there are"
    if len(set(record.labels)) < len(record.labels):
        yield "a class occurs twice"


_FILE = RecordFile(AuditRecord, _contradictions, format=FORMAT, command="audit")
load = _FILE.load
"""Read the file; raises a RecordError where it can't be read, or holds something else."""
