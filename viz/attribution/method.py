"""What a method is, what it explains, and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from viz.classifier import Classifier
from viz.types import Reading


@dataclass(frozen=True, slots=True)
class Target:
    """The explained scalar: one logit, or one logit minus another."""

    target_class: int
    against_class: int | None

    def of(self, logits: Tensor) -> Tensor:
        """The scalar in the graph of `logits`.  (C,) -> ()"""
        own = logits[self.target_class]
        return own if self.against_class is None else own - logits[self.against_class]


@dataclass(frozen=True, slots=True)
class Split:
    """What a method makes of a text."""

    scores: NDArray[np.floating]
    """(T,)"""
    bias: float | None = None
    """What no token can claim, where scores and bias add up to the explained scalar."""


@dataclass(frozen=True, slots=True)
class Method:
    """One way to say how much each token matters."""

    name: str
    label: str
    """What a reader picks."""
    signed: bool
    """Whether scores speak for (+) and against (−) the class; else they say only how much."""
    cost: float
    """In plain forward passes."""
    description: str
    """One sentence."""
    reference: str
    """Where it was published."""
    run: Callable[[Classifier, Reading, Target], Split]
    of_class: bool = True
    """Whether scores depend on the explained class; else they show where the model looks."""

    @property
    def caveat(self) -> str | None:
        """What a reader must not take unsigned scores for; None where scores have a sign."""
        if self.signed:
            return None
        if self.of_class:
            return "This says how much a word matters for the class, not which way."
        return "This shows where the model looks; it is not an explanation of the class."
