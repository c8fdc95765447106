"""The test of a metric: does it rank explanations that were made worse step by step?

The scores of words are shuffled among more and more of them, until nothing is left of the order.
A metric of faithfulness has to fall with every step, on average over texts.  Source:
viz/faithfulness/README.md 2; Zheng et al. 2025 (F-Fidelity).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.run.json_files import Correlation, Count, Items, Number
from viz.attention.rank_correlation import spearman
from viz.attribution.descriptions import true_minus
from viz.attribution.method_spec import MethodSpec
from viz.attribution.target import Target
from viz.faithfulness.metrics import METRICS, TESTED, Metric, measure_orders, metrics_of
from viz.faithfulness.operator_scores import OPERATOR_LABELS
from viz.faithfulness.orders import random_orders, word_order
from viz.model.perturbation import Operator, Perturbation

PERCENTS = tuple(range(0, 101, 10))
"""Percent of the words whose scores are shuffled, step by step."""
PASSING = 0.95
"""The least Spearman's correlation of a metric that is shown."""
MIN_TEXTS = 20
"""Of fewer texts nothing is concluded."""
TESTED_ROWS = 40
"""Rows from the top of a file that metrics are tested on: each takes about 450 versions more."""


@dataclass(frozen=True, slots=True)
class DegradedMetric:
    """What a metric says of explanations that get worse."""

    means: Items[Number]
    """Over texts, of each step."""
    spearman: Correlation | None
    """With how much of an explanation was left as it was: 1 where every step is ranked right,
    whichever way the metric is better, 0 where it tells none apart.  None where the texts are too
    few."""

    @property
    def passed(self) -> bool | None:
        """Whether it ranks the steps; None where that is not known."""
        return None if self.spearman is None else self.spearman >= PASSING


@dataclass(frozen=True, slots=True)
class MetricTest:
    """How metrics rank the explanations of one method, made worse step by step."""

    method: str
    """Whose scores were shuffled, as it was written."""
    label: str
    """What a reader knows it by."""
    percents: Items[Count]
    """Of the words, at each step."""
    n_texts: Count
    under: Mapping[Operator, Mapping[str, DegradedMetric]]
    """By operator and metric."""

    def passed(self, metric: str, operator: str) -> bool | None:
        """Whether a metric passed under an operator; None where that was not tested."""
        metrics = next((each for name, each in self.under.items() if name == operator), {})
        return metrics[metric].passed if metric in metrics else None

    @property
    def sentence(self) -> str:
        """The verdict."""
        if self.n_texts < MIN_TEXTS:
            return (
                f"Metrics were not tested on degraded explanations: that takes {MIN_TEXTS} texts, "
                f"and there were {self.n_texts}."
            )
        passed, failed = self._verdicts(passed=True), self._verdicts(passed=False)
        ranked = f"is ranked right by {', '.join(passed) or 'no metric'}"
        verb = "is" if len(failed) == 1 else "are"
        left_out = f"; left out {verb} {', '.join(failed)}" if failed else ""
        return (
            f"Metrics were tested: {self.label}, its scores shuffled step by step on {self.n_texts}"
            f" texts, {ranked}{left_out} (Spearman, at least {PASSING:.2f})."
        )

    def _verdicts(self, *, passed: bool) -> list[str]:
        """Metrics with the correlations under the operators where they passed, or failed."""
        verdicts = []
        for name, metric in TESTED.items():
            parts = [
                f"{true_minus(f'{each.spearman:.3f}')} by {OPERATOR_LABELS[operator]}"
                for operator, metrics in self.under.items()
                if (each := metrics.get(name)) is not None and each.passed is passed
            ]
            if parts:
                verdicts.append(f"{metric.label} ({', '.join(parts)})")
        return verdicts


