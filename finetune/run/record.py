"""What is known of a run, as `run.json` beside the weights; needs no network and no model."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypeVar

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from finetune.checkpoint.problem_types import PROBLEM_TYPES, REGRESSION
from finetune.checkpoint.run_files import RECORD
from finetune.errors import ModelError, RecordError, quoted
from finetune.run.atomic_files import write_atomically
from finetune.run.json_files import (
    ROUNDING,
    Amount,
    Correlation,
    Count,
    Items,
    Number,
    Schema,
    Share,
)
from finetune.run.metrics import are_of_kind

TRUNCATIONS = ("head", "tail", "head+tail")
"""What may be kept of a text."""
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


def _consistent(found: C) -> C:
    """What was read, if it can be true."""
    for reason in found.contradictions():
        raise ValueError(reason)
    return found


AnyMetrics = Annotated[
    Annotated[Metrics, AfterValidator(_consistent), Tag("?classes")]
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


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationRecord:
    """The temperature of a checkpoint, and what it changes on rows it wasn't fitted on."""

    temperature: Annotated[Number, Field(gt=0)]
    """What logits are divided by before they become probabilities."""
    reason: str
    """Why none could be fitted and it is 1; else empty."""
    measured_on: Literal["test", "validation"]
    """`test`, or `validation`: there each fifth at the temperature fitted on the others."""
    before: CalibrationMetrics
    after: CalibrationMetrics


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineRecord:
    """What a classical classifier, or regression, gets right of the same rows."""

    name: str
    setting: str
    """Its features and what was chosen on validation."""
    validation: AnyMetrics
    test: AnyMetrics | None
    seconds: Amount


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochMetrics:
    """One point of the curve of a run."""

    epoch: Rows
    train_loss: Number
    validation_loss: Number
    measured: dict[str, Number]
    """Metrics of validation by name, those of `run.metrics` that are of its kind."""

    def to_dict(self) -> dict[str, float]:
        """All numbers by name."""
        return {name: value for name, value in asdict(self).items() if name != "measured"} | (
            self.measured
        )


