"""Orders of words improved by exchanges, and measured by how far the probability falls.

AOPC is a mean over the nine sets of words that are hidden at 10 to 90%, each inside the next, so
an order is improved by exchanging a word that is hidden early for one hidden a step later, which
changes one of the sets alone.  Which exchanges are worth a reading is told by a regression on all
versions read so far, drawn from again each time.  The best order is put together from all sets that
were read, so it is known at any time and never worse than those it began with.  Where no exchange
is left to try, orders drawn from the regression are improved on their own and their sets added.
The worst order is searched for likewise, by how far the probability rises.
Source: viz/attribution/README.md 2.3 and 2.22.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attribution.aopc import bucket_sizes, prefixes, probability_drops
from viz.attribution.empirical_bayes import ScoreFit, fit_scores
from viz.attribution.masking import all_subsets, descending_order, log_odds
from viz.attribution.method import AttributionInput
from viz.model.perturbation import BoolArray, Operator

Goal = Literal["best", "worst"]
"""The order in which the probability falls most, or least."""
GOALS: tuple[Goal, ...] = ("best", "worst")

EXCHANGES_PER_ROUND = 8
"""Exchanges read at once."""
MAX_IDLE_ROUNDS = 2
"""Rounds of exchanges that don't help, after which an order counts as improved."""
MAX_STALE_ROUNDS = 12
"""Rounds without anything new to read, after which the search is over."""
MAX_FITTED_VERSIONS = 300
"""Versions the regression is fitted to."""


@dataclass(slots=True)
class WordOrder:
    """An order of the words, measured."""

    words: list[int]
    drops: FloatArray
    """How far the probability falls at each size; rises, where the worst order is searched for.
    (sizes,)"""


Move = tuple[int, int, int]
"""The step, the word that leaves its set and the one that enters."""


