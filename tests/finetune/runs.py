"""What tests of whole runs share."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from finetune.run.config import TrainConfig
from finetune.run.measurements import AnyMetrics
from finetune.training.trainer import SnapshotTrainer


def silent(_: str) -> None:
    """Say nothing."""


def tiny_run(data: Path, base: Path, output: Path, **more: Any) -> TrainConfig:
    """Settings from which a tiny model learns within some steps."""
    usual: dict[str, Any] = {"batch_size": 8, "learning_rate": 5e-3}
    return TrainConfig(data=(str(data),), model=str(base), output=output, **usual | more)


def check_close(found: AnyMetrics | None, expected: AnyMetrics | None) -> None:
    """Two measurements agree within what float32 promises where their batches differ.

    How a matrix product rounds depends on its shape, the processor and the number of threads.
    """
    assert found is not None
    assert expected is not None
    for one, other in zip(_values(asdict(found)), _values(asdict(expected)), strict=True):
        near = pytest.approx(other, rel=1e-5, abs=1e-6) if isinstance(other, float) else other
        assert one == near


def _values(of: object) -> list[object]:
    """All values within dicts and sequences, in their order, after their names."""
    parts = list(of.items()) if isinstance(of, dict) else of
    if isinstance(parts, list | tuple):
        return [value for part in parts for value in _values(part)]
    return [parts]


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
