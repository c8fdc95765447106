"""Attributions against oracles and invariants, on every family."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, Saliency

from tests.linearized_bert import embedded as first_input
from tests.linearized_bert import frozen_logits
from tests.tiny_models import edit_config, tiny_checkpoint
from viz import METHODS, Classifier, Reading, attribute
from viz.attribution import Against
from viz.attribution.target import Target
from viz.errors import MethodError, SelectionError
from viz.model.recording import Leaf, Recorder

TEXT = "Oil prices rise as stockss fall, the market was not good!"
PAIR = "The team wins"


@pytest.fixture(scope="module")
def double(family_checkpoint: Path) -> Classifier:
    """The checkpoint, computed in double precision."""
    return Classifier.load(family_checkpoint, dtype=torch.float64, device="cpu")


@pytest.mark.parametrize("pair", [None, PAIR])
@pytest.mark.parametrize("against", ["runner-up", None])
def test_scores_and_bias_equal_the_explained_scalar(
    family_checkpoint: Path, double: Classifier, pair: str | None, against: Against
) -> None:
    single = Classifier.load(family_checkpoint)
    for classifier, allowed in ((single, 1e-4), (double, 1e-10)):
        reading = classifier.read(TEXT, pair)
        found = attribute(classifier, reading, "decomposition", against=against)
        assert found.bias is not None
        parts = float(found.scores.sum(dtype=np.float64)) + found.bias
        size = max(abs(found.value), float(np.abs(found.scores).max()), abs(found.bias))
        assert abs(parts - found.value) <= allowed * size


def test_the_linearized_forward_changes_no_logit(double: Classifier) -> None:
    encoding = double.encode(TEXT)
    linear = double.forward(encoding, Recorder("input", freeze=True))
    torch.testing.assert_close(linear, double.forward(encoding), rtol=0, atol=1e-12)


class EveryLayer(Recorder):
    """Keeps what enters each layer, and how many biases were added before it did."""

    def __init__(self) -> None:
        super().__init__("input", freeze=True)
        self.states: list[torch.Tensor] = []
        self.n_before: list[int] = []

    def on_leaf(self, name: Leaf, output: torch.Tensor) -> torch.Tensor:
        if name == "input":
            self.n_before.append(len(self.biases))
        return super().on_leaf(name, output)

    def on_layer(self, before: torch.Tensor, after: torch.Tensor) -> None:
        self.states.append(before)
        self.n_before.append(len(self.biases))


def test_at_every_layer_tokens_and_the_biases_above_add_up_to_the_scalar(
    double: Classifier,
) -> None:
    reading, recorder = double.read(TEXT, PAIR), EveryLayer()
    logits = double.forward(reading.encoding, recorder)
    value = Target(1, 3).value(logits)
    assert len(recorder.states) == double.n_layers
    for states, n_before in zip(recorder.states, recorder.n_before, strict=False):
        above = recorder.biases[n_before:]
        of_states, *of_biases = torch.autograd.grad(
            value, [states, *above], retain_graph=True, allow_unused=True
        )
        tokens = (states * of_states).sum().item()
        biases = sum(
            (bias * slope).sum().item()
            for bias, slope in zip(above, of_biases, strict=True)
            if slope is not None
        )
        assert tokens + biases == pytest.approx(value.item(), abs=1e-12)


def test_the_decomposition_is_the_input_times_the_gradient_of_a_network_held_by_hand(
    checkpoint: Path,
) -> None:
    """The rules of LXT's patches: softmax, deviation and slope of the activation are constants."""
    classifier = Classifier.load(checkpoint, dtype=torch.float64, device="cpu")
    reading = classifier.read(TEXT, PAIR)
    states = first_input(classifier, reading).requires_grad_()
    held = Target(1, 3).value(frozen_logits(classifier, states))
    (slopes,) = torch.autograd.grad(held, states)
    found = attribute(classifier, reading, target_class=1, against=3)
    assert found.value == pytest.approx(held.item(), abs=1e-12)
    expected = (states * slopes).sum(-1).detach().numpy()
    np.testing.assert_allclose(found.scores, expected, rtol=0, atol=1e-12)


def test_the_decomposition_is_linear_in_its_target(double: Classifier) -> None:
    reading = double.read(TEXT)
    margin = attribute(double, reading, target_class=2, against=0)
    plain = [attribute(double, reading, target_class=c, against=None).scores for c in (2, 0)]
    np.testing.assert_allclose(margin.scores, plain[0] - plain[1], rtol=0, atol=1e-12)


def test_the_linearized_network_doubles_with_its_input(double: Classifier) -> None:
    """With its biases taken away, twice the input gives twice the logit: it really is linear."""
    reading = double.read(TEXT)
    found = attribute(double, reading, target_class=1, against=None)
    recorder = Recorder("input", freeze=True)
    logits = double.forward(reading.encoding, recorder)
    gradient = torch.autograd.grad(logits[1], recorder.required_leaf())[0]
    moved = (gradient * 2 * recorder.required_leaf()).sum().item()
    assert moved == pytest.approx(2 * float(found.scores.sum()), abs=1e-10)


