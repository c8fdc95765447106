"""What was measured of a checkpoint on one split, as a record of a run holds it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import AfterValidator, Discriminator, Field, Tag

from finetune.run.json_files import (
    ROUNDING,
    Amount,
    Correlation,
    Count,
    Items,
    Number,
    Share,
)

TOLERANCE = 1e-6
"""How far an accuracy may be from the rows that it is of."""


AtMostOne = Annotated[Number, Field(le=1 + ROUNDING)]


Rows = Annotated[int, Field(ge=1, lt=2**63)]


Reasons = Iterator[str]
"""Why a record can't be true; the first of them is told."""


class Checked(Protocol):
    """A record whose parts have to agree."""

    def contradictions(self) -> Reasons:
        """What in it can't be true together, or can't be shown."""


C = TypeVar("C", bound=Checked)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassMetrics:
    """How well one class is told from the others."""

    label: str
    precision: Share
    recall: Share
    f1: Share
    support: Count
    """Rows that have this class."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Metrics:
    """What a checkpoint got right on one set of rows."""

    rows: Rows
    accuracy: Share
    """Share of rows that are right; with several classes per row, of those right in every class."""
    accuracy_interval: tuple[Share, Share]
    """95% Wilson interval of `accuracy`."""
    macro_f1: Share
    micro_f1: Share
    classes: Annotated[Items[ClassMetrics], Field(min_length=1)]
    confusion: Annotated[Items[Items[Count]], Field(min_length=1)] | None
    """`confusion[i][j]`: rows of class i called j; None with several classes per row."""
    confused: Annotated[Items[Count], Field(min_length=1)] | None = None
    """Of too many classes, the numbers of those that `confusion` is about: the ones most taken for
    each other; None where it is about all."""

    @property
    def confusion_labels(self) -> tuple[str, ...]:
        """The classes that `confusion` is about, in its order."""
        labels = tuple(row.label for row in self.classes)
        return labels if self.confused is None else tuple(labels[i] for i in self.confused)

    def contradictions(self) -> Reasons:
        """What in it can't be true together."""
        labels = [each.label for each in self.classes]
        if len(set(labels)) < len(labels):
            yield "a class occurs twice"
        if any(each.support > self.rows for each in self.classes):
            yield "a class has more rows than there are"
        places = self.confused or ()
        if len(set(places)) < len(places) or not set(places) <= set(range(len(labels))):
            yield "the classes of the confusion matrix are none of the classes"
        elif self.confusion is not None:
            yield from self._confusion_contradictions(self.confusion)

    def _confusion_contradictions(self, confusion: tuple[tuple[int, ...], ...]) -> Reasons:
        size = len(self.confusion_labels)
        if any(len(row) != size for row in (confusion, *confusion)):
            yield f"the confusion matrix is not one of {size} classes"
            return
        supports = {each.label: each.support for each in self.classes}
        lost = [
            supports[label] - sum(row)
            for label, row in zip(self.confusion_labels, confusion, strict=True)
        ]
        # Of some of the classes, rows that are taken for another one don't stand in it.
        if min(lost) < 0 or (self.confused is None and any(lost)):
            yield "the rows of the confusion matrix don't add up to those of the classes"
        right = sum(row[at] for at, row in enumerate(confusion))
        if self.confused is None and abs(right / self.rows - self.accuracy) > TOLERANCE:
            yield "the accuracy is not that of the confusion matrix"


@dataclass(frozen=True, kw_only=True, slots=True)
class RegressionMetrics:
    """How close a checkpoint came to the scores of one set of rows; errors are in their unit."""

    rows: Rows
    r2: AtMostOne | None
    """One minus the squared errors over those of the mean; None where all scores are equal."""
    rmse: Amount
    """Root of the mean squared error."""
    mae: Amount
    """Mean absolute error."""
    pearson: Correlation | None
    """Correlation; None where all scores, or all predictions, are equal."""
    pearson_interval: tuple[Correlation, Correlation] | None
    """95% interval of `pearson` by Fisher's transformation; None below four rows too."""
    spearman: Correlation | None
    """Correlation of ranks, None as `pearson`."""
    points: Items[tuple[Number, Number]]
    """True and predicted score of some rows, for a picture."""


def _kind(values: Any) -> str:
    """Which of both kinds of metrics `asdict` wrote."""
    return "?scores" if isinstance(values, dict) and "rmse" in values else "?classes"


def require_consistent(record: C) -> C:
    """What was read, if it can be true."""
    for reason in record.contradictions():
        raise ValueError(reason)
    return record


AnyMetrics = Annotated[
    Annotated[Metrics, AfterValidator(require_consistent), Tag("?classes")]
    | Annotated[RegressionMetrics, Tag("?scores")],
    Discriminator(_kind),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliabilityBin:
    """Decisions of like confidence; all numbers are 0 where there are none."""

    count: Count
    confidence: Share
    """Mean confidence."""
    accuracy: Share
    """Share that is right."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationMetrics:
    """How far probabilities can be taken at their word, on one set of rows."""

    ece: Share
    """Expected calibration error over the bins of `curve`."""
    nll: Amount
    """Mean negative log-likelihood."""
    brier: Amount
    curve: Items[ReliabilityBin]
    """Bins of equal width from 0 to 1."""
