"""How similar the word scores of two networks or classes are, and what chance reaches."""

import math
from collections.abc import Hashable, Sequence

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attention.rank_correlation import spearman

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
        The mean, and what 95% of such means over these texts stay below.
    """
    from scipy.stats import rankdata  # takes 0.7 s, which no start of the app should wait for

    index = {word: at for at, word in enumerate(dict.fromkeys(word for t in texts for word in t))}
    pairs = np.random.default_rng(seed).random((N_RANDOM_PAIRS, 2, len(index)))
    correlations = []
    for text in texts:
        ranks = rankdata(pairs[:, :, [index[word] for word in text]], axis=-1)
        one, other = np.moveaxis(ranks - ranks.mean(-1, keepdims=True), 1, 0)
        size = np.sqrt((one**2).sum(-1) * (other**2).sum(-1))
        if size.all():  # else all words of the text are equal, so that it has no order
            correlations.append(np.abs((one * other).sum(-1) / size))
    means = np.mean(correlations, axis=0) if correlations else np.zeros(N_RANDOM_PAIRS)
    return float(means.mean()), float(np.quantile(means, CONFIDENCE))