Forward = Callable[[torch.Tensor], torch.Tensor]


def embedded(classifier: Classifier, reading: Reading) -> tuple[torch.Tensor, Forward]:
    """The word embeddings of a reading, and the margin of class 1 over 3 as captum wants it."""
    inputs = {name: torch.tensor(v)[None] for name, v in reading.encoding.inputs.items()}
    ids = inputs.pop("input_ids")
    words = classifier.model.get_input_embeddings()(ids).detach().requires_grad_()

    def forward(embeddings: torch.Tensor) -> torch.Tensor:
        # RoBERTa counts positions from the ids; the same ones are given here by hand.
        logits: torch.Tensor = classifier.model(inputs_embeds=embeddings, **inputs).logits
        return logits[:, 1] - logits[:, 3]

    return words, forward


def test_input_x_gradient_equals_captum(double: Classifier) -> None:
    reading = double.read(TEXT)
    words, forward = embedded(double, reading)
    expected = InputXGradient(forward).attribute(words)[0].sum(-1).detach().numpy()
    found = attribute(double, reading, "input-x-gradient", target_class=1, against=3)
    np.testing.assert_allclose(found.scores, expected, rtol=0, atol=1e-10)


def test_saliency_is_the_length_of_the_gradient_that_captum_takes(double: Classifier) -> None:
    reading = double.read(TEXT)
    words, forward = embedded(double, reading)
    gradient = Saliency(forward).attribute(words, abs=False)[0].detach().numpy()
    found = attribute(double, reading, "saliency", target_class=1, against=3)
    np.testing.assert_allclose(found.scores, np.linalg.norm(gradient, axis=-1), atol=1e-10)


def test_relevance_of_attention_follows_its_rules_step_by_step(double: Classifier) -> None:
    """Rules 5 and 6 of Chefer et al. 2021, one layer after the other, in numpy."""
    reading = double.read(TEXT)
    recorder = Recorder("words")
    logits = double.forward(reading.encoding, recorder)
    gradients = torch.autograd.grad(Target(1, 3).value(logits), recorder.weights)
    relevance = np.eye(reading.encoding.n_tokens)
    for weights, gradient in zip(recorder.weights, gradients, strict=True):
        heads = (weights.detach() * gradient)[0].numpy()
        mean = np.mean([np.where(head > 0, head, 0) for head in heads], axis=0)
        relevance += mean @ relevance
    expected = relevance[0]
    expected[0] -= 1
    found = attribute(double, reading, "chefer", target_class=1, against=3)
    np.testing.assert_allclose(found.scores, expected, rtol=0, atol=1e-10)
    assert not np.allclose(found.scores, attribute(double, reading, "chefer", 3, 1).scores)


def test_where_nothing_moves_the_class_no_token_is_relevant(tmp_path: Path) -> None:
    """Where gradients are all zero, relevance stays the identity, which is taken off."""
    classifier = Classifier.load(tiny_checkpoint(tmp_path / "bert"), dtype=torch.float64)
    with torch.no_grad():
        classifier.model.classifier.weight.zero_()
    found = attribute(classifier, classifier.read(TEXT), "chefer", target_class=1, against=3)
    assert (found.scores == 0).all()


def test_the_attention_of_cls_and_rollout_are_those_of_the_weights_that_are_shown(
    double: Classifier,
) -> None:
    """Rollout: the product of (A + 1) / 2, upper layers on the left, whose first row is [CLS]'s."""
    reading = double.read(TEXT, PAIR)
    weights = reading.attention.weights.astype(np.float64)
    mixed = [(layer.mean(0) + np.eye(layer.shape[-1])) / 2 for layer in weights]
    product = mixed[2] @ mixed[1] @ mixed[0]
    rollout = attribute(double, reading, "rollout").scores
    np.testing.assert_allclose(rollout, product[0], rtol=0, atol=5e-7)
    last = attribute(double, reading, "attention").scores
    np.testing.assert_allclose(last, weights[-1, :, 0].mean(0), rtol=0, atol=5e-7)


def test_only_the_cls_row_of_the_last_layer_has_a_gradient(double: Classifier) -> None:
    recorder = Recorder("words")
    logits = double.forward(double.encode(TEXT), recorder)
    (gradient,) = torch.autograd.grad(Target(1, 3).value(logits), recorder.weights[-1])
    assert (gradient[:, :, 1:] == 0).all()
    assert (gradient[:, :, 0] != 0).any()


