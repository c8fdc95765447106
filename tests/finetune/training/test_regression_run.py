"""Whole runs on scores: what is left behind gives the scores of the data in their own unit."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline
from typer.testing import CliRunner

from finetune.__main__ import app
from finetune.checkpoint.models import load_base, load_checkpoint
from finetune.errors import ConfigError
from finetune.evaluation.evaluate import evaluate
from finetune.run.measurements import RegressionMetrics
from finetune.run.record import RunRecord
from finetune.training.train import train
from tests.families import family_checkpoint
from tests.finetune.news import news, scored_reviews, write_csv
from tests.finetune.runs import check_close, tiny_run
from tests.tiny_models import tiny_checkpoint

MEAN, UNIT = 2000.0, 100.0
"""Of the scores below: far from what a new head gives."""


settings = partial(tiny_run, epochs=3, learning_rate=3e-3)


def errors(metrics: object) -> RegressionMetrics:
    assert isinstance(metrics, RegressionMetrics)
    return metrics


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with a test split."""
    folder = tmp_path_factory.mktemp("reviews")
    rows = scored_reviews(160, mean=MEAN, unit=UNIT)
    write_csv(folder / "train.csv", rows[:130])
    write_csv(folder / "test.csv", rows[130:])
    return folder


@pytest.fixture(scope="module")
def said() -> list[str]:
    """The lines of the run below."""
    return []


@pytest.fixture(scope="module")
def run(
    folder: Path, base: Path, said: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunRecord, Path]:
    """A run with float16 weights, and the folder that it left."""
    output = tmp_path_factory.mktemp("runs") / "tiny-scores"
    config = settings(folder, base, output, save_dtype="float16")
    return train(config, say=said.append), output


def test_a_run_learns_scores_of_any_unit(run: tuple[RunRecord, Path]) -> None:
    record, _ = run
    assert (record.problem_type, record.labels) == ("regression", ("score",))
    assert (errors(record.validation).r2 or 0) > 0.5
    assert errors(record.test).rmse < UNIT
    assert record.calibration is None


def test_plain_transformers_gives_the_unit_of_the_data(
    run: tuple[RunRecord, Path], folder: Path
) -> None:
    record, output = run
    model = AutoModelForSequenceClassification.from_pretrained(output).eval()
    assert model.config.problem_type == "regression"
    assert model.config.id2label == {0: "score"}
    rows = scored_reviews(160, mean=MEAN, unit=UNIT)[130:]
    tokens = AutoTokenizer.from_pretrained(output)(
        [row["text"] for row in rows], return_tensors="pt", padding=True
    )
    with torch.inference_mode():
        found = model(**tokens).logits[:, 0].numpy()
    off = found - np.array([float(row["label"]) for row in rows])
    assert np.sqrt((off**2).mean()) == pytest.approx(errors(record.test).rmse, rel=1e-4)
    (answer,) = pipeline("text-classification", str(output))([rows[0]["text"]])
    assert answer["label"] == "score"
    assert answer["score"] == pytest.approx(float(found[0]), rel=1e-5)


def test_the_last_epoch_measured_what_was_saved(run: tuple[RunRecord, Path]) -> None:
    record, _ = run
    best = record.epochs[record.best_epoch - 1].measured
    assert best["r2"] == max(point.measured["r2"] for point in record.epochs)
    assert best["rmse"] == pytest.approx(errors(record.validation).rmse, rel=0.01)
    deviation = record.splits["train"].scores
    assert deviation is not None
    loss = (best["rmse"] / deviation.deviation) ** 2
    assert record.epochs[record.best_epoch - 1].validation_loss == pytest.approx(loss, rel=0.01)


@pytest.mark.usefixtures("_no_pictures_here")
def test_a_score_of_minus_100_counts_as_any_other(base: Path, tmp_path: Path) -> None:
    folder, texts = tmp_path / "answers", [row["text"] for row in scored_reviews(40)]
    folder.mkdir()
    for split, own in (("train", texts[:24]), ("validation", texts[24:])):
        rows = [{"text": text, "label": (-100, 0, 100)[i % 3]} for i, text in enumerate(own)]
        write_csv(folder / f"{split}.csv", rows)
    config = settings(folder, base, tmp_path / "out", epochs=1, task="regression", baseline=False)
    record = train(config, say=lambda _: None)
    (point,), scores = record.epochs, record.splits["train"].scores
    assert scores is not None
    loss = (point.measured["rmse"] / scores.deviation) ** 2
    assert point.validation_loss == pytest.approx(loss, rel=1e-4)


def test_only_the_layer_of_the_scores_keeps_float32(run: tuple[RunRecord, Path]) -> None:
    weights = load_file(run[1] / "model.safetensors")
    whole = {name for name, tensor in weights.items() if tensor.dtype == torch.float32}
    assert whole == {"classifier.weight", "classifier.bias"}


