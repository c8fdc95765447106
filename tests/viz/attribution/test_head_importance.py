"""Head importance against finite differences, attention gradients and hooks that zero a head."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from finetune.checkpoint.arrays import FloatArray
from tests.architectures import architecture_checkpoint
from tests.tiny_models import tiny_checkpoint, tiny_mpnet
from viz import Classifier, Reading
from viz.attention.rank_correlation import spearman
from viz.attribution import Target, head_importance
from viz.attribution.head_importance import HeadImportance
from viz.errors import MethodError, SelectionError
from viz.model.head_gates import HeadGates
from viz.model.recording import Recorder

TEXT = "Oil prices rise as stockss fall, the market was not good!"
PAIR = "The team wins"
MARGIN = Target(1, 3)
PROJECTIONS = {"bert": "attention.output.dense", "distilbert": "attention.out_lin"}
"""What reads the heads' outputs side by side, by family."""


@pytest.fixture(scope="module")
def double(family_checkpoint: Path) -> Classifier:
    """Each family, computed in double precision."""
    return Classifier.load(family_checkpoint, dtype=torch.float64, device="cpu")


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """A tiny BERT in double precision."""
    folder = tiny_checkpoint(tmp_path_factory.mktemp("heads") / "bert")
    return Classifier.load(folder, dtype=torch.float64, device="cpu")


def margin(classifier: Classifier, reading: Reading, recorder: Recorder | None = None) -> float:
    """Class 1 over class 3."""
    with torch.no_grad():
        return MARGIN.value(classifier.forward(reading.encoding, recorder)).item()


def projections(classifier: Classifier) -> list[nn.Module]:
    """The output projection of attention in each layer, from below."""
    ends = tuple(PROJECTIONS.values())
    found = [module for name, module in classifier.model.named_modules() if name.endswith(ends)]
    assert len(found) == classifier.n_layers
    return found


def replaced(
    classifier: Classifier, reading: Reading, layer: int, change: Callable[[Tensor], Tensor]
) -> float:
    """The margin where what one output projection reads, (B, T, H, d), is changed."""

    def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
        split = inputs[0].reshape(*inputs[0].shape[:2], classifier.n_heads, -1)
        return (change(split).flatten(-2),)

    handle = projections(classifier)[layer].register_forward_pre_hook(hook)
    try:
        return margin(classifier, reading)
    finally:
        handle.remove()


def one_head(
    head: int, factor: float, fill: FloatArray | float = 0.0
) -> Callable[[Tensor], Tensor]:
    """Multiply one head by a factor, and put something in the place of what is gone."""

    def change(outputs: Tensor) -> Tensor:
        changed = outputs.clone()
        changed[:, :, head] = factor * outputs[:, :, head] + (1 - factor) * torch.as_tensor(fill)
        return changed

    return change


def test_open_gates_change_nothing(double: Classifier) -> None:
    reading = double.read(TEXT, PAIR)
    gates = torch.ones(1, double.n_layers, double.n_heads, dtype=torch.float64)
    recorder = HeadGates(gates)
    assert margin(double, reading, recorder) == pytest.approx(margin(double, reading), abs=1e-12)
    assert recorder.weights == []


def test_the_gate_gradient_is_a_finite_difference(double: Classifier) -> None:
    reading = double.read(TEXT)
    found = head_importance.gate_gradients(double, reading, 1, 3)
    assert found.shape == (double.n_layers, double.n_heads)
    step = 1e-5
    for layer in range(double.n_layers):
        for head in range(double.n_heads):
            above, below = (
                replaced(double, reading, layer, one_head(head, factor))
                for factor in (1 + step, 1 - step)
            )
            assert found[layer, head] == pytest.approx((above - below) / (2 * step), abs=1e-8)
    assert (found != 0).all()


def test_the_gate_gradient_is_attention_times_its_gradient(double: Classifier) -> None:
    reading = double.read(TEXT, PAIR)
    recorder = Recorder("words")
    logits = double.forward(reading.encoding, recorder)
    gradients = torch.autograd.grad(MARGIN.value(logits), recorder.weights)
    expected = [
        (weights.detach() * gradient)[0].sum((1, 2)).numpy()
        for weights, gradient in zip(recorder.weights, gradients, strict=True)
    ]
    found = head_importance.gate_gradients(double, reading, 1, 3)
    np.testing.assert_allclose(found, np.stack(expected), rtol=0, atol=1e-12)


def test_ablation_is_a_hook_that_zeroes_the_head(double: Classifier) -> None:
    reading = double.read(TEXT, PAIR)
    found = head_importance.ablate(double, reading, 1, 3)
    whole = margin(double, reading)
    for layer in range(double.n_layers):
        for head in range(double.n_heads):
            without = replaced(double, reading, layer, one_head(head, 0))
            assert found[layer, head] == pytest.approx(whole - without, abs=1e-10)


def test_a_head_may_hand_on_its_mean_instead(double: Classifier) -> None:
    reading = double.read(TEXT)
    mean = head_importance.mean_outputs(
        double, [double.encode("The team wins"), double.encode("Bad movie.")]
    )
    found = head_importance.ablate(double, reading, 1, 3, mean=mean)
    whole = margin(double, reading)
    for layer, head in ((0, 1), (1, 0), (2, 3)):
        without = replaced(double, reading, layer, one_head(head, 0, mean[layer, head]))
        assert found[layer, head] == pytest.approx(whole - without, abs=1e-10)
    assert not np.allclose(found, head_importance.ablate(double, reading, 1, 3))


