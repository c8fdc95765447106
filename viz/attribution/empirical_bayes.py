"""A regression on hidden words that is shrunk toward scores known before.

What a version loses, in log-odds, is taken to be the sum of its hidden words' scores.  Scores are
those known before, times one factor for each operator, plus a correction held small: a Gaussian
prior, whose width is chosen by the evidence.  Both operators share the correction.  Source:
viz/attribution/README.md 2.3; MacKay 1992, "Bayesian Interpolation".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viz.model.perturbation import BoolArray, Operator
from viz.types import FloatArray

PRIOR_VARIANCES = 4 * 10.0 ** np.arange(-1.5, 2.6, 0.5)
"""Variances of the correction that are tried, in those of the noise, for n words together."""
EPSILON = 1e-12


@dataclass(frozen=True, slots=True)
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
        return rng.multivariate_normal(self.scores, self.covariance, method="eigh")


def fit_scores(
    prior: FloatArray, hidden: BoolArray, lost: FloatArray, operators: NDArray[np.str_]
) -> ScoreFit:
    """Fit scores to what versions lost.

    Args:
        prior: (n,), in any unit.
        hidden: (N, n): which words were gone.
        lost: (N,): by how much the log-odds fell.
        operators: (N,): how they were hidden.
    """
    z = hidden.astype(np.float64)
    known = prior / max(float(np.abs(prior).max()), EPSILON)
    used: list[Operator] = sorted(set(operators.tolist()))
    fixed = np.stack([np.where(operators == name, z @ known, 0.0) for name in used], axis=1)
    n = z.shape[1]
    values, vectors = np.linalg.eigh(z @ z.T / n)
    turned, turned_fixed = vectors.T @ lost, vectors.T @ fixed
    trials = [_evidence(width, values.clip(0), turned, turned_fixed) for width in PRIOR_VARIANCES]
    _, width, factors, noise = max(trials, key=lambda trial: trial[0])
    spread = width / n
    gain = spread * z.T @ np.linalg.inv(np.eye(len(z)) + spread * z @ z.T)
    correction = gain @ (lost - fixed @ factors)
    covariance = noise * spread * (np.eye(n) - gain @ z)
    return ScoreFit(factors.mean() * known + correction, covariance)


def _evidence(
    width: float, values: FloatArray, lost: FloatArray, fixed: FloatArray
) -> tuple[float, float, FloatArray, float]:
    """How well a width explains what was lost; the width, factors and the variance of the noise."""
    variances = 1 + width * values
    products = fixed.T @ (fixed / variances[:, None]) + 1e-6 * np.eye(fixed.shape[1])
    factors = np.linalg.solve(products, fixed.T @ (lost / variances))
    rest = lost - fixed @ factors
    noise = float((rest**2 / variances).mean()) + EPSILON
    spread = len(lost) * np.log(noise) + np.log(variances).sum() + np.linalg.slogdet(products)[1]
    return float(-0.5 * spread), width, factors, noise
