"""What a shift comes from: how much each cause says of which file a row is in, beyond the last one.

The information between the file and what is known of a row is split by the chain rule,

    I(file; prior, typing, length, words, states) = I(file; prior) + I(file; typing | prior) + ...

so that all causes are measured in one unit, and together give at most the one bit that tells two
files apart.  The simple causes come first: what they explain is not held for a new topic.  Each
information is what a logistic regression gains in log loss on rows that it was not trained on.

The class prior enters by the one number that a shift of it changes, sum over classes
q(class) / p(class) p(class | row), with q from the file's own probabilities (Saerens, Latinne and
Decaestecker 2002).  Words and states enter by a ridge regression on what the causes before leave
over.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.data.shift.domain_classifier import SHRINKAGE
from viz.jobs.cancellation import check_cancelled
from viz.types import BoolArray

EM_STEPS = 200
MIN_PROBABILITY = 1e-6
Z_VALUE = 1.645
"""Standard errors that an information must be above zero: one-sided, at 5%."""
MIN_BITS = 1e-6
"""What is less is rounding."""


@dataclass(frozen=True, slots=True)
class Information:
    """What a cause says of which file a row is in, beyond the causes before it."""

    bits: float
    """Per row, each file counting half; on rows that weren't trained on, so it may be negative."""
    error: float
    """The standard error."""

    @property
    def above_zero(self) -> bool:
        """Whether chance does not explain it."""
        return self.bits > max(Z_VALUE * self.error, MIN_BITS)


class InformationChain:
    """Adds causes one after the other.

    Args:
        labels: True for rows of the second file.  (M,)
        folds: Of each row.  (M,)
    """

    def __init__(self, labels: BoolArray, folds: IntArray) -> None:
        self.labels, self.folds = labels, folds
        n_rows, n_ones = len(labels), int(labels.sum())
        self.weights = np.where(labels, n_rows / 2 / n_ones, n_rows / 2 / (n_rows - n_ones))
        self._features = np.zeros((n_rows, 0))
        self._probabilities = np.full(n_rows, 0.5)

    def add(self, features: FloatArray) -> Information:
        """What a few features say beyond those before; constant ones say nothing.  (M, F)"""
        features = features[:, np.ptp(features, axis=0) > 0]
        if not features.shape[1]:
            return Information(0.0, 0.0)
        before = self._losses()
        self._features = np.column_stack([self._features, features])
        probabilities = np.full(len(self.labels), 0.5)
        for out, train in self._parts():
            scaler = StandardScaler().fit(self._features[train])
            model = LogisticRegression(C=1.0, max_iter=500).fit(
                scaler.transform(self._features[train]),
                self.labels[train],
                sample_weight=self.weights[train],
            )
            probabilities[out] = model.predict_proba(scaler.transform(self._features[out]))[:, 1]
        self._probabilities = probabilities
        gains = (before - self._losses()) * self.weights
        return Information(float(gains.mean()), float(gains.std() / np.sqrt(len(gains))))

    def add_many(self, features: FloatArray) -> Information:
        """What many features say: by a ridge regression on what is left over.  (M, F)"""
        rest = self.labels - self._probabilities
        scores = np.zeros(len(rest))
        if features.shape[1]:
            standard = StandardScaler().fit_transform(features.astype(np.float64))
            for out, train in self._parts():
                ridge = Ridge(alpha=SHRINKAGE * float(train.sum()), solver="cholesky")
                ridge.fit(standard[train], rest[train], sample_weight=self.weights[train])
                scores[out] = ridge.predict(standard[out])
        return self.add(scores[:, None])

    def add_prior(self, probabilities: FloatArray) -> tuple[Information, FloatArray]:
        """What a shift of the class prior says; and the share of each class in the second file.

        Args:
            probabilities: (M, C)
        """
        evidence = np.zeros(len(self.labels))
        for out, train in self._parts():
            prior = probabilities[train & ~self.labels].mean(0)
            shifted = shifted_prior(probabilities[train & self.labels], prior)
            ratio = shifted / np.maximum(prior, MIN_PROBABILITY)
            evidence[out] = np.log(np.maximum(probabilities[out] @ ratio, MIN_PROBABILITY))
        prior = probabilities[~self.labels].mean(0)
        return self.add(evidence[:, None]), shifted_prior(probabilities[self.labels], prior)

    def _parts(self) -> list[tuple[BoolArray, BoolArray]]:
        """The rows of each fold and the others, where these have rows of both files."""
        check_cancelled()
        outs = [self.folds == fold for fold in np.unique(self.folds)]
        return [(out, ~out) for out in outs if len(np.unique(self.labels[~out])) == 2]

    def _losses(self) -> FloatArray:
        """Log loss of each row, in bits.  (M,)"""
        right = np.where(self.labels, self._probabilities, 1 - self._probabilities)
        losses: FloatArray = -np.log2(np.maximum(right, MIN_PROBABILITY))
        return losses


def shifted_prior(probabilities: FloatArray, prior: FloatArray) -> FloatArray:
    """The share of each class in a file, by expectation-maximization over its probabilities.

    Args:
        probabilities: Of the rows of the file, as they are under `prior`.  (B, C)
        prior: The share of each class where the classifier was made or calibrated.  (C,)
    """
    prior = np.maximum(prior, MIN_PROBABILITY)
    shares = prior.copy()
    for _ in range(EM_STEPS):
        weighted = probabilities * (shares / prior)
        updated = (weighted / weighted.sum(axis=1, keepdims=True)).mean(axis=0)
        if np.abs(updated - shares).max() < 1e-9:
            break
        shares = updated
    return shares
