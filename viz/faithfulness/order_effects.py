"""What hiding words in an order does to a prediction: all versions of many orders, read at once.

K% of n words is rounded up to whole words, and a number of words that two K share counts once.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.attribution.aopc import prefixes
from viz.attribution.target import Target
from viz.model.classifier import Classifier
from viz.model.perturbation import Operator, Perturbation

End = Literal["first", "last"]


@dataclass(frozen=True, slots=True)
class Hidden:
    """Versions of a text that a metric is a mean over, words hidden from one end of an order."""

    end: End
    percents: tuple[int, ...]
    keep: bool = False
    """Whether the percents say how many words stay."""

    def counts(self, n_words: int) -> tuple[int, ...]:
        """How many words each version hides."""
        counts = word_counts(n_words, self.percents)
        return tuple(n_words - count for count in counts) if self.keep else counts


def word_counts(n_words: int, percents: Sequence[int]) -> tuple[int, ...]:
    """How many words each percentage is: rounded up, each number once, least first."""
    return tuple(sorted({max(1, -(-percent * n_words // 100)) for percent in percents}))


def hidden_counts(n_words: int, hidden: Collection[Hidden], end: End) -> tuple[int, ...]:
    """How many words must be hidden from one end for all of *hidden*, each number once."""
    return tuple(
        sorted({count for one in hidden if one.end == end for count in one.counts(n_words)})
    )


@dataclass(frozen=True, slots=True)
class _Outputs:
    """What the classifier says of versions, as far as it is measured; each (N,)."""

    outcome: FloatArray
    """The probability of the explained class, or the score of a regression."""
    margin: FloatArray
    """The explained scalar, in logits."""
    decision: IntArray
    """The predicted class, or for a multi-label head whether the explained class is assigned."""

    @classmethod
    def of(cls, logits: FloatArray, target: Target, classifier: Classifier) -> "_Outputs":
        values = logits.astype(np.float64)
        outcome = classifier.outcomes(values)[:, target.target_class]
        decision = outcome >= 0.5 if classifier.multi_label else values.argmax(1)
        return cls(outcome, target.value(values), decision.astype(np.int64))


@dataclass(frozen=True, slots=True)
class OrderEffects:
    """What hiding the first, or the last, so many words of one order does."""

    n_words: int
    _before: _Outputs
    """Of the whole text, one row."""
    _after: _Outputs
    """Of all versions."""
    _row: dict[tuple[End, int], int]
    """Where in `_after` the version is that hides so many words from an end."""

    def outcome_drop(self, hidden: Hidden) -> float:
        """How far the probability of the explained class, or the score, falls on average."""
        return float(self._before.outcome[0] - self._after.outcome[self._rows(hidden)].mean())

    def margin_drop(self, hidden: Hidden) -> float:
        """How far the explained scalar falls on average, in logits."""
        return float(self._before.margin[0] - self._after.margin[self._rows(hidden)].mean())

    def log_probability_change(self, hidden: Hidden) -> float:
        """Log p of the versions, on average, minus log p of the text."""
        tiny = np.finfo(np.float64).tiny
        after = np.log(np.maximum(self._after.outcome[self._rows(hidden)], tiny)).mean()
        return float(after - np.log(max(self._before.outcome[0], tiny)))

    def flips(self, hidden: Hidden) -> float:
        """The share of versions at which the decision is another one."""
        changed = self._after.decision[self._rows(hidden)] != self._before.decision[0]
        return float(changed.mean())

    def _rows(self, hidden: Hidden) -> list[int]:
        return [self._row[hidden.end, count] for count in hidden.counts(self.n_words)]


def order_effects(
    perturbation: Perturbation,
    target: Target,
    orders: Sequence[IntArray],
    operator: Operator,
    hidden: Collection[Hidden],
) -> list[OrderEffects]:
    """The effects of each order, all versions read in one call.

    Args:
        perturbation: The text; what it has read is not read again.
        target: The explained class, and the one it is compared with in the margin.
        orders: Each (n_words,), most important word first.
        operator: How words are hidden.
        hidden: Which versions.

    Raises:
        MethodError: for masks, where the tokenizer has no mask token.
    """
    n, classifier = perturbation.n_words, perturbation.classifier
    first, last = (hidden_counts(n, hidden, end) for end in ("first", "last"))
    places: list[tuple[End, int]] = [
        *(("first", count) for count in first),
        *(("last", count) for count in last),
    ]
    kept = [np.ones((1, n), dtype=bool)]
    for order in orders:
        kept += [prefixes(list(order), first), prefixes(list(order)[::-1], last)]
    logits = perturbation.logits(np.concatenate(kept), operator)
    before = _Outputs.of(logits[:1], target, classifier)
    row = {place: number for number, place in enumerate(places)}
    return [
        OrderEffects(n, before, _Outputs.of(after, target, classifier), row)
        for after in np.split(logits[1:], len(orders))
    ]
