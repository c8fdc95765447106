"""A regression on hidden words that is shrunk toward scores known before.

What a version loses, in log-odds, is taken to be the sum of its hidden words' scores.  Scores are
those known before, times one factor for each operator, plus a correction held small: a Gaussian
prior, whose width is chosen by the evidence.  Both operators share the correction.  Source:
viz/attribution/README.md 2.3; MacKay 1992, "Bayesian Interpolation".
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray
from viz.model.perturbation import BoolArray, Operator

PRIOR_VARIANCES = 4 * 10.0 ** np.arange(-1.5, 2.6, 0.5)
"""Variances of the correction that are tried, in those of the noise, for n words together."""
EPSILON = 1e-12


@dataclass(frozen=True)
class ScoreFit:
    """Scores after some versions were read."""

    scores: FloatArray
    """In log-odds.  (n,)"""
    covariance: FloatArray
    """(n, n)"""

    @property
    def errors(self) -> FloatArray:
        """Standard errors.  (n,)"""
        variances: FloatArray = np.diag(self.covariance).clip(0)
        errors: FloatArray = np.sqrt(variances)
        return errors

    def draw(self, rng: np.random.Generator) -> FloatArray:
        """Scores that could be true as well.  (n,)"""
        drawn: FloatArray = self.scores + rng.standard_normal(len(self.scores)) @ self._factor.T
        return drawn

    @cached_property
    def _factor(self) -> FloatArray:
        """What turns independent normal numbers into those of the covariance.  (n, n)"""
        values, vectors = np.linalg.eigh(self.covariance)
        factor: FloatArray = vectors * np.sqrt(np.abs(values))
        return factor


def fit_scores(
    prior: FloatArray, hidden: BoolArray, drops: FloatArray, operators: NDArray[np.str_]
) -> ScoreFit:
    """Fit scores to how far log-odds fell.

    Args:
        prior: (n,), in any unit.
        hidden: (N, n): which words were hidden.
        drops: (N,): by how much the log-odds fell.
        operators: (N,): how they were hidden.
    """
    z = hidden.astype(np.float64)
    n = z.shape[1]
    direction = prior / max(float(np.abs(prior).max()), EPSILON)
    names: list[Operator] = sorted(set(operators.tolist()))
    # One column for each operator: what the prior alone predicts under it.
    design = np.stack([np.where(operators == name, z @ direction, 0.0) for name in names], axis=1)
    values, vectors = np.linalg.eigh(z @ z.T / n)
    rotated = vectors.T @ drops, vectors.T @ design
    trials = [_evidence(width, values.clip(0), *rotated) for width in PRIOR_VARIANCES]
    _, width, factors, noise = max(trials, key=lambda trial: trial[0])
    variance = width / n
    gain = variance * z.T @ np.linalg.inv(np.eye(len(z)) + variance * z @ z.T)
    correction = gain @ (drops - design @ factors)
    covariance = noise * variance * (np.eye(n) - gain @ z)
    return ScoreFit(factors.mean() * direction + correction, covariance)


def _evidence(
    width: float, values: FloatArray, drops: FloatArray, design: FloatArray
) -> tuple[float, float, FloatArray, float]:
    """The log evidence of a width, with the width, the factors and the variance of the noise."""
    variances = 1 + width * values
    products = design.T @ (design / variances[:, None]) + 1e-6 * np.eye(design.shape[1])
    factors = np.linalg.solve(products, design.T @ (drops / variances))
    residuals = drops - design @ factors
    noise = float((residuals**2 / variances).mean()) + EPSILON
    deviance = len(drops) * np.log(noise) + np.log(variances).sum()
    deviance += np.linalg.slogdet(products)[1]
    return float(-0.5 * deviance), width, factors, noise
