"""Which heads matter: the slope of the class in a head, and what is lost without the head.

A gate of 1 stands behind every head and multiplies its output.  The gradient of the explained
scalar in a gate is the head's first-order importance and equals, added over queries and keys, its
weights times their gradients; ablation puts the gate to 0 and reads the text again. The two
disagree where heads saturate, so both are shown.  Source: viz/attribution/README.md 2.24.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from finetune.checkpoint.arrays import FloatArray
from viz.attention.rank_correlation import spearman
from viz.attribution import Against, Target, reader_of, resolve_target
from viz.attribution.method import no_progress
from viz.attribution.requirements import gradients
from viz.errors import MethodError, SelectionError
from viz.jobs.background import ProgressCallback
from viz.model.batches import MAX_ROWS, MAX_TOKENS, batch_size
from viz.model.classifier import Classifier
from viz.model.head_gates import HeadGates, check_gated, open_gates
from viz.model.recording import Recorder
from viz.types import Encoding, Reading


@dataclass(frozen=True, slots=True)
class HeadImportance:
    """How much each head of each layer matters for one class of one text."""

    gradient: FloatArray
    """(L, H), signed: the slope of the explained scalar in the head's gate."""
    ablation: FloatArray
    """(L, H), signed: what the explained scalar loses without the head."""
    correlation: float
    """Spearman's rank correlation of the two; NaN where either is the same for every head."""

    def __post_init__(self) -> None:
        """Check that both speak of the same heads, and freeze them."""
        if self.gradient.shape != self.ablation.shape or self.gradient.ndim != 2:
            raise ValueError(
                f"gradient is {self.gradient.shape}, ablation {self.ablation.shape}; "
                "(L, H) is needed for both"
            )
        for name in ("gradient", "ablation"):
            values = np.array(getattr(self, name))
            values.setflags(write=False)
            object.__setattr__(self, name, values)


class _Means(Recorder):
    """Keeps the mean output of each head over queries, one (H, d) a layer."""

    computes_weights = False

    def __init__(self) -> None:
        super().__init__()
        self.means: list[Tensor] = []

    def on_head_outputs(self, outputs: Tensor) -> Tensor:
        """Called once a layer, from below.  (B, Q, H, d)"""
        self.means.append(outputs.mean((0, 1)))
        return outputs


def head_importance(
    classifier: Classifier,
    reading: Reading,
    target_class: int | None = None,
    against: Against = "runner-up",
    *,
    mean: FloatArray | None = None,
    progress: ProgressCallback = no_progress,
) -> HeadImportance:
    """Both measures of every head for one text; arguments and errors as for `ablate`."""
    gradient = gate_gradients(classifier, reading, target_class, against)
    progress(2)
    ablation = ablate(classifier, reading, target_class, against, mean=mean, progress=progress)
    return HeadImportance(gradient, ablation, spearman(gradient, ablation))


def importance(
    classifier: Classifier, readings: Iterable[Reading], *, progress: ProgressCallback = no_progress
) -> FloatArray:
    """Mean over texts of the size of each head's gate gradient.  (L, H)

    The margin of each text's predicted class over its runner-up is explained; Michel et al. 2019
    take the loss.

    Raises:
        MethodError: if the heads of this architecture can't be gated.
        SelectionError: if no reading was given, or one of another classifier.
    """
    sizes = []
    for reading in readings:
        sizes.append(np.abs(gate_gradients(classifier, reading)))
        progress(2)
    if not sizes:
        raise SelectionError("No text was given; head importance is a mean over at least one.")
    means: FloatArray = np.mean(sizes, axis=0)
    return means


def gate_gradients(
    classifier: Classifier,
    reading: Reading,
    target_class: int | None = None,
    against: Against = "runner-up",
) -> FloatArray:
    """The slope of the explained scalar in each head's gate: <z, dF/dz>, z the head's output.

    Returns:
        (L, H), signed: positive where more of the head speaks for the class.

    Raises:
        MethodError: if the heads of this architecture can't be gated.
        SelectionError: for a class that doesn't exist, one compared with itself, or a reading of
            another classifier.
    """
    classifier = reader_of(classifier, reading)
    target = _checked_target(classifier, reading, target_class, against)
    gates = open_gates(classifier, 1).requires_grad_()
    value = _values(classifier, reading.encoding, target, HeadGates(gates))
    (gradient,) = gradients(classifier, value.sum(), [gates])
    slopes: FloatArray = gradient[0].cpu().numpy()
    return slopes


