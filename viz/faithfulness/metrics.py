"""Measures of faithfulness: what the class loses when words are hidden in an order.

With x the text, p the probability of the explained class and m the margin, for an order of words:

    comprehensiveness = mean over K = 1, 5, 10, 20, 50 % of p(x) - p(x without the first K %)
    sufficiency       = mean over the same K             of p(x) - p(only the first K % of x)
    AOPC              = mean over K = 10, 20, ..., 90 %  of p(x) - p(x without the first K %)
    flips             = share of the same K at which the decision is another one

A regression has no probability: p is its score itself, in its own unit.  It decides nothing that
could flip, so the measures in `DECISIVE` are NaN.

K % of n words is rounded up to whole words, and a number of words that two K share counts once.
Sources: viz/faithfulness/README.md 2; DeYoung et al. 2020 (ERASER); Samek et al. 2017.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from viz.attribution.aopc import bucket_sizes, prefixes
from viz.attribution.method import Target
from viz.faithfulness.orders import word_order
from viz.model.classifier import Classifier
from viz.model.perturbation import BoolArray, Operator, Perturbation
from viz.types import FloatArray, IntArray

BINS = (1, 5, 10, 20, 50)
"""Percent of the words for comprehensiveness and sufficiency."""
SHORT = (10, 20, 30, 40, 50)
"""Percent of the words for the first half of AOPC."""
MIN_WORDS = 3
"""Of a shorter text nothing can be measured: it has too few orders."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What the class loses without the words at the top of an order, and with them alone."""

    comprehensiveness: float
    """Fall of the probability without the top words; higher is better."""
    sufficiency: float
    """Fall of the probability with the top words alone; lower is better."""
    margin_comprehensiveness: float
    """The same of the explained scalar, in logits."""
    margin_sufficiency: float

    @property
    def value(self) -> float:
        """Comprehensiveness minus sufficiency: both in one number, higher is better."""
        return self.comprehensiveness - self.sufficiency


@dataclass(frozen=True, slots=True)
class Measures(Erasure):
    """All that is measured of an order under one operator."""

    aopc: float
    """Mean fall of the probability when 10 to 90 % are hidden, most important first."""
    aopc_least: float
    """The same, least important first."""
    area: float
    """AOPC minus that of least important first."""
    short: float
    """Mean fall of the probability when 10 to 50 % are hidden, most important first."""
    margin_aopc: float
    """AOPC of the explained scalar, in logits."""
    log_odds_20: float
    """log p without the top 20 % minus log p of the text; lower is better."""
    flip_10: float
    """1 where the decision changes without the top 10 %, else 0."""
    flip_20: float
    """1 where the decision changes without the top 20 %, else 0."""
    flips: float
    """Share of 10 to 90 % at which it changes, most important first: 1 minus the accuracy."""
    flips_least: float
    """The same, least important first; lower is better."""


MEASURES: tuple[str, ...] = tuple(Measures.__dataclass_fields__)
"""The names of all measures."""
DECISIVE = ("log_odds_20", "flip_10", "flip_20", "flips", "flips_least")
"""Those that take a probability or a decision."""
LOWER_IS_BETTER = frozenset(
    {"sufficiency", "margin_sufficiency", "aopc_least", "log_odds_20", "flips_least"}
)


def measures_of(classifier: Classifier) -> tuple[str, ...]:
    """The names of the measures that this classifier has."""
    return tuple(name for name in MEASURES if not classifier.regression or name not in DECISIVE)


def measure(
    perturbation: Perturbation,
    target: Target,
    scores: FloatArray,
    operator: Operator,
    seed: int = 0,
) -> Measures:
    """Measure the order that scores of words ask for.

    Args:
        perturbation: The text; what it has read is not read again.
        target: The explained class, and the one held against it in the margin.
        scores: (n_words,), higher is more important.
        operator: How words are hidden.
        seed: Of the order of words with equal scores.

    Raises:
        MethodError: for masks, where the tokenizer has no mask token.
    """
    return measure_orders(perturbation, target, [word_order(scores, seed)], operator)[0]


def measure_orders(
    perturbation: Perturbation, target: Target, orders: Sequence[IntArray], operator: Operator
) -> tuple[Measures, ...]:
    """Measure several orders, all their versions read together."""
    n = perturbation.n_words
    first, last = _ends(n)
    decides = not perturbation.classifier.regression
    return tuple(
        _measures(effects, n, decides=decides)
        for effects in _read(perturbation, target, orders, operator, first, last)
    )


def erase_orders(
    perturbation: Perturbation,
    target: Target,
    orders: Sequence[IntArray],
    operator: Operator,
    percents: Sequence[int] | None = None,
) -> tuple[Erasure, ...]:
    """Comprehensiveness and sufficiency alone, which take few versions.

    Args:
        perturbation: The text; what it has read is not read again.
        target: The explained class, and the one held against it in the margin.
        orders: Each (n_words,), most important word first.
        operator: How words are hidden.
        percents: Percent of the words; `BINS` where None.
    """
    n = perturbation.n_words
    bins = sizes(n, BINS if percents is None else percents)
    last = [n - size for size in bins]
    return tuple(
        Erasure(*_erasure(effects, n, bins))
        for effects in _read(perturbation, target, orders, operator, bins, last)
    )


