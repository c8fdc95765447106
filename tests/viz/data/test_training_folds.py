"""Trainings in folds: no row is judged by a model that has seen it, and nothing is done twice."""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finetune.run.config import TrainConfig
from finetune.run.config_file import read_config_file
from finetune.run.record import RunRecord
from tests.tiny_models import tiny_checkpoint
from viz import Classifier
from viz.data.labels import label_probabilities, training_folds
from viz.data.labels.label_probabilities import LabelProbabilities, estimate_probabilities
from viz.data.labels.training_folds import FoldTrainings, base_model, fold_passes
from viz.data.options import AuditOptions
from viz.data.rows.audit_rows import AuditRows, rows_from
from viz.data.rows.row_predictions import predict
from viz.errors import RunError
from viz.jobs.cancellation import CancelledError, cancellation_check
from viz.model.classifier import default_checkpoint

TEXTS = ["oil prices rise", "team wins game", "peace talks", "stocks fall", "ice on moon", "good"]


@pytest.fixture
def record() -> RunRecord:
    record = RunRecord.load(default_checkpoint())
    settings = {"epochs": 2, "lora_rank": 4, "head_only": False, "max_length": None, "seeds": 3}
    return replace(record, settings=record.settings | settings)


@pytest.fixture
def rows(classifier: Classifier) -> AuditRows:
    labels = [classifier.labels[i % 3] for i in range(len(TEXTS))]
    return rows_from(
        [{"text": t, "label": label} for t, label in zip(TEXTS, labels, strict=True)], classifier
    )


