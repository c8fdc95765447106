"""What is known of a run, as `run.json` beside the weights; needs no network and no model."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from finetune.checkpoint.problem_types import PROBLEM_TYPES, REGRESSION
from finetune.checkpoint.run_files import RECORD
from finetune.checkpoint.truncation import Truncation
from finetune.errors import ModelError, RecordError, quoted
from finetune.run.atomic_files import write_atomically
from finetune.run.json_files import (
    Amount,
    Count,
    Items,
    Number,
    Schema,
)
from finetune.run.measurements import (
    AnyMetrics,
    CalibrationMetrics,
    Metrics,
    Reasons,
    RegressionMetrics,
    Rows,
    require_consistent,
)
from finetune.run.metrics import are_of_kind, choosing_metric
from finetune.run.precision_choice import PrecisionChoice

TrialState = Literal["complete", "pruned", "out of time", "failed"]


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
    """Rows longer than `max_length`: cut, or read in windows where the settings say so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedRecord:
    """What the same run came to with one seed."""

    seed: Count
    validation: dict[str, Number]
    """Metrics by name, as in EpochMetrics."""
    test: dict[str, Number] | None
    kept: bool = False
    """Whether this is the run that was kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialRecord:
    """What a trial of a search for settings came to."""

    number: Rows
    settings: dict[str, str | int | float]
    state: TrialState
    score: Number | None
    """The best of its epochs on validation; None where none was measured."""
    seconds: Amount
    reason: str = ""
    """Why it failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TuningRecord:
    """The search that the settings of a run were found by."""

    metric: str
    """What validation was measured by."""
    space: dict[str, list[str | int | float]]
    """The limits of each setting, or the names it was tried with."""
    trials: Annotated[Items[TrialRecord], Field(min_length=1)]
    best: Rows
    """The number of the trial with the settings of the run."""
    seconds: Amount
    """Of all trials."""


def _labels(metrics: AnyMetrics) -> tuple[str, ...]:
    """The classes that metrics are of; of scores there are none."""
    return tuple(each.label for each in metrics.classes) if isinstance(metrics, Metrics) else ()


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
    if settings.get("truncation", "head") not in get_args(Truncation):
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
    precision_reason: str = ""
    """Why it was chosen; empty where that was not written down."""
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

    tuning: TuningRecord | None = None
    """The search for these settings; None where they were given."""

    @property
    def precision_choice(self) -> PrecisionChoice:
        """In which numbers the run computed, and why."""
        return PrecisionChoice(self.precision, self.precision_reason)

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
        for baseline in self.baselines:
            if (baseline.test is None) != (self.test is None):
                yield f"{quoted(baseline.name)} was not measured on the splits of the run"
            measured += [each for each in (baseline.validation, baseline.test) if each is not None]
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
        if self.tuning is not None:
            best = [each for each in self.tuning.trials if each.number == self.tuning.best]
            if [each.state for each in best] != ["complete"]:
                yield "the best trial is none that was completed"
            if self.tuning.metric != choosing_metric(regression=self.regression).name:
                yield f"trials were measured by {quoted(self.tuning.metric)}, not its metric"
        if len(self.seeds) == 1:
            yield "one seed is not a series of seeds"


@cache
def schema() -> Schema[RunRecord]:
    """What `run.json` has to be."""
    return Schema(Annotated[RunRecord, AfterValidator(require_consistent)])
