"""What must hold of any audit, whatever its rows and its classifier: its parts agree."""

import io
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finetune.checkpoint.arrays import IntArray
from finetune.evaluation.metrics import wilson_interval
from finetune.run.measurements import Metrics
from viz.data.audit.record import AuditRecord, load
from viz.data.audit.run import Audit
from viz.data.audit.summary import summary
from viz.data.missing import Missing
from viz.data.rows.row_predictions import predict
from viz.export.audit_files import table_csv, table_parquet

ROUNDING = 1e-3
"""How far sums of single precision may be from the whole, relative to their parts."""


def broken_claims(audit: Audit, folder: Path) -> Iterator[str]:
    """Each thing that an audit says and that isn't so."""
    yield from _record_claims(audit.record, folder)
    yield from _table_claims(audit)
    yield from _row_claims(audit)
    yield from _slice_claims(audit.record)
    yield from _cell_claims(audit)
    yield from _counterfactual_claims(audit)
    yield from _order_claims(audit)


def _record_claims(record: AuditRecord, folder: Path) -> Iterator[str]:
    file = folder / "claims.json"
    file.write_bytes(record.to_json().encode())
    if load(file) != record:
        yield "the record isn't what it is read back as"
    yield from _odd_numbers(asdict(record), "record")
    for sentence in [*summary(record), *_sentences(asdict(record))]:
        if not sentence.endswith((".", "!", "?")) or "nan" in sentence.split():
            yield f"no sentence: {sentence!r}"
    measures = record.measures
    confusion = _whole_confusion(record)
    if isinstance(measures, Metrics) and confusion is not None:
        if confusion.sum() != record.n_labeled:
            yield "the confusion matrix has other rows"
        if abs(confusion.trace() / confusion.sum() - measures.accuracy) > 1e-9:
            yield "the accuracy isn't that of the confusion matrix"
    if (record.n_labeled == 0) != isinstance(record.measures, Missing):
        yield "measures without labels, or none with them"


def _whole_confusion(record: AuditRecord) -> IntArray | None:
    """The confusion matrix of all classes; None where there is none, or one of a few of them."""
    measures = record.measures
    if not isinstance(measures, Metrics) or measures.confusion is None or measures.confused:
        return None
    return np.array(measures.confusion)


