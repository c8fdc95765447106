"""What is different between two files: last month's and Tuesday's."""

from dataclasses import dataclass
from typing import Literal

from finetune.run.json_files import Count, Items, Number, Share
from viz.data.missing import Missing
from viz.faithfulness.record import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassShift:
    """How often a class is predicted."""

    label: str
    reference_share: Share
    share: Share
    difference: Interval
    """`share` minus `reference_share`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordShift:
    """A word that tells the files apart."""

    word: str
    kind: Literal["new", "used differently", "gone"]
    """Whether it is new, stands in both files but where other things are said, or is gone."""
    reference_share: Share
    """Share of rows that have it."""
    share: Share
    score: Number
    """What it adds to the score of the domain classifier, summed over its rows and divided by the
    number of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftCause:
    """What may have happened, and how strongly the rows say so."""

    cause: Literal["class prior", "topic", "typing errors", "length", "other"]
    strength: Share
    """What causes are ranked by; comparable between causes."""
    sentence: str
    """What was seen, with numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What shifted from a reference file to another one."""

    reference: str
    reference_fingerprint: str
    n_reference: Count
    n_rows: Count
    classes: Items[ClassShift]
    """As predicted, the most changed first."""
    confidence: Interval
    """Mean probability of the predicted class, now minus in the reference."""
    estimated_accuracy: Interval | Missing
    """On the file, without its labels."""
    estimated_by: str
    """The name of the estimator, with its source."""
    reference_accuracy: Share | None
    """Measured on the reference; None where it has no labels."""
    domain_auc: Interval
    """How well a linear classifier over the states tells rows of the two files apart, on rows it
    was not trained on: .5 is not at all."""
    p_value: Share
    """Of all tests together, corrected for their number."""
    error_rate: Share
    """How often there is an alarm where nothing shifted."""
    alarm: bool
    causes: Items[ShiftCause]
    """The strongest first; none without an alarm."""
    words: Items[WordShift]
    """The strongest first."""
    domain_bias: Number = 0.0
    """The part of the domain classifier's mean score that no word holds."""
    notes: Items[str] = ()