def test_mean_outputs_are_what_the_projections_read(double: Classifier) -> None:
    texts = [double.encode("The team wins"), double.encode("Bad movie, was it not?")]
    seen: list[Tensor] = []
    handles = [
        module.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
        for module in projections(double)
    ]
    try:
        for encoding in texts:
            double.forward(encoding)
    finally:
        for handle in handles:
            handle.remove()
    means = torch.stack([outputs[0].mean(0) for outputs in seen]).reshape(2, double.n_layers, -1)
    found = head_importance.mean_outputs(double, texts)
    assert found.shape == (double.n_layers, double.n_heads, 8)
    np.testing.assert_allclose(
        found.reshape(double.n_layers, -1), means.mean(0).numpy(), rtol=0, atol=1e-12
    )


def test_the_batch_does_not_show(bert: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = bert.read(TEXT)
    together = head_importance.ablate(bert, reading)
    told: list[float] = []
    for rows in (5, 1):
        monkeypatch.setattr(head_importance, "MAX_TOKENS", rows * reading.encoding.n_tokens)
        told.clear()
        found = head_importance.ablate(bert, reading, progress=told.append)
        np.testing.assert_allclose(found, together, rtol=0, atol=1e-12)
        assert max(told) == rows
        assert sum(told) == bert.n_layers * bert.n_heads


def test_importance_is_the_mean_size_over_texts(bert: Classifier) -> None:
    readings = [bert.read(text) for text in (TEXT, PAIR, "Bad movie.")]
    told: list[float] = []
    found = head_importance.importance(bert, iter(readings), progress=told.append)
    each = [head_importance.gate_gradients(bert, reading) for reading in readings]
    np.testing.assert_allclose(found, np.mean(np.abs(each), axis=0), rtol=0, atol=1e-15)
    assert np.min(each) < 0
    assert told == [2, 2, 2]


def test_both_measures_come_with_their_correlation(bert: Classifier) -> None:
    reading = bert.read(TEXT)
    found = head_importance.head_importance(bert, reading, 1, 3)
    np.testing.assert_array_equal(
        found.gradient, head_importance.gate_gradients(bert, reading, 1, 3)
    )
    np.testing.assert_array_equal(found.ablation, head_importance.ablate(bert, reading, 1, 3))
    assert found.correlation == spearman(found.gradient, found.ablation)
    assert not found.gradient.flags.writeable
    with pytest.raises(ValueError, match=r"\(L, H\) is needed"):
        HeadImportance(np.zeros((3, 4)), np.zeros((4, 3)), 0)


def test_ranks_correlate_as_by_hand() -> None:
    values = np.array([[0.1, 5.0], [-2.0, 3.0]])
    assert spearman(values, np.exp(values)) == pytest.approx(1)
    assert spearman(values, -values) == pytest.approx(-1)
    # Ranks 1, 2.5, 2.5, 4 against 1, 3, 2, 4: 4.5 / sqrt(4.5 * 5).
    tied, other = np.array([0, 1, 1, 7]), np.array([0, 2, 1, 3])
    assert spearman(tied, other) == pytest.approx(np.sqrt(0.9))
    assert np.isnan(spearman(values, np.ones((2, 2))))


def test_a_model_without_heads_is_one_sentence(tmp_path: Path) -> None:
    other = Classifier.load(architecture_checkpoint(tmp_path / "fnet", "fnet"))
    reading = other.read(TEXT)
    message = r"^This model has no attention to show: .*\.$"
    for call in (
        head_importance.gate_gradients,
        head_importance.ablate,
        head_importance.head_importance,
    ):
        with pytest.raises(MethodError, match=message):
            call(other, reading)
    with pytest.raises(MethodError, match=message):
        head_importance.mean_outputs(other, [reading.encoding])


def test_heads_of_a_family_with_attention_code_of_its_own_are_gated_at_their_weights(
    tmp_path: Path,
) -> None:
    """Ablation is what the plain model says with the columns of one head taken out."""
    other = Classifier.load(tiny_mpnet(tmp_path), dtype=torch.float64)
    reading = other.read(TEXT)
    found = head_importance.ablate(other, reading, 1, 2)
    layer, head, size = 1, 2, other.config.hidden_size // other.n_heads
    output = other.layers[layer].get_submodule("attention.attn.o")

    def without(module: object, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        heads = inputs[0].clone()
        heads[..., head * size : (head + 1) * size] = 0
        return (heads,)

    handle = output.register_forward_pre_hook(without)
    rest = other.forward(reading.encoding)
    handle.remove()
    lost = Target(1, 2).value(reading.prediction.logits) - Target(1, 2).value(rest).item()
    assert found[layer, head] == pytest.approx(lost, abs=1e-9)
    with pytest.raises(MethodError, match=r"can't be reached, so there are no means of them"):
        head_importance.mean_outputs(other, [reading.encoding])


def test_what_cannot_be_averaged_or_filled_is_one_sentence(bert: Classifier) -> None:
    with pytest.raises(SelectionError, match=r"^No text was given; head importance .*\.$"):
        head_importance.importance(bert, [])
    with pytest.raises(SelectionError, match=r"^No text was given; mean outputs .*\.$"):
        head_importance.mean_outputs(bert, [])
    message = r"^The mean outputs have shape \(3, 4, 7\); this checkpoint needs \(3, 4, 8\) .*\.$"
    with pytest.raises(SelectionError, match=message):
        head_importance.ablate(bert, bert.read(TEXT), mean=np.zeros((3, 4, 7)))
