"""The parts of an audit that are made once all rows are read, in the order in which they are made.

Each is a function of what is known so far.  Code that few audits need is imported where it is used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from viz.data.missing import Missing
from viz.data.slices import Slices
from viz.jobs.background import ProgressCallback

if TYPE_CHECKING:
    from viz.data.audit import AuditRun

ONE_CLASS = Missing(
    missing="A confusion matrix has one class in each row, which this classifier does not give."
)
PASSES_PER_CELL = 900
"""Forward passes that the reasons of a cell take, about."""
PASSES_PER_COUNTERFACTUAL = 800
PASSES_OF_SHORTCUTS = 4_000
"""Those that test words, beside three for each row that is explained."""
PASSES_OF_LABEL_ERRORS = 600
PASSES_OF_SHIFT = 1_500


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPart:
    """A part of the record."""

    name: str
    """The field of the record."""
    kind: Any
    """What it holds."""
    expected_passes: Callable[["AuditRun"], float]
    """About how many forward passes it takes."""
    make: Callable[["AuditRun", ProgressCallback], Any]


def _slices(run: "AuditRun", progress: ProgressCallback) -> Slices | Missing:
    from viz.data.row_words import row_words
    from viz.data.slices import find_slices

    words = row_words(run.rows, run.classifier)
    return find_slices(run.rows, run.latest.predictions, words, run.classifier.labels)


def _n_explained(run: "AuditRun") -> int:
    return min(len(run.rows), run.options.max_explained)


PARTS: tuple[AuditPart, ...] = (
    AuditPart(
        name="slices",
        kind=Slices | Missing,
        expected_passes=lambda run: 0,
        make=_slices,
    ),
)
