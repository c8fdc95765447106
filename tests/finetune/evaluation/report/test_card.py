"""The model card says what the record knows, and says it honestly."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from huggingface_hub import ModelCard

from finetune.checkpoint.temperature import TEMPERATURE_KEY
from finetune.evaluation.calibration import NO_ERROR, calibrate
from finetune.evaluation.report.card import model_card, write_card
from finetune.run.record import (
    BaselineRecord,
    RunRecord,
    SeedRecord,
    TrialRecord,
    TuningRecord,
)
from tests.finetune.news import of_classes


def front_matter(card: str) -> dict[str, Any]:
    _, head, _ = card.split("---\n", 2)
    values: dict[str, Any] = yaml.safe_load(head)
    return values


def test_the_front_matter_is_yaml_with_base_and_result(record: RunRecord) -> None:
    values = front_matter(model_card(record))
    assert values["base_model"] == "tiny-bert"
    assert values["pipeline_tag"] == "text-classification"
    (model,) = values["model-index"]
    assert model["name"] == "news"
    assert model["results"][0]["metrics"][0] == {"type": "accuracy", "value": 0.75}


def test_odd_names_stay_yaml_and_tables(record: RunRecord) -> None:
    odd = replace(record, base='a "b": {c}', data_name="x: y # z")
    # The Hub refuses a card with a base model that no model of it can be called.
    assert "base_model" not in front_matter(model_card(odd))
    piped = replace(
        record,
        labels=("a|b", "World"),
        splits={
            name: replace(split, class_counts={"a|b": 2, "World": 2})
            for name, split in record.splits.items()
        },
    )
    assert "| split | rows | a\\|b | World |" in model_card(piped)


def test_command_data_terms_metrics_and_limits_are_told(record: RunRecord) -> None:
    card = model_card(replace(record, data_terms="research use only"))
    low, high = of_classes(record.validation).accuracy_interval
    for fact in (
        record.command,
        "research use only",
        f"accuracy **75.00%** (95% interval {low:.2%} to {high:.2%})",
        "| Sports | 1 | 1 |",
        "| Sports | 1.0000 | 0.5000 | 0.6667 | 2 |",
        "| **2** | 0.5000 | 0.6000 | 0.7500 | 0.7333 |",
        "Left out of train: 3 with a blank text.",
        "longer than 64 tokens and cut: 1",
        "## Limits",
    ):
        assert fact in card


def test_the_card_admits_that_validation_chose_the_epoch(record: RunRecord) -> None:
    assert "These rows chose the best of 2 epochs" in model_card(record)
    alone = replace(record, epochs=record.epochs[:1], best_epoch=1)
    assert "no choice was based on these rows" in model_card(alone)


def test_the_card_admits_that_validation_chose_the_seed_and_the_trial(record: RunRecord) -> None:
    measured = record.epochs[0].measured
    alone = replace(
        record,
        epochs=record.epochs[:1],
        best_epoch=1,
        seeds=tuple(SeedRecord(seed=n, validation=measured, test=None) for n in range(3)),
    )
    card = model_card(alone)
    assert "no choice" not in card
    assert "These rows chose the best of 3 seeds, so the numbers are slightly better" in card
    trials = tuple(
        TrialRecord(number=n, settings={"epochs": n}, state="complete", score=0.5, seconds=1)
        for n in (1, 2)
    )
    tuning = TuningRecord(
        metric="macro_f1", space={"epochs": [1, 2]}, trials=trials, best=1, seconds=2
    )
    card = model_card(replace(alone, seeds=(), tuning=tuning))
    assert "These rows chose the best of 2 trials, so the numbers are better than new" in card
    assert "best of 2 epochs and of 2 trials" in model_card(replace(record, tuning=tuning))


def test_a_test_split_is_the_headline(record: RunRecord) -> None:
    card = model_card(replace(record, test=replace(of_classes(record.validation), accuracy=0.6)))
    assert "split: test" in card
    assert front_matter(card)["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.6
    assert "Measured once, after training; no choice was based on it." in card


def test_several_classes_per_text_have_no_confusion_matrix(record: RunRecord) -> None:
    several = replace(
        record,
        problem_type="multi_label_classification",
        validation=replace(of_classes(record.validation), confusion=None),
    )
    card = model_card(several)
    assert "any number of 2 classes" in card
    assert "rows with every class right **75.00%**" in card
    assert "Confusion matrix" not in card


@pytest.fixture
def measured(record: RunRecord) -> RunRecord:
    """The record with all that is measured after training."""
    chance = np.random.default_rng(0)
    logits, gold = chance.normal(size=(200, 2)) * 3, chance.integers(0, 2, 200)
    return replace(
        record,
        calibration=calibrate((logits, gold), None),
        baselines=(
            BaselineRecord(
                name="TF-IDF + linear SVM",
                setting="words 1 to 2, C 1",
                validation=record.validation,
                test=None,
                seconds=1.5,
            ),
        ),
    )


def test_the_hub_reads_every_metric_of_the_front_matter(measured: RunRecord) -> None:
    data: Any = ModelCard(model_card(measured)).data
    found = {result.metric_type: result.metric_value for result in data.eval_results or ()}
    assert measured.calibration is not None
    assert found == {
        "accuracy": 0.75,
        "f1": round(of_classes(measured.validation).macro_f1, 4),
        "ece": round(measured.calibration.after.ece, 4),
    }
    assert {result.dataset_split for result in data.eval_results or ()} == {"validation"}
    assert data.model_name == "news"
    assert front_matter(model_card(measured))["metrics"] == ["accuracy", "f1", "ece"]


def test_baselines_and_calibration_are_told(measured: RunRecord) -> None:
    card, made = model_card(measured), measured.calibration
    low, high = of_classes(measured.validation).accuracy_interval
    assert made is not None
    for fact in (
        "| classifier | setting | validation |",
        f"| TF-IDF + linear SVM | words 1 to 2, C 1 | 75.00% ({low:.2%} to {high:.2%}), 0.7333 |",
        f"Dividing the logits by **{made.temperature:.3f}**",
        f"`{TEMPERATURE_KEY}` in `config.json`",
        f"| as trained | {made.before.ece:.2%} |",
        f"| at the temperature | {made.after.ece:.2%} |",
        "Measured on validation, each fifth at the temperature fitted on the other four",
        "](confusion.png)",
        "![Reliability on validation: share that is right by confidence](reliability.png)",
    ):
        assert fact in card, fact
    assert "weren't calibrated" not in card


def test_where_no_temperature_was_fitted_the_card_says_why(measured: RunRecord) -> None:
    logits = np.array([[2.0, 0], [0, 2.0]])
    card = model_card(replace(measured, calibration=calibrate((logits, np.array([0, 1])), None)))
    assert f"No temperature was fitted: {NO_ERROR}" in card
    assert "at the temperature" not in card
    assert "weren't calibrated" in card


def test_an_older_record_has_a_card_without_pictures(record: RunRecord) -> None:
    card = model_card(record)
    for absent in (".png", "## Calibration", "## Beside", "ece", "\n\n\n"):
        assert absent not in card


def test_the_card_is_written_as_readme(record: RunRecord, tmp_path: Path) -> None:
    write_card(record, tmp_path)
    assert (tmp_path / "README.md").read_text("utf-8") == model_card(record)


@pytest.mark.parametrize(
    ("truncation", "kept"),
    [
        ("head", "the first 64 tokens"),
        ("tail", "the last 64 tokens"),
        ("head+tail", "64 tokens from the beginning and the end"),
    ],
)
def test_the_limits_say_what_of_a_long_text_was_kept(
    record: RunRecord, truncation: str, kept: str
) -> None:
    settings = record.settings | {"truncation": truncation}
    assert f"It was trained on {kept} of each text." in model_card(
        replace(record, settings=settings)
    )


def test_a_model_of_scores_is_told_without_classes(score_record: RunRecord) -> None:
    card = model_card(score_record)
    for fact in (
        "Gives a text a score, which is a number (regression).",
        "| split | rows | mean score | standard deviation | lowest | highest |",
        "| train | 4 | 3.1 | 1.5 | 1 | 5 |",
        "| epoch | train loss | validation loss | R2 | RMSE |",
        "| **1** | 0.9000 | 0.8000 | 0.9000 | 0.3350 |",
        "had the highest R2 on validation",
        "5 rows: R2 **0.9498**, root mean squared error **0.3354**, mean absolute error 0.25.",
        "![Predicted over true scores on test](scores.png)",
        "## Beside classical regression",
        "| mean of train | 3.1 | 0.0000, 1.497, - | 0.0000, 1.497, - |",
        "Every text gets a score",
    ):
        assert fact in card, fact
    for absent in ("classes", "accuracy", "F1", "alibrat", "robabilit", "None", "\n\n\n"):
        assert absent not in card, absent


def test_the_hub_reads_the_metrics_of_scores(score_record: RunRecord) -> None:
    data: Any = ModelCard(model_card(score_record)).data
    found = {result.metric_type: result.metric_value for result in data.eval_results or ()}
    assert set(found) == {"r_squared", "rmse", "mae", "pearsonr", "spearmanr"}
    assert found["mae"] == 0.25