def test_a_run_of_scores_is_told(run: tuple[RunRecord, Path], said: list[str]) -> None:
    record, output = run
    assert RunRecord.load(output) == record
    assert said[2].startswith("Scores: ")
    assert "R2 0." in said[-1]
    assert ", RMSE " in said[-1]
    names = {path.name for path in output.iterdir()}
    assert "scores.png" in names
    assert not names & {"confusion.png", "reliability.png"}
    assert "Gives a text a score" in (output / "README.md").read_text("utf-8")
    events = [json.loads(line) for line in (output / "events.jsonl").read_text().splitlines()]
    epochs = [event for event in events if event["kind"] == "epoch"]
    assert [event["r2"] for event in epochs] == [p.measured["r2"] for p in record.epochs]


def test_evaluate_measures_it_again(
    run: tuple[RunRecord, Path], folder: Path, tmp_path: Path
) -> None:
    record, output = run
    report = evaluate(str(output), str(folder))
    check_close(report.metrics, record.test)
    assert report.calibration is None
    words = ["evaluate", "--checkpoint", str(output), "--data", str(folder)]
    more = ["--plots", str(tmp_path / "plots"), "--output", str(tmp_path / "report.json")]
    result = CliRunner().invoke(app, [*words, *more])
    assert result.exit_code == 0, result.output
    assert "R2 0." in result.output
    assert "ECE" not in result.output
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["scores.png"]
    told = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert told["metrics"]["rmse"] == errors(report.metrics).rmse


def test_a_checkpoint_of_scores_reads_no_classes(
    run: tuple[RunRecord, Path], tmp_path: Path
) -> None:
    data = write_csv(tmp_path / "x.csv", news(6))
    words = ["evaluate", "--checkpoint", str(run[1]), "--data", str(data)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert "column 'label' holds 'Business', which is not a score" in result.output


@pytest.mark.usefixtures("_no_pictures_here")
@pytest.mark.parametrize("family", ["roberta", "distilbert"])
def test_whole_numbers_and_lora_in_other_families(family: Any, tmp_path: Path) -> None:
    base = tiny_checkpoint(tmp_path / "base", family)
    rows = [
        {**row, "label": round(float(row["label"]))} for row in scored_reviews(120, mean=3, unit=1)
    ]
    data = write_csv(tmp_path / "x.csv", rows)
    config = settings(
        data, base, tmp_path / "out", task="regression", lora_rank=4, learning_rate=1e-2, patience=2
    )
    record = train(config, say=lambda _: None)
    assert "--task regression" in record.command
    best = record.epochs[record.best_epoch - 1].measured
    assert errors(record.validation).rmse == pytest.approx(best["rmse"], rel=1e-3)
    assert best["r2"] > 0


@pytest.mark.usefixtures("_no_pictures_here")
def test_a_decoder_learns_scores_by_a_head_without_a_bias(tmp_path: Path) -> None:
    base = family_checkpoint(tmp_path / "base", "gpt2")
    data = write_csv(tmp_path / "x.csv", scored_reviews(120, mean=3, unit=1))
    output = tmp_path / "out"
    record = train(settings(data, base, output, learning_rate=1e-2), say=lambda _: None)
    best = record.epochs[record.best_epoch - 1].measured
    assert errors(record.validation).rmse == pytest.approx(best["rmse"], rel=1e-3)
    assert best["r2"] > 0
    assert "score.bias" not in load_file(output / "model.safetensors")


@pytest.mark.usefixtures("_no_pictures_here")
@pytest.mark.parametrize("lora_rank", [0, 4])
def test_a_stopped_run_keeps_what_gives_scores_and_goes_on_to_the_same_end(
    lora_rank: int, folder: Path, base: Path, tmp_path: Path
) -> None:
    more: dict[str, Any] = {"lora_rank": lora_rank, "baseline": False}
    whole = train(settings(folder, base, tmp_path / "whole", **more), say=lambda _: None)

    def stop_in_the_second_epoch(line: str) -> None:
        if line.startswith("Epoch 2 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(settings(folder, base, tmp_path / "parted", **more), say=stop_in_the_second_epoch)
    (kept, *_) = sorted(tmp_path.glob(".parted*/checkpoints/checkpoint-*"))
    classifier = load_checkpoint(str(kept))
    text = classifier.tokenizer("movie script", return_tensors="pt")
    with torch.inference_mode():
        assert abs(classifier.model.cpu()(**text).logits.item() - MEAN) < 5 * UNIT
    resumed = train(settings(folder, base, tmp_path / "parted", resume=True, **more))
    assert resumed.epochs == whole.epochs
    assert resumed.test == whole.test


def test_a_head_that_learned_another_scale_is_renewed(run: tuple[RunRecord, Path]) -> None:
    _, output = run
    old = load_checkpoint(str(output)).model.classifier
    new = load_base(str(output), ("score",), multi_label=False, regression=True).model.classifier
    assert abs(old.bias.item()) > 1000
    assert abs(new.bias.item()) < 1


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"label_smoothing": 0.1}, "--label-smoothing is for one class per text"),
        ({"class_weights": "balanced"}, "--class-weights is for classes, not for scores"),
    ],
)
def test_what_only_classes_have_is_refused(
    setting: dict[str, Any], message: str, folder: Path, base: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        train(settings(folder, base, tmp_path / "out", **setting))
