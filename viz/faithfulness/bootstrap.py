"""Paired bootstrap: how far a mean over texts would vary, had other texts been drawn.

Source: Efron and Tibshirani 1993; viz/faithfulness/README.md 4.
"""

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray

RESAMPLES = 10_000
CONFIDENCE = 0.95
NO_ROOM = 1e-9
"""Differences of probabilities, added up, that count as none."""
_MAX_DRAWS = 2_000_000
"""Draws made at once, so that memory does not grow with the number of texts."""


def resampled_sums(values: FloatArray, seed: int = 0, counts: IntArray | None = None) -> FloatArray:
    """Sums over texts drawn with replacement, the same draws for every column.

    Args:
        values: (N, K), one row a text.
        seed: Of the draws.
        counts: How many texts have each row of *values*, where these are put together.  (N,)

    Returns:
        (RESAMPLES, K)
    """
    n = len(values)
    counts = np.ones(n, dtype=np.int64) if counts is None else counts
    n_texts = int(counts.sum())
    draw, chance = np.random.default_rng(seed), counts / n_texts
    at_once = max(1, _MAX_DRAWS // n)
    sums = [
        draw.multinomial(n_texts, chance, size=min(at_once, RESAMPLES - start)) @ values
        for start in range(0, RESAMPLES, at_once)
    ]
    joined: FloatArray = np.concatenate(sums)
    return joined


def percentile_interval(resampled: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Between which values 95% of resampled ones lie.  (RESAMPLES, ...) -> two of (...)

    nan where no resample has a value.
    """
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(resampled, (tail, 1 - tail), axis=0)
    return low, high


def mean_interval(values: FloatArray, seed: int = 0) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The mean over texts, and between which values 95% of resampled means lie.  (N, K) -> (K,)"""
    low, high = percentile_interval(resampled_sums(values, seed) / len(values))
    return values.mean(0), low, high


def ratio_interval(
    above: FloatArray, room: FloatArray, seed: int = 0
) -> tuple[float, float, float] | None:
    """Sum over texts of one over that of another, and the limits of 95% of resampled ones.

    None where there is no room.  (N,) each.
    """
    if room.sum() <= NO_ROOM:
        return None
    sums = resampled_sums(np.stack([above, room], axis=1), seed)
    sums = sums[sums[:, 1] > NO_ROOM]
    low, high = percentile_interval(sums[:, 0] / sums[:, 1])
    return float(above.sum() / room.sum()), float(low), float(high)
