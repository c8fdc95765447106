"""How far runs that differ in their seed alone lie apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from finetune.run.metrics import find_metric
from finetune.run.record import SeedRecord


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean and its 95% interval."""

    mean: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """The mean of two values or more, with Student's t interval."""
    mean = float(np.mean(values))
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    reach = float(t.ppf(0.975, len(values) - 1)) * error
    return Spread(mean, mean - reach, mean + reach)


def spreads(seeds: Sequence[SeedRecord]) -> dict[str, dict[str, Spread]]:
    """The spread of each metric on each split that all have been measured on."""
    on = {"validation": [each.validation for each in seeds]}
    tested = [each.test for each in seeds if each.test is not None]
    if len(tested) == len(seeds):
        on["test"] = tested
    return {
        split: {
            name: _within(name, [metrics[name] for metrics in measured]) for name in measured[0]
        }
        for split, measured in on.items()
    }


def _within(name: str, values: Sequence[float]) -> Spread:
    """The spread of a metric, its interval cut where the metric ends."""
    interval, (low, high) = spread(values), find_metric(name).range
    return Spread(interval.mean, max(interval.low, low), min(interval.high, high))
