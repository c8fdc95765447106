"""Families that CLSight was not made for: what they are shown is right, or one sentence says no."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification

from tests.architectures import architecture_checkpoint
from viz import Classifier, Reading, attribute
from viz.attribution.contribution import contribution
from viz.attribution.head_importance import gate_gradients
from viz.attribution.linear_pass import linear_pass
from viz.attribution.target import Target
from viz.errors import CheckpointError, MethodError, MissingAttentionError
from viz.model.head_gates import HeadGates
from viz.model.recording import Leaf, Recorder

TEXT = "Oil prices rise as stocks fall, the market was not good."
MIN_PROBE_TOKENS = f"{TEXT} {TEXT} {TEXT} {TEXT}"
MARGIN = Target(1, 3)

Load = Callable[..., Classifier]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Each family, in double precision, built and loaded once."""
    known: dict[str, Classifier] = {}

    def loaded(family: str, **settings: Any) -> Classifier:
        key = repr((family, settings))
        if key not in known:
            folder = architecture_checkpoint(tmp_path_factory.mktemp(family), family, **settings)
            known[key] = Classifier.load(folder, dtype=torch.float64, device="cpu")
        return known[key]

    return loaded


def bent(forward: Callable[..., Any]) -> Callable[..., Any]:
    """A layer behind which stands an arctangent, which no rule makes linear."""

    def bent_forward(*inputs: Any, **named: Any) -> Any:
        output = forward(*inputs, **named)
        return (output[0] if isinstance(output, tuple) else output).atan()

    return bent_forward


@pytest.mark.parametrize("family", ["modernbert", "eurobert", "esm", "nomic_bert"])
def test_parts_that_add_up_by_luck_are_refused_too(load: Load, family: str) -> None:
    """The gap at the first layer's input is made to be nothing; those above are seen."""
    classifier = load(family)
    reading = classifier.read(TEXT)
    straight = [layer.forward for layer in classifier.layers]
    for layer in classifier.layers:
        layer.forward = bent(layer.forward)
    try:
        recorder = Recorder("input", freeze=True)
        logits = classifier.forward(reading.encoding, recorder)
        leaves = [recorder.required_leaf(), *recorder.biases]
        gaps = []
        for logit in logits:
            slopes = torch.autograd.grad(logit, leaves, retain_graph=True, allow_unused=True)
            parts = [(a * b).sum() for a, b in zip(leaves, slopes, strict=True) if b is not None]
            gaps.append((sum(parts) - logit).item())
        lucky = logits.new_tensor([gaps[1], -gaps[0], 0, 0]) / max(map(abs, gaps[:2]))
        with pytest.raises(MethodError, match="does not add up"):
            linear_pass(
                classifier, [reading.encoding.inputs], Recorder("input", freeze=True)
            ).split_gradients(lambda rows: rows @ lucky)
        for method in ("decomposition", "decomposition-path", "decomposition+"):
            with pytest.raises(MethodError, match=r"does not add up .*; choose another method\.$"):
                attribute(classifier, reading, method)
        with pytest.raises(MethodError, match="does not add up"):
            contribution(classifier, reading)
    finally:
        for layer, forward in zip(classifier.layers, straight, strict=True):
            layer.forward = forward


