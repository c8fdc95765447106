"""Metrics of faithfulness: what the class loses when words are hidden in an order.

`METRICS` is all that is known of them: adding one there measures it, saves it in faithfulness.json
and in the CSV of a comparison, and, with a heading, shows it on the page; README names it.

A regression has no probability: p is its score itself, in its own unit.  It decides nothing that
could flip, so metrics that need a decision are NaN.  Sources: viz/faithfulness/README.md 2; DeYoung
et al. 2020 (ERASER); Samek et al. 2017.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.attribution.target import Target
from viz.faithfulness.order_effects import Hidden, OrderEffects, hidden_counts, order_effects
from viz.faithfulness.orders import word_order
from viz.model.classifier import Classifier
from viz.model.perturbation import Operator, Perturbation

MIN_WORDS = 3
"""Of a shorter text nothing can be measured: it has too few orders."""
ERASER_PERCENTS = (1, 5, 10, 20, 50)
"""Percent of the words for comprehensiveness and sufficiency."""
TOP = Hidden("first", ERASER_PERCENTS)
ALL_BUT_TOP = Hidden("last", ERASER_PERCENTS, keep=True)
TOP_STEPS = Hidden("first", tuple(range(10, 100, 10)))
"""The most important words first: 10 to 90%."""
BOTTOM_STEPS = Hidden("last", tuple(range(10, 100, 10)))
"""The same, the least important words first."""

Values = Mapping[str, float]
"""The value of each metric, by its name."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One number that says how good an order of words is."""

    name: str
    """Its key in faithfulness.json."""
    label: str
    definition: str
    """What it is, where p is the probability of the explained class and x the text."""
    better: Literal["higher", "lower"]
    effect: Callable[[OrderEffects, Hidden], float]
    hidden: Hidden
    minus: Hidden | None = None
    """Versions whose effect is taken away from that."""
    needs_decision: bool = False
    """Whether it takes a probability or a decision, which a regression has not."""
    heading: str = ""
    """Its column on the page; empty where it has none."""
    help: str = ""
    """What that column says of it."""
    percent: bool = False
    """Whether the column shows per cent."""

    def value(self, effects: OrderEffects) -> float:
        """Measure an order."""
        value = self.effect(effects, self.hidden)
        return value if self.minus is None else value - self.effect(effects, self.minus)


