"""events.jsonl of a whole run, read as one who watches it would."""

import json
import math
from pathlib import Path

import pytest
import torch

from finetune.run.config import TrainConfig
from finetune.run.events import EventLog, Events
from finetune.training.losses import build_loss
from finetune.training.train import train
from tests.finetune.news import news, write_csv


def test_a_run_tells_its_steps_and_epochs_as_they_happen(base: Path, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "news.csv", news(60))
    config = TrainConfig(
        data=(str(data),), model=str(base), output=tmp_path / "out", epochs=2, baseline=False
    )
    record = train(config, say=lambda line: None)
    lines = (tmp_path / "out" / "events.jsonl").read_text("utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    kinds = [event["kind"] for event in events]
    assert kinds[0] == "start"
    assert kinds[-1] == "end"
    epochs = [event for event in events if event["kind"] == "epoch"]
    assert [event["macro_f1"] for event in epochs] == [
        e.measured["macro_f1"] for e in record.epochs
    ]
    last = [event for event in events if event["kind"] == "step"][-1]
    assert last["step"] == last["steps"] == events[0]["steps"]
    assert last["seconds_left"] == 0
    assert 0 < last["loss"] < 5
    assert last["learning_rate"] == pytest.approx(0)


def test_the_loss_told_is_that_of_a_text_however_many_a_step_has(tmp_path: Path) -> None:
    log = EventLog(Events(tmp_path), texts=8)
    loss = log.watched(build_loss("none", [1, 1], rows=2, smoothing=0, multi_label=False))
    outputs, labels = {"logits": torch.zeros(3, 2)}, torch.tensor([0, 1, 1])
    assert loss(outputs, labels, num_items_in_batch=6).item() == pytest.approx(math.log(2) / 2)
    assert log.loss is not None
    assert log.loss.item() == pytest.approx(math.log(2))


def test_a_measured_batch_leaves_the_loss_of_training_as_it_was(tmp_path: Path) -> None:
    log = EventLog(Events(tmp_path), texts=8)
    loss = log.watched(build_loss("none", [1, 1], rows=2, smoothing=0, multi_label=False))
    labels = torch.tensor([0, 1])
    loss({"logits": torch.zeros(2, 2)}, labels)
    with torch.no_grad():
        measured = loss({"logits": torch.tensor([[9.0, 0.0], [0.0, 9.0]])}, labels)
    assert measured.item() < 0.01
    assert log.loss is not None
    assert log.loss.item() == pytest.approx(math.log(2))
