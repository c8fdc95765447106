"""Classifiers some of whose heads are off, made from one with all of them and kept for a while."""

from collections import OrderedDict
from threading import RLock
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from viz.attention.heads import Heads
from viz.errors import MethodError
from viz.model.head_gates import HeadGates, check_gated, open_gates
from viz.model.output_projections import OutputProjection, output_projections
from viz.model.probe import MIN_PROBE_TOKENS, TOLERANCE
from viz.model.silencing import silenced_twin
from viz.model.twins import share_weights

if TYPE_CHECKING:
    from viz.model.classifier import Classifier

MAX_TWINS = 8
"""How many sets of heads a classifier keeps a twin for: those that were asked for last."""
UNPROVED = (
    "These heads can't be turned off: a text gets other logits where the output projection of this "
    "model takes up nothing of them than where they put out nothing."
)


class SilencedTwins:
    """The versions of one classifier with heads off; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._projections: tuple[OutputProjection, ...] | None = None
        self._kept: OrderedDict[Heads, Classifier] = OrderedDict()

    def classifier(self, whole: "Classifier", off: Heads) -> "Classifier":
        """The classifier with some heads off.

        Args:
            whole: The classifier with all heads, always the same one.
            off: The heads, checked and in order.

        Raises:
            MethodError: where heads can't be turned off, or the proof fails.
        """
        with self._lock:
            if off not in self._kept:
                self._kept[off] = _silenced(whole, self.projections(whole), off)
            self._kept.move_to_end(off)
            while len(self._kept) > MAX_TWINS:
                self._kept.popitem(last=False)
            return self._kept[off]

    def projections(self, whole: "Classifier") -> tuple[OutputProjection, ...]:
        """The output projection of each layer.

        Raises:
            MethodError: where there are none.
        """
        with self._lock:
            if self._projections is None:
                check_gated(whole)
                inputs = whole.pad([whole.encoder.probe().inputs])
                twin = whole.with_model(share_weights(whole.model))
                self._projections = output_projections(
                    twin.model,
                    lambda gates: twin.run(inputs, gates),
                    whole.n_layers,
                    whole.n_heads,
                )
            return self._projections


def _silenced(
    whole: "Classifier", projections: tuple[OutputProjection, ...], off: Heads
) -> "Classifier":
    """A classifier without some heads, proved on a short and a longer text.

    Raises:
        MethodError: where its logits aren't those of heads behind closed gates.
    """
    silenced = whole.with_model(silenced_twin(whole.model, projections, off), off)
    gates = open_gates(whole, 1)
    for layer, head in off:
        gates[0, layer, head] = 0
    for encoding in (whole.encoder.probe(), whole.encoder.probe(MIN_PROBE_TOKENS)):
        with torch.inference_mode():
            expected = whole.forward(encoding, HeadGates(gates))
            logits = silenced.forward(encoding)
        if not _near(expected, logits):
            raise MethodError(UNPROVED)
    return silenced


def _near(expected: Tensor, logits: Tensor) -> bool:
    gap, largest = (expected - logits).abs().max(), float(expected.abs().max())
    return bool(gap <= TOLERANCE * max(1.0, largest))
