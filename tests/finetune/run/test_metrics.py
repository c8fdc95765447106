"""A metric of a run is one row of a table, which everything that shows runs reads."""

from dataclasses import replace

import pytest

from finetune.evaluation.report.card import model_card
from finetune.evaluation.report.terminal import describe_seeds
from finetune.run import metrics
from finetune.run.measurements import RegressionMetrics
from finetune.run.metrics import METRICS, Metric, choosing_metric, find_metric, measure_all
from finetune.run.progress import epoch_curve
from finetune.run.record import EpochMetrics, RunRecord, SeedRecord
from tests.finetune.news import of_classes


def test_one_metric_of_each_kind_chooses_and_the_more_of_it_the_better() -> None:
    for regression in (False, True):
        chosen = [each for each in METRICS if each.chooses and each.regression == regression]
        assert chosen == [choosing_metric(regression=regression)]
        assert chosen[0].better is max


def test_a_further_metric_is_one_row(record: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    worst = Metric(
        name="worst_f1", label="worst F1", title="Worst F1", range=(0.0, 1.0), format=".1%",
        value=lambda measured: min(row.f1 for row in measured.classes),
    )  # fmt: skip
    monkeypatch.setattr(metrics, "METRICS", [*METRICS, worst])
    monkeypatch.setattr("finetune.run.progress.METRICS", [*METRICS, worst])
    found = measure_all(record.validation, regression=False)
    lowest = min(row.f1 for row in of_classes(record.validation).classes)
    assert found == {
        "accuracy": of_classes(record.validation).accuracy,
        "macro_f1": of_classes(record.validation).macro_f1,
        "worst_f1": lowest,
    }
    # The Trainer's log becomes the curve.
    entry = {f"eval_{name}": value for name, value in found.items()} | {"eval_loss": 0.5}
    (point,) = epoch_curve([{"loss": 0.7}, entry])
    assert point == EpochMetrics(epoch=1, train_loss=0.7, validation_loss=0.5, measured=found)
    seeds = tuple(SeedRecord(seed=seed, validation=found, test=None) for seed in (1, 2))
    whole = replace(record, epochs=(point,), best_epoch=1, seeds=seeds)
    assert not list(whole.contradictions())
    card = model_card(whole)
    assert "| epoch | train loss | validation loss | accuracy | macro F1 | worst F1 |" in card
    assert f"| worst F1, validation | {lowest:.1%} | {lowest:.1%} |" in card
    assert f"worst F1 {lowest:.1%} ({lowest:.1%} to {lowest:.1%})" in describe_seeds(seeds)


def test_a_metric_of_the_other_kind_is_refused(record: RunRecord) -> None:
    point = replace(record.epochs[0], measured={"r2": 0.5, "rmse": 1.0})
    (reason,) = replace(record, epochs=(point,), best_epoch=point.epoch).contradictions()
    assert "was measured, which is not of this kind" in reason


def test_a_metric_that_a_record_lacks_is_zero(score_record: RunRecord) -> None:
    scores = score_record.validation
    assert isinstance(scores, RegressionMetrics)
    assert find_metric("r2").of(replace(scores, r2=None)) == 0.0
