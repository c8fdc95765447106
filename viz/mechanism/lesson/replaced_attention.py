"""Passes in which some heads look elsewhere: their attention weights are replaced by others.

What the layers above compute is computed again with what those heads then mix (Serrano & Smith
2019; Jain & Wallace 2019 replaced the weights of one layer behind which nothing but the classifier
came).  Nothing else changes.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from finetune.checkpoint.arrays import FloatArray
from viz.attribution import check_read_by
from viz.attribution.method import no_progress
from viz.errors import MethodError
from viz.jobs.background import ProgressCallback
from viz.jobs.cancellation import check_cancelled
from viz.model.batches import MAX_ROWS, MAX_TOKENS, batch_size
from viz.model.classifier import Classifier
from viz.model.recording import Recorder
from viz.types import SINGLE_PRECISION, Attention, Reading

HeadMaps = Mapping[tuple[int, int], FloatArray]
"""What some heads, each (layer, head), look like instead: rows that sum to 1.  Each (T, T)"""

TOLERANCE = 1e-3
"""How far logits may be off that are made with the weights the model had by itself, in shares of
the scale on which they are judged."""


class _ReplacedAttention(Recorder):
    """Puts other weights in the place of some heads' own, other ones in each row of a batch."""

    def __init__(self, versions: Sequence[HeadMaps], n_layers: int) -> None:
        super().__init__()
        self.versions = versions
        self.n_layers = n_layers
        self._layer = 0

    def on_weights(self, weights: Tensor) -> Tensor:
        """Called once a layer, from below; what goes to a sink stays there."""
        layer, self._layer = self._layer, self._layer + 1
        if layer >= self.n_layers:  # a decoder's
            return weights
        replaced, n_tokens = weights.clone(), self.layout.n_tokens
        for row, version in enumerate(self.versions):
            for (where, head), own in version.items():
                if where == layer:
                    left = 1 - weights[row, head, :, n_tokens:].sum(-1, keepdim=True)
                    replaced[row, head, :, :n_tokens] = torch.tensor(own).to(weights) * left
        return replaced


def uniform_map(reading: Reading, layer: int) -> FloatArray:
    """A map that looks alike at all that can be looked at.  (T, T)"""
    impossible = reading.attention.impossible
    n_tokens = reading.attention.n_tokens
    allowed = np.ones((n_tokens, n_tokens)) if impossible is None else ~impossible[layer]
    return np.asarray(allowed / allowed.sum(-1, keepdims=True))


def shuffled_map(reading: Reading, layer: int, head: int, seed: int) -> FloatArray:
    """The map of a head with the weights of each row in random order, among what is possible.

    (T, T), each row with the same weights, and so as sharp as before.
    """
    random = np.random.default_rng(seed)
    rows = shares(reading, layer, head).copy()
    impossible = reading.attention.impossible
    for query, row in enumerate(rows):
        keys = (
            np.arange(len(row)) if impossible is None else np.flatnonzero(~impossible[layer, query])
        )
        rows[query, keys] = row[random.permutation(keys)]
    return rows


def shares(reading: Reading, layer: int, head: int) -> FloatArray:
    """The map of a head, what goes to a sink left out: each row sums to 1.  (T, T)"""
    attention = reading.attention
    rows: FloatArray = attention.weights[layer, head]
    if not isinstance(attention, Attention) or attention.sink is None:
        return rows
    totals = rows.sum(-1, keepdims=True)
    scaled: FloatArray = np.divide(rows, totals, out=np.zeros_like(rows), where=totals > 0)
    return scaled


def moved_weight(reading: Reading, layer: int, head: int, other: FloatArray) -> float:
    """The share of a head's weight that lies elsewhere in another map, mean over its rows.

    It is the total variation distance, half the sum of absolute differences, 0 to 1.
    """
    distances = np.abs(shares(reading, layer, head) - other).sum(-1) / 2
    return float(distances.mean())


def logits_with_maps(
    classifier: Classifier,
    reading: Reading,
    versions: Sequence[HeadMaps],
    progress: ProgressCallback = no_progress,
    scale: float | None = None,
) -> FloatArray:
    """The logits of a text where some heads look elsewhere; one pass for each version.

    Args:
        classifier: The classifier that made the reading.
        reading: What `classifier.read` returned.
        versions: What is replaced in each pass.
        progress: Called with the passes done since.
        scale: A difference of logits that means something, such as what the words of a text make
            of a score; by default the size of the largest logit, or 1 where none is larger.

    Returns:
        (n, C)

    Raises:
        MethodError: if weights can't be replaced: a pass with the weights that the model had by
            itself does not give its logits, or one with quite other weights gives the very same.
        MissingAttentionError: if there are no attention weights.
        SelectionError: for a reading of another classifier.
    """
    check_read_by(classifier, reading)
    n_layers, n_heads = reading.attention.n_layers, reading.attention.n_heads
    places = [(layer, head) for layer in range(n_layers) for head in range(n_heads)]
    own = {(layer, head): shares(reading, layer, head) for layer, head in places}
    uniform = {layer: uniform_map(reading, layer) for layer in range(n_layers)}
    elsewhere = {(layer, head): uniform[layer] for layer, head in places}
    checked: list[HeadMaps] = [{}, own, elsewhere]
    size = batch_size(classifier, reading.attention.n_tokens, rows=MAX_ROWS, tokens=MAX_TOKENS)
    todo, logits = [*checked, *versions], []
    for start in range(0, len(todo), size):
        check_cancelled()
        batch = todo[start : start + size]
        inputs = classifier.pad([reading.encoding.inputs] * len(batch))
        with torch.inference_mode():
            output = classifier.run(inputs, _ReplacedAttention(batch, n_layers))
        logits.append(output.double().cpu().numpy())
        progress(len(batch))
    outputs = np.concatenate(logits)
    _check(classifier, reading, outputs[: len(checked)], scale, differs=_differs(own, elsewhere))
    return np.asarray(outputs[len(checked) :])


def _check(
    classifier: Classifier,
    reading: Reading,
    outputs: FloatArray,
    scale: float | None,
    *,
    differs: bool,
) -> None:
    expected = reading.prediction.logits.astype(np.float64)
    plain, own, elsewhere = outputs
    largest = float(np.abs(expected).max())
    allowed = max(TOLERANCE * (scale or max(1.0, largest)), SINGLE_PRECISION * largest)
    gap = float(np.abs(np.stack([plain, own]) - expected).max())
    if not gap <= allowed or (differs and np.array_equal(plain, elsewhere)):
        raise MethodError(
            f"The attention weights of the architecture {classifier.architecture} can't be "
            "replaced: what it computes does not follow from them alone; choose another checkpoint."
        )


def _differs(own: HeadMaps, other: HeadMaps) -> bool:
    return any(np.abs(own[place] - other[place]).max() > TOLERANCE for place in own)
