"""Words that mean much the same to a model before it reads a text: those with like embeddings."""

from collections.abc import Sequence

import numpy as np
import torch

from finetune.checkpoint.arrays import FloatArray
from viz.model.classifier import Classifier

MAX_WORDS = 20_000
"""Words that are compared."""


class SimilarWords:
    """The words of a file by the mean input embedding of their tokens, around the mean of all.

    Args:
        classifier: Whose table of embeddings is read.
        words: As they are written, the most frequent first; what is beyond MAX_WORDS is left out.
    """

    def __init__(self, classifier: Classifier, words: Sequence[str]) -> None:
        self.words = tuple(words[:MAX_WORDS])
        self._index = {word: number for number, word in enumerate(self.words)}
        self._vectors = _vectors(classifier, self.words)

    @property
    def known(self) -> bool:
        """Whether the network has a table of embeddings for its tokens."""
        return self._vectors is not None

    def nearest(self, word: str, count: int) -> list[str]:
        """The words most similar to one of them, by cosine, the most similar first."""
        if self._vectors is None:
            return []
        own = self._index[word]
        order = np.argsort(-(self._vectors @ self._vectors[own]), kind="stable")
        return [self.words[number] for number in order.tolist() if number != own][:count]


def _vectors(classifier: Classifier, words: Sequence[str]) -> FloatArray | None:
    """Of length 1 (M, D); None where tokens have no table of embeddings."""
    table = getattr(classifier.model.get_input_embeddings(), "weight", None)
    if not isinstance(table, torch.Tensor) or table.ndim != 2 or not words:
        return None
    # As inside a text: many tokenizers tell a word after a blank from the first one.
    ids = classifier.tokenizer([f" {word}" for word in words], add_special_tokens=False)
    rows = [[number for number in each if number < len(table)] for each in ids["input_ids"]]
    with torch.inference_mode():
        vectors = np.stack(
            [
                table[each].float().mean(0).cpu().numpy() if each else np.zeros(table.shape[1])
                for each in rows
            ]
        ).astype(np.float32)
    vectors -= vectors.mean(axis=0)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions: FloatArray = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return directions
