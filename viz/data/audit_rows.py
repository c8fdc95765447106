"""The rows of a file as an audit sees them: texts, what is known of their classes, all columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.run.column_names import ColumnNames


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRows:
    """All N rows of a file, in its order; no row is left out."""

    name: str
    """Of the file."""
    fingerprint: str
    """SHA-256 of what is read of it."""
    columns: ColumnNames
    """Which columns hold the text, a second text and the label; None where there is none."""
    texts: tuple[str, ...]
    pairs: tuple[str, ...] | None
    gold: FloatArray | IntArray | None
    """The true class of each row as its number in the classifier's labels, -1 where it has none
    (N,); flags of each class, nan where it has none, for a multi-label head (N, C); scores, nan
    where it has none, for a regression (N,).  None where the file has no label column."""
    table: dict[str, Sequence[Any]]
    """All columns of the file by name, each of N cells, those above included."""
    places: Sequence[int]
    """The line of the file in which each row begins, or its number: see `unit`.  (N,)"""
    unit: str = "line"
    """What `places` counts: lines or rows."""
    notes: tuple[str, ...] = ()
    """One sentence for each thing a reader must know: what labels were taken for."""

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.texts)
