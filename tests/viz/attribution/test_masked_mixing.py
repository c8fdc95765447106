"""How tokens mix where a mask forbids some: rows sum to 1, and nothing comes from those."""

import numpy as np
import pytest
import torch

from finetune.checkpoint.arrays import FloatArray
from tests.families import LONG_TEXT, family_checkpoint
from viz import Classifier
from viz.attention.rollout import rollout
from viz.attribution.layers import RecordedLayer, recorded_layers
from viz.attribution.norms import (
    Rule,
    by_distance,
    by_encoded_length,
    by_length,
    by_normalized_length,
    mixing_matrix,
)
from viz.attribution.value_zeroing import zeroed_row
from viz.types import Attention, BoolArray, Encoding

RULES = (by_length, by_normalized_length, by_encoded_length, by_distance)


@pytest.fixture(scope="module", params=["gpt2", "modernbert"])
def classifier(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Classifier:
    """A causal model, and one of whose layers some look no further than a window."""
    folder = tmp_path_factory.mktemp("families") / request.param
    return Classifier.load(str(family_checkpoint(folder, request.param)))


@pytest.fixture(scope="module")
def attention(classifier: Classifier) -> Attention:
    """Where it looks in a text longer than any window."""
    attention = classifier.read(LONG_TEXT).attention
    assert isinstance(attention, Attention)
    return attention


@pytest.fixture(scope="module")
def impossible(attention: Attention) -> BoolArray:
    """Which keys are forbidden in each layer."""
    assert attention.impossible is not None
    return attention.impossible


@pytest.fixture(scope="module")
def encoding(classifier: Classifier) -> Encoding:
    """The text as it was read."""
    return classifier.encode(LONG_TEXT)


@pytest.fixture(scope="module")
def layers(classifier: Classifier, encoding: Encoding) -> list[RecordedLayer]:
    """What its layers computed."""
    with torch.inference_mode():
        return list(recorded_layers(classifier, encoding))


def check(matrices: list[FloatArray], impossible: BoolArray) -> None:
    for matrix, forbidden in zip(matrices, impossible, strict=True):
        np.testing.assert_allclose(matrix.sum(-1), 1, rtol=0, atol=1e-6)
        assert not matrix[forbidden].any()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_layer_mixes_no_forbidden_key(
    layers: list[RecordedLayer], impossible: BoolArray, encoding: Encoding, rule: Rule
) -> None:
    every = torch.arange(encoding.n_tokens)
    with torch.inference_mode():
        matrices = [mixing_matrix(layer, rule, every).numpy() for layer in layers]
    check(matrices, impossible)


def test_silencing_a_forbidden_key_turns_nothing(
    layers: list[RecordedLayer], impossible: BoolArray, encoding: Encoding
) -> None:
    with torch.inference_mode():
        matrices = [
            np.stack([zeroed_row(layer, query).numpy() for query in range(encoding.n_tokens)])
            for layer in layers
        ]
    check(matrices, impossible)


def test_rollout_carries_nothing_over_forbidden_pairs(
    attention: Attention, impossible: BoolArray
) -> None:
    carried = rollout(attention.weights)
    np.testing.assert_allclose(carried.sum(-1), 1, rtol=0, atol=1e-6)
    possible = np.eye(attention.n_tokens, dtype=bool)
    for forbidden in impossible:
        possible = (~forbidden).astype(int) @ possible > 0
    assert not carried[~possible].any()
