"""One tiny base model and one record, shared by the tests of this room."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from finetune.evaluation.metrics import measure_classes
from finetune.evaluation.regression import measure_scores
from finetune.run.record import BaselineRecord, EpochMetrics, RunRecord, ScoreRange, SplitRecord
from tests.tiny_models import tiny_checkpoint


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny models gain nothing from a second thread, and lose much on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def _no_pictures() -> Iterator[None]:
    """Runs draw none: a third of their time, where only weights and records are asked of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("finetune.training.results.draw_plots", lambda *_: None)
        yield


@pytest.fixture
def _no_pictures_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for one test, where others of the module ask for pictures."""
    monkeypatch.setattr("finetune.training.results.draw_plots", lambda *_: None)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT to start from."""
    return tiny_checkpoint(tmp_path_factory.mktemp("bases") / "tiny-bert")


@pytest.fixture
def record() -> RunRecord:
    """The record of a run of two epochs, its numbers made up."""
    labels = ("Sports", "World")
    validation = measure_classes(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), labels)
    split = SplitRecord(
        rows=4, class_counts={"Sports": 2, "World": 2}, fingerprint="ab12", truncated=1
    )
    return RunRecord(
        created="2026-01-02T03:04:05+00:00",
        command="clsight train --data news.csv --model tiny-bert --output news",
        base="tiny-bert",
        labels=labels,
        problem_type="single_label_classification",
        data_name="news.csv",
        data_terms=None,
        settings={"output": "news", "save_dtype": "float16"},
        splits={"train": split, "validation": split},
        validation_origin="rows split off from the training data, class by class",
        notes=("Left out of train: 3 with a blank text.",),
        parameters=1_234_567,
        max_length=64,
        precision="float32",
        device="CPU, 2 threads",
        versions={"python": "3.11", "torch": "2.13.0"},
        seconds=90.0,
        texts_per_second=12.5,
        epochs=(
            EpochMetrics(
                epoch=1,
                train_loss=0.9,
                validation_loss=0.8,
                measured={"accuracy": 0.5, "macro_f1": 0.4},
            ),
            EpochMetrics(
                epoch=2,
                train_loss=0.5,
                validation_loss=0.6,
                measured={"accuracy": 0.75, "macro_f1": 0.7333},
            ),
        ),
        best_epoch=2,
        validation=validation,
        test=None,
    )


@pytest.fixture
def score_record(record: RunRecord) -> RunRecord:
    """The same of a run on scores, with a baseline and a test split."""
    gold = np.array([1.0, 2.0, 3.0, 4.5, 5.0])
    metrics = measure_scores(gold, gold + np.array([0.5, -0.5, 0.25, 0.0, 0.0]))
    scores = ScoreRange(mean=3.1, deviation=1.5, lowest=1.0, highest=5.0)
    epoch = EpochMetrics(
        epoch=1, train_loss=0.9, validation_loss=0.8, measured={"r2": 0.9, "rmse": 0.335}
    )
    return replace(
        record,
        labels=("score",),
        problem_type="regression",
        splits={
            name: replace(split, class_counts={}, scores=scores)
            for name, split in record.splits.items()
        },
        epochs=(epoch,),
        best_epoch=1,
        validation=metrics,
        test=metrics,
        baselines=(
            BaselineRecord(
                name="mean of train",
                setting="3.1",
                validation=measure_scores(gold, np.full(5, 3.1), keep=0),
                test=measure_scores(gold, np.full(5, 3.1), keep=0),
                seconds=0.0,
            ),
        ),
    )
