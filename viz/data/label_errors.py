"""Rows whose label is likely wrong, ranked, each with what speaks for it."""

from dataclasses import dataclass
from typing import Literal

from finetune.run.json_files import Count, Items, Number, Share


@dataclass(frozen=True, slots=True, kw_only=True)
class WordScore:
    """A word of a row and what it adds to an explained scalar."""

    word: str
    score: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbor:
    """A row that lies near another one."""

    row: Count
    label: str
    """The label that the file gives it."""
    similarity: Number
    """Cosine of the two states that the class is read from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelError:
    """A row whose label is likely wrong."""

    row: Count
    """Counted from 0 over all rows of the file."""
    label: str
    """What the file says."""
    suggested: str
    """The class that would be right."""
    score: Number
    """What rows are ranked by; the higher, the likelier an error."""
    likely: bool
    """Whether confident learning counts it among the errors, beyond ranking it."""
    label_probability: Share
    """Out of sample."""
    suggested_probability: Share
    words: Items[WordScore]
    """The words that say so: what each adds to the logit of `suggested` minus that of `label`, the
    strongest first; none where the network can't be split."""
    neighbors: Items[Neighbor]
    """The three nearest other rows, the nearest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelErrors:
    """All rows that were looked at, in the order in which to look at them."""

    estimated_by: Literal["held-out", "state-folds", "training-folds"]
    """Where the probabilities come from: the classifier itself, which did not see these rows in
    training; folds of a linear head over its states; or folds of real trainings."""
    n_rows: Count
    """Rows with a label that were judged."""
    n_likely: Count
    """How many errors confident learning counts among them."""
    items: Items[LabelError]
    """The first of the ranking, the likeliest first."""
    notes: Items[str] = ()
