"""The norms of gradients in the events of a run are those of its gradients, before clipping."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from finetune.run.event_schema import EVENT, Stepped
from finetune.training.train import train
from finetune.training.trainer import SnapshotTrainer
from tests.finetune.news import news, write_csv
from tests.finetune.runs import silent, tiny_run

pytestmark = pytest.mark.usefixtures("_no_pictures")

PREFIXES = {
    "embeddings": "bert.embeddings.",
    "layer 0": "bert.encoder.layer.0.",
    "layer 1": "bert.encoder.layer.1.",
    "layer 2": "bert.encoder.layer.2.",
    "head": ("bert.pooler.", "classifier."),
}


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, float]]:
    """The norms in each step of a run, as they are before its gradients are clipped."""
    steps: list[dict[str, float]] = []
    clip = SnapshotTrainer._clip_grad_norm

    def note(self: SnapshotTrainer, model: nn.Module) -> Any:
        squares = {
            name: float(each.grad.double().square().sum())
            for name, each in self.model.named_parameters()
            if each.grad is not None
        }
        norms = {
            part: math.sqrt(sum(each for name, each in squares.items() if name.startswith(prefix)))
            for part, prefix in PREFIXES.items()
        }
        steps.append({part: norm for part, norm in norms.items() if norm})
        return clip(self, model)

    monkeypatch.setattr(SnapshotTrainer, "_clip_grad_norm", note)
    monkeypatch.setattr("finetune.run.events.MIN_INTERVAL_SECONDS", 0)
    return steps


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"gradient_accumulation": 3, "batch_size": 4, "precision": "bfloat16"}, list(PREFIXES)),
        ({"freeze_layers": 1}, ["layer 1", "layer 2", "head"]),
        ({"lora_rank": 2}, ["layer 0", "layer 1", "layer 2", "head"]),
    ],
)
def test_each_step_tells_the_norms_of_what_learns(
    settings: dict[str, Any], parts: list[str], by_hand: list[dict[str, float]], base: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    data, output = write_csv(tmp_path / "news.csv", news(40)), tmp_path / "out"
    train(tiny_run(data, base, output, epochs=1, baseline=False, **settings), say=silent)
    events = [
        EVENT.validate_json(line, strict=True)
        for line in (output / "events.jsonl").read_text().splitlines()
    ]
    norms = [dict(event.gradient_norms) for event in events if isinstance(event, Stepped)]
    assert len(norms) == len(by_hand) > 2
    for logged, expected in zip(norms, by_hand, strict=True):
        assert list(logged) == parts
        assert logged == pytest.approx(expected, rel=1e-3)
    assert max(math.hypot(*step.values()) for step in norms) > 1  # such a step is clipped


def test_events_of_older_versions_have_no_norms() -> None:
    line = json.dumps({"kind": "step", "step": 3, "epoch": 0.5, "loss": 1.5})
    event = EVENT.validate_json(line, strict=True)
    assert isinstance(event, Stepped)
    assert event.gradient_norms == {}
