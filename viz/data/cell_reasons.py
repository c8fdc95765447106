"""Why rows of one class are taken for another: the contrast of the two, summed over all of them."""

from dataclasses import dataclass

from finetune.run.json_files import Count, Items, Number, Share
from viz.data.missing import Missing
from viz.faithfulness.record import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonWord:
    """A word and what it adds over the rows of a cell."""

    word: str
    n_rows: Count
    """Rows that have it."""
    share: Number
    """What it adds to the mean logit difference: its sum over all rows, divided by their number.
    Over all words, with `special` and `bias`, these add up to `difference`."""
    contribution: Interval
    """What it adds in a row that has it; mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonHead:
    """A head and what passes through its attention over the rows of a cell."""

    layer: Count
    """From 0."""
    head: Count
    contribution: Interval
    """To the logit difference; mean over the rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilencedHeads:
    """What the classifier does without the heads that speak most for the wrong class."""

    heads: Items[tuple[Count, Count]]
    """Layer and head of each, from 0."""
    right_before: Share
    """Share of the rows of the cell that are put into their true class: 0 in a cell of errors."""
    right_after: Share
    gold_accuracy_before: Share
    """Of the rows of the true class that were read again, all or a sample."""
    gold_accuracy_after: Share
    predicted_accuracy_before: Share
    """The same of the class that they were taken for."""
    predicted_accuracy_after: Share
    n_gold: Count
    n_predicted: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class CellReasons:
    """One cell of the confusion matrix."""

    gold: str
    predicted: str
    n_rows: Count
    """Rows of the cell."""
    n_explained: Count
    """How many of them were taken apart: all, or a sample."""
    difference: Number
    """Mean over these of the logit of `predicted` minus that of `gold`."""
    bias: Number
    """The part of it that no token can claim."""
    special: Number
    """The part of it that special tokens hold, such as [CLS]."""
    words: Items[ReasonWord]
    """The strongest by the size of `share` first."""
    heads: Items[ReasonHead] | Missing
    """All of them, the strongest for `predicted` first."""
    silenced: SilencedHeads | Missing
