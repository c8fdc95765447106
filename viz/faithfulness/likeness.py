"""How alike two lots of maps are, one of each text, and what random orders reach."""

import math
from collections.abc import Sequence

import numpy as np

from viz.faithfulness.agreement import spearman
from viz.types import FloatArray

CERTAINTY = 0.95
DRAWS = 2000
"""Random orders of each text that the limit is taken from."""

Maps = Sequence[FloatArray | None]
"""Word scores of each text, each (n_words,); None where the method was refused."""


def likeness(one: Maps, other: Maps, *, size: bool = False) -> float | None:
    """Mean Spearman over the texts that both have an order for, or of its size.

    None where there is no such text.
    """
    pairs = zip(one, other, strict=True)
    every = [spearman(a, b) for a, b in pairs if a is not None and b is not None]
    known = [abs(value) if size else value for value in every if not math.isnan(value)]
    return float(np.mean(known)) if known else None


def random_correlation(sizes: Sequence[int], seed: int = 0) -> tuple[float, float]:
    """What two random orders reach: |Spearman|, as a mean over texts.

    Args:
        sizes: How many words each text has, at least 2.
        seed: Of the orders.

    Returns:
        The mean, and what 95 % of such means over these texts stay below.
    """
    draw = np.random.default_rng(seed)
    means = np.zeros(DRAWS)
    for n in sizes:
        drawn = draw.permuted(np.tile(np.arange(n), (DRAWS, 1)), axis=1)
        # Between ranks without ties, against 0, 1, ..., n - 1.
        distance = ((drawn - np.arange(n)) ** 2).sum(1)
        means += np.abs(1 - 6 * distance / (n * (n**2 - 1))) / len(sizes)
    return float(means.mean()), float(np.quantile(means, CERTAINTY))