def degraded_method(methods: Sequence[str]) -> str | None:
    """The method whose scores are shuffled: the first of those listed that explains the class.

    It is not the best order that a search finds: AOPC, by which that was found, would fall with
    every step by its making.  None where only controls and searches are listed.
    """
    specs = [MethodSpec.parse(text) for text in methods]
    allowed = [spec for spec in specs if not (spec.method.control or spec.method.name == "search")]
    allowed.sort(key=lambda spec: not spec.method.class_specific)
    return allowed[0].text if allowed else None


def degraded_orders(
    scores: FloatArray, chosen: IntArray, last: IntArray, seed: int = 0
) -> tuple[IntArray, ...]:
    """Orders of words by scores of which more and more are shuffled, for each of `PERCENTS`.

    Words whose scores are shuffled follow one another as in the last order, so that two steps
    differ by little else than by their shares.

    Args:
        scores: (n_words,), higher is more important.
        chosen: The words, those first whose scores are shuffled first.  (n_words,)
        last: The random order that they end at.  (n_words,)
        seed: Of the order of words with equal scores.

    Returns:
        (n_words,) each.
    """
    n, place = len(scores), np.argsort(last)
    orders = []
    for percent in PERCENTS:
        shuffled = chosen[: -(-percent * n // 100)]
        worse = np.array(scores, dtype=np.float64)
        worse[shuffled[np.argsort(-place[shuffled])]] = np.sort(worse[shuffled])
        orders.append(word_order(worse, seed))
    return tuple(orders)


def degraded_values(
    versions: Perturbation, target: Target, scores: FloatArray, operator: Operator, seed: int
) -> FloatArray:
    """What the tested metrics say of each step, for one text: means of two draws.

    The two end at a random order and at its reverse, which are read for the control anyway, and
    shuffle words in opposite sequence, so that what chance adds to one it takes from the other.

    Args:
        versions: The text; what it has read is not read again.
        target: As in `measure`.
        scores: (n_words,), higher is more important.
        operator: How words are hidden.
        seed: That of the random orders of this text.

    Returns:
        (steps, metrics), those of `TESTED` that the classifier has.
    """
    n = versions.n_words
    chosen = np.random.default_rng([seed, n]).permutation(n)
    pairs = zip((chosen, chosen[::-1]), random_orders(n, 2, seed), strict=True)
    orders = [each for pair in pairs for each in degraded_orders(scores, *pair, seed)]
    values = measure_orders(versions, target, orders, operator, TESTED)
    names = metrics_of(versions.classifier, TESTED)
    numbers = np.array([[each[name] for name in names] for each in values], dtype=np.float64)
    means: FloatArray = numbers.reshape(2, len(PERCENTS), len(names)).mean(0)
    return means


def metric_test(
    method: str,
    label: str,
    values: Mapping[Operator, FloatArray],
    names: Sequence[str],
    decimals: int,
) -> MetricTest:
    """The verdict over texts.

    Args:
        method: Whose scores were shuffled, as it was written.
        label: What a reader knows it by.
        values: What metrics say of each step of N texts, by operator.  (N, steps, metrics)
        names: Of these metrics.
        decimals: To which means are rounded.
    """
    n_texts = min(len(each) for each in values.values())
    under = {
        operator: {
            name: _degraded_metric(METRICS[name], each[:, :, at].mean(0), n_texts, decimals)
            for at, name in enumerate(names)
        }
        for operator, each in values.items()
    }
    return MetricTest(method, label, PERCENTS, n_texts, under)


def _degraded_metric(
    metric: Metric, means: FloatArray, n_texts: int, decimals: int
) -> DegradedMetric:
    means = np.round(means, decimals)
    left = 100 - np.array(PERCENTS, dtype=np.float64)
    correlation = spearman(left, means if metric.better == "higher" else -means)
    if np.isnan(correlation):
        correlation = 0.0  # it says the same of all steps
    known = n_texts >= MIN_TEXTS
    return DegradedMetric(tuple(means.tolist()), round(correlation, 6) if known else None)
