"""What tests of whole runs share."""

from pathlib import Path
from typing import Any

import pytest

from finetune.config import TrainConfig
from finetune.learning.trainer import SnapshotTrainer


def silent(_: str) -> None:
    """Say nothing."""


def tiny_run(data: Path, base: Path, output: Path, **more: Any) -> TrainConfig:
    """Settings from which a tiny model learns within some steps."""
    usual: dict[str, Any] = {"batch_size": 8, "learning_rate": 5e-3}
    return TrainConfig(data=(str(data),), model=str(base), output=output, **usual | more)


def fail_snapshot(
    monkeypatch: pytest.MonkeyPatch, *, number: int | None = None, step: int | None = None
) -> None:
    """Make runs fail just before the snapshot of that *number*, counted from here, or *step*."""
    take, taken = SnapshotTrainer.take_snapshot, 0

    def fail(self: SnapshotTrainer) -> None:
        nonlocal taken
        taken += 1
        if taken == number or self.state.global_step == step:
            raise OSError(5, "Input/output error")
        take(self)

    monkeypatch.setattr(SnapshotTrainer, "take_snapshot", fail)
