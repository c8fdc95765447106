"""A run that is opened and checked, before its first step."""

from dataclasses import dataclass

from finetune.check import CheckReport
from finetune.config import TrainConfig
from finetune.data import Splits
from finetune.models import (
    Checkpoint,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What a run consists of once everything is opened and checked."""

    config: TrainConfig
    splits: Splits
    base: Checkpoint
    max_length: int
    bfloat16: bool
    check: CheckReport
