"""Spearman's correlation; that of scipy warns of equal numbers, which are no fault here."""

import math

from finetune.checkpoint.arrays import FloatArray


def spearman(one: FloatArray, other: FloatArray) -> float:
    """The correlation of ranks; nan where one holds the same number throughout.

    Both are of one shape, any; ties share the mean of their ranks.
    """
    from scipy.stats import rankdata  # takes 0.7 s, which no start of the app should wait for

    ranks = [rankdata(values, axis=None) for values in (one, other)]
    centered = [rank - rank.mean() for rank in ranks]
    size = math.sqrt((centered[0] ** 2).sum() * (centered[1] ** 2).sum())
    return float((centered[0] * centered[1]).sum() / size) if size else math.nan
