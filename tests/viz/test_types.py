"""What the records refuse, and what they say of missing parts."""

from dataclasses import replace

import numpy as np
import pytest

from tests.synthetic import read
from viz.errors import MissingAttentionError
from viz.types import Attention, MissingAttention

CAUSAL = np.triu(np.ones((3, 3), dtype=bool), 1)
WEIGHTS = np.tril(np.ones((3, 3))) / np.arange(1, 4)[:, None]


def test_impossible_keys_are_kept_apart_from_weights_of_zero() -> None:
    weights = WEIGHTS.copy()
    weights[2] = [0, 0.5, 0.5]  # a weight of 0 that is possible
    attention = Attention(weights[None, None], CAUSAL[None])
    assert attention.impossible is not None
    assert attention.impossible[0].tolist() == CAUSAL.tolist()
    assert not attention.impossible.flags.writeable


def test_an_impossible_key_with_a_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="has a weight other than 0"):
        Attention(np.full((1, 1, 3, 3), 1 / 3), CAUSAL[None])


def test_nothing_impossible_is_none() -> None:
    assert Attention(WEIGHTS[None, None], np.zeros((1, 3, 3), dtype=bool)).impossible is None


def test_missing_attention_says_why_wherever_it_is_asked_for() -> None:
    missing = replace(read(), attention=MissingAttention("This model mixes tokens by Fourier."))
    with pytest.raises(MissingAttentionError, match="by Fourier"):
        _ = missing.attention.weights
    with pytest.raises(MissingAttentionError, match="by Fourier"):
        _ = missing.attention.n_layers


def test_a_reading_knows_the_token_that_decides() -> None:
    whole = read()
    n_tokens = whole.encoding.n_tokens
    last = replace(whole, pooling=np.eye(n_tokens)[-1])
    assert last.deciding_token == n_tokens - 1
    mean = replace(whole, pooling=np.full(n_tokens, 1 / n_tokens))
    assert mean.deciding_token is None
    with pytest.raises(ValueError, match="sum to 2"):
        replace(whole, pooling=2 * np.eye(n_tokens)[0])