def test_weights_times_gradient_equal_a_finite_difference_of_the_head_outputs(
    double: Classifier,
) -> None:
    """Scaling the last layer's attention output by 1 + e moves the margin by e times the sum."""
    reading = double.read(TEXT)
    found = attribute(double, reading, "grad-attention", target_class=1, against=3)

    class Gated(Recorder):
        factor = 1.0

        def on_weights(self, weights: torch.Tensor) -> torch.Tensor:
            kept = super().on_weights(weights)
            return kept * self.factor if len(self.weights) == double.n_layers else kept

    margins = []
    for factor in (1 + 1e-5, 1 - 1e-5):
        recorder = Gated()
        recorder.factor = factor
        margins.append(Target(1, 3).value(double.forward(reading.encoding, recorder)).item())
    assert float(found.scores.sum()) == pytest.approx((margins[0] - margins[1]) / 2e-5, abs=1e-8)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_scores_every_token(double: Classifier, name: str) -> None:
    reading = double.read(TEXT, PAIR)
    found = attribute(double, reading, name)
    assert found.scores.shape == (reading.encoding.n_tokens,)
    assert np.isfinite(found.scores).all()
    assert METHODS[name].signed or (found.scores >= 0).all()
    assert not found.scores.flags.writeable


def test_threads_that_attribute_at_once_get_what_they_get_alone(double: Classifier) -> None:
    readings = [double.read(f"{TEXT} {'the market ' * count}") for count in range(8)]

    def both(reading: Reading) -> np.ndarray:
        methods = ("decomposition", "grad-attention")
        return np.stack([attribute(double, reading, name).scores for name in methods])

    alone = [both(reading) for reading in readings]
    with ThreadPoolExecutor(8) as pool:
        crowd = list(pool.map(both, readings))
    for expected, actual in zip(alone, crowd, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-10)


def test_the_default_explains_the_margin_against_the_runner_up(
    classifier: Classifier, reading: Reading
) -> None:
    found = attribute(classifier, reading)
    order = np.argsort(-reading.prediction.logits)
    assert (found.method, found.target_class, found.against_class) == ("decomposition", *order[:2])
    assert found.value == pytest.approx(
        float(reading.prediction.logits[order[0]] - reading.prediction.logits[order[1]])
    )


def test_classes_of_a_multi_label_head_are_explained_by_their_plain_logit(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "m", problem_type="multi_label_classification")
    classifier = Classifier.load(folder)
    found = attribute(classifier, classifier.read(TEXT), target_class=2)
    assert found.against_class is None


@pytest.mark.parametrize(
    ("target", "against", "message"),
    [
        (4, "runner-up", "Class 4 does not exist; the classes are 0 to 3."),
        (0, -1, "Class -1 does not exist; the classes are 0 to 3."),
        (0, "best", "Class 'best' does not exist; the classes are 0 to 3."),
        (0, 0, "Class 'World' can't be compared with itself; choose another class, or none."),
    ],
)
def test_a_wrong_class_is_one_sentence(
    classifier: Classifier, reading: Reading, target: int, against: Against, message: str
) -> None:
    with pytest.raises(SelectionError) as caught:
        attribute(classifier, reading, target_class=target, against=against)
    assert str(caught.value) == message


def test_a_reading_of_another_classifier_is_refused(reading: Reading, tmp_path: Path) -> None:
    other = Classifier.load(tiny_checkpoint(tmp_path / "other", seed=1))
    with pytest.raises(SelectionError, match=r"was made by 'tiny-bert', not by 'other'"):
        attribute(other, reading)


def test_an_unknown_method_names_those_that_are_known(
    classifier: Classifier, reading: Reading
) -> None:
    with pytest.raises(
        MethodError, match=r"^Unknown method 'tea-leaves'; known are decomposition, .*\.$"
    ):
        attribute(classifier, reading, "tea-leaves")


def test_a_network_that_is_not_linear_when_frozen_is_refused(checkpoint: Path) -> None:
    """An arctangent between two layers is nothing that the rules know."""
    classifier = Classifier.load(checkpoint)
    classifier.layers[0].register_forward_hook(lambda module, inputs, output: output.atan())
    reading = classifier.read(TEXT)
    with pytest.raises(MethodError, match=r"does not add up for the architecture Bert"):
        attribute(classifier, reading, "decomposition")
    for name in ("attention", "rollout", "grad-attention", "input-x-gradient"):
        assert np.isfinite(attribute(classifier, reading, name).scores).all()


@pytest.mark.parametrize("activation", ["gelu_new", "relu", "silu", "quick_gelu"])
def test_activations_written_out_step_by_step_are_held_fixed_too(
    tmp_path: Path, activation: str
) -> None:
    folder = tiny_checkpoint(tmp_path / "bert")
    edit_config(folder, hidden_act=activation)
    classifier = Classifier.load(folder, dtype=torch.float64)
    found = attribute(classifier, classifier.read(TEXT))
    assert float(found.scores.sum()) + (found.bias or 0) == pytest.approx(found.value, abs=1e-10)
