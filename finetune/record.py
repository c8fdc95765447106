"""What is known of a run, as `run.json` beside the weights; needs nothing but Python itself."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from finetune.errors import ModelError

FILE_NAME = "run.json"


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

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Metrics":
        """The metrics that `asdict` wrote."""
        low, high = values["accuracy_interval"]
        confusion = values["confusion"]
        return cls(
            **values
            | {
                "accuracy_interval": (low, high),
                "classes": tuple(ClassMetrics(**row) for row in values["classes"]),
                "confusion": confusion and tuple(tuple(row) for row in confusion),
            }
        )


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
    """What a classical classifier gets right of the same rows."""

    name: str
    setting: str
    """Its features and what was chosen on validation."""
    validation: Metrics
    test: Metrics | None
    seconds: float

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "BaselineRecord":
        """The record that `asdict` wrote."""
        validation, test = Metrics.from_dict(values["validation"]), values["test"]
        return cls(**values | {"validation": validation, "test": test and Metrics.from_dict(test)})


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochMetrics:
    """One point of the curve of a run."""

    epoch: int
    train_loss: float
    validation_loss: float
    accuracy: float
    macro_f1: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitRecord:
    """The rows of one split."""

    rows: int
    class_counts: dict[str, int]
    fingerprint: str
    """SHA-256 over texts and class names in their order."""
    truncated: int
    """Rows longer than `max_length`, of which the model saw a part only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """All that is known of a run; the model card is written from this alone."""

    created: str
    """When the run ended, in UTC."""
    command: str
    base: str
    labels: tuple[str, ...]
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
    texts_per_second: float
    epochs: tuple[EpochMetrics, ...]
    best_epoch: int
    validation: Metrics
    """Of the saved weights, read back in float32."""
    test: Metrics | None
    calibration: CalibrationRecord | None = None
    baselines: tuple[BaselineRecord, ...] = ()

    def save(self, folder: Path) -> None:
        """Write `run.json` into *folder*; a number that isn't finite is a ValueError."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False, allow_nan=False)
        (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")

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
                "splits": {k: SplitRecord(**split) for k, split in values["splits"].items()},
                "epochs": tuple(EpochMetrics(**epoch) for epoch in values["epochs"]),
                "validation": Metrics.from_dict(values["validation"]),
                "test": test and Metrics.from_dict(test),
                "calibration": calibration and CalibrationRecord.from_dict(calibration),
                "baselines": tuple(map(BaselineRecord.from_dict, values.get("baselines", ()))),
            }
        )
