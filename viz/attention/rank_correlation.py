"""Spearman's correlation.  Importing scipy.stats for it would make every start 0.7 s slower."""

import math

import numpy as np

from viz.types import FloatArray


def spearman(one: FloatArray, other: FloatArray) -> float:
    """The correlation of ranks; nan where one holds the same number throughout.

    Both are of one shape, any; ties share the mean of their ranks.
    """
    ranks = [_ranks(np.ravel(values)) for values in (one, other)]
    centered = [rank - rank.mean() for rank in ranks]
    size = math.sqrt((centered[0] ** 2).sum() * (centered[1] ** 2).sum())
    return float((centered[0] * centered[1]).sum() / size) if size else math.nan


def _ranks(values: FloatArray) -> FloatArray:
    """1 for the smallest; equal numbers share the mean of theirs.  (n,)"""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    means: FloatArray = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return means
