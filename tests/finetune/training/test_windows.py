"""Training on windows: what the loss is of, which windows are read, and that a run resumes."""

import random
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from finetune.checkpoint.models import load_checkpoint
from finetune.checkpoint.windows import Pooling, pool_logits
from finetune.errors import ConfigError, FinetuneError
from finetune.evaluation.evaluate import predict_logits
from finetune.run.config import TrainConfig
from finetune.run.config_sections import InputConfig
from finetune.run.output_folder import stopped_run
from finetune.training.train import train
from finetune.training.windows import WindowCollator, pool
from tests.finetune.news import LABELS, WORDS, of_classes, write_csv
from tests.finetune.runs import fail_snapshot, silent, tiny_run

pytestmark = pytest.mark.usefixtures("_no_pictures")

settings = partial(
    tiny_run, baseline=False, ignore_check=True, batch_size=16, max_length=8, window_stride=3
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts of which the second half alone tells the class."""
    chance = random.Random(0)
    rows = [
        {
            "text": " ".join(["a"] * (6 + i % 4) + chance.choices(WORDS[LABELS[i % 3]][:2], k=6)),
            "label": LABELS[i % 3],
        }
        for i in range(60)
    ]
    return write_csv(tmp_path_factory.mktemp("rows") / "long.csv", rows)


def test_training_pools_as_measuring_does_and_hands_gradients_to_what_counts() -> None:
    chance = np.random.default_rng(0)
    plain, owners = chance.normal(size=(6, 2)), [0, 0, 0, 1, 2, 2]
    shares: dict[Pooling, list[float]] = {"mean": [1 / 3] * 3, "first": [1, 0, 0]}
    for pooling in ("mean", "max", "first"):
        logits = torch.tensor(plain, requires_grad=True)
        pooled = pool(logits, torch.tensor(owners), 3, pooling)
        expected = pool_logits(plain, owners, 3, pooling)
        assert np.abs(pooled.detach().numpy() - expected).max() < 1e-6
        (gradient,) = torch.autograd.grad(pooled[0, 1], logits)
        own = np.zeros((6, 2))
        own[:3, 1] = shares.get(pooling) or np.eye(3)[plain[:3, 1].argmax()]
        assert np.abs(gradient.numpy() - own).max() < 1e-6


def test_an_epoch_draws_some_windows_of_a_long_text_and_all_of_a_short_one(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    long, short = [[1, i, 2] for i in range(9)], [[1, 5, 6, 7, 2], [1, 7, 8, 2]]
    rows = [
        {"input_ids": windows, "attention_mask": [[1] * len(own) for own in windows], "labels": i}
        for i, windows in enumerate((long, short))
    ]
    epochs: Any = SimpleNamespace(epoch=0)
    collate = WindowCollator(tokenizer, limit=4, seed=7, batches=epochs)
    batch = collate(rows)
    assert batch["owners"].tolist() == [0, 0, 0, 0, 1, 1]
    assert batch["sizes"].tolist() == [3, 3, 3, 3, 5, 4]
    assert batch["input_ids"].shape == batch["attention_mask"].shape == (6, 5)
    assert batch["labels"].tolist() == [0, 1]
    drawn = []
    for epoch in range(12):
        epochs.epoch = epoch
        drawn.append(collate.draw(long))
        assert drawn[-1] == collate.draw(long) == sorted(set(drawn[-1]))
    assert {i for own in drawn for i in own} == set(range(9))
    assert len(set(map(tuple, drawn))) > 6
    assert WindowCollator(tokenizer)(rows)["owners"].tolist() == [0] * 9 + [1] * 2


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_a_run_learns_from_all_windows_and_measures_what_the_checkpoint_says(
    pooling: str, data: Path, base: Path, tmp_path: Path
) -> None:
    config = settings(data, base, tmp_path / "out", window_pooling=pooling, epochs=5)
    record = train(config, say=silent)
    validation = of_classes(record.validation)
    assert validation.accuracy >= 0.8  # the beginnings are all alike
    best = record.epochs[record.best_epoch - 1]
    assert best.measured["accuracy"] == validation.accuracy
    saved = load_checkpoint(str(tmp_path / "out"))
    assert saved.model.config.text_window_stride == 3
    assert saved.model.config.text_window_pooling == pooling
    assert saved.model.config.text_window_cut == "sentences"
    assert saved.model.config.text_window_size == 8
    assert f"--window-pooling {pooling}" in record.command or pooling == "mean"
    card = (tmp_path / "out/README.md").read_text("utf-8")
    assert "of more than 8 tokens are read in windows that begin at most 3 tokens apart" in card
    # A text of one window is read as if there were none.
    text = [("oil prices rise", None)]
    windows = predict_logits(saved, text, batch_size=1, max_length=8)
    saved.model.config.text_window_stride = 0
    assert (windows == predict_logits(saved, text, batch_size=1, max_length=8)).all()


def test_a_run_on_windows_that_failed_ends_as_if_it_had_not(
    data: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more: dict[str, Any] = {
        "epochs": 2, "max_windows": 2, "gradient_accumulation": 2, "save_minutes": 0,
    }  # fmt: skip
    whole = train(settings(data, base, tmp_path / "whole", **more), say=silent)
    output = tmp_path / "out"
    fail_snapshot(monkeypatch, step=6)
    with pytest.raises(FinetuneError):
        train(settings(data, base, output, **more), say=silent)
    monkeypatch.undo()
    record = train(stopped_run(output), say=silent)
    assert record.epochs == whole.epochs
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "out")]
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"window_pooling": "max"}, "--window-pooling and --window-cut are for windows"),
        ({"window_cut": "tokens"}, "give --window-stride too"),
        ({"window_stride": 4, "truncation": "tail"}, "leave one of them out"),
        ({"window_pooling": "median"}, "has to be one of mean, max, first"),
    ],
)
def test_what_would_have_no_effect_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        InputConfig(**given)
    with pytest.raises(ConfigError, match=message):
        TrainConfig(data=("rows.csv",), model="base", output=Path("out"), **given)