def ablate(
    classifier: Classifier,
    reading: Reading,
    target_class: int | None = None,
    against: Against = "runner-up",
    *,
    mean: FloatArray | None = None,
    progress: ProgressCallback = no_progress,
) -> FloatArray:
    """What the explained scalar loses where one head is switched off.

    Args:
        classifier: The classifier that made the reading.
        reading: What `classifier.read` returned.
        target_class: The class to explain; the predicted one where None.
        against: The class it is compared with, as for `attribute`.
        mean: (L, H, d): a head's output instead of zeros, as `mean_outputs` returns it.
        progress: Called with the passes done; what it raises ends the work.

    Returns:
        (L, H), signed: positive where the head spoke for the class.

    Raises:
        MethodError: if the heads of this architecture can't be gated.
        SelectionError: for a class that doesn't exist, one compared with itself, a reading of
            another classifier, or means of other heads.
    """
    classifier = reader_of(classifier, reading)
    target = _checked_target(classifier, reading, target_class, against)
    fill = None if mean is None else _fill(classifier, mean)
    value = float(target.value(reading.prediction.logits))
    without: list[float] = []
    with torch.inference_mode():
        for gates in _one_closed(classifier, reading.encoding.n_tokens):
            recorder = HeadGates(gates, fill)
            without += _values(classifier, reading.encoding, target, recorder).tolist()
            progress(len(gates))
    return (value - np.array(without)).reshape(classifier.n_layers, classifier.n_heads)


def mean_outputs(classifier: Classifier, encodings: Sequence[Encoding]) -> FloatArray:
    """The mean output of each head, over the tokens of each text and then over texts.

    Returns:
        (L, H, d), special tokens included.

    Raises:
        MethodError: if the heads of this architecture can't be reached.
        SelectionError: if no text was given.
    """
    check_gated(classifier)
    if classifier.capabilities.attention != "interface":
        raise MethodError(
            f"The outputs of the heads of the architecture {classifier.architecture} can't be "
            "reached, so there are no means of them; switch heads off to zero."
        )
    if not encodings:
        raise SelectionError("No text was given; mean outputs are taken over at least one.")
    total: Any = 0
    with torch.inference_mode():
        for encoding in encodings:
            recorder = _Means()
            classifier.forward(encoding, recorder)
            total = total + torch.stack(recorder.means)
    means: FloatArray = (total / len(encodings)).cpu().numpy()
    return means


def _checked_target(
    classifier: Classifier, reading: Reading, target_class: int | None, against: Against
) -> Target:
    check_gated(classifier)
    return resolve_target(reading.prediction, target_class, against)


def _one_closed(classifier: Classifier, n_tokens: int) -> Iterator[Tensor]:
    """Gates with each head closed in turn, in batches that fit into memory.  (B, L, H)"""
    n_heads = classifier.n_layers * classifier.n_heads
    rows = batch_size(classifier, n_tokens, rows=MAX_ROWS, tokens=MAX_TOKENS)
    for first in range(0, n_heads, rows):
        heads = range(first, min(first + rows, n_heads))
        gates = open_gates(classifier, len(heads))
        for row, head in enumerate(heads):
            gates[row].view(-1)[head] = 0
        yield gates


def _fill(classifier: Classifier, mean: FloatArray) -> Tensor:
    fill = torch.tensor(mean, dtype=classifier.model.dtype, device=classifier.device)
    n_heads = classifier.n_heads
    expected = (classifier.n_layers, n_heads, int(classifier.config.hidden_size) // n_heads)
    if fill.shape != expected:
        raise SelectionError(
            f"The mean outputs have shape {tuple(fill.shape)}; this checkpoint needs {expected} "
            "for layers, heads and their size: compute them with `mean_outputs`."
        )
    return fill


def _values(
    classifier: Classifier, encoding: Encoding, target: Target, recorder: HeadGates
) -> Tensor:
    """The explained scalar under each row of gates.  (B,)"""
    inputs = classifier.pad([encoding.inputs] * len(recorder.gates))
    return target.value(classifier.run(inputs, recorder))
