"""How far scores of words agree: with what hiding one word does, and with one another."""

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attribution.target import Target
from viz.model.perturbation import Operator, Perturbation

N_POLARITY_WORDS = 3
"""How many of the highest scores are asked for their sign."""


def leave_one_out(perturbation: Perturbation, target: Target, operator: Operator) -> FloatArray:
    """How far the explained scalar falls without each word alone.  (n_words,)"""
    n = perturbation.n_words
    kept = np.concatenate([np.ones((1, n), dtype=bool), ~np.eye(n, dtype=bool)])
    values = target.value(perturbation.logits(kept, operator).astype(np.float64))
    effects: FloatArray = values[0] - values[1:]
    return effects


def polarity(scores: FloatArray, effects: FloatArray) -> float | None:
    """Of the highest positive scores, the share of words whose removal lowers the scalar.

    Args:
        scores: (n_words,)
        effects: What the scalar loses without each word alone.  (n_words,)

    Returns:
        None where no score is positive.  Source: viz/faithfulness/README.md 2; Liu et al. 2022.
    """
    highest = np.argsort(-scores, kind="stable")[:N_POLARITY_WORDS]
    positive = highest[scores[highest] > 0]
    return float(np.mean(effects[positive] > 0)) if len(positive) else None


def kendall(one: FloatArray, other: FloatArray) -> float:
    """Kendall's tau-b of two lists of numbers; nan where one holds the same number throughout."""
    from scipy.stats import kendalltau  # takes 0.7 s, which no start of the app should wait for

    return float(kendalltau(one, other).statistic)
