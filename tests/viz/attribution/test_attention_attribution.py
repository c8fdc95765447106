"""Attention attribution against a loop by hand and its sum."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from tests.architectures import architecture_checkpoint
from tests.tiny_models import tiny_checkpoint, tiny_mpnet
from viz import Classifier
from viz.attribution import path_integral
from viz.attribution.attention_attribution import ATTENTION_ATTRIBUTION
from viz.attribution.method import AttributionInput, TokenScores
from viz.attribution.target import Target
from viz.errors import MethodError
from viz.model.attention_function import ATTENTION, recorded_attention
from viz.model.recording import Recorder

TEXT = "Oil prices rise as stockss fall, the market was not good!"
MARGIN = Target(1, 3)


@pytest.fixture(scope="module")
def double(family_checkpoint: Path) -> Classifier:
    """Each family, computed in double precision."""
    return Classifier.load(family_checkpoint, dtype=torch.float64, device="cpu")


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """A tiny BERT in double precision."""
    folder = tiny_checkpoint(tmp_path_factory.mktemp("attattr") / "bert")
    return Classifier.load(folder, dtype=torch.float64, device="cpu")


def run(classifier: Classifier, target: Target = MARGIN, **options: int) -> TokenScores:
    """What `attribute` makes of a text, before it is packed."""
    reading = classifier.read(TEXT)
    return ATTENTION_ATTRIBUTION.run(
        AttributionInput(
            classifier, reading, target, ATTENTION_ATTRIBUTION.resolve_options(options)
        )
    )


def by_hand(classifier: Classifier, layer: int, n_steps: int) -> np.ndarray:
    """A * mean_a dF(aA)/dA, one point at a time, A exchanged inside transformers' own function."""
    encoding = classifier.encode(TEXT)
    recorded = Recorder()
    with torch.no_grad():
        classifier.forward(encoding, recorded)
    whole, total = recorded.weights[layer], torch.zeros_like(recorded.weights[layer])
    for step in range(1, n_steps + 1):
        place = (whole * (step - 0.5) / n_steps).requires_grad_()
        logits = exchanged(classifier, layer, place)
        total += torch.autograd.grad(MARGIN.value(logits), place)[0]
    attribution: np.ndarray = (whole * total / n_steps)[0].numpy()
    return attribution


def exchanged(classifier: Classifier, layer: int, weights: Tensor) -> Tensor:
    """The logits where one layer attends with weights of ours, whatever its queries and keys."""
    calls = iter(range(classifier.n_layers))
    thread = threading.get_ident()  # what another test left in the background reads by itself

    def ours(
        module: torch.nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Any, **rest: Any
    ) -> tuple[Tensor, Tensor | None]:
        if threading.get_ident() != thread or next(calls) != layer:
            return recorded_attention(module, query, key, value, mask, **rest)
        return torch.einsum("bhqk,bhkd->bqhd", weights, value).contiguous(), weights

    before = ALL_ATTENTION_FUNCTIONS[ATTENTION]
    ALL_ATTENTION_FUNCTIONS[ATTENTION] = ours
    try:
        return classifier.forward(classifier.encode(TEXT))
    finally:
        ALL_ATTENTION_FUNCTIONS[ATTENTION] = before


@pytest.mark.parametrize("layer", [0, 2])
def test_attention_attribution_equals_a_loop_by_hand(
    double: Classifier, layer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(path_integral, "MAX_STEPS", 5)
    found = run(double, layer=layer, n_steps=5)
    expected = by_hand(double, layer, 5)
    np.testing.assert_allclose(found.scores, expected.sum((0, 1)), rtol=0, atol=1e-10)
    if layer == 2:
        np.testing.assert_allclose(found.scores, expected[:, 0].sum(0), rtol=0, atol=1e-10)


def from_nothing(classifier: Classifier, layer: int) -> float:
    """F with the layer's attention, minus F without."""
    reading = classifier.read(TEXT)
    nothing = torch.zeros_like(torch.tensor(reading.attention.weights[layer])[None])
    without = MARGIN.value(exchanged(classifier, layer, nothing.double())).item()
    return float(MARGIN.value(reading.prediction.logits)) - without


def test_attention_attribution_adds_up_in_every_layer(double: Classifier) -> None:
    for layer in range(double.n_layers):
        found = run(double, layer=layer, n_steps=50)
        assert float(found.scores.sum()) == pytest.approx(from_nothing(double, layer), rel=0.01)
        assert found.measured["convergence_delta"] < 0.01
        assert found.notes == ()


def test_fifty_steps_of_attention_attribution_miss_a_thousandth(bert: Classifier) -> None:
    for layer in range(bert.n_layers):
        found = run(bert, layer=layer, n_steps=50)
        assert found.measured["n_steps"] == 50
        assert float(found.scores.sum()) == pytest.approx(from_nothing(bert, layer), rel=1e-3)


def test_the_last_layer_is_the_default(bert: Classifier) -> None:
    np.testing.assert_array_equal(run(bert).scores, run(bert, layer=2).scores)


def test_a_layer_that_does_not_exist_is_one_sentence(bert: Classifier) -> None:
    message = r"^Layer 3 does not exist; the layers are 0 to 2, and -1 is the last\.$"
    with pytest.raises(MethodError, match=message):
        run(bert, layer=3)


def test_attention_code_of_a_family_is_scaled_too(tmp_path: Path) -> None:
    other = Classifier.load(tiny_mpnet(tmp_path), dtype=torch.float64)
    assert np.isfinite(run(other, Target(1, 2)).scores).all()


def test_a_model_without_attention_is_refused(tmp_path: Path) -> None:
    other = Classifier.load(architecture_checkpoint(tmp_path / "fnet", "fnet"))
    with pytest.raises(MethodError, match=r"^This model has no attention to show: .*\.$"):
        run(other, Target(1, 2))