class Held(Recorder):
    """Puts attention weights of our own in the place of those of the text."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.given = weights

    def on_weights(self, weights: Tensor) -> Tensor:
        self.weights.append(weights)
        return self.given[len(self.weights) - 1][None]


def test_contributions_of_mobilebert_are_what_the_scalar_gains_with_each_weight(
    load: Load,
) -> None:
    """It has neither a LayerNorm nor a GELU: with attention held, small steps are exact."""
    classifier = load("mobilebert", classifier_activation=False)
    reading = classifier.read(TEXT)
    found = contribution(classifier, reading, MARGIN.target_class, MARGIN.against_class)
    weights = torch.tensor(reading.attention.weights, dtype=torch.float64)
    places = np.random.default_rng(0).integers(0, weights.shape, (20, 4))
    for place in map(tuple, places):
        ends = []
        for step in (1e-4, -1e-4):
            moved = weights.clone()
            moved[place] *= 1 + step
            ends.append(MARGIN.value(classifier.forward(reading.encoding, Held(moved))).item())
        slope = (ends[0] - ends[1]) / 2e-4
        assert found.values[place] == pytest.approx(slope, abs=1e-6)
    split = attribute(classifier, reading, target_class=1, against=3)
    assert split.bias is not None
    assert float(split.scores.sum()) + split.bias == pytest.approx(split.value, abs=1e-9)


@pytest.mark.parametrize("family", ["modernbert", "eurobert", "nomic_bert"])
def test_gates_of_heads_are_finite_differences_whatever_the_family(load: Load, family: str) -> None:
    classifier = load(family)
    reading = classifier.read(TEXT)
    found = gate_gradients(classifier, reading, 1, 3)
    for layer, head in [(0, 0), (1, 3)]:
        values = []
        for step in (1e-2, -1e-2):  # parts of these families are computed in single precision
            gates = torch.ones(1, classifier.n_layers, classifier.n_heads, dtype=torch.float64)
            gates[0, layer, head] += step
            values.append(
                MARGIN.value(classifier.forward(reading.encoding, HeadGates(gates))).item()
            )
        assert found[layer, head] == pytest.approx((values[0] - values[1]) / 2e-2, abs=2e-4)


class Moved(Recorder):
    """Moves the word embeddings by a step of their own size."""

    weighs = False

    def __init__(self, token: int, step: float) -> None:
        super().__init__("words")
        self.token, self.step = token, step

    def on_leaf(self, name: Leaf, output: Tensor) -> Tensor:
        if name != "words":
            return output
        moved = output.clone()
        moved[:, self.token] *= 1 + self.step
        return moved


@pytest.mark.parametrize("family", ["modernbert", "eurobert", "esm", "deberta-v2"])
def test_input_times_gradient_is_a_finite_difference_whatever_the_family(
    load: Load, family: str
) -> None:
    classifier = load(family)
    reading = classifier.read(TEXT)
    found = attribute(classifier, reading, "input-x-gradient", target_class=1, against=3)
    for token in (0, 1, 5):
        ends = [
            MARGIN.value(classifier.forward(reading.encoding, Moved(token, step))).item()
            for step in (3e-3, -3e-3)
        ]
        assert found.scores[token] == pytest.approx((ends[0] - ends[1]) / 6e-3, abs=5e-4)


def deciding_rows(folder: Path, reading: Reading) -> list[int]:
    """The last states that move the logits, found by moving each one in a plain model."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float64).eval()
    inputs = {name: torch.tensor(ids)[None] for name, ids in reading.encoding.inputs.items()}
    place = [None]

    def move(module: object, given: object, output: Any) -> Any:
        if place[0] is not None:
            output.last_hidden_state[0, place[0]] += 1
        return output

    base = model.base_model
    base.register_forward_hook(move)
    with torch.no_grad():
        plain, moved = model(**inputs).logits, []
        for row in range(reading.encoding.n_tokens):
            place[0] = row  # type: ignore[call-overload]
            if not torch.equal(model(**inputs).logits, plain):
                moved.append(row)
    return moved


@pytest.mark.parametrize(
    ("family", "pooling", "reads"),
    [
        ("modernbert", "cls", "first"),
        ("modernbert", "mean", "mean"),
        ("eurobert", "bos", "first"),
        ("eurobert", "mean", "mean"),
        ("eurobert", "late", "several"),
    ],
)
def test_which_last_states_the_class_is_read_from_is_found_by_the_gradient(
    tmp_path: Path, family: str, pooling: str, reads: str
) -> None:
    folder = architecture_checkpoint(tmp_path / "pooled", family, classifier_pooling=pooling)
    classifier = Classifier.load(folder, dtype=torch.float64)
    reading = classifier.read(TEXT)
    assert classifier.capabilities.reads == reads
    rows = deciding_rows(folder, reading)
    assert rows == ([0] if reads == "first" else list(range(reading.encoding.n_tokens)))


