"""The explained scalar: one logit, one minus another, or log-odds against all other classes."""

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from finetune.checkpoint.arrays import FloatArray
from viz.errors import SelectionError
from viz.types import Prediction

Values = TypeVar("Values", Tensor, FloatArray)

Against = Literal["runner-up"] | int | None
"""What the target class is compared with: the strongest other class, a class index, or nothing."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which scalar of the logits is explained."""

    target_class: int
    against_class: int | None
    """The class compared with; None for the plain logit, or with `against_all`."""
    against_all: bool = False
    weights: tuple[float, ...] | None = None
    """Where given, the scalar is the sum of all logits times these, as a window of a document has
    of the log-odds of the whole."""

    def value(self, logits: Values) -> Values:
        """The scalar of logits, in their graph if they have one.  (..., C) -> (...)"""
        if self.weights is not None:
            if isinstance(logits, Tensor):
                return logits @ logits.new_tensor(self.weights)
            return logits @ np.asarray(self.weights, dtype=logits.dtype)
        own = logits[..., self.target_class]
        if self.against_all:
            return own - _logsumexp_of_others(logits, self.target_class)
        if self.against_class is None:
            return own
        return own - logits[..., self.against_class]


def _logsumexp_of_others(logits: Values, target_class: int) -> Values:
    """The logarithm of the sum of exponentials of all logits but one.  (..., C) -> (...)"""
    others = [index for index in range(logits.shape[-1]) if index != target_class]
    if isinstance(logits, Tensor):
        return logits[..., others].logsumexp(-1)
    combined: Values = np.logaddexp.reduce(logits[..., others], axis=-1)
    return combined


def slopes(target: Target, logits: FloatArray) -> FloatArray:
    """The slope of the explained scalar in each logit.  (C,)"""
    values = torch.tensor(np.asarray(logits), dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(target.value(values), values)
    array: FloatArray = gradient.numpy()
    return array


def target_against_all(prediction: Prediction, target_class: int) -> Target:
    """A class compared with all others together; the plain logit where classes don't compete."""
    if prediction.multi_label or len(prediction.labels) == 1:
        return Target(target_class, None)
    if len(prediction.labels) == 2:
        return Target(target_class, 1 - target_class)
    return Target(target_class, None, against_all=True)


def resolve_target(prediction: Prediction, target_class: int | None, against: Against) -> Target:
    """The target that a caller means.

    Args:
        prediction: What the classifier says of the text.
        target_class: The class to explain; the predicted one where None.
        against: What it is compared with.  The classes of a multi-label head do not compete, so
            there "runner-up" means None.

    Raises:
        SelectionError: for a class that doesn't exist, or one compared with itself.
    """
    target = prediction.predicted_class if target_class is None else target_class
    _check_class(prediction, target)
    if against == "runner-up":
        return Target(target, None if prediction.multi_label else prediction.runner_up(target))
    if against is not None:
        _check_class(prediction, against)
        if against == target:
            raise SelectionError(
                f"Class {prediction.labels[target]!r} can't be compared with itself; "
                "choose another class, or none."
            )
    return Target(target, against)


def _check_class(prediction: Prediction, index: int) -> None:
    if not (isinstance(index, int) and 0 <= index < len(prediction.labels)):
        raise SelectionError(
            f"Class {index!r} does not exist; the classes are 0 to {len(prediction.labels) - 1}."
        )
