"""Mean and interval over seeds."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from finetune.evaluation.seed_spread import spread, spreads
from finetune.run.record import SeedRecord


def test_the_interval_is_that_of_a_t_test() -> None:
    values = [0.91, 0.93, 0.92, 0.95]
    found, oracle = spread(values), ttest_1samp(values, 0).confidence_interval(0.95)
    assert found.mean == pytest.approx(np.mean(values))
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high))


def test_no_interval_goes_beyond_what_a_metric_can_be() -> None:
    seeds = [
        SeedRecord(seed=seed, validation={"accuracy": share, "rmse": share, "r2": share}, test=None)
        for seed, share in enumerate((0.2, 0.9))
    ]
    found = spreads(seeds)["validation"]
    assert (found["accuracy"].low, found["accuracy"].high) == (0, 1)
    assert (found["rmse"].low, found["r2"].high) == (0, 1)
    assert found["rmse"].high > 1 > 0 > found["r2"].low


def test_test_is_told_where_all_seeds_have_it() -> None:
    def seed(number: int, test: dict[str, float] | None) -> SeedRecord:
        return SeedRecord(seed=number, validation={"accuracy": 0.9 + number / 100}, test=test)

    tested = [seed(1, {"accuracy": 0.8}), seed(2, {"accuracy": 0.9})]
    assert spreads(tested)["test"]["accuracy"].mean == pytest.approx(0.85)
    assert spreads(tested)["validation"]["accuracy"].mean == pytest.approx(0.915)
    assert set(spreads([*tested, seed(3, None)])) == {"validation"}
