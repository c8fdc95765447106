"""Contributions of attention weights against a network made linear by hand, in double precision."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from tests.architectures import architecture_checkpoint
from tests.tiny_models import tiny_checkpoint
from viz import Classifier, Reading, attribute
from viz.attribution.contribution import contribution
from viz.errors import MissingAttentionError, SelectionError

TEXT = "oil prices rise, the market was not good"
Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """The tiny BERT in double precision."""
    folder = tiny_checkpoint(tmp_path_factory.mktemp("double") / "bert")
    return Classifier.load(folder, dtype=torch.float64)


@dataclass
class FrozenBert:
    """BERT in numpy; what is not linear is fixed in the first pass and kept in later ones."""

    classifier: Classifier
    fixed: list[Array] = field(default_factory=list)
    turn: int = 0

    def _keep(self, value: Array) -> Array:
        """The value of the first pass at this place of the network."""
        if self.turn == len(self.fixed):
            self.fixed.append(value)
        self.turn += 1
        return self.fixed[self.turn - 1]

    def logits(self, reading: Reading, weights: Array) -> Array:
        """The logits for the attention weights given.  (L, H, T, T) -> (C,)"""
        self.turn = 0
        model, inputs = self.classifier.model, reading.encoding.inputs
        state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
        words = "bert.embeddings."
        x = state[words + "word_embeddings.weight"][inputs["input_ids"]]
        x = x + state[words + "position_embeddings.weight"][: len(x)]
        x = x + state[words + "token_type_embeddings.weight"][inputs["token_type_ids"]]
        x = self._norm(x, state, words + "LayerNorm")
        for layer, heads in enumerate(weights):
            at = f"bert.encoder.layer.{layer}."
            value = _linear(x, state, at + "attention.self.value")
            size = value.shape[1] // len(heads)
            z = np.concatenate(
                [a @ value[:, h * size : (h + 1) * size] for h, a in enumerate(heads)], axis=1
            )
            y = x + _linear(z, state, at + "attention.output.dense")
            y = self._norm(y, state, at + "attention.output.LayerNorm")
            inner = _linear(y, state, at + "intermediate.dense")
            active = inner * self._keep(_gelu(inner) / inner)
            x = self._norm(
                y + _linear(active, state, at + "output.dense"), state, at + "output.LayerNorm"
            )
        pooled = _linear(x[:1], state, "bert.pooler.dense")
        pooled = pooled * self._keep(np.tanh(pooled) / pooled)
        return np.asarray(_linear(pooled, state, "classifier")[0])

    def _norm(self, x: Array, state: dict[str, Array], name: str) -> Array:
        centered = x - x.mean(-1, keepdims=True)
        scale = self._keep(1 / np.sqrt((centered**2).mean(-1, keepdims=True) + 1e-12))
        return np.asarray(centered * scale * state[f"{name}.weight"] + state[f"{name}.bias"])


def _linear(x: Array, state: dict[str, Array], name: str) -> Array:
    return np.asarray(x @ state[f"{name}.weight"].T + state[f"{name}.bias"])


def _gelu(x: Array) -> Array:
    return np.asarray(nn.functional.gelu(torch.tensor(x)).numpy())


def test_a_contribution_is_what_the_scalar_loses_without_that_weight(double: Classifier) -> None:
    """Each of 60 weights is taken out of a network that is otherwise held fixed."""
    reading = double.read(TEXT)
    found = contribution(double, reading, 2, 0)
    weights = reading.attention.weights.astype(np.float64)
    frozen = FrozenBert(double)
    whole = frozen.logits(reading, weights)
    np.testing.assert_allclose(whole, reading.prediction.logits, atol=1e-10)
    assert found.value == pytest.approx(whole[2] - whole[0])
    for place in np.random.default_rng(0).integers(0, weights.shape, (60, 4)):
        without = weights.copy()
        without[tuple(place)] = 0
        logits = frozen.logits(reading, without)
        lost = (whole[2] - whole[0]) - (logits[2] - logits[0])
        assert found.values[tuple(place)] == pytest.approx(lost, abs=1e-10)


def test_in_the_last_layer_only_the_row_of_cls_contributes(
    classifier: Classifier, reading: Reading
) -> None:
    values = contribution(classifier, reading).values
    assert np.abs(values[-1, :, 0]).max() > 0
    assert (values[-1, :, 1:] == 0).all()
    assert np.abs(values[0, :, 1:]).max() > 0


def test_classes_held_against_each_other_have_opposite_contributions(
    classifier: Classifier, reading: Reading
) -> None:
    one, other = contribution(classifier, reading, 0, 3), contribution(classifier, reading, 3, 0)
    np.testing.assert_allclose(one.values, -other.values, atol=1e-5)
    assert (one.target_class, one.against_class) == (0, 3)


def test_it_explains_what_the_decomposition_explains(
    family_checkpoint: Path,
) -> None:
    """Every family; the same scalar, and the shared model is left as it was."""
    classifier = Classifier.load(family_checkpoint)
    reading = classifier.read(TEXT)
    found = contribution(classifier, reading)
    assert found.values.shape == reading.attention.weights.shape
    assert found.value == attribute(classifier, reading).value
    assert all(weights.grad is None for weights in classifier.model.parameters())
    again = classifier.read(TEXT)
    np.testing.assert_array_equal(again.attention.weights, reading.attention.weights)


def test_a_model_without_attention_is_one_sentence(tmp_path: Path) -> None:
    classifier = Classifier.load(architecture_checkpoint(tmp_path / "fnet", "fnet"))
    with pytest.raises(MissingAttentionError, match=r"^This model has no attention to show: .*\.$"):
        contribution(classifier, classifier.read(TEXT))


def test_a_class_that_does_not_exist_is_one_sentence(
    classifier: Classifier, reading: Reading
) -> None:
    with pytest.raises(SelectionError, match="the classes are 0 to 3"):
        contribution(classifier, reading, 7)
