"""How far runs that differ in their seed alone lie apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from scipy.stats import t

from finetune.run.record import AnyMetrics, RegressionMetrics, SeedRecord

ENDS = {
    "accuracy": (0.0, 1.0),
    "macro_f1": (0.0, 1.0),
    "r2": (-inf, 1.0),
    "rmse": (0.0, inf),
}
"""The lowest and highest that a metric can be."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean and its 95 % interval."""

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
        split: {name: _within(name, [found[name] for found in all_found]) for name in all_found[0]}
        for split, all_found in on.items()
    }


def _within(name: str, values: Sequence[float]) -> Spread:
    """The spread of a metric, its interval cut where the metric ends."""
    found, (low, high) = spread(values), ENDS[name]
    return Spread(found.mean, max(found.low, low), min(found.high, high))


def headline_metrics(metrics: AnyMetrics) -> dict[str, float]:
    """The two metrics of EPOCH_METRICS by which runs are compared, the deciding one last."""
    if isinstance(metrics, RegressionMetrics):
        return {"rmse": metrics.rmse, "r2": metrics.r2 or 0.0}
    return {"accuracy": metrics.accuracy, "macro_f1": metrics.macro_f1}
