"""Intervals of means over texts."""

import numpy as np
import pytest

from viz.faithfulness import bootstrap
from viz.faithfulness.bootstrap import RESAMPLES, percentile_interval, resampled_sums


def test_resampled_means_have_the_spread_of_a_mean() -> None:
    values = np.random.default_rng(0).normal(2, 3, (400, 3))
    means = resampled_sums(values) / 400
    assert means.shape == (RESAMPLES, 3)
    np.testing.assert_allclose(means.std(0), values.std(0) / 20, rtol=0.03)
    low, high = percentile_interval(means)
    np.testing.assert_allclose(low, values.mean(0) - 1.96 * values.std(0) / 20, atol=0.02)
    np.testing.assert_allclose(high, values.mean(0) + 1.96 * values.std(0) / 20, atol=0.02)


def test_columns_are_drawn_together_and_again_with_the_same_seed() -> None:
    values = np.random.default_rng(1).normal(size=(50, 2))
    sums = resampled_sums(np.stack([values[:, 0], values[:, 0] + 1], axis=1), seed=3)
    np.testing.assert_allclose(sums[:, 1] - sums[:, 0], 50)  # paired: the noise is gone
    np.testing.assert_array_equal(resampled_sums(values, 3), resampled_sums(values, 3))


def test_memory_does_not_grow_with_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(2).normal(size=(30, 2))
    whole = resampled_sums(values)
    monkeypatch.setattr(bootstrap, "_MAX_DRAWS", 30 * 7)
    np.testing.assert_allclose(resampled_sums(values), whole)