def test_a_model_that_changes_itself_is_read_by_twins_and_stays_as_it_was(tmp_path: Path) -> None:
    """BigBird turns to full attention for good when a short text comes."""
    folder = architecture_checkpoint(tmp_path / "bigbird", "big_bird")
    classifier = Classifier.load(folder)
    short, long = classifier.encode("oil prices"), classifier.encode("oil prices rise " * 16)
    plain = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager")
    inputs = {name: torch.tensor(ids)[None] for name, ids in long.inputs.items()}
    with torch.no_grad():
        expected = plain.eval()(**inputs).logits[0]
    for _ in range(2):
        classifier.forward(short)
        torch.testing.assert_close(classifier.forward(long), expected, rtol=0, atol=1e-6)
    assert classifier.model.bert.attention_type == "block_sparse"
    assert "no attention to show" in classifier.capabilities.no_attention
    split = attribute(classifier, classifier.read("oil prices rise " * 16))
    assert split.bias is not None
    assert float(split.scores.sum()) + split.bias == pytest.approx(split.value, abs=1e-4)


@pytest.mark.parametrize("family", ["modernbert", "big_bird", "mobilebert", "deberta-v2"])
@pytest.mark.parametrize("text", ["oil", TEXT, MIN_PROBE_TOKENS])
def test_what_is_read_is_what_a_plain_model_says(tmp_path: Path, family: str, text: str) -> None:
    settings: dict[str, Any] = {"attention_type": "original_full"} if family == "big_bird" else {}
    folder = architecture_checkpoint(tmp_path / family, family, seed=0, **settings)
    reading = Classifier.load(folder).read(text)
    plain = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager")
    inputs = {name: torch.tensor(ids)[None] for name, ids in reading.encoding.inputs.items()}
    with torch.no_grad():
        output = plain.eval()(**inputs, output_attentions=True)
    np.testing.assert_allclose(reading.prediction.logits, output.logits[0], rtol=0, atol=1e-5)
    weights = torch.cat(output.attentions).numpy()
    np.testing.assert_allclose(reading.attention.weights, weights, rtol=0, atol=1e-5)


def test_texts_are_read_one_by_one_where_padding_would_change_what_is_said(load: Load) -> None:
    classifier = load("nystromformer")
    assert classifier.capabilities.pads is None
    rows = [classifier.encode(text).inputs for text in ("oil prices", TEXT)]
    together = classifier.logits(rows)
    alone = np.concatenate([classifier.logits([row]) for row in rows])
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("family", ["fnet", "reformer"])
def test_a_family_without_a_map_for_each_head_says_so_and_classifies(
    tmp_path: Path, family: str
) -> None:
    reading = Classifier.load(architecture_checkpoint(tmp_path / family, family)).read(TEXT)
    assert np.isfinite(reading.prediction.logits).all()
    with pytest.raises(MissingAttentionError, match=r"^This model has no attention to show: .*\.$"):
        assert reading.attention.weights is not None


def test_code_that_fails_on_one_text_is_one_sentence(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = load("esm")
    reading = classifier.read(TEXT)

    def fail(*args: object, **kwargs: object) -> None:
        raise IndexError("index out of range in self")

    monkeypatch.setattr(classifier.model.base_model, "forward", fail)
    for what in (
        lambda: classifier.read(TEXT),
        lambda: attribute(classifier, reading, "occlusion"),
        lambda: gate_gradients(classifier, reading),
    ):
        with pytest.raises(CheckpointError, match=r"own code failed on this text \(IndexError\)"):
            what()
