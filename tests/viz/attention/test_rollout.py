"""Views over weights, against what can be worked out by hand."""

import numpy as np
import pytest

from tests.synthetic import causal, read_causal, read_windowed, read_with_sink, windowed
from viz import Reading
from viz.attention import rollout
from viz.errors import SelectionError


def test_rollout_of_identity_attention_is_identity() -> None:
    weights = np.broadcast_to(np.eye(5, dtype=np.float32), (4, 3, 5, 5))
    np.testing.assert_array_equal(rollout.rollout(weights), np.eye(5))


def test_rollout_of_uniform_attention_has_its_closed_form() -> None:
    n_layers, n_tokens = 4, 5
    weights = np.full((n_layers, 3, n_tokens, n_tokens), 1 / n_tokens, dtype=np.float32)
    stays = 2.0**-n_layers
    expected = stays * np.eye(n_tokens) + (1 - stays) / n_tokens
    np.testing.assert_allclose(rollout.rollout(weights), expected, rtol=0, atol=1e-7)


def test_rollout_multiplies_upper_layers_from_the_left() -> None:
    """Layer 0 sends token 1 to token 2, layer 1 sends token 0 to token 1: so 0 reaches 2."""
    weights = np.broadcast_to(np.eye(3, dtype=np.float32), (2, 1, 3, 3)).copy()
    weights[0, 0, 1], weights[1, 0, 0] = [0, 0, 1], [0, 1, 0]
    np.testing.assert_allclose(rollout.rollout(weights)[0], [0.5, 0.25, 0.25])


def test_rows_of_rollout_sum_to_one(reading: Reading) -> None:
    np.testing.assert_allclose(rollout.rollout(reading.attention.weights).sum(-1), 1, atol=1e-6)


def test_the_pooled_row_is_that_of_the_deciding_token_or_the_mean_that_is_read() -> None:
    matrix = np.random.default_rng(0).random((4, 4), dtype=np.float32)
    for at in (0, 3):
        row = rollout.pooled_row(matrix, np.eye(4, dtype=np.float32)[at])
        np.testing.assert_array_equal(row, matrix[at])
    pooling = np.array([0.0, 0.5, 0.25, 0.25], np.float32)
    expected = [sum(pooling[q] * matrix[q, k] for q in range(4)) for k in range(4)]
    np.testing.assert_allclose(rollout.pooled_row(matrix, pooling), expected, atol=1e-7)


def test_none_selects_a_mean(reading: Reading) -> None:
    weights = reading.attention.weights
    np.testing.assert_array_equal(rollout.select(weights, 1, 2), weights[1, 2])
    np.testing.assert_allclose(rollout.select(weights, 1, None), weights[1].mean(0), atol=1e-7)
    np.testing.assert_allclose(rollout.select(weights, None, 2), weights[:, 2].mean(0), atol=1e-7)
    np.testing.assert_allclose(rollout.select(weights, None, None), weights.mean((0, 1)), atol=1e-7)


@pytest.mark.parametrize(("layer", "head", "message"), [(3, 0, "Layer 3"), (0, -1, "Head -1")])
def test_a_layer_or_head_that_does_not_exist_is_one_sentence(
    reading: Reading, layer: int, head: int, message: str
) -> None:
    with pytest.raises(
        SelectionError, match=rf"^{message} does not exist; this model's .* are 0 to"
    ):
        rollout.select(reading.attention.weights, layer, head)


def test_rollout_of_a_causal_model_flows_from_no_later_token() -> None:
    carried = rollout.rollout(read_causal().attention.weights)
    np.testing.assert_allclose(carried.sum(-1), 1, rtol=0, atol=1e-6)
    assert not carried[causal(len(carried))].any()
    assert (carried[~causal(len(carried))] > 0).all()


def test_rollout_of_local_layers_reaches_as_far_as_their_windows_together() -> None:
    local = read_windowed().attention.weights[:1]
    carried = rollout.rollout(np.concatenate([local, local]))
    np.testing.assert_allclose(carried.sum(-1), 1, rtol=0, atol=1e-6)
    too_far = windowed(len(carried), 4)
    assert not carried[too_far].any()
    assert (carried[~too_far] > 0).all()


def test_rollout_of_a_model_with_a_sink_still_sums_to_one() -> None:
    carried = rollout.rollout(read_with_sink().attention.weights)
    np.testing.assert_allclose(carried.sum(-1), 1, rtol=0, atol=1e-6)
    stays = carried[0, 0], carried[1, 1]
    assert stays == pytest.approx((1, stays[1]))
    assert stays[1] > rollout.rollout(read_causal().attention.weights)[1, 1]
