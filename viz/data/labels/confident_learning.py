"""Confident learning: which labels the probabilities speak against, and how strongly.

Northcutt, Jiang & Chuang 2021, Confident Learning: Estimating Uncertainty in Dataset Labels; for
several classes a text, Thyagarajan et al. 2022, Identifying Incorrect Annotations in Multi-Label
Classification Data.  Errors are counted by cleanlab, in a way that starts no processes, shares no
global variables and prints nothing, so that threads may.
"""

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.types import BoolArray

WORST_WEIGHT = 0.8
"""Weight of each further class in the average over the classes of a row, as in cleanlab."""


def confident_errors(labels: IntArray, log_probabilities: FloatArray) -> BoolArray:
    """Which labels the confident joint counts off its diagonal.

    A row of label g counts as an error where another class k is more probable, and at least as
    probable as it is on average in the rows whose label is k.

    Args:
        labels: The class of each row.  (N,)
        log_probabilities: Estimated out of sample.  (N, K)

    Returns:
        One truth value for each row; none is true where all rows have one label.  (N,)
    """
    if len(np.unique(labels)) < 2:
        return np.zeros(len(labels), dtype=bool)
    from cleanlab.filter import find_label_issues

    mask: BoolArray = find_label_issues(
        labels, np.exp(log_probabilities), filter_by="confident_learning", n_jobs=1
    )
    return mask


def label_loss(labels: IntArray, log_probabilities: FloatArray) -> FloatArray:
    """Minus the logarithm of the probability of each label, in nats.

    It orders rows as cleanlab's self-confidence does, and tells apart probabilities next to 0.

    Args:
        labels: The class of each row.  (N,)
        log_probabilities: (N, K)

    Returns:
        The loss of each row.  (N,)
    """
    loss: FloatArray = -log_probabilities[np.arange(len(labels)), labels]
    return loss


def multi_label_loss(losses: FloatArray) -> FloatArray:
    """One number for rows whose C classes are C questions, the worst of which counts most.

    The exponential moving average over the probabilities of a row's answers, the most probable
    first, as a loss.

    Args:
        losses: Minus the logarithms of the probabilities of what the file answers.  (N, C)

    Returns:
        The loss of each row, in nats.  (N,)
    """
    probabilities = -np.sort(-np.exp(-losses), axis=1)
    average = probabilities[:, 0]
    for column in probabilities.T[1:]:
        average = WORST_WEIGHT * column + (1 - WORST_WEIGHT) * average
    loss: FloatArray = -np.log(np.maximum(average, np.finfo(float).tiny))
    return loss
