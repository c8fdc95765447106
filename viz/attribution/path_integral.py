"""Scores as an integral along a path, with as many steps as it takes for them to add up.

The scores split the difference of the explained scalar F between the two ends of the path, up to
the error of the sum that stands for the integral.  Source: viz/attribution/README.md 2.12.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from viz.attribution.embedding_path import path_batches
from viz.attribution.method import AttributionInput

TOLERANCE = 0.01
"""Largest gap between the scores and the difference they split, relative to it."""
MIN_DIFFERENCE = 0.01
"""A difference that counts as none: gaps below `TOLERANCE` of it are rounding."""
MAX_STEPS = 400
"""Steps are doubled up to this many."""


@dataclass(frozen=True, slots=True)
class Points:
    """Where on the path from 0 to 1 gradients are taken, and what each counts.  Both (n,)"""

    places: Tensor
    weights: Tensor

    def batches(self, inputs: AttributionInput) -> Iterator["Points"]:
        """The points in batches whose gradients fit into memory."""
        for rows in path_batches(inputs, len(self.places)):
            yield Points(self.places[rows], self.weights[rows])


@dataclass(frozen=True, slots=True)
class Integral:
    """Scores that split the difference between the two ends of a path."""

    scores: Tensor
    n_steps: int
    start: float
    """F where the path begins."""
    gap: float
    """What the scores miss of the difference, relative to it."""

    @property
    def measured(self) -> dict[str, float]:
        """The steps taken and the completeness gap."""
        return {"n_steps": float(self.n_steps), "convergence_delta": self.gap}

    def notes(self, name: str) -> tuple[str, ...]:
        """A warning where the scores do not add up."""
        if self.gap < TOLERANCE:
            return ()
        return (
            f"{name} not converged: after {self.n_steps} steps the scores miss the difference "
            f"they split by {self.gap:.1%}; read them as rough.",
        )


def gauss_legendre(n_steps: int, like: Tensor) -> Points:
    """The points and weights that integrate polynomials of degree 2n - 1 exactly on (0, 1)."""
    places, weights = np.polynomial.legendre.leggauss(n_steps)
    return Points(like.new_tensor((places + 1) / 2), like.new_tensor(weights / 2))


def midpoints(n_steps: int, like: Tensor) -> Points:
    """(k - 1/2) / n for k = 1 to n, all of weight 1 / n."""
    places = (np.arange(n_steps) + 0.5) / n_steps
    return Points(like.new_tensor(places), like.new_full((n_steps,), 1 / n_steps))


def integrate(scores: Callable[[int], Tensor], n_steps: int, start: float, end: float) -> Integral:
    """Double the steps until the scores add up to `end - start`, or there are `MAX_STEPS`.

    Args:
        scores: The scores by so many steps.
        n_steps: How many to begin with.
        start: F where the path begins.
        end: F where it ends.
    """
    while True:
        result = scores(n_steps)
        missed = abs(float(result.double().sum()) - (end - start))
        gap = missed / max(abs(end - start), MIN_DIFFERENCE)
        if gap < TOLERANCE or n_steps >= MAX_STEPS:
            return Integral(result, n_steps, start, gap)
        n_steps = min(2 * n_steps, MAX_STEPS)
