"""The tables of an audit that can be saved, beside its rows: a line for each finding."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from viz.data.audit.record import AuditRecord
from viz.data.audit.run import Audit
from viz.data.missing import Missing

Record = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditTable:
    """One table that can be saved."""

    label: str
    """What it is called on the page."""
    file: str
    make: Callable[[Audit], pd.DataFrame]
    part: str | None = None
    """The part of the record that it is of; None where there is always one."""

    def has(self, record: AuditRecord) -> bool:
        """Whether a record has something to put in it."""
        return self.part is None or not isinstance(getattr(record, self.part), Missing)


def _label_errors(audit: Audit) -> pd.DataFrame:
    errors: Record = audit.record.label_errors
    places = audit.table["place"]
    return pd.DataFrame(
        [
            {
                "row": each.row,
                "place": places.iat[each.row],
                "label": each.label,
                "suggested": each.suggested,
                "score": each.score,
                "likely": each.likely,
                "label_probability": each.label_probability,
                "suggested_probability": each.suggested_probability,
                "words": " ".join(word.word for word in each.words),
                "neighbors": " ".join(str(neighbor.row) for neighbor in each.neighbors),
                "text": audit.rows.texts[each.row],
            }
            for each in errors.items
        ]
    )


def _slices(audit: Audit) -> pd.DataFrame:
    return _flat(audit.record.slices)


def _shortcuts(audit: Audit) -> pd.DataFrame:
    return _flat(audit.record.shortcuts)


def _reasons(audit: Audit) -> pd.DataFrame:
    cells: Record = audit.record.cells
    return pd.DataFrame(
        [
            {"gold": cell.gold, "predicted": cell.predicted} | _line(asdict(word))
            for cell in cells
            for word in cell.words
        ]
    )


def _shifted_words(audit: Audit) -> pd.DataFrame:
    shift: Record = audit.record.shift
    return pd.DataFrame([asdict(word) for word in shift.words])


def _flat(part: Record) -> pd.DataFrame:
    """The items of a part, a line for each."""
    return pd.DataFrame([_line(asdict(each)) for each in part.items])


def _line(cells: dict[str, Any]) -> dict[str, Any]:
    """The cells of a line, each number of an interval in one of its own."""
    line: dict[str, Any] = {}
    for name, value in cells.items():
        if isinstance(value, dict):
            line |= {f"{name}_{end}": number for end, number in value.items()}
        elif name == "accuracy_interval":
            line |= {"accuracy_low": value[0], "accuracy_high": value[1]}
        else:
            line[name] = value
    return line


TABLES = (
    AuditTable(label="Rows (CSV)", file="rows.csv", make=lambda audit: audit.table),
    AuditTable(
        label="Label errors (CSV)",
        file="label-errors.csv",
        make=_label_errors,
        part="label_errors",
    ),
    AuditTable(label="Slices (CSV)", file="slices.csv", make=_slices, part="slices"),
    AuditTable(label="Shortcuts (CSV)", file="shortcuts.csv", make=_shortcuts, part="shortcuts"),
    AuditTable(label="Reasons (CSV)", file="reasons.csv", make=_reasons, part="cells"),
    AuditTable(label="Shift (CSV)", file="shift-words.csv", make=_shifted_words, part="shift"),
)
