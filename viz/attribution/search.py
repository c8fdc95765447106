"""The limit: an order of words found by search on the measure of faithfulness itself.

AOPC is a mean over the nine sets of words that are hidden at 10 to 90 %, each inside the next, so
an order is improved by exchanging a word that is hidden early for one hidden a step later, which
changes one of the sets alone.  Which exchanges are worth a reading is told by a regression on all
versions read so far, drawn from anew each time.  The best order is put together from all sets that
were read, so it is known at any time and never worse than those it began with.  Where no exchange
is left to try, orders drawn from the regression are improved on their own and their sets added.
Source: attribution.md 4 and 5b; ours.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from viz.attribution.decomposition import DECOMPOSITION
from viz.attribution.faded import Fading
from viz.attribution.hiding import NO_MASK, log_odds, ordered, subsets
from viz.attribution.method import Method, Option, Split, Task
from viz.attribution.occlusion import OCCLUSION
from viz.attribution.prefix import bucket_sizes, drops, prefixes
from viz.attribution.shrinkage import Fit, shrink
from viz.perturbation import OPERATORS, BoolArray, Operator
from viz.types import FloatArray

SHARES = (1.0, 0.1, 0.2, 0.3, 0.4)
EXCHANGES = 8
"""Exchanges read at once."""
IDLE = 2
"""Rounds of exchanges that don't help, after which an order counts as improved."""
STALE = 12
"""Rounds without anything new to read, after which the search is over."""


@dataclass(slots=True)
class _Order:
    words: list[int]
    worth: FloatArray
    """The fall of the probability at each size.  (sizes,)"""


