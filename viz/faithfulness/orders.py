"""Orders in which words are hidden: those that scores ask for, and random ones.

Source: viz/faithfulness/README.md 1.
"""

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray

N_RANDOM = 10
"""Random orders that others are compared with, unless another number is given."""


def word_order(scores: FloatArray, seed: int = 0) -> IntArray:
    """Indices of words, the most important first.

    Only ranks count.  Equal scores are put into a random order, so that a method that can't tell
    words apart is not helped by where they stand.

    Args:
        scores: (n,), higher is more important.
        seed: Of the random order.

    Returns:
        (n,)
    """
    scores = np.asarray(scores, dtype=np.float64)
    tie_breaks = np.random.default_rng(seed).permutation(len(scores))
    return np.lexsort((tie_breaks, -scores)).astype(np.int64)


def random_orders(n: int, count: int, seed: int = 0) -> tuple[IntArray, ...]:
    """Random orders of n words, each second one the reverse of the one before it.

    An order and its reverse hide the same sets of words, from its two ends, so that a pair costs
    hardly more to measure than one.  They err in opposite directions: the mean of pairs is nearer
    to that of all orders, and their spread is never smaller than that of independent draws.
    """
    generator = np.random.default_rng(seed)
    orders: list[IntArray] = []
    while len(orders) < count:
        order = generator.permutation(n).astype(np.int64)
        orders += [order, order[::-1]]
    return tuple(orders[:count])
