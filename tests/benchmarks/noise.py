"""A reading of any size made of noise shaped like attention: no model, and nothing to compress."""

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.types import Attention, Encoding, Prediction, Reading, Token

WORDS = ("oil", "court", "rain", "team", "moon", "bank", "train", "vote", "chip", "film", "sea")
SPREAD = 2.0
"""Standard deviation of the scores before the softmax: rows as peaked as a trained model's."""


def reading(n_tokens: int, n_layers: int = 12, n_heads: int = 12) -> Reading:
    """Random attention, a part of it on the separator and on neighbors, as heads have it."""
    rng = np.random.default_rng(n_tokens)
    scores = rng.normal(0, SPREAD, (n_layers, n_heads, n_tokens, n_tokens)).astype(np.float32)
    pull = rng.uniform(0, 5, (2, n_layers, n_heads, 1)).astype(np.float32)
    scores[..., -1] += pull[0]
    before = np.arange(n_tokens - 1)
    scores[..., before + 1, before] += pull[1]
    return Reading(_encoding(n_tokens), _prediction(), Attention(_softmax(scores)), "noise")


def _softmax(scores: FloatArray) -> FloatArray:
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True, dtype=np.float64), np.float32)


def _encoding(n_tokens: int) -> Encoding:
    """Words between [CLS] and [SEP], one token each."""
    words = [WORDS[at % len(WORDS)] for at in range(n_tokens - 2)]
    tokens, at = [Token("[CLS]", 0, 0, None, True)], 0
    for index, word in enumerate(words):
        tokens.append(Token(word, at, at + len(word), index, False, 0))
        at += len(word) + 1
    tokens.append(Token("[SEP]", 0, 0, None, True))
    return Encoding(" ".join(words), None, tuple(tokens), {"input_ids": np.arange(n_tokens)})


def _prediction() -> Prediction:
    return Prediction(("World", "Sports"), np.array([1.0, 0.0]), np.array([0.73, 0.27]))