class _Search:
    def __init__(self, task: Task, operators: tuple[Operator, ...], rows: int) -> None:
        self.task, self.operators = task, operators
        self.versions = task.perturbation
        self.n = self.versions.n_words
        self.sizes = bucket_sizes(self.n)
        self.left = rows
        self.known: dict[bytes, float] = {}
        self.hidden: list[BoolArray] = []
        self.lost: list[FloatArray] = []
        whole = np.ones((1, self.n), dtype=bool)
        self.whole = {o: float(log_odds(task, whole, o)[0]) for o in operators}

    def worth(self, kept: BoolArray) -> FloatArray:
        """The fall of the probability of versions, mean of the operators.  (N, n) -> (N,)"""
        new = {row.tobytes(): row for row in kept if row.tobytes() not in self.known}
        if new:
            self._read(np.array(list(new.values())))
        return np.array([self.known[row.tobytes()] for row in kept])

    def _read(self, kept: BoolArray) -> None:
        target = self.task.target.target_class
        fallen = [drops(self.versions, target, kept, operator) for operator in self.operators]
        lost = [self.whole[o] - log_odds(self.task, kept, o) for o in self.operators]
        self.hidden += list(~kept)
        self.lost += list(np.stack(lost, axis=1))
        for row, value in zip(kept, np.mean(fallen, axis=0), strict=True):
            self.known[row.tobytes()] = float(value)
        self.left -= len(kept) * len(self.operators)

    def order(self, words: list[int]) -> _Order:
        """An order, judged."""
        return _Order(words, self.worth(prefixes(words, self.sizes)))

    def fit(self, prior: FloatArray) -> Fit:
        """A regression on what was read last."""
        hidden, lost = np.array(self.hidden[-300:]), np.array(self.lost[-300:])
        rows = np.repeat(hidden, len(self.operators), axis=0)
        return shrink(prior, rows, lost.ravel(), np.tile(self.operators, len(hidden)))

    def exchanges(self, order: _Order, fit: Fit, rng: np.random.Generator) -> "list[_Move]":
        """Exchanges of neighbouring steps that draws from the regression favour."""
        ends = [0, *self.sizes, self.n]
        moves: dict[_Move, None] = {}
        for _ in range(4 * EXCHANGES):
            step = int(rng.integers(len(self.sizes)))
            inside = order.words[ends[step] : ends[step + 1]]
            outside = order.words[ends[step + 1] : ends[step + 2]]
            if not inside or not outside:
                continue
            scores = fit.draw(rng)
            move = (step, min(inside, key=scores.__getitem__), max(outside, key=scores.__getitem__))
            if self._after(order, move).tobytes() not in self.known:
                moves[move] = None
        return list(moves)[:EXCHANGES]

    def _after(self, order: _Order, move: "_Move") -> BoolArray:
        step, out, new = move
        kept: BoolArray = prefixes(order.words, [self.sizes[step]])[0]
        kept[out], kept[new] = True, False
        return kept

    def improve(self, order: _Order, moves: "list[_Move]") -> _Order:
        """Read what exchanges lead to, and go on from the best of all that is known."""
        self.worth(np.array([self._after(order, move) for move in moves]))
        return self.best(order.words)

    def elsewhere(self, fit: Fit, rng: np.random.Generator) -> None:
        """Improve an order drawn from the regression on its own, till exchanges help no more."""
        order, idle = self.order(ordered(fit.draw(rng))), 0
        while idle < IDLE:
            moves = self.exchanges(order, fit, rng)[: self.left // len(self.operators)]
            if not moves:
                return
            worth = self.worth(np.array([self._after(order, move) for move in moves]))
            gains = worth - order.worth[[step for step, *_ in moves]]
            best = int(np.argmax(gains))
            idle = 0 if gains[best] > 0 else idle + 1
            if not idle:
                step, out, new = moves[best]
                swap = {out: new, new: out}
                order.words = [swap.get(word, word) for word in order.words]
                order.worth[step] = worth[best]

    def read_all(self) -> None:
        """Read every set of every size, where the budget allows it."""
        sets = sum(math.comb(self.n, size) for size in self.sizes)
        if sets * len(self.operators) <= self.left:
            hidden = subsets(self.n)
            self.worth(~hidden[np.isin(hidden.sum(1), self.sizes)])

    def best(self, words: list[int]) -> _Order:
        """The best order among all that can be put together from what has been read.

        One set is taken for each size, each inside the next; the best way to each set is known
        once those to all smaller ones are (dynamic programming).  It costs no reading.

        Args:
            words: An order, which holds inside a step.
        """
        hidden = np.array(self.hidden)
        values = np.array([self.known[(~row).tobytes()] for row in hidden])
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
        return _Order(sorted(words, key=lambda word: -first[word]), values[chain])


_Move = tuple[int, int, int]
"""The step, the word that leaves its set and the one that enters."""


def _search(task: Task) -> Split:
    words, chosen = task.perturbation, task.options["operator"]
    wanted = OPERATORS if chosen == "both" else (chosen,)
    operators = tuple(o for o in wanted if o in words.operators) or words.operators
    search = _Search(task, operators, int(task.options["rows"]))
    rng = np.random.default_rng(0)
    starts = _starts(task)
    first, *_ = [search.order(ordered(scores)) for scores in starts]
    search.read_all()
    best = search.best(first.words)
    stale = 0
    while search.left >= len(operators) and stale < STALE and search.n > 1:
        fit = search.fit(_ranks(best.words))
        if search.left >= 4 * len(search.sizes) * len(operators):
            if stale:
                search.elsewhere(fit, rng)
            else:
                search.order(ordered(fit.scores))
            best = search.best(ordered(fit.scores))
        exchanged = False
        for _ in range(4):
            moves = search.exchanges(best, fit, rng)[: search.left // len(operators)]
            if moves:
                best, exchanged = search.improve(best, moves), True
        stale = 0 if exchanged else stale + 1
    spent = int(task.options["rows"]) - search.left
    return Split(
        words.over_tokens(_ranks(best.words)),
        measured={"aopc": float(best.worth.mean()), "rows": float(spent)},
        notes=() if set(wanted) <= set(words.operators) else (NO_MASK,),
    )


def _starts(task: Task) -> list[FloatArray]:
    """Scores whose orders are tried first."""
    if not task.classifier.records:
        return [task.perturbation.over_words(OCCLUSION.run(_default(task, OCCLUSION)).scores)]
    kept = np.repeat(np.array(SHARES)[:, None], task.perturbation.n_words, axis=1)
    whole, *path = Fading(task).versions(kept)
    exact = task.perturbation.over_words(DECOMPOSITION.run(_default(task, DECOMPOSITION)).scores)
    faded = np.sum([scores / max(np.abs(scores).sum(), 1e-12) for scores in path], axis=0)
    return [exact, faded, faded + whole / max(np.abs(whole).sum(), 1e-12)]


def _default(task: Task, method: Method) -> Task:
    return Task(
        task.classifier,
        task.reading,
        task.target,
        method.chosen(None),
        task.tick,
        task.perturbation,
    )


def _ranks(words: list[int]) -> FloatArray:
    """1 for the first word, 1/n for the last.  (n,)"""
    ranks = np.empty(len(words))
    ranks[words] = np.arange(len(words), 0, -1) / max(len(words), 1)
    return ranks


SEARCH = Method(
    name="search",
    label="Search",
    signed=False,
    cost=600,
    description="The order of hiding words that moves the class most, found by search: the limit "
    "for all other methods.",
    reference="CLSight; objective of Samek et al. 2017",
    run=_search,
    options=(
        Option(
            name="operator",
            label="Hide words by",
            default="mask",
            help="What the order is searched for: masks, deletion, or the mean of both.",
            choices=(*OPERATORS, "both"),
        ),
        Option(
            name="rows",
            label="Passes",
            default=600,
            help="About how many versions of the text it may read.",
            least=50,
            most=20_000,
        ),
    ),
    passes=lambda n_words, n_layers, options: float(options["rows"]),
    hides="mask",
)
