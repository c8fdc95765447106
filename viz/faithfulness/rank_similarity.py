"""How similar the word scores of two networks or classes are, and what chance reaches."""

import math
from collections.abc import Hashable, Sequence

import numpy as np

from viz.attention.rank_correlation import spearman
from viz.types import FloatArray

CONFIDENCE = 0.95
N_RANDOM_PAIRS = 500
"""Random pairs that the mean and the limit are taken from."""

Maps = Sequence[FloatArray | None]
"""Word scores of each text, each (n_words,); None where the method was refused."""


def similarity(one: Maps, other: Maps, *, absolute: bool = False) -> float | None:
    """Mean Spearman correlation over the texts that both have an order for.

    Args:
        one: Word scores of each text.
        other: Word scores of the same texts.
        absolute: Whether a reversed order counts as the same one.

    Returns:
        None where there is no such text.
    """
    pairs = zip(one, other, strict=True)
    correlations = [spearman(a, b) for a, b in pairs if a is not None and b is not None]
    known = [abs(r) if absolute else r for r in correlations if not math.isnan(r)]
    return float(np.mean(known)) if known else None


def random_similarity(texts: Sequence[Sequence[Hashable]], seed: int = 0) -> tuple[float, float]:
    """What two networks that learned nothing reach: |Spearman|, as a mean over texts.

    Each gives every word of the vocabulary one random score, wherever the word stands: what maps
    of random networks have in common over texts that share words, independent orders would miss.

    Args:
        texts: The words of each text; equal words are equal.
        seed: Of the scores.

    Returns:
        The mean, and what 95 % of such means over these texts stay below.
    """
    vocabulary = {word: None for text in texts for word in text}
    index = {word: number for number, word in enumerate(vocabulary)}
    words = [[index[word] for word in text] for text in texts]
    generator = np.random.default_rng(seed)
    means = []
    for _ in range(N_RANDOM_PAIRS):
        one, other = generator.random((2, len(index)))
        pairs = [one[text] for text in words], [other[text] for text in words]
        means.append(similarity(*pairs, absolute=True) or 0.0)
    return float(np.mean(means)), float(np.quantile(means, CONFIDENCE))