class OrderSearch:
    """A search for the order of the words of one text that lowers the probability most, or least.

    Args:
        inputs: The text and the class.
        weights: What the fall under each operator counts; they add up to 1.  An exchange is read
            under the first one, and under the others only where it helps there.
        rows: How many versions may be read.
        goal: Which order is searched for.  For the worst one every fall of the probability, and of
            the log-odds, counts as a rise.
    """

    def __init__(
        self,
        inputs: AttributionInput,
        weights: Mapping[Operator, float],
        rows: int,
        goal: Goal = "best",
    ) -> None:
        self.inputs, self.weights = inputs, dict(weights)
        self.sign = 1 if goal == "best" else -1
        self.primary = next(iter(self.weights))
        self.versions = inputs.perturbation
        self.n = self.versions.n_words
        self.sizes = bucket_sizes(self.n)
        self.budget = rows
        self.drops_by_operator: dict[Operator, dict[bytes, float]] = {
            name: {} for name in self.weights
        }
        self.weighted_drops: dict[bytes, float] = {}
        """Weighted over operators, of the versions that were read under each of them."""
        self.hidden: list[BoolArray] = []
        self.log_odds_lost: list[float] = []
        self.operators: list[Operator] = []
        text = np.ones((1, self.n), dtype=bool)
        self.text_log_odds = {name: float(log_odds(inputs, text, name)[0]) for name in self.weights}

    @property
    def order_cost(self) -> int:
        """The most versions that measuring one order can take."""
        return len(self.sizes) * len(self.weights)

    def drops(self, keep: BoolArray) -> FloatArray:
        """How far the probability falls, or rises, weighted over operators.  (N, n) -> (N,)"""
        for operator in self.weights:
            self._read(keep, operator)
        return np.array([self._weigh(row.tobytes()) for row in keep])

    def _weigh(self, version: bytes) -> float:
        if version not in self.weighted_drops:
            self.weighted_drops[version] = sum(
                weight * self.drops_by_operator[name][version]
                for name, weight in self.weights.items()
            )
        return self.weighted_drops[version]

    def _read(self, keep: BoolArray, operator: Operator) -> None:
        drops = self.drops_by_operator[operator]
        new = {row.tobytes(): row for row in keep if row.tobytes() not in drops}
        if not new:
            return
        rows = np.array(list(new.values()))
        values = probability_drops(self.versions, self.inputs.target.target_class, rows, operator)
        drops.update(zip(new, map(float, self.sign * values), strict=True))
        self.hidden += list(~rows)
        lost = self.text_log_odds[operator] - log_odds(self.inputs, rows, operator)
        self.log_odds_lost += list(self.sign * lost)
        self.operators += [operator] * len(rows)
        self.budget -= len(rows)

    def order(self, words: list[int]) -> WordOrder:
        """An order, measured."""
        return WordOrder(words, self.drops(prefixes(words, self.sizes)))

    def fit(self, prior: FloatArray) -> ScoreFit:
        """A regression on what was read last."""
        recent = slice(-MAX_FITTED_VERSIONS * len(self.weights), None)
        return fit_scores(
            prior,
            np.array(self.hidden[recent]),
            np.array(self.log_odds_lost[recent]),
            np.array(self.operators[recent]),
        )

    def run(self, best: WordOrder, rng: np.random.Generator) -> WordOrder:
        """Improve an order until nothing may be read, or nothing new is left to read."""
        stale = 0
        while self.budget >= len(self.weights) and stale < MAX_STALE_ROUNDS and self.n > 1:
            fit = self.fit(order_scores(best.words))
            if self.budget >= 4 * self.order_cost:
                if stale:
                    self.explore(fit, rng)
                else:
                    self.order(descending_order(fit.scores))
                best = self.best(descending_order(fit.scores))
            exchanged = False
            for _ in range(4):
                if moves := self.exchanges(best, fit, rng):
                    best, exchanged = self.improve(best, moves), True
            stale = 0 if exchanged else stale + 1
        return best

    def exchanges(self, order: WordOrder, fit: ScoreFit, rng: np.random.Generator) -> list[Move]:
        """Exchanges of neighboring steps that draws from the regression favor."""
        ends = [0, *self.sizes, self.n]
        moves: dict[Move, None] = {}
        for _ in range(4 * EXCHANGES_PER_ROUND):
            step = int(rng.integers(len(self.sizes)))
            inside = order.words[ends[step] : ends[step + 1]]
            outside = order.words[ends[step + 1] : ends[step + 2]]
            if not inside or not outside:
                continue
            scores = fit.draw(rng)
            move = (step, min(inside, key=scores.__getitem__), max(outside, key=scores.__getitem__))
            if self._after(order, move).tobytes() not in self.drops_by_operator[self.primary]:
                moves[move] = None
        return list(moves)[: min(EXCHANGES_PER_ROUND, self.budget // len(self.weights))]

    def _after(self, order: WordOrder, move: Move) -> BoolArray:
        step, out, new = move
        keep: BoolArray = prefixes(order.words, [self.sizes[step]])[0]
        keep[out], keep[new] = True, False
        return keep

    def improve(self, order: WordOrder, moves: list[Move]) -> WordOrder:
        """Read what exchanges lead to, and go on from the best of all that is known."""
        self._read_moves(order, moves)
        return self.best(order.words)

    def _read_moves(self, order: WordOrder, moves: list[Move]) -> FloatArray:
        """What exchanges gain; those that lose under the first operator are not read further."""
        after = np.array([self._after(order, move) for move in moves])
        self._read(after, self.primary)
        now = prefixes(order.words, [self.sizes[step] for step, *_ in moves])
        drops = self.drops_by_operator[self.primary]
        better = [drops[a.tobytes()] > drops[b.tobytes()] for a, b in zip(after, now, strict=True)]
        gains = np.full(len(moves), -math.inf)
        if any(better):
            steps = [step for step, *_ in moves]
            gains[better] = self.drops(after[better]) - order.drops[steps][better]
        return gains

    def explore(self, fit: ScoreFit, rng: np.random.Generator) -> None:
        """Improve an order drawn from the regression on its own, till exchanges help no more."""
        order, idle = self.order(descending_order(fit.draw(rng))), 0
        while idle < MAX_IDLE_ROUNDS and (moves := self.exchanges(order, fit, rng)):
            gains = self._read_moves(order, moves)
            best = int(np.argmax(gains))
            idle = 0 if gains[best] > 0 else idle + 1
            if not idle:
                step, out, new = moves[best]
                swap = {out: new, new: out}
                order.words = [swap.get(word, word) for word in order.words]
                order.drops[step] += gains[best]

    def within_steps(self, order: WordOrder, scores: FloatArray) -> list[int]:
        """The words of an order, sorted by *scores* inside each step, where it has no say."""
        ends = [0, *self.sizes, self.n]
        return [
            word
            for start, end in pairwise(ends)
            for word in sorted(order.words[start:end], key=lambda word: -scores[word])
        ]

    def read_all(self) -> None:
        """Read every set of every size, where the budget allows it."""
        sets = sum(math.comb(self.n, size) for size in self.sizes)
        if sets * len(self.weights) <= self.budget:
            hidden = all_subsets(self.n)
            self.drops(~hidden[np.isin(hidden.sum(1), self.sizes)])

    def best(self, words: list[int]) -> WordOrder:
        """The best order among all that can be put together from what has been read.

        One set is taken for each size, each inside the next; the best way to each set is known
        once those to all smaller ones are (dynamic programming).  It costs no reading.

        Args:
            words: An order, which holds inside a step.
        """
        hidden = ~np.array([np.frombuffer(version, dtype=bool) for version in self.weighted_drops])
        values = np.array(list(self.weighted_drops.values()))
        counts = hidden.sum(1)
        levels = [np.flatnonzero(counts == size) for size in self.sizes]
        total, ways = values[levels[0]], []
        for below, level in pairwise(levels):
            inside = hidden[below].astype(np.float32) @ ~hidden[level].T == 0
            through = np.where(inside, total[:, None], -np.inf)
            ways.append(through.argmax(0))
            total = through.max(0) + values[level]
        place = int(total.argmax())
        chain = [levels[-1][place]]
        for level, way in zip(levels[-2::-1], ways[::-1], strict=True):
            place = int(way[place])
            chain.insert(0, level[place])
        first = hidden[chain].sum(0)
        # A word that is in more of the sets is hidden earlier.
        return WordOrder(sorted(words, key=lambda word: -first[word]), values[chain])


def order_scores(words: list[int]) -> FloatArray:
    """1 for the first word, 1/n for the last.  (n,)"""
    scores = np.empty(len(words))
    scores[words] = np.arange(len(words), 0, -1) / max(len(words), 1)
    return scores
