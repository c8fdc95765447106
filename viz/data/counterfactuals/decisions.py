"""The classes that a text is put into, and how far it is from being put into others."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from finetune.checkpoint.arrays import FloatArray
from viz.model.classifier import Classifier
from viz.types import BoolArray

NO_CLASS = "no class"
"""Stands for the classes of a text that a multi-label head puts into none."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a classifier decided for a text: its one class, or all classes of a multi-label head."""

    assigned: BoolArray
    """(C,)"""
    multi_label: bool

    @classmethod
    def of(cls, classifier: Classifier, logits: FloatArray) -> Self:
        """The decision that logits stand for.  (C,)"""
        if classifier.multi_label:
            return cls(logits >= 0, True)
        return cls(np.arange(len(logits)) == logits.argmax(), False)

    @property
    def signs(self) -> FloatArray:
        """Of a multi-label head: 1 for each class that could be entered, -1 for each left.  (C,)"""
        return np.where(self.assigned, -1.0, 1.0)

    def margins(self, logits: FloatArray) -> FloatArray:
        """How far each change of the decision is from being made; made above 0.  (N, C) -> (N, C)

        By how much the logit of another class exceeds that of the class assigned, which has none;
        of a multi-label head by how much a logit is on the other side of 0.
        """
        values = logits.astype(np.float64)
        if self.multi_label:
            return values * self.signs
        return np.where(self.assigned, -np.inf, values - values[:, self.assigned])

    def smooth_margins(self, logits: Tensor) -> Tensor:
        """The logarithm of the sum of exponentials of all margins, in the graph.  (N, C) -> (N,)"""
        if self.multi_label:
            return (logits * torch.tensor(self.signs).to(logits)).logsumexp(-1)
        assigned = torch.tensor(self.assigned, device=logits.device)
        return logits[:, ~assigned].logsumexp(-1) - logits[:, assigned][:, 0]

    def flips(self, logits: FloatArray) -> BoolArray:
        """Whether the decision is another one.  (N, C) -> (N,)"""
        if self.multi_label:
            changed: BoolArray = ((logits >= 0) != self.assigned).any(axis=1)
            return changed
        other: BoolArray = ~self.assigned[logits.argmax(axis=1)]
        return other

    def label(self, labels: tuple[str, ...]) -> str:
        """The names of the classes."""
        return ", ".join(labels[index] for index in np.flatnonzero(self.assigned)) or NO_CLASS

    def probability(self, probabilities: FloatArray, before: "Decision | None" = None) -> float:
        """How sure a decision is.

        The probability of the class; of a multi-label head that of its least sure class to be as it
        was decided, among all classes or only those that were decided otherwise before.

        Args:
            probabilities: Of each class, from the logits of the decision.  (C,)
            before: An earlier decision.
        """
        if not self.multi_label:
            return float(probabilities[self.assigned][0])
        sureness = np.where(self.assigned, probabilities, 1 - probabilities)
        changed = self.assigned if before is None else self.assigned != before.assigned
        return float(sureness[changed].min()) if changed.any() else float(sureness.min())
