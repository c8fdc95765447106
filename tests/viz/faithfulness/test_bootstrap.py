"""Intervals of means over texts."""

import numpy as np
import pytest

from viz.faithfulness import bootstrap
from viz.faithfulness.bootstrap import (
    RESAMPLES,
    mean_interval,
    percentile_interval,
    ratio_interval,
    resampled_sums,
)


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


def test_a_ratio_of_sums_lies_where_the_delta_method_says() -> None:
    draw = np.random.default_rng(3)
    room = draw.uniform(0.2, 0.8, 300)
    above = 0.7 * room + draw.normal(0, 0.1, 300)
    ratio = ratio_interval(above, room)
    assert ratio is not None
    share, low, high = ratio
    error = (above - share * room).std() / room.mean() / np.sqrt(300)
    np.testing.assert_allclose([low, high], [share - 1.96 * error, share + 1.96 * error], atol=2e-3)
    assert share == pytest.approx(above.sum() / room.sum())
    assert ratio_interval(above, 0 * room) is None
    mean, *limits = mean_interval(above[:, None], seed=1)
    assert mean == pytest.approx(above.mean())
    np.testing.assert_array_equal(
        limits, percentile_interval(resampled_sums(above[:, None], 1) / 300)
    )
