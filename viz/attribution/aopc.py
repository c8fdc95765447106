"""AOPC, the mean fall of a probability: the measure by which orders of words are searched.

    AOPC = mean over K = 10, 20, ..., 90% of p(x) - p(x without the first K% of the order)

p is the probability of the explained class, or the score of a regression.  Which words are hidden
at each step counts, not the order in which a step's words were given.  Source:
viz/faithfulness/README.md 2; Samek et al. 2017.
"""

from collections.abc import Sequence

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.model.perturbation import BoolArray, Operator, Perturbation

TENTHS = tuple(range(1, 10))
"""How many tenths of the words are hidden at each step."""


def bucket_sizes(n: int) -> tuple[int, ...]:
    """How many of n words are hidden at each step: every size once, least first.

    K% of n is rounded up; a size that two steps share counts once.
    """
    return tuple(sorted({-(-tenth * n // 10) for tenth in TENTHS})) if n else ()


def prefixes(order: Sequence[int], sizes: Sequence[int]) -> BoolArray:
    """The words that stay when the first of an order are hidden.  (len(sizes), n)"""
    keep = np.ones((len(sizes), len(order)), dtype=bool)
    for row, size in zip(keep, sizes, strict=True):
        row[list(order[:size])] = False
    return keep


def probability_drops(
    perturbation: Perturbation, target_class: int, keep: BoolArray, operator: Operator
) -> FloatArray:
    """How far the probability of a class falls for each version.  (N, n) -> (N,)

    Raises:
        MethodError: for masks, if the tokenizer has no mask token.
    """
    rows = np.concatenate([np.ones((1, perturbation.n_words), dtype=bool), keep])
    logits = perturbation.logits(rows, operator)
    outcomes = perturbation.classifier.outcomes(logits)[:, target_class]
    drops: FloatArray = outcomes[0] - outcomes[1:]
    return drops


def aopc(
    perturbation: Perturbation, target_class: int, order: Sequence[int], operator: Operator
) -> float:
    """How far the probability falls on average when words are hidden in this order.

    Args:
        perturbation: The text.
        target_class: The explained class.
        order: Indices of all its words, the first to be hidden first.
        operator: How they are hidden.

    Raises:
        MethodError: for masks, if the tokenizer has no mask token.
    """
    keep = prefixes(order, bucket_sizes(len(order)))
    return float(probability_drops(perturbation, target_class, keep, operator).mean())
