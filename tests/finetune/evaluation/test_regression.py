"""Metrics of scores against scikit-learn and scipy, and where they are undefined."""

import numpy as np
import pytest
from scipy.stats import norm, spearmanr
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from finetune.evaluation.regression import measure_scores

CHANCE = np.random.default_rng(0)
GOLD = CHANCE.normal(3, 1, 40)
PREDICTED = GOLD + CHANCE.normal(0.2, 0.5, 40)


def test_errors_and_correlations_are_those_of_the_libraries() -> None:
    found = measure_scores(GOLD, PREDICTED)
    assert found.rows == 40
    assert found.r2 == pytest.approx(r2_score(GOLD, PREDICTED))
    assert found.rmse == pytest.approx(root_mean_squared_error(GOLD, PREDICTED))
    assert found.mae == pytest.approx(mean_absolute_error(GOLD, PREDICTED))
    assert found.pearson == pytest.approx(np.corrcoef(GOLD, PREDICTED)[0, 1])
    assert found.spearman == pytest.approx(spearmanr(GOLD, PREDICTED).statistic)


def test_the_interval_is_fishers() -> None:
    found = measure_scores(GOLD, PREDICTED)
    assert found.pearson is not None
    middle, half = np.arctanh(found.pearson), norm.ppf(0.975) / np.sqrt(40 - 3)
    assert found.pearson_interval == pytest.approx((np.tanh(middle - half), np.tanh(middle + half)))


def test_metrics_need_no_particular_unit() -> None:
    plain, large = (measure_scores(GOLD * unit, PREDICTED * unit) for unit in (1, 1e6))
    assert large.r2 == pytest.approx(plain.r2)
    assert large.rmse == pytest.approx(plain.rmse * 1e6)
    assert large.pearson == pytest.approx(plain.pearson)


@pytest.mark.parametrize("score", [2.0, 3.3])
def test_equal_scores_leave_no_variance_to_predict(score: float) -> None:
    """The mean of 3.3 seven times is rounded, so that all differ from it a little."""
    found = measure_scores(np.full(7, score), score + np.arange(7.0))
    assert (found.r2, found.pearson, found.pearson_interval, found.spearman) == (None,) * 4
    assert found.mae == pytest.approx(3)


@pytest.mark.parametrize("noise", [0.0, 1e-15])
def test_equal_predictions_have_no_correlation(noise: float) -> None:
    predicted = np.full(5, 2.0) + noise * np.arange(5)
    found = measure_scores(np.arange(5.0), predicted)
    assert found.r2 == pytest.approx(0)
    assert found.pearson is None


@pytest.mark.parametrize(("rows", "interval"), [(1, False), (2, False), (3, False), (4, True)])
def test_few_rows_have_no_interval(rows: int, interval: bool) -> None:
    found = measure_scores(GOLD[:rows], PREDICTED[:rows])
    assert (found.pearson_interval is not None) == interval
    assert (found.pearson is None) == (rows == 1)


def test_points_are_taken_from_all_rows() -> None:
    gold = np.arange(1000.0)
    points = measure_scores(gold, gold + 1 / 3, keep=11).points
    assert len(points) == 11
    assert (points[0], points[-1]) == ((0, 0.333333), (999, 999.333))
    assert measure_scores(gold, gold, keep=0).points == ()