class Trained:
    """In the place of trainings: what each was given, and a random model of three classes."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = labels
        self.settings: list[dict[str, Any]] = []
        self.texts: list[list[str]] = []
        self.fail = False

    def __call__(self, options: Sequence[str]) -> None:
        if self.fail:
            raise RunError("A fold can't be trained: no space.")
        given = dict(option.partition("=")[::2] for option in options)
        settings = read_config_file(Path(given["--config"]))
        TrainConfig(**settings, data=(given["--data"],), model="b", output=Path(given["--output"]))
        self.settings.append(settings)
        lines = Path(given["--data"]).read_text().splitlines()
        self.texts.append([json.loads(line)["text"] for line in lines])
        tiny_checkpoint(Path(given["--output"]), labels=self.labels, seed=len(self.texts))


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Trained:
    trained = Trained(("class 2", "class 0", "class 1"))
    monkeypatch.setattr(training_folds, "_train", trained)
    return trained


def test_each_row_is_read_by_the_model_that_never_saw_it(
    classifier: Classifier, rows: AuditRows, record: RunRecord, trained: Trained, tmp_path: Path
) -> None:
    names = {i: (classifier.labels[i % 3],) for i in range(len(TEXTS)) if i != 4}
    folds = np.array([0, 1, 0, 1, 1])
    trainings = FoldTrainings(
        classifier=classifier, record=record, base="b", rows=rows, names=names, work=tmp_path / "w"
    )
    passes: list[float] = []
    values = trainings.log_probabilities(folds, passes.append)
    held_out = [[0, 2], [1, 3, 5]]
    assert trained.texts == [[TEXTS[i] for i in (1, 3, 5)], [TEXTS[i] for i in (0, 2)]]
    assert sum(passes) == fold_passes(record, 5, 2) == 3 * 2 * 5 + 5
    for seed, numbers in enumerate(held_out, start=1):
        folder = tiny_checkpoint(tmp_path / f"m{seed}", labels=trained.labels, seed=seed)
        own = predict(Classifier.load(folder), [TEXTS[i] for i in numbers]).probabilities
        places = [list(names).index(i) for i in numbers]
        np.testing.assert_allclose(np.exp(values[places])[:, [2, 0, 1]], own, atol=1e-5)
        assert (values[places, classifier.labels.index("Sci/Tech")] < np.log(1e-5)).all()
    (settings, other) = trained.settings
    assert settings == other
    assert (settings["lora_rank"], settings["head_only"], settings["resume"]) == (4, False, True)
    assert not {"seeds", "max_length", "validation"} & set(settings)
    # What is finished isn't done again, and takes as many passes on the bar.
    again: list[float] = []
    np.testing.assert_array_equal(trainings.log_probabilities(folds, again.append), values)
    assert len(trained.texts) == 2
    assert sum(again) == sum(passes)
    assert {path.suffix for path in (tmp_path / "w").iterdir()} == {".npy"}
    replace(trainings, names=names | {0: ("Sports",)}).log_probabilities(folds)
    assert len(trained.texts) == 3  # the fold that trains on the changed row; the other one stays


def test_a_fold_that_failed_is_all_that_is_done_again(
    classifier: Classifier, rows: AuditRows, record: RunRecord, trained: Trained, tmp_path: Path
) -> None:
    names = {i: (classifier.labels[i % 3],) for i in range(len(TEXTS))}
    trainings = FoldTrainings(
        classifier=classifier, record=record, base="b", rows=rows, names=names, work=tmp_path
    )

    def stop(passes: float) -> None:
        trained.fail = len(trained.texts) == 1

    with pytest.raises(RunError, match="no space"):
        trainings.log_probabilities(np.arange(6) % 3, stop)
    trained.fail = False
    trainings.log_probabilities(np.arange(6) % 3)
    assert len(trained.texts) == 3


def test_folds_are_trained_where_the_options_ask(
    classifier: Classifier,
    rows: AuditRows,
    record: RunRecord,
    trained: Trained,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(label_probabilities, "run_record", lambda classifier: record)
    predictions = predict(classifier, rows.texts, states=True)
    result = estimate_probabilities(classifier, rows, predictions, AuditOptions(folds=3))
    assert isinstance(result, LabelProbabilities)
    assert result.estimated_by == "training-folds"
    assert "3 trainings" in result.notes[0]
    assert len(trained.texts) == 3
    assert sorted(chain.from_iterable(trained.texts)) == sorted(TEXTS * 2)
    (alone,) = result.questions
    np.testing.assert_allclose(np.exp(alone.log_probabilities).sum(axis=1), 1)
    monkeypatch.setattr(label_probabilities, "MIN_ROWS", 6)
    joined = estimate_probabilities(classifier, rows, predictions, AuditOptions(folds=3))
    assert isinstance(joined, LabelProbabilities)
    assert len(joined.notes) == len(result.notes) + 1
    assert (joined.questions[0].log_probabilities != alone.log_probabilities).any()


def test_several_classes_a_row(record: RunRecord, trained: Trained, tmp_path: Path) -> None:
    kind = "multi_label_classification"
    model = Classifier.load(
        tiny_checkpoint(tmp_path / "m", labels=("a", "b", "c"), problem_type=kind)
    )
    trained.labels = ("class 2", "class 0")
    names: dict[int, tuple[str, ...]] = {0: ("a", "c"), 1: (), 2: ("c",), 3: ("b",)}
    rows = rows_from([{"text": TEXTS[i], "label": list(each)} for i, each in names.items()], model)
    values = FoldTrainings(
        classifier=model, record=record, base="b", rows=rows, names=names, work=tmp_path / "w"
    ).log_probabilities(np.arange(4) % 2)
    assert values.shape == (4, 3, 2)
    np.testing.assert_allclose(np.exp(values).sum(axis=2), 1)


def test_the_base_is_looked_for_here_and_beside_the_checkpoint(
    record: RunRecord, tmp_path: Path
) -> None:
    named = replace(record, settings=record.settings | {"model": "a-base"})
    assert base_model(named, tmp_path / "run") == "a-base"
    (tmp_path / "a-base").mkdir()
    assert base_model(named, tmp_path / "run") == str(tmp_path / "a-base")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets a shell command stand for `python -m finetune train`."""

    def be(script: str) -> None:
        program = tmp_path / "program"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))

    return be


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for a training")
def test_what_a_training_says_last_is_the_sentence(command: Callable[[str], None]) -> None:
    command("echo 'training: 3%' >&2; echo 'the base model is not there' >&2; exit 1")
    with pytest.raises(RunError, match=r"^A fold can't be trained: the base model is not there\.$"):
        training_folds._train([])
    command("exit 3")
    with pytest.raises(RunError, match="it ended with code 3"):
        training_folds._train([])
    command("exit 0")
    training_folds._train([])


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for a training")
def test_a_training_that_nobody_waits_for_is_stopped_as_by_ctrl_c(
    command: Callable[[str], None], tmp_path: Path
) -> None:
    command(f"trap 'touch {tmp_path}/stopped; exit 130' INT\nwhile :; do sleep 0.05; done")
    end = time.monotonic() + 0.5

    def check() -> Any:
        if time.monotonic() > end:
            raise CancelledError

    with cancellation_check(check), pytest.raises(CancelledError):
        training_folds._train([])
    assert (tmp_path / "stopped").exists()