def _odd_numbers(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{place} is {value}"
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _odd_numbers(part, f"{place}.{key}")
        ends = [value[name] for name in ("low", "mean", "high") if value.get(name) is not None]
        if sorted(ends) != ends:
            yield f"{place} is no interval: {ends}"
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            yield from _odd_numbers(part, f"{place}[{number}]")


def _sentences(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            if key == "notes":
                yield from part
            elif key == "missing" and isinstance(part, str):
                yield part
            else:
                yield from _sentences(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _sentences(part)


def _table_claims(audit: Audit) -> Iterator[str]:
    table, record = audit.table, audit.record
    for name, lines in (
        ("rows.csv", pd.read_csv(io.StringIO(table_csv(table)), keep_default_na=False)),
        ("rows.parquet", pd.read_parquet(io.BytesIO(table_parquet(table)))),
    ):
        if len(lines) != record.n_rows:
            yield f"{name} has {len(lines)} lines of {record.n_rows}"
        if len(lines.columns) != len(table.columns):
            yield f"{name} has {len(lines.columns)} columns of {len(table.columns)}"
    if not table.columns.is_unique:
        yield "two columns have one name"
    if int(table["prediction"].notna().sum()) != record.n_read:
        yield "other rows have a prediction than were read"
    if "label" in table and int(table["label"].notna().sum()) != record.n_labeled:
        yield "other rows have a label"
    if "correct" in table and isinstance(record.measures, Metrics):
        right = float(table["correct"].mean())
        if abs(right - record.measures.accuracy) > 1e-9:
            yield "the accuracy isn't the share of rows that are right"
    for name in ("probability", "label_probability"):
        if name in table and not table[name].dropna().between(-1e-9, 1 + 1e-6).all():
            yield f"{name} is no probability"
    for name in ("loss", "entropy", "margin"):
        if name in table and not (table[name].dropna() >= -1e-6).all():
            yield f"{name} is negative"


def _row_claims(audit: Audit) -> Iterator[str]:
    record, table = audit.record, audit.table
    errors = record.label_errors
    if isinstance(errors, Missing):
        return
    if errors.n_rows > record.n_labeled or errors.n_likely > errors.n_rows:
        yield "more rows are judged than have a label"
    if len({item.row for item in errors.items}) < len(errors.items):
        yield "a label error occurs twice"
    n_likely = sum(item.likely for item in errors.items)
    if len(errors.items) == errors.n_rows and n_likely != errors.n_likely:
        yield "the likely errors aren't as many as is said"
    for item in errors.items:
        if item.row >= record.n_rows or table["label"].iloc[item.row] != item.label:
            yield f"row {item.row} has another label"
        if item.suggested == item.label and item.likely:
            yield f"row {item.row} is likely wrong and its label is suggested"
        for neighbor in item.neighbors:
            if neighbor.row == item.row or table["label"].iloc[neighbor.row] != neighbor.label:
                yield f"a neighbor of row {item.row} has another label"
            if abs(neighbor.similarity) > 1 + 1e-6:
                yield f"a cosine of {neighbor.similarity}"


def _slice_claims(record: AuditRecord) -> Iterator[str]:
    slices = record.slices
    if isinstance(slices, Missing):
        return
    if slices.n_rows != record.n_labeled:
        yield "slices are of other rows"
    if isinstance(record.measures, Metrics) and abs(slices.accuracy - record.measures.accuracy) > (
        1e-9
    ):
        yield "slices have another accuracy"
    n_errors = round((1 - slices.accuracy) * slices.n_rows)
    for item in slices.items:
        if not 0 < item.n_errors <= item.n_rows <= slices.n_rows:
            yield f"{item.value!r}: {item.n_errors} errors in {item.n_rows} rows"
        if abs(item.accuracy - (1 - item.n_errors / item.n_rows)) > 1e-9:
            yield f"{item.value!r}: another accuracy"
        if abs(item.error_share - item.n_errors / n_errors) > 1e-9:
            yield f"{item.value!r}: another share of the errors"
        if not np.allclose(
            item.accuracy_interval, wilson_interval(item.n_rows - item.n_errors, item.n_rows)
        ):
            yield f"{item.value!r}: another interval"


def _cell_claims(audit: Audit) -> Iterator[str]:
    record = audit.record
    if isinstance(record.cells, Missing):
        return
    confusion = _whole_confusion(record)
    for cell in record.cells:
        name = f"cell {cell.gold!r}, {cell.predicted!r}"
        gold, predicted = (record.labels.index(each) for each in (cell.gold, cell.predicted))
        if confusion is not None and confusion[gold, predicted] != cell.n_rows:
            yield f"{name}: {cell.n_rows} rows are not those of the confusion matrix"
        if cell.n_explained > cell.n_rows:
            yield f"{name}: more rows explained than there are"
        parts = [word.share for word in cell.words]
        gap = abs(sum(parts) + cell.bias + cell.special - cell.difference)
        if gap > ROUNDING * (1 + sum(map(abs, parts)) + abs(cell.bias) + abs(cell.special)):
            yield f"{name}: words, special tokens and bias are {gap} from the difference"
        if cell.difference < -ROUNDING:
            yield f"{name}: the predicted class has the lower logit"
        if any(word.n_rows > cell.n_explained for word in cell.words):
            yield f"{name}: a word is in more rows than there are"
        sizes = [-abs(part) for part in parts]
        if sizes != sorted(sizes):
            yield f"{name}: words are not in order"
        if not isinstance(cell.heads, Missing):
            means = [-head.contribution.mean for head in cell.heads]
            if means != sorted(means):
                yield f"{name}: heads are not in order"


def _counterfactual_claims(audit: Audit) -> Iterator[str]:
    record, rows = audit.record, audit.rows
    if isinstance(record.counterfactuals, Missing):
        return
    for row in record.counterfactuals:
        own = audit.table["prediction"].iloc[row.row]
        if own != row.label and not audit.classifier.multi_label:
            yield f"row {row.row} is {own!r}, not {row.label!r}"
        for item in row.items:
            if item.label == row.label:
                yield f"row {row.row}: nothing flips"
            pairs = None if rows.pairs is None else [item.pair or ""]
            again = predict(audit.classifier, [item.text], pairs)
            label = record.labels[int(again.predicted[0])]
            if not audit.classifier.multi_label and (label != item.label or not again.read[0]):
                yield f"row {row.row}: {item.kind} gives {label!r}, not {item.label!r}"
            if len({edit.word for edit in item.edits}) != len(item.edits) or not item.edits:
                yield f"row {row.row}: a word is edited twice, or none is"
        sizes = [len(item.edits) for item in row.items]
        if sizes != sorted(sizes):
            yield f"row {row.row}: not the fewest edits first"


def _order_claims(audit: Audit) -> Iterator[str]:
    record = audit.record
    errors, shortcuts = record.label_errors, record.shortcuts
    if not isinstance(errors, Missing):
        scores = [-item.score for item in errors.items]
        if scores != sorted(scores):
            yield "label errors are not in order"
    if not isinstance(shortcuts, Missing):
        keys = [(not item.flagged, -item.contribution.mean) for item in shortcuts.items]
        if keys != sorted(keys):
            yield "shortcuts are not in order"
        for item in shortcuts.items:
            if item.n_rows > shortcuts.n_explained or item.label not in record.labels:
                yield f"{item.word!r} is in more rows than were explained, or for no class"
    shift = record.shift
    if not isinstance(shift, Missing):
        if shift.n_rows != record.n_read or shift.alarm != (shift.p_value <= shift.error_rate):
            yield "the shift is of other rows, or the alarm isn't that of its p-value"
        for side in ("share", "reference_share"):
            total = sum(getattr(item, side) for item in shift.classes)
            if total > 1 + 1e-9 and not audit.classifier.multi_label:
                yield f"{side} of the classes sum to {total}"
        kinds = sum(kind.score for kind in shift.word_kinds)
        whole = shift.domain_difference - shift.domain_bias
        if shift.words and abs(kinds - whole) > ROUNDING * (1 + abs(whole)):
            yield f"kinds of words sum to {kinds}, not {whole}"
