"""What is measured of a run after each epoch and at its end: one table, in which a row is a metric.

Records, reports, curves and tables of runs read name, label, range and format here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """A number by which runs of a kind are compared."""

    name: str
    """Its key in `run.json` and `events.jsonl`."""
    label: str
    """What sentences call it."""
    title: str
    """What headings and axes call it."""
    range: tuple[float, float]
    """The lowest and the highest that it can be."""
    format: str
    """How it is written, as Python formats numbers."""
    better: Callable[[Iterable[float]], float] = max
    """Which of two is the better one: `max` or `min`."""
    regression: bool = False
    """Whether it is of scores, not of classes."""
    chooses: bool = False
    """Whether the best epoch, and the best of several seeds, is chosen by it."""
    value: Callable[[Any], float | None] | None = None
    """The number from a Metrics or RegressionMetrics; by default its field of the same name."""

    def of(self, measured: Any) -> float:
        """The number from a Metrics or RegressionMetrics; 0 where it has none."""
        value = getattr(measured, self.name) if self.value is None else self.value(measured)
        return float(value or 0.0)


METRICS = [
    Metric(
        name="accuracy", label="accuracy", title="Accuracy", range=(0.0, 1.0), format=".2%"
    ),
    # Accuracy would let a model ignore a rare class.
    Metric(
        name="macro_f1", label="macro F1", title="Macro F1", range=(0.0, 1.0), format=".4f",
        chooses=True,
    ),
    Metric(
        name="r2", label="R2", title="R²", range=(-inf, 1.0), format=".4f",
        regression=True, chooses=True,
    ),
    Metric(
        name="rmse", label="RMSE", title="RMSE", range=(0.0, inf), format=".4f", better=min,
        regression=True,
    ),
]  # fmt: skip


def find_metric(name: str) -> Metric:
    """The metric that has this name."""
    return next(metric for metric in METRICS if metric.name == name)


def choosing_metric(*, regression: bool) -> Metric:
    """The metric by which the best epoch is chosen."""
    return next(each for each in METRICS if each.chooses and each.regression == regression)


def measure_all(measured: Any, *, regression: bool) -> dict[str, float]:
    """The metrics of a run of its kind by name, from what was *measured* on a split."""
    return {each.name: each.of(measured) for each in METRICS if each.regression == regression}


def are_of_kind(measured: Mapping[str, float], *, regression: bool) -> bool:
    """Whether these are metrics of that kind, among them the one that chooses."""
    known = {each.name for each in METRICS if each.regression == regression}
    return choosing_metric(regression=regression).name in measured and set(measured) <= known
