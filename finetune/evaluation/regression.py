"""How close predicted scores come to the true ones, and how sure one can be of it."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import ConstantInputWarning, NearConstantInputWarning, pearsonr, spearmanr

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.run.measurements import RegressionMetrics

MAX_POINTS = 500
"""Rows of which true and predicted score are kept, for the picture."""

MIN_INTERVAL_ROWS = 4
"""Rows from which on Fisher's interval of a correlation is defined."""


def measure_scores(
    gold: FloatArray | IntArray, predicted: FloatArray, *, keep: int = MAX_POINTS
) -> RegressionMetrics:
    """Metrics of predicted scores, at most *keep* rows kept, evenly from all.  (N,) (N,)"""
    gold, predicted = np.asarray(gold, np.float64), np.asarray(predicted, np.float64)
    errors = predicted - gold
    # Where all are equal, the mean may be rounded; where they hardly differ, squares may vanish.
    spread = ((gold - gold.mean()) ** 2).sum() if gold.min() < gold.max() else 0
    pearson = _correlation(pearsonr, gold, predicted)
    spearman = _correlation(spearmanr, gold, predicted)
    return RegressionMetrics(
        rows=len(gold),
        r2=float(1 - (errors**2).sum() / spread) if spread else None,
        rmse=float(np.sqrt((errors**2).mean())),
        mae=float(np.abs(errors).mean()),
        pearson=None if pearson is None else float(pearson.statistic),
        pearson_interval=None if pearson is None else _interval(pearson, len(gold)),
        spearman=None if spearman is None else float(spearman.statistic),
        points=_points(gold, predicted, keep),
    )


def _correlation(of: Callable[..., Any], gold: FloatArray, predicted: FloatArray) -> Any:
    """What scipy finds; None where one side is constant, but for rounding."""
    if len(gold) < 2:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConstantInputWarning)
        warnings.simplefilter("error", NearConstantInputWarning)
        try:
            return of(gold, predicted)
        except (ConstantInputWarning, NearConstantInputWarning):
            return None


def _interval(pearson: Any, rows: int) -> tuple[float, float] | None:
    """The 95% interval of a correlation by Fisher's transformation."""
    if rows < MIN_INTERVAL_ROWS:
        return None
    low, high = pearson.confidence_interval(0.95)
    return float(low), float(high)


def _points(gold: FloatArray, predicted: FloatArray, keep: int) -> tuple[tuple[float, float], ...]:
    """True and predicted score of some rows, to six digits."""
    rows = np.linspace(0, len(gold) - 1, min(len(gold), keep)).astype(np.int64)
    return tuple((float(f"{gold[i]:.6g}"), float(f"{predicted[i]:.6g}")) for i in rows)
