"""The straight path in word embeddings from a text of hidden words to the text itself.

Integrated gradients and the decomposition on the path follow it.  Source:
viz/attribution/README.md 2.2 and 2.12.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from finetune.checkpoint.arrays import IntArray
from viz.attribution.method import AttributionInput
from viz.errors import MethodError
from viz.model import batches
from viz.model.batches import batch_size
from viz.model.classifier import Classifier
from viz.model.hooks import word_embeddings
from viz.model.recording import Leaf, Recorder

MAX_ROWS = batches.MAX_ROWS // 2
"""Points of the path differentiated at once."""
MAX_TOKENS = batches.MAX_TOKENS // 2
"""Tokens differentiated at once: what gradients need is kept, which takes about as much again."""


class PlacedEmbeddings(Recorder):
    """Puts embeddings of our own in the place of those of the words.

    Args:
        embeddings: (B, T, D); positions and types are still added to them.
        leaf: Where gradients start: these embeddings, or the input of the first layer.
        freeze: As in `Recorder`.
    """

    def __init__(self, embeddings: Tensor, leaf: Leaf = "words", *, freeze: bool = False) -> None:
        super().__init__(leaf, freeze=freeze)
        self.embeddings = embeddings

    def on_leaf(self, name: Leaf, output: Tensor) -> Tensor:
        """What the network goes on with behind its word embeddings, and behind the sum of all."""
        if name != "words":
            return super().on_leaf(name, output)
        if self.leaf_name == "words":
            self.leaf = self.embeddings
        return self.embeddings


def path_ends(inputs: AttributionInput, hidden_token: int | None) -> tuple[Tensor, Tensor]:
    """The word embeddings of the text, and with every token but the special ones hidden.

    Args:
        inputs: The text.
        hidden_token: The token that stands for a hidden one; None for an embedding of zeros.

    Returns:
        (T, D) each.
    """
    encoding, classifier = inputs.reading.encoding, inputs.classifier
    special = torch.tensor([token.special for token in encoding.tokens], device=classifier.device)
    words = _embedded(classifier, encoding.inputs["input_ids"])
    hidden = torch.zeros_like(words[0])
    if hidden_token is not None:
        hidden = _embedded(classifier, np.array([hidden_token]))[0]
    return words, torch.where(special[:, None], words, hidden)


def _embedded(classifier: Classifier, ids: IntArray) -> Tensor:
    """The word embeddings of tokens, as the model looks them up.  (T,) -> (T, D)

    Raises:
        MethodError: where it does so in a way of its own.
    """
    modules = word_embeddings(classifier.model)
    if not modules:
        raise MethodError(
            f"The architecture {classifier.architecture} has no word embeddings to follow; choose "
            "another method."
        )
    with torch.no_grad():
        output = modules[-1](torch.tensor(ids, device=classifier.device)[None])
    # I-BERT's are a pair of vectors and their scale.
    words: Tensor = output[0] if isinstance(output, tuple) else output
    return words[0]


def path_batches(inputs: AttributionInput, n_points: int) -> Iterator[slice]:
    """Points of a path in batches whose gradients fit into memory."""
    n_tokens = inputs.reading.encoding.n_tokens
    rows = batch_size(inputs.classifier, n_tokens, rows=MAX_ROWS, tokens=MAX_TOKENS)
    for first in range(0, n_points, rows):
        yield slice(first, first + rows)


def repeated_logits(inputs: AttributionInput, recorder: Recorder, n_rows: int) -> Tensor:
    """The logits of the same text in each row, changed by the recorder.  (B, C)"""
    rows = [inputs.reading.encoding.inputs] * n_rows
    return inputs.classifier.run(inputs.classifier.pad(rows), recorder)
