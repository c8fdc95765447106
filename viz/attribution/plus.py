"""`decomposition+`: what a stated number of passes buys beyond one decomposition.

Decompositions of the whole text, of the text on its way to nothing but masks, and of the text with
words hidden at random are cheap for what they say: n numbers each for two passes.  Their means are
candidates.  The passes left read the text with the first words of each candidate hidden, by masks
and by deletion alike, and the candidate whose order costs the class most is kept.  What was read
then also fits a regression shrunk towards it, drawn from again for what is worth reading next.
Source: attribution.md 5b; ours.
"""

import numpy as np

from viz.attribution.faded import PASSES, Fading
from viz.attribution.hiding import SEED, log_odds, ordered
from viz.attribution.method import Method, Option, Split, Task
from viz.attribution.prefix import bucket_sizes, drops, prefixes
from viz.attribution.shrinkage import Fit, shrink
from viz.perturbation import BoolArray, Operator
from viz.types import FloatArray

SHARES = (0.1, 0.2, 0.3, 0.4)
"""How much of each word is kept on the path."""
BASE = int(PASSES * (1 + len(SHARES)))
"""Passes for the decompositions that come first."""
PART = 4
"""One part in so many of the budget goes to texts with words hidden at random."""
MOST_HIDDEN = 0.8
"""Words hidden at random at most."""
DRAWN = 8
"""Versions drawn from the regression between two looks at its order."""
FEWEST = 12
"""Versions read before the regression is trusted to state errors."""


class _Budget:
    """Versions read so far, what they lost, and the passes that are left."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.left = float(task.options["rows"])
        self.n = task.perturbation.n_words
        self.operators = task.perturbation.operators
        self.sizes = bucket_sizes(self.n)
        self._whole = float(
            log_odds(
                task,
                np.ones((1, self.n), dtype=bool),
                "mask" if len(self.operators) > 1 else "delete",
            )[0]
        )
        self.hidden: list[BoolArray] = []
        self.lost: list[FloatArray] = []
        self.by: list[Operator] = []

    @property
    def path_cost(self) -> int:
        """The most versions that judging one order can take."""
        return len(self.sizes) * len(self.operators)

    def read(self, kept: BoolArray, operator: Operator) -> None:
        """Read versions and keep what they lost."""
        before = self.task.perturbation.spent
        values = log_odds(self.task, kept, operator)
        self.left -= self.task.perturbation.spent - before
        self.hidden.append(~kept)
        self.lost.append(self._whole - values)
        self.by += [operator] * len(kept)

    def worth(self, scores: FloatArray) -> float:
        """How far the probability falls along the order of the scores, mean of the operators."""
        kept = prefixes(ordered(scores), self.sizes)
        target = self.task.target.target_class
        for operator in self.operators:
            self.read(kept, operator)
        fallen = [drops(self.task.perturbation, target, kept, o).mean() for o in self.operators]
        return float(np.mean(fallen))

    def fit(self, prior: FloatArray) -> Fit:
        """The regression on all that was read."""
        return shrink(
            prior, np.concatenate(self.hidden), np.concatenate(self.lost), np.array(self.by)
        )


def _plus(task: Task) -> Split:
    budget, fading = _Budget(task), Fading(task)
    rng = np.random.default_rng(int(task.options["seed"]))
    candidates = _candidates(fading, budget, rng)
    best, worth = candidates[0], None
    for candidate in candidates:
        if len(candidates) == 1 or budget.left < budget.path_cost:
            break
        found = budget.worth(candidate)
        if worth is None or found > worth:
            best, worth = candidate, found
    if worth is not None:
        best = _improved(budget, best, worth, rng)
    return _split(task, budget, best)


def _candidates(fading: Fading, budget: _Budget, rng: np.random.Generator) -> list[FloatArray]:
    """Word scores worth judging, the most promising first."""
    n = budget.n
    if budget.left < BASE:
        budget.left -= PASSES
        return [fading.at(SHARES[2])]
    budget.left -= BASE
    shares = np.repeat([[1.0], *([share] for share in SHARES)], n, axis=1)
    whole, *path = fading.versions(shares)
    faded = _unit(np.sum([_unit(scores) for scores in path], axis=0))
    candidates = [faded + _unit(whole), faded, whole]
    n_hidden = int(float(fading.task.options["rows"]) / PART / PASSES)
    if n_hidden < 5:
        return candidates
    budget.left -= PASSES * n_hidden
    mean = _mean_hidden(fading, n_hidden, whole, rng)
    return [faded + _unit(mean), candidates[0], mean, faded, whole]


def _mean_hidden(
    fading: Fading, n_versions: int, whole: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Mean scores of the words in versions where they stay, the whole text among them.  (n,)"""
    n = len(whole)
    kept = np.ones((n_versions, n))
    for row in kept:
        row[rng.permutation(n)[: max(1, int(n * rng.uniform(0.05, MOST_HIDDEN)))]] = 0
    scores = fading.versions(kept)
    mean: FloatArray = (whole + (scores * kept).sum(0)) / (1 + kept.sum(0))
    return mean


def _improved(
    budget: _Budget, best: FloatArray, worth: float, rng: np.random.Generator
) -> FloatArray:
    """Draw orders from the regression, read some of their beginnings, judge its own; repeat."""
    while budget.left >= DRAWN + budget.path_cost:
        before = budget.left
        for operator in budget.operators:
            fit = budget.fit(best)
            drawn = [_beginning(fit.draw(rng), rng) for _ in range(DRAWN // len(budget.operators))]
            budget.read(np.array(drawn), operator)
        scores = budget.fit(best).scores
        found = budget.worth(scores)
        if found > worth:
            best, worth = scores, found
        if budget.left == before:  # a text so short that nothing new is left to read
            break
    return best


def _beginning(scores: FloatArray, rng: np.random.Generator) -> BoolArray:
    """The words that stay when a random number of the first are hidden.  (n,)"""
    n = len(scores)
    size = max(1, int(np.ceil(rng.uniform(0.05, 0.9) * n)))
    kept: BoolArray = prefixes(ordered(scores), [size])[0]
    return kept


def _split(task: Task, budget: _Budget, scores: FloatArray) -> Split:
    """Scores in log-odds where versions were read to tell their size, else as they are."""
    words = task.perturbation
    errors = None
    if len(budget.by) >= FEWEST:
        fit = budget.fit(scores)
        size = float(np.abs(fit.scores).sum() / max(np.abs(scores).sum(), 1e-12))
        scores, errors = scores * size, words.errors_over_tokens(fit.errors)
    spent = float(task.options["rows"]) - budget.left
    return Split(words.over_tokens(scores), errors=errors, measured={"rows": spent})


def _unit(scores: FloatArray) -> FloatArray:
    scaled: FloatArray = scores / max(float(np.abs(scores).sum()), 1e-12)
    return scaled


PLUS = Method(
    name="decomposition+",
    label="Decomposition+",
    signed=True,
    cost=100,
    description="Decompositions of many versions of the text, the best chosen by hiding words in "
    "their order.",
    reference="CLSight",
    run=_plus,
    options=(
        Option(
            name="rows",
            label="Passes",
            default=100,
            help="How many forward passes it may take.",
            least=2,
            most=2000,
        ),
        SEED,
    ),
    passes=lambda n_words, n_layers, options: float(options["rows"]),
    hides="mask",
    against_all=True,
)
