"""Heads with a gate behind each: 1 lets its output through, 0 silences it.

Source: Michel et al. 2019; viz/attribution/README.md 2.24.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from viz.errors import MethodError
from viz.model.recording import Recorder

if TYPE_CHECKING:  # which turns heads off by gates
    from viz.model.classifier import Classifier


class HeadGates(Recorder):
    """Multiplies every head's output by its gate, or its weights where outputs can't be reached.

    Args:
        gates: (B, L, H), or (1, L, H) for all rows of a batch.
        fill: What a closed gate lets through instead, for any query: (L, H, d).  None for zeros.
    """

    computes_weights = False

    def __init__(self, gates: Tensor, fill: Tensor | None = None) -> None:
        super().__init__()
        self.gates = gates
        self.fill = fill
        self.layer = 0
        """How many layers' attention has been come to."""

    def on_weights(self, weights: Tensor) -> Tensor:
        """Called once a layer, from below, in families with attention code of their own."""
        if self.layout.by_interface:
            return weights
        layer, self.layer = self.layer, self.layer + 1
        if layer >= self.gates.shape[1]:  # a decoder's
            return weights
        return weights * self.gates[:, layer, :, None, None]

    def on_head_outputs(self, outputs: Tensor) -> Tensor:
        """Called once a layer, from below, where attention is ours.  (B, Q, H, d)"""
        if not self.layout.by_interface:
            return outputs
        layer, self.layer = self.layer, self.layer + 1
        if layer >= self.gates.shape[1]:  # a decoder's
            return outputs
        gate = self.gates[:, None, layer, :, None]
        if self.fill is None:
            return outputs * gate
        return outputs * gate + self.fill[layer] * (1 - gate)


def open_gates(classifier: "Classifier", n_rows: int) -> Tensor:
    """Gates that let everything through.  (B, L, H)"""
    shape = (n_rows, classifier.n_layers, classifier.n_heads)
    return torch.ones(shape, dtype=classifier.model.dtype, device=classifier.device)


def check_gated(classifier: "Classifier") -> None:
    """Refuse a classifier whose heads can't be gated.

    Raises:
        MethodError: in the sentence of its capabilities.
    """
    if classifier.capabilities.attention is None:
        raise MethodError(classifier.capabilities.no_attention)
