"""What an audit comes to, in a few sentences."""

from collections.abc import Iterator, Sequence

from finetune.errors import number_of
from finetune.run.measurements import Metrics
from viz.data.audit.record import AuditRecord
from viz.data.missing import Missing

MAX_NAMED = 3
"""Words or parts that are named; the others are counted."""


def summary(record: AuditRecord) -> Iterator[str]:
    """One sentence for each part that was found out, the most general first."""
    rows = number_of(record.n_rows, "row")
    yield f"{rows}, {record.n_read:,} read, {record.n_labeled:,} with a label."
    yield from record.notes
    yield _measured(record)
    slices, errors, shortcuts = record.slices, record.label_errors, record.shortcuts
    if not isinstance(errors, Missing):
        yield f"{errors.n_likely:,} of {errors.n_rows:,} labels are likely wrong."
    if not isinstance(slices, Missing):
        worse = [f"{part.column} {part.value!r} ({part.accuracy:.0%})" for part in slices.items]
        yield f"Worse than the rest beyond chance: {_named(worse)}."
    if not isinstance(shortcuts, Missing):
        flagged = [f"{each.word!r} for {each.label}" for each in shortcuts.items if each.flagged]
        yield f"Words taken for a class by themselves: {_named(flagged)}."
    if not isinstance(record.shift, Missing):
        causes = [cause.cause for cause in record.shift.causes]
        changed = f"yes, {_named(causes)}" if record.shift.alarm else "nothing beyond chance"
        yield f"Shifted since {record.shift.reference}: {changed}."


def _measured(record: AuditRecord) -> str:
    measures = record.measures
    if isinstance(measures, Missing):
        return measures.missing
    if isinstance(measures, Metrics):
        low, high = measures.accuracy_interval
        return (
            f"Accuracy {measures.accuracy:.2%} (95% interval {low:.2%} to {high:.2%}), macro F1 "
            f"{measures.macro_f1:.4f}."
        )
    return f"Mean absolute error {measures.mae:.4g}, root mean squared error {measures.rmse:.4g}."


def _named(names: Sequence[str]) -> str:
    if not names:
        return "none"
    more = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {more:,} more" if more > 0 else "")
