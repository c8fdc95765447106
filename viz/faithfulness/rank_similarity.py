"""How alike two lots of maps are, one of each text, and what chance reaches."""

import math
from collections.abc import Hashable, Sequence

import numpy as np

from viz.attention.rank_correlation import spearman
from viz.types import FloatArray

CERTAINTY = 0.95
DRAWS = 500
"""Random pairs that the limit is taken from."""

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


def random_likeness(texts: Sequence[Sequence[Hashable]], seed: int = 0) -> tuple[float, float]:
    """What two networks that know nothing reach: |Spearman|, as a mean over texts.

    Each gives every word of the vocabulary one random score, wherever the word stands: what maps
    of random networks have in common over texts that share words, independent orders would miss.

    Args:
        texts: The words of each text; equal words are equal.
        seed: Of the scores.

    Returns:
        The mean, and what 95 % of such means over these texts stay below.
    """
    known = {word: at for at, word in enumerate(dict.fromkeys(word for t in texts for word in t))}
    draw = np.random.default_rng(seed)
    every = [[known[word] for word in text] for text in texts]
    means = [_mean_likeness(draw.random((2, len(known))), every) for _ in range(DRAWS)]
    return float(np.mean(means)), float(np.quantile(means, CERTAINTY))


def _mean_likeness(lexicons: FloatArray, texts: Sequence[Sequence[int]]) -> float:
    one, other = ([lexicon[text] for text in texts] for lexicon in lexicons)
    return likeness(one, other, size=True) or 0.0
