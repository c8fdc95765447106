"""`decomposition+`: what a stated number of passes buys beyond one decomposition.

Decompositions of the text on its way to nothing but masks say, for ten passes, in which order words
matter.  The passes left improve that order by exchanging words, judged by how far the probability
falls when the first of them are hidden, by masks and by deletion alike.  What was read on the way
also fits a regression shrunk toward the order, which tells what is worth reading next, the size of
each score and its standard error.  Source: viz/attribution/README.md 2.3.
"""

import numpy as np
from scipy.optimize import isotonic_regression

from finetune.checkpoint.arrays import FloatArray
from viz.attribution.decomposition_path import (
    PATH_PASSES,
    MaskingPath,
    partly_masked_scores,
    path_scores,
)
from viz.attribution.linear_pass import require_linear
from viz.attribution.local_search import OrderSearch, WordOrder, order_scores
from viz.attribution.masking import SEED_OPTION, descending_order
from viz.attribution.method import PASSES_PER_POINT, AttributionInput, Method, Option, TokenScores
from viz.attribution.registry import register_method
from viz.model.perturbation import Operator

OPERATOR_WEIGHTS: dict[Operator, float] = {"mask": 0.8, "delete": 0.2}
"""What each way of hiding counts.  Decompositions are nearly as good as can be under deletion, so
there is more to win under masks."""

TIE_BREAK = 1e-6
"""How far apart, as a share of the largest score, words are whose scores are the same."""


def _decomposition_plus(inputs: AttributionInput) -> TokenScores:
    budget, words = int(inputs.options["rows"]), inputs.perturbation
    if budget < PATH_PASSES:
        return TokenScores(
            words.to_tokens(partly_masked_scores(inputs)), measured={"rows": PASSES_PER_POINT}
        )
    at_text, on_path = path_scores(MaskingPath(inputs))
    operators = words.operators
    weights = OPERATOR_WEIGHTS if len(operators) > 1 else {operators[0]: 1.0}
    search = OrderSearch(inputs, weights, budget - int(PATH_PASSES))
    if search.budget < search.order_cost:
        return TokenScores(words.to_tokens(on_path + at_text), measured={"rows": PATH_PASSES})
    starts = [descending_order(scores) for scores in (on_path + at_text, on_path)]
    for start in starts:
        if search.budget >= search.order_cost:
            search.order(start)
    rng = np.random.default_rng(inputs.options["seed"])
    return _token_scores(inputs, search, search.run(search.best(starts[0]), rng))


def _token_scores(inputs: AttributionInput, search: OrderSearch, best: WordOrder) -> TokenScores:
    """Scores of the regression in log-odds, as near as they are in the order that was found."""
    fit = search.fit(order_scores(best.words))
    scores, errors = in_order(fit.scores, fit.errors, search.within_steps(best, fit.scores))
    words = inputs.perturbation
    return TokenScores(
        words.to_tokens(scores),
        errors=words.errors_to_tokens(errors),
        measured={"rows": float(int(inputs.options["rows"]) - search.budget)},
    )


def in_order(
    scores: FloatArray, errors: FloatArray, words: list[int]
) -> tuple[FloatArray, FloatArray]:
    """The scores that are nearest to these and fall along an order, and their standard errors.

    Where the order contradicts the scores, words share their mean, weighted by precision
    (isotonic regression, Barlow et al. 1972), but for a millionth that keeps the order.

    Args:
        scores: One for each word.  (n,)
        errors: Their standard errors.  (n,)
        words: Numbers of the words, those that count most first.
    """
    smallest = float(np.finfo(float).eps * max(np.abs(scores).max(initial=0), 1))
    precision = 1 / np.square(np.maximum(errors, smallest))
    fit = isotonic_regression(scores[words], weights=precision[words], increasing=False)
    steps = TIE_BREAK * np.abs(scores).max(initial=0) * np.linspace(1, 0, len(words))
    ordered_scores, ordered_errors = np.empty(len(words)), np.empty(len(words))
    ordered_scores[words] = fit.x + steps
    ordered_errors[words] = np.repeat(1 / np.sqrt(fit.weights), np.diff(fit.blocks))
    return ordered_scores, ordered_errors


DECOMPOSITION_PLUS = Method(
    name="decomposition+",
    label="Decomposition+",
    signed=True,
    cost=100,
    description="Decompositions of the text with its words hidden more and more, their order "
    "improved by hiding words.",
    reference="CLSight",
    score=_decomposition_plus,
    requirements=(require_linear,),
    options=(
        Option(
            name="rows",
            label="Passes",
            default=100,
            help="How many forward passes it may take.",
            minimum=2,
            maximum=2000,
        ),
        SEED_OPTION,
    ),
    estimated_forward_passes=lambda n_words, n_layers, options: float(options["rows"]),
    operator="both",
    against_all=True,
    by_window=False,
)

register_method(DECOMPOSITION_PLUS)