def n_versions(n: int) -> int:
    """How many versions of n words one order takes, the whole text not counted."""
    first, last = _ends(n)
    return len(first) + len(last)


def _ends(n: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """How many of the first, and how many of the last, words are hidden, each number once."""
    bins, steps = sizes(n, BINS), bucket_sizes(n)
    return tuple({*bins, *steps}), tuple({*(n - size for size in bins), *steps})


def sizes(n: int, percents: Sequence[int]) -> tuple[int, ...]:
    """How many of n words each percentage is: rounded up, each number once, least first."""
    return tuple(sorted({max(1, -(-percent * n // 100)) for percent in percents}))


@dataclass(frozen=True, slots=True)
class _Said:
    """What the classifier says of versions, as far as it is measured; each (N,)."""

    outcome: FloatArray
    """The probability of the explained class, or the score."""
    margin: FloatArray
    decision: IntArray
    """The predicted class, or for a multi-label head whether the explained class is assigned."""


Ends = Literal["first", "last"]


class _Effects:
    """What hiding the first, or the last, so many words of one order does.

    Args:
        first: How many of the first words are hidden in each of the first versions.
        last: How many of the last words are hidden in each of the versions behind them.
        before: Of the whole text, one row.
        after: Of all versions.
    """

    def __init__(
        self, first: Sequence[int], last: Sequence[int], before: _Said, after: _Said
    ) -> None:
        self._row: dict[tuple[Ends, int], int] = {}
        for row, size in enumerate(first):
            self._row["first", size] = row
        for row, size in enumerate(last):
            self._row["last", size] = len(first) + row
        self._before, self._after = before, after

    def fall(self, end: Ends, hidden: Sequence[int]) -> float:
        """How far the outcome falls, on average over numbers of hidden words."""
        return float(self._before.outcome[0] - self._after.outcome[self._at(end, hidden)].mean())

    def margin_fall(self, end: Ends, hidden: Sequence[int]) -> float:
        """How far the explained scalar falls."""
        return float(self._before.margin[0] - self._after.margin[self._at(end, hidden)].mean())

    def log_odds(self, hidden: int) -> float:
        """Log p without the first words minus log p of the text."""
        after = self._after.outcome[self._row["first", hidden]]
        tiny = np.finfo(np.float64).tiny
        return float(np.log(max(after, tiny)) - np.log(max(self._before.outcome[0], tiny)))

    def flips(self, end: Ends, hidden: Sequence[int]) -> float:
        """At which share of numbers of hidden words the decision is another one."""
        changed = self._after.decision[self._at(end, hidden)] != self._before.decision[0]
        return float(changed.mean())

    def _at(self, end: Ends, hidden: Sequence[int]) -> list[int]:
        return [self._row[end, size] for size in hidden]


def _read(
    perturbation: Perturbation,
    target: Target,
    orders: Sequence[IntArray],
    operator: Operator,
    first: Sequence[int],
    last: Sequence[int],
) -> list[_Effects]:
    """The effects of each order, all versions read in one call."""
    n = perturbation.n_words
    whole = np.ones((1, n), dtype=bool)
    kept = [_kept(list(order), first, last) for order in orders]
    logits = perturbation.logits(np.concatenate([whole, *kept]), operator)
    classifier = perturbation.classifier
    before = _said(logits[:1], target, classifier)
    each = np.split(logits[1:], len(orders))
    return [_Effects(first, last, before, _said(part, target, classifier)) for part in each]


def _kept(order: list[int], first: Sequence[int], last: Sequence[int]) -> BoolArray:
    return np.concatenate([prefixes(order, first), prefixes(order[::-1], last)])


def _said(logits: FloatArray, target: Target, classifier: Classifier) -> _Said:
    values = logits.astype(np.float64)
    outcome = classifier.outcomes(values)[:, target.target_class]
    decision = outcome >= 0.5 if classifier.multi_label else values.argmax(1)
    return _Said(outcome, target.value(values), decision.astype(np.int64))


def _erasure(effects: _Effects, n: int, bins: Sequence[int]) -> tuple[float, float, float, float]:
    rest = [n - size for size in bins]
    return (
        effects.fall("first", bins),
        effects.fall("last", rest),
        effects.margin_fall("first", bins),
        effects.margin_fall("last", rest),
    )


def _measures(effects: _Effects, n: int, *, decides: bool) -> Measures:
    steps = bucket_sizes(n)
    aopc, least = effects.fall("first", steps), effects.fall("last", steps)
    (tenth,), (fifth,) = sizes(n, (10,)), sizes(n, (20,))
    return Measures(
        *_erasure(effects, n, sizes(n, BINS)),
        aopc=aopc,
        aopc_least=least,
        area=aopc - least,
        short=effects.fall("first", sizes(n, SHORT)),
        margin_aopc=effects.margin_fall("first", steps),
        log_odds_20=effects.log_odds(fifth) if decides else math.nan,
        flip_10=effects.flips("first", [tenth]) if decides else math.nan,
        flip_20=effects.flips("first", [fifth]) if decides else math.nan,
        flips=effects.flips("first", steps) if decides else math.nan,
        flips_least=effects.flips("last", steps) if decides else math.nan,
    )
