"""Shapley values of words: what a word adds, averaged over all orders in which words can come.

    score of a word = mean over orders of F(words before it, and it) - F(words before it)

An absent word is hidden.  Up to `MAX_EXACT_WORDS` words every set of words is read; beyond, orders
are drawn at random, each together with its reverse (antithetic: what one overrates because the word
came early, the other underrates).  Along one order the scores add up to F(text) - F(nothing), so
their mean does too, however few were drawn.  Sources: viz/attribution/README.md 2.17; Shapley 1953;
Castro et al. 2009; Mitchell et al. 2022.
"""

import math

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attribution.masking import (
    OPERATOR_OPTION,
    SEED_OPTION,
    all_subsets,
    explained_values,
)
from viz.attribution.method import AttributionInput, Method, Option, Options, TokenScores
from viz.attribution.registry import register_method
from viz.model.perturbation import Operator

MAX_EXACT_WORDS = 10
"""Up to so many words all sets are read: 1,024."""


def _shapley(inputs: AttributionInput) -> TokenScores:
    words = inputs.perturbation
    operator = inputs.options["operator"]
    if words.n_words <= MAX_EXACT_WORDS:
        scores = exact_values(explained_values(inputs, all_subsets(words.n_words), operator))
        errors = None
    else:
        pairs = np.stack(_pairs(inputs, operator))
        scores = pairs.mean(0)
        errors = words.errors_to_tokens(pairs.std(0, ddof=1) / math.sqrt(len(pairs)))
    return TokenScores(words.to_tokens(scores), None, errors, {"rows": words.n_read})


def exact_values(values: FloatArray) -> FloatArray:
    """Shapley values of a game.

    Args:
        values: (2^n,): the value of each set, in the order of `all_subsets`.

    Returns:
        (n,)
    """
    n = len(values).bit_length() - 1
    present = all_subsets(n)
    sizes = present.sum(1)
    # Orders in which a set comes first and the word next, as a share of all orders.
    before = np.array([1 / (n * math.comb(n - 1, size)) for size in range(n)])
    with_word = present * np.append(0, before)[sizes][:, None]
    without_word = ~present * np.append(before, 0)[sizes][:, None]
    scores: FloatArray = values @ (with_word - without_word)
    return scores


def _pairs(inputs: AttributionInput, operator: Operator) -> list[FloatArray]:
    """What each word adds along an order and its reverse, averaged; one array for each pair."""
    rng = np.random.default_rng(inputs.options["seed"])
    pairs: list[FloatArray] = []
    for _ in range(_n_pairs(inputs.options)):
        order = rng.permutation(inputs.perturbation.n_words)
        forward = _marginal_values(inputs, order, operator)
        backward = _marginal_values(inputs, order[::-1], operator)
        pairs.append((forward + backward) / 2)
    return pairs


def _marginal_values(inputs: AttributionInput, order: np.ndarray, operator: Operator) -> FloatArray:
    """What each word adds when words come in this order.  (n,)"""
    n = len(order)
    place = np.argsort(order)
    keep = place < np.arange(n + 1)[:, None]
    values = explained_values(inputs, keep, operator)
    marginal: FloatArray = np.diff(values)[place]
    return marginal


def _n_pairs(options: Options) -> int:
    return -(-int(options["permutations"]) // 2)


def _forward_passes(n_words: int, n_layers: int, options: Options) -> float:
    if n_words <= MAX_EXACT_WORDS:
        return float(2**n_words)
    return 2 * _n_pairs(options) * (n_words - 1) + 2


SHAPLEY = Method(
    name="shapley",
    label="Shapley values",
    signed=True,
    cost=400,
    description="What a word adds to the class, averaged over the orders in which words can come.",
    reference="Shapley 1953; Castro et al. 2009; Mitchell et al. 2022",
    score=_shapley,
    options=(
        Option(
            name="permutations",
            label="Orders",
            default=10,
            help="How many orders of words are drawn, each with its reverse; an odd number is "
            "rounded up.  Up to 10 words all sets are read instead.",
            minimum=4,
            maximum=10_000,
        ),
        OPERATOR_OPTION,
        SEED_OPTION,
    ),
    estimated_forward_passes=_forward_passes,
    operator="mask",
)

register_method(SHAPLEY)
