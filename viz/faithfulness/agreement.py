"""How far scores of words agree: with what hiding one word does, and with one another."""

import math

import numpy as np

from viz.attribution.method import Target
from viz.model.perturbation import Operator, Perturbation
from viz.types import FloatArray

TOP = 3
"""How many of the highest scores are asked for their sign."""


def single_falls(perturbation: Perturbation, target: Target, operator: Operator) -> FloatArray:
    """How far the explained scalar falls without each word alone.  (n_words,)"""
    n = perturbation.n_words
    kept = np.concatenate([np.ones((1, n), dtype=bool), ~np.eye(n, dtype=bool)])
    values = target.value(perturbation.logits(kept, operator).astype(np.float64))
    falls: FloatArray = values[0] - values[1:]
    return falls


def polarity(scores: FloatArray, falls: FloatArray) -> float | None:
    """Of the highest positive scores, the share of words whose removal lowers the scalar.

    None where no score is positive.  Source: viz/faithfulness/README.md 2; Liu et al. 2022.
    """
    highest = [index for index in np.argsort(-scores, kind="stable")[:TOP] if scores[index] > 0]
    return float(np.mean(falls[highest] > 0)) if highest else None


def kendall(one: FloatArray, other: FloatArray) -> float:
    """Kendall's tau-b of two lists of numbers; nan where one holds the same number throughout."""
    upper = np.triu_indices(len(one), 1)
    signs = [np.sign(values[:, None] - values[None, :])[upper] for values in (one, other)]
    ordered = math.sqrt(np.abs(signs[0]).sum() * np.abs(signs[1]).sum())
    return float((signs[0] * signs[1]).sum() / ordered) if ordered else math.nan