_METRICS = (
    Metric(
        "comprehensiveness",
        "Comprehensiveness",
        "mean of p(x) − p(x without the top K%), K = 1, 5, 10, 20, 50",
        "higher",
        OrderEffects.outcome_drop,
        TOP,
        heading="Comp.",
        help="Comprehensiveness, mean over operators: higher is better.",
    ),
    Metric(
        "sufficiency",
        "Sufficiency",
        "mean of p(x) − p(only the top K% of x), same K",
        "lower",
        OrderEffects.outcome_drop,
        ALL_BUT_TOP,
        heading="Suff.",
        help="Sufficiency, mean over operators: lower is better.",
    ),
    Metric(
        "margin_comprehensiveness",
        "Comprehensiveness of the margin",
        "comprehensiveness of the explained scalar, in logits",
        "higher",
        OrderEffects.margin_drop,
        TOP,
    ),
    Metric(
        "margin_sufficiency",
        "Sufficiency of the margin",
        "sufficiency of the explained scalar, in logits",
        "lower",
        OrderEffects.margin_drop,
        ALL_BUT_TOP,
    ),
    Metric(
        "aopc",
        "AOPC",
        "mean of p(x) − p(x without the top K%), K = 10, 20, ..., 90",
        "higher",
        OrderEffects.outcome_drop,
        TOP_STEPS,
    ),
    Metric(
        "aopc_least",
        "AOPC, least important first",
        "AOPC of the reversed order",
        "lower",
        OrderEffects.outcome_drop,
        BOTTOM_STEPS,
    ),
    Metric(
        "area",
        "Area",
        "AOPC − AOPC of the reversed order",
        "higher",
        OrderEffects.outcome_drop,
        TOP_STEPS,
        minus=BOTTOM_STEPS,
    ),
    Metric(
        "short",
        "AOPC to 50%",
        "AOPC over K = 10, 20, 30, 40, 50",
        "higher",
        OrderEffects.outcome_drop,
        Hidden("first", (10, 20, 30, 40, 50)),
    ),
    Metric(
        "margin_aopc",
        "AOPC of the margin",
        "AOPC of the explained scalar, in logits",
        "higher",
        OrderEffects.margin_drop,
        TOP_STEPS,
    ),
    Metric(
        "log_odds_20",
        "Log-odds at 20%",
        "log p(x without the top 20%) − log p(x)",
        "lower",
        OrderEffects.log_probability_change,
        Hidden("first", (20,)),
        needs_decision=True,
    ),
    Metric(
        "flip_10",
        "Flip at 10%",
        "1 where the decision changes without the top 10%, else 0",
        "higher",
        OrderEffects.flips,
        Hidden("first", (10,)),
        needs_decision=True,
    ),
    Metric(
        "flip_20",
        "Flip at 20%",
        "1 where the decision changes without the top 20%, else 0",
        "higher",
        OrderEffects.flips,
        Hidden("first", (20,)),
        needs_decision=True,
        heading="Flips",
        help="Decisions that change without the top 20% of words.",
        percent=True,
    ),
    Metric(
        "flips",
        "Flips",
        "share of K = 10, 20, ..., 90% at which the decision changes",
        "higher",
        OrderEffects.flips,
        TOP_STEPS,
        needs_decision=True,
    ),
    Metric(
        "flips_least",
        "Flips, least important first",
        "flips of the reversed order",
        "lower",
        OrderEffects.flips,
        BOTTOM_STEPS,
        needs_decision=True,
    ),
)
METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _METRICS})
"""All metrics by their names."""
SHOWN: Mapping[str, Metric] = MappingProxyType(
    {metric.name: metric for metric in _METRICS if metric.heading}
)
"""Those that have a column on the page."""
TESTED: Mapping[str, Metric] = MappingProxyType({**SHOWN, "aopc": METRICS["aopc"]})
"""Those that have to rank degraded explanations; shares and NAOPC are of the last."""


def _hidden(metrics: Collection[Metric]) -> frozenset[Hidden]:
    """All versions that metrics are means over."""
    each = (hidden for metric in metrics for hidden in (metric.hidden, metric.minus))
    return frozenset(hidden for hidden in each if hidden is not None)


_HIDDEN = _hidden(_METRICS)


def metrics_of(classifier: Classifier, metrics: Mapping[str, Metric] = METRICS) -> tuple[str, ...]:
    """The names of those of the metrics that this classifier has."""
    return tuple(
        metric.name
        for metric in metrics.values()
        if not (classifier.regression and metric.needs_decision)
    )


def measure(
    perturbation: Perturbation,
    target: Target,
    scores: FloatArray,
    operator: Operator,
    seed: int = 0,
) -> Values:
    """Measure the order that scores of words ask for.

    Args:
        perturbation: The text; what it has read is not read again.
        target: The explained class, and the one it is compared with in the margin.
        scores: (n_words,), higher is more important.
        operator: How words are hidden.
        seed: Of the order of words with equal scores.

    Raises:
        MethodError: for masks, where the tokenizer has no mask token.
    """
    return measure_orders(perturbation, target, [word_order(scores, seed)], operator)[0]


def measure_orders(
    perturbation: Perturbation,
    target: Target,
    orders: Sequence[IntArray],
    operator: Operator,
    metrics: Mapping[str, Metric] = METRICS,
) -> tuple[Values, ...]:
    """Measure several orders, all their versions read together; NaN where there is no decision."""
    names = metrics_of(perturbation.classifier, metrics)
    hidden = _hidden(metrics.values())
    return tuple(
        {
            metric.name: metric.value(effects) if metric.name in names else math.nan
            for metric in metrics.values()
        }
        for effects in order_effects(perturbation, target, orders, operator, hidden)
    )


def n_versions(n_words: int) -> int:
    """How many versions of a text one order takes, the whole text not counted."""
    return len(hidden_counts(n_words, _HIDDEN, "first")) + len(
        hidden_counts(n_words, _HIDDEN, "last")
    )