def _grouped(values: Any) -> Any:
    """The entries of a point as its fields; what they are worth is checked afterwards."""
    own = ("epoch", "train_loss", "validation_loss")
    if not isinstance(values, dict):
        return values
    measured = {name: value for name, value in values.items() if name not in own}
    return {name: values[name] for name in own if name in values} | {"measured": measured}


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRange:
    """Where the scores of a split lie."""

    mean: Number
    deviation: Amount
    lowest: Number
    highest: Number


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitRecord:
    """The rows of one split."""

    rows: Count
    class_counts: dict[str, Count]
    """Rows of each class; empty where rows have scores."""
    scores: ScoreRange | None = None
    """None where rows have classes."""
    fingerprint: str
    """SHA-256 over texts and class names, or scores, in their order."""
    truncated: Count
    """Rows longer than `max_length`, of which the model saw a part only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedRecord:
    """What the same run came to with one seed."""

    seed: Count
    validation: dict[str, Number]
    """Metrics by name, as in EpochMetrics."""
    test: dict[str, Number] | None
    kept: bool = False
    """Whether this is the run that was kept."""


def _labels(found: AnyMetrics) -> tuple[str, ...]:
    """The classes that metrics are of; of scores there are none."""
    return tuple(each.label for each in found.classes) if isinstance(found, Metrics) else ()


def _dated(moment: str) -> str:
    datetime.fromisoformat(moment)
    return moment


def _usable(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that are plain values, those that are told of again of their kind."""
    for name, value in settings.items():
        parts = value if isinstance(value, list) else [value]
        if not all(part is None or isinstance(part, str | bool | int | float) for part in parts):
            raise ValueError(f"{quoted(name)} is {quoted(value)}, which is not a setting")
    for name in ("output", "save_dtype"):
        if not isinstance(settings.get(name), str):
            raise ValueError(f"{name!r} is {quoted(settings.get(name))}, not a text")
    if settings.get("truncation", "head") not in TRUNCATIONS:
        raise ValueError(f"'truncation' is {quoted(settings['truncation'])}")
    rate = settings.get("learning_rate")
    if rate is not None and not (type(rate) in (int, float) and 0 < rate <= 1):
        raise ValueError(f"'learning_rate' is {quoted(rate)}")
    return settings


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """All that is known of a run; the model card is written from this alone."""

    created: Annotated[str, AfterValidator(_dated)]
    """When the run ended, in UTC."""
    command: str
    base: str
    labels: Annotated[Items[str], Field(min_length=1)]
    """The classes, or the name of the one score."""
    problem_type: Annotated[str, Field(pattern=f"^({'|'.join(PROBLEM_TYPES)})$")]
    data_name: str
    data_terms: str | None
    settings: Annotated[dict[str, Any], AfterValidator(_usable)]
    splits: dict[str, SplitRecord]
    validation_origin: str
    notes: Items[str]
    check: Items[str] = ()
    """What the data check warned about, beyond the notes; `check.json` has the whole report."""
    parameters: Count
    max_length: Count
    precision: str
    device: str
    versions: dict[str, str]
    seconds: Amount
    """Of the epochs, and of those of further pre-training."""
    texts_per_second: Amount
    """In the epochs of the classifier."""
    epochs: Annotated[
        Items[Annotated[EpochMetrics, BeforeValidator(_grouped)]], Field(min_length=1)
    ]
    best_epoch: int
    validation: AnyMetrics
    """Of the saved weights, read back in float32."""
    test: AnyMetrics | None
    calibration: CalibrationRecord | None = None
    baselines: Items[BaselineRecord] = ()
    seeds: Items[SeedRecord] = ()
    """All runs of which this one was the best on validation; none where there was one seed."""

    @property
    def regression(self) -> bool:
        """Whether the model gives a score, not classes."""
        return self.problem_type == REGRESSION

    def save(self, folder: Path) -> None:
        """Write `run.json` into *folder*; a number that isn't finite is a ValueError."""
        values = asdict(self) | {"epochs": [point.to_dict() for point in self.epochs]}
        text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
        write_atomically(folder / RECORD, text + "\n")

    @classmethod
    def load(cls, folder: Path) -> "RunRecord":
        """The record that `save` wrote into *folder*.

        Raises:
            ModelError: There is none, or it was damaged.
        """
        try:
            return schema().read(folder / RECORD, f"{RECORD!r} in {quoted(folder.name)}")
        except RecordError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                why = f"no {RECORD} in {folder.name!r}; it wasn't trained here"
                raise ModelError(why) from error
            raise ModelError(f"{error}; train it again") from error

    def contradictions(self) -> Reasons:
        """What in it can't be true together, or can't be shown."""
        if len(set(self.labels)) < len(self.labels):
            yield "a label occurs twice"
        measured = [each for each in (self.validation, self.test) if each is not None]
        for made in self.baselines:
            if (made.test is None) != (self.test is None):
                yield f"{quoted(made.name)} was not measured on the splits of the run"
            measured += [each for each in (made.validation, made.test) if each is not None]
        if any(isinstance(each, RegressionMetrics) != self.regression for each in measured):
            yield "what was measured is not of this kind"
        elif any(_labels(each) not in (self.labels, ()) for each in measured):
            yield "what was measured is not of these labels"
        for name, split in self.splits.items():
            if (split.scores is not None) != self.regression:
                yield f"the split {quoted(name)} is not of a run on {self.problem_type}"
            if not self.regression and not set(self.labels) <= set(split.class_counts):
                yield f"the split {quoted(name)} doesn't count each label"
        if self.best_epoch not in [point.epoch for point in self.epochs]:
            yield "the best epoch is none of the epochs"
        ends = [each.validation for each in self.seeds]
        tests = [each.test for each in self.seeds if each.test is not None]
        for named in (*(point.measured for point in self.epochs), *ends, *tests):
            if not are_of_kind(named, regression=self.regression):
                yield f"{quoted(list(named))} was measured, which is not of this kind"
        if len(self.seeds) == 1:
            yield "one seed is not a series of seeds"


@cache
def schema() -> Schema[RunRecord]:
    """What `run.json` has to be."""
    return Schema(Annotated[RunRecord, AfterValidator(_consistent)])
