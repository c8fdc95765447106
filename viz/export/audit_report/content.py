"""What the report of an audit says, in the order in which an engineer wants to know."""

from collections.abc import Iterator

from viz.data.audit.run import Audit
from viz.data.audit.summary import summary
from viz.export.audit_report import findings, quality, reasons, shift
from viz.export.audit_report.document import Column, Document, Section, Table, Text
from viz.model.installation import version
from viz.model.windows import POOLED


def audit_document(audit: Audit) -> Document:
    """The report; the same audit gives the same one, for it has no date."""
    record, table = audit.record, audit.table
    return Document(
        title=f"Audit of {record.data} by {record.checkpoint}",
        maker=f"CLSight {version()}",
        sections=(
            Section("In short", tuple(map(Text, summary(record)))),
            Section("What was audited", (_subject(audit),)),
            quality.measures(record),
            quality.calibration(record),
            quality.confusion(record),
            reasons.cell_reasons(record.cells),
            findings.slices(record.slices),
            findings.label_errors(record.label_errors, table),
            findings.shortcuts(record.shortcuts),
            reasons.counterfactuals(record.counterfactuals, table),
            shift.shift(record.shift),
        ),
    )


def _subject(audit: Audit) -> Table:
    return Table((Column("What"), Column("Value")), tuple(_facts(audit)))


def _facts(audit: Audit) -> Iterator[tuple[str, str]]:
    record, temperature = audit.record, audit.classifier.temperature
    yield "Checkpoint", record.checkpoint
    yield "SHA-256 of its weights", record.fingerprint
    if temperature is not None:
        yield "Temperature of its probabilities", f"{temperature:.4g}"
    yield "File", record.data
    yield "SHA-256 of the file and how it was read", record.data_fingerprint
    yield "Column of texts", record.text_column
    if record.pair_column is not None:
        yield "Column of second texts", record.pair_column
    yield "Column of labels", "none" if record.label_column is None else record.label_column
    yield "Rows", f"{record.n_rows:,}, {record.n_read:,} read, {record.n_labeled:,} with a label"
    if record.windows is not None:
        pooled = POOLED[record.windows.pooling]
        yield "Texts that are too long", f"read in overlapping windows; {pooled} is taken"
    options = record.options
    yield "Trained on these rows", options.trained_on
    folds = f"{options.folds:,} trainings" if options.folds else "a linear head"
    yield "Probabilities out of sample by", folds
    yield "Rows explained at most", f"{options.max_explained:,}"
    yield "Cells explained at most", f"{options.n_cells:,}"
    yield "Counterfactuals of at most", f"{options.n_counterfactuals:,} rows"
    yield "Seed", str(options.seed)
    yield "Made by", f"CLSight {version()}"
