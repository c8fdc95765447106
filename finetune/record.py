"""What is known of a run, as `run.json` beside the weights; needs nothing but Python itself."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from finetune.disk import write_whole
from finetune.errors import ModelError

FILE_NAME = "run.json"
REGRESSION = "regression"
"""The problem type of a model that gives a score."""

EPOCH_METRICS = {"accuracy": "accuracy", "macro_f1": "macro F1", "r2": "R2", "rmse": "RMSE"}
"""What is measured after each epoch, as it is called; a run has two of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassMetrics:
    """How well one class is told from the others."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int
    """Rows that have this class."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Metrics:
    """What a checkpoint got right on one set of rows."""

    rows: int
    accuracy: float
    """Share of rows that are right; with several classes per row, of those right in every class."""
    accuracy_interval: tuple[float, float]
    """95 % Wilson interval of `accuracy`."""
    macro_f1: float
    micro_f1: float
    classes: tuple[ClassMetrics, ...]
    confusion: tuple[tuple[int, ...], ...] | None
    """`confusion[i][j]`: rows of class i called j; None with several classes per row."""
    confused: tuple[int, ...] | None = None
    """Of too many classes, the numbers of those that `confusion` is about: the ones most taken for
    each other; None where it is about all."""

    @property
    def confusion_labels(self) -> tuple[str, ...]:
        """The classes that `confusion` is about, in its order."""
        labels = tuple(row.label for row in self.classes)
        return labels if self.confused is None else tuple(labels[i] for i in self.confused)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Metrics":
        """The metrics that `asdict` wrote."""
        low, high = values["accuracy_interval"]
        confusion, confused = values["confusion"], values.get("confused")
        return cls(
            **values
            | {
                "accuracy_interval": (low, high),
                "classes": tuple(ClassMetrics(**row) for row in values["classes"]),
                "confusion": confusion and tuple(tuple(row) for row in confusion),
                "confused": None if confused is None else tuple(confused),
            }
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RegressionMetrics:
    """How close a checkpoint came to the scores of one set of rows; errors are in their unit."""

    rows: int
    r2: float | None
    """One minus the squared errors over those of the mean; None where all scores are equal."""
    rmse: float
    """Root of the mean squared error."""
    mae: float
    """Mean absolute error."""
    pearson: float | None
    """Correlation; None where all scores, or all predictions, are equal."""
    pearson_interval: tuple[float, float] | None
    """95 % interval of `pearson` by Fisher's transformation; None below four rows too."""
    spearman: float | None
    """Correlation of ranks, None as `pearson`."""
    points: tuple[tuple[float, float], ...]
    """True and predicted score of some rows, for a picture."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RegressionMetrics":
        """The metrics that `asdict` wrote."""
        interval = values["pearson_interval"]
        return cls(
            **values
            | {
                "pearson_interval": interval and (interval[0], interval[1]),
                "points": tuple((gold, predicted) for gold, predicted in values["points"]),
            }
        )


AnyMetrics = Metrics | RegressionMetrics


def metrics_from(values: dict[str, Any]) -> AnyMetrics:
    """The metrics of either kind that `asdict` wrote."""
    kind = RegressionMetrics if "rmse" in values else Metrics
    return kind.from_dict(values)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliabilityBin:
    """Decisions of like confidence; all numbers are 0 where there are none."""

    count: int
    confidence: float
    """Mean confidence."""
    accuracy: float
    """Share that is right."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationMetrics:
    """How far probabilities can be taken at their word, on one set of rows."""

    ece: float
    """Expected calibration error over the bins of `curve`."""
    nll: float
    """Mean negative log-likelihood."""
    brier: float
    curve: tuple[ReliabilityBin, ...]
    """Bins of equal width from 0 to 1."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "CalibrationMetrics":
        """The metrics that `asdict` wrote."""
        curve = tuple(ReliabilityBin(**part) for part in values["curve"])
        return cls(**values | {"curve": curve})


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationRecord:
    """The temperature of a checkpoint, and what it changes on rows it wasn't fitted on."""

    temperature: float
    """What logits are divided by before they become probabilities."""
    reason: str
    """Why none could be fitted and it is 1; else empty."""
    measured_on: str
    """`test`, or `validation`: there each fifth at the temperature fitted on the others."""
    before: CalibrationMetrics
    after: CalibrationMetrics

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "CalibrationRecord":
        """The record that `asdict` wrote."""
        times = {name: CalibrationMetrics.from_dict(values[name]) for name in ("before", "after")}
        return cls(**values | times)


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineRecord:
    """What a classical classifier, or regression, gets right of the same rows."""

    name: str
    setting: str
    """Its features and what was chosen on validation."""
    validation: AnyMetrics
    test: AnyMetrics | None
    seconds: float

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "BaselineRecord":
        """The record that `asdict` wrote."""
        validation, test = metrics_from(values["validation"]), values["test"]
        return cls(**values | {"validation": validation, "test": test and metrics_from(test)})


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochMetrics:
    """One point of the curve of a run."""

    epoch: int
    train_loss: float
    validation_loss: float
    measured: dict[str, float]
    """Metrics of validation, two of EPOCH_METRICS."""

    def to_dict(self) -> dict[str, float]:
        """All numbers by name."""
        return {name: value for name, value in asdict(self).items() if name != "measured"} | (
            self.measured
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "EpochMetrics":
        """The point that `to_dict` wrote."""
        own = {name: values[name] for name in ("epoch", "train_loss", "validation_loss")}
        return cls(**own, measured={k: float(v) for k, v in values.items() if k not in own})


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRange:
    """Where the scores of a split lie."""

    mean: float
    deviation: float
    lowest: float
    highest: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitRecord:
    """The rows of one split."""

    rows: int
    class_counts: dict[str, int]
    """Rows of each class; empty where rows have scores."""
    scores: ScoreRange | None = None
    """None where rows have classes."""
    fingerprint: str
    """SHA-256 over texts and class names, or scores, in their order."""
    truncated: int
    """Rows longer than `max_length`, of which the model saw a part only."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "SplitRecord":
        """The record that `asdict` wrote."""
        scores = values.get("scores")
        return cls(**values | {"scores": scores and ScoreRange(**scores)})


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedRecord:
    """What the same run came to with one seed."""

    seed: int
    validation: dict[str, float]
    """Two of EPOCH_METRICS by name."""
    test: dict[str, float] | None
    kept: bool = False
    """Whether this is the run that was kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """All that is known of a run; the model card is written from this alone."""

    created: str
    """When the run ended, in UTC."""
    command: str
    base: str
    labels: tuple[str, ...]
    """The classes, or the name of the one score."""
    problem_type: str
    data_name: str
    data_terms: str | None
    settings: dict[str, Any]
    splits: dict[str, SplitRecord]
    validation_origin: str
    notes: tuple[str, ...]
    check: tuple[str, ...] = ()
    """What the data check warned about, beyond the notes; `check.json` has the whole report."""
    parameters: int
    max_length: int
    precision: str
    device: str
    versions: dict[str, str]
    seconds: float
    """Of the epochs, and of those of further pre-training."""
    texts_per_second: float
    """In the epochs of the classifier."""
    epochs: tuple[EpochMetrics, ...]
    best_epoch: int
    validation: AnyMetrics
    """Of the saved weights, read back in float32."""
    test: AnyMetrics | None
    calibration: CalibrationRecord | None = None
    baselines: tuple[BaselineRecord, ...] = ()
    seeds: tuple[SeedRecord, ...] = ()
    """All runs of which this one was the best on validation; none where there was one seed."""

    @property
    def regression(self) -> bool:
        """Whether the model gives a score, not classes."""
        return self.problem_type == REGRESSION

    def save(self, folder: Path) -> None:
        """Write `run.json` into *folder*; a number that isn't finite is a ValueError."""
        values = asdict(self) | {"epochs": [point.to_dict() for point in self.epochs]}
        text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
        write_whole(folder / FILE_NAME, text + "\n")

    @classmethod
    def load(cls, folder: Path) -> "RunRecord":
        """The record that `save` wrote into *folder*."""
        try:
            return cls.from_dict(json.loads((folder / FILE_NAME).read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise ModelError(
                f"no {FILE_NAME} in {folder.name!r}; it wasn't trained here"
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f"{FILE_NAME} in {folder.name!r} can't be read ({error}); train it again"
            ) from error

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RunRecord":
        """The record that `asdict` wrote."""
        test, calibration = values["test"], values.get("calibration")
        return cls(
            **values
            | {
                "labels": tuple(values["labels"]),
                "notes": tuple(values["notes"]),
                "check": tuple(values.get("check", ())),
                "splits": {
                    name: SplitRecord.from_dict(split) for name, split in values["splits"].items()
                },
                "epochs": tuple(map(EpochMetrics.from_dict, values["epochs"])),
                "validation": metrics_from(values["validation"]),
                "test": test and metrics_from(test),
                "calibration": calibration and CalibrationRecord.from_dict(calibration),
                "baselines": tuple(map(BaselineRecord.from_dict, values.get("baselines", ()))),
                "seeds": tuple(SeedRecord(**each) for each in values.get("seeds", ())),
            }
        )
