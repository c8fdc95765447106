"""What a line of `events.jsonl` may say, one schema for each kind of event.

The run writes these lines, and whoever watches it reads them by `EVENT`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag, TypeAdapter

from finetune.run.json_files import Amount, Count

START = "start"
RESUME = "resume"
PRETRAINING = "pretraining"
STEP = "step"
EPOCH = "epoch"
SAVED = "saved"
END = "end"
"""The epochs are over."""
STOPPED = "stopped"
FAILED = "failed"

Epochs = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1e6)]
Seconds = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1e10)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What every event has; all that is said by those of which nothing is drawn."""

    kind: str
    time: str = ""
    sentence: str = ""
    """Why the run stopped or failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Started(Event):
    """The epochs begin."""

    epochs: Count
    steps: Count


@dataclass(frozen=True, kw_only=True, slots=True)
class Resumed(Event):
    """The epochs go on after a step."""

    step: Count


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress(Event):
    """A step of further pre-training, or of the epochs, and how long the others take."""

    step: Count
    steps: Count = 0
    """Of all."""
    seconds_left: Seconds = 0.0
    texts_per_second: Amount = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Stepped(Progress):
    """A step of the epochs."""

    epoch: Epochs
    """How many epochs are done after it."""
    loss: float
    """Of its texts; it may not be a number."""
    gradient_norms: Mapping[str, float] = field(default_factory=dict)
    """Of each part that learns, before gradients are clipped: `embeddings`, `layer 0` ..., `head`;
    none in the events of older versions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured(Event):
    """The end of an epoch."""

    epoch: Count
    measured: Mapping[str, float]
    """All its numbers by their names."""


def event_time() -> str:
    """The time now, as events tell it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _kind(values: Any) -> str:
    kind = values.get("kind") if isinstance(values, dict) else None
    return kind if isinstance(kind, str) and kind in _KINDS else "other"


def _grouped(values: Any) -> Any:
    """The numbers of an event under one name."""
    numbers = {
        name: value
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return values | {"measured": numbers}


_KINDS = (START, RESUME, PRETRAINING, STEP, EPOCH)
EVENT: TypeAdapter[Event] = TypeAdapter(
    Annotated[
        Annotated[Started, Tag(START)]
        | Annotated[Resumed, Tag(RESUME)]
        | Annotated[Progress, Tag(PRETRAINING)]
        | Annotated[Stepped, Tag(STEP)]
        | Annotated[Measured, BeforeValidator(_grouped), Tag(EPOCH)]
        | Annotated[Event, Tag("other")],
        Discriminator(_kind),
    ]
)
"""A line."""
