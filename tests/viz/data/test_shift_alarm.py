"""The tests behind an alarm are those of scipy, and together they err as often as is stated."""

import numpy as np
from scipy.stats import chi2_contingency, ks_2samp

from viz.data.shift.alarm import (
    combined_p_value,
    distribution_distances,
    permuted_labels,
    share_distances,
)


def test_permutations_keep_the_files_first_and_their_sizes() -> None:
    labels = np.repeat([False, True], [20, 12])
    columns = permuted_labels(labels, seed=0, n_permutations=50)
    assert columns.shape == (32, 51)
    np.testing.assert_array_equal(columns[:, 0], labels)
    assert (columns.sum(0) == 12).all()
    assert len({column.tobytes() for column in columns.T}) > 45


def test_distances_of_distributions_and_of_shares_are_those_of_scipy() -> None:
    draw = np.random.default_rng(0)
    values = draw.integers(0, 12, size=90) / 4  # with ties
    labels = permuted_labels(np.repeat([False, True], [60, 30]), seed=1, n_permutations=5)
    distances = distribution_distances(values, labels)
    tables = share_distances(values.astype(int), labels)
    for column, distance, table in zip(labels.T, distances, tables, strict=True):
        assert np.isclose(distance, ks_2samp(values[column], values[~column]).statistic)
        counts = [np.bincount(values[part].astype(int)) for part in (column, ~column)]
        expected = chi2_contingency(np.array(counts), correction=False).statistic
        assert np.isclose(table, expected)


def test_where_nothing_differs_the_p_value_is_one() -> None:
    same = np.zeros(100)
    p_value, own = combined_p_value({"a": same, "b": same})
    assert p_value == 1
    assert own == {"a": 1, "b": 1}


def test_a_test_that_sees_a_shift_gives_an_alarm_among_many_that_do_not() -> None:
    draw = np.random.default_rng(0)
    labels = permuted_labels(np.repeat([False, True], 50), seed=0)
    blind = {str(each): distribution_distances(draw.normal(size=100), labels) for each in range(5)}
    seeing = distribution_distances(np.repeat([0.0, 1.0], 50) + draw.normal(size=100), labels)
    p_value, own = combined_p_value({**blind, "seeing": seeing})
    assert p_value <= 0.05
    assert min(own, key=lambda name: own[name]) == "seeing"
    assert own["seeing"] <= p_value


def test_alarms_without_a_shift_are_as_rare_as_is_stated() -> None:
    """Of 400 pairs of files with nothing different 5% give an alarm, give or take 3 sigma."""
    draw = np.random.default_rng(0)
    alarms = 0
    for seed in range(400):
        labels = permuted_labels(np.repeat([False, True], [40, 25]), seed, n_permutations=99)
        confidence = draw.beta(5, 1, size=65)
        classes = draw.integers(0, 3, size=65)
        tests = {
            "confidence": distribution_distances(confidence, labels),
            "classes": share_distances(classes, labels),
            "length": distribution_distances(1.0 * draw.poisson(9, size=65) + classes, labels),
        }
        alarms += combined_p_value(tests)[0] <= 0.05
    assert 400 * 0.05 - 3 * np.sqrt(400 * 0.05 * 0.95) < alarms
    assert alarms < 400 * 0.05 + 3 * np.sqrt(400 * 0.05 * 0.95)
