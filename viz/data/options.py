"""How an audit is made."""

from dataclasses import dataclass
from typing import Literal

from finetune.run.json_files import Count
from viz.errors import SelectionError

MAX_COUNT = 2**32
"""What the generators of scikit-learn take as a seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditOptions:
    """Settings of an audit; all that change a number of it."""

    trained_on: Literal["auto", "yes", "no"] = "auto"
    """Whether the classifier saw these rows in training; `auto` asks the record of its run."""
    folds: Count = 0
    """Trainings to estimate probabilities out of sample by; 0 for a linear head over the states."""
    max_explained: Count = 2_000
    """Rows whose words are taken apart at most, drawn at random where there are more."""
    n_cells: Count = 6
    """Cells of the confusion matrix whose reasons are given: those with the most errors."""
    n_counterfactuals: Count = 20
    """Rows for which the smallest edits that flip them are searched: the most confident errors,
    or without labels the least sure rows."""
    seed: Count = 0


def check_options(options: AuditOptions) -> None:
    """Make sure that an audit can be made with these settings, and its record read again.

    Raises:
        SelectionError: where one is out of its range.
    """
    counts = ("folds", "max_explained", "n_cells", "n_counterfactuals", "seed")
    for name in counts:
        value = getattr(options, name)
        if not isinstance(value, int) or not 0 <= value < MAX_COUNT:
            raise SelectionError(
                f"{name} is {value!r}; it can be a whole number from 0 to {MAX_COUNT - 1:,}."
            )
    if options.folds == 1:
        raise SelectionError("folds is 1, which leaves nothing to train on; give 2 or more, or 0.")
