"""The forward-mode decomposition: an oracle for `decomposition`, and DecompX with its biases."""

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.families import family_checkpoint
from tests.tiny_models import edit_config, tiny_checkpoint
from viz import Classifier, attribute
from viz.attribution import decompx
from viz.attribution.decompx import DECOMPX_ABSDOT, apart, by_product, propagate
from viz.attribution.method import AttributionInput
from viz.attribution.target import Target
from viz.errors import MethodError

TEXT = "Oil prices rise as stockss fall, the market was not good!"
PAIR = "The team wins"
TARGETS = [Target(1, 3), Target(2, None)]


@pytest.fixture(scope="module")
def double(family_checkpoint: Path) -> Classifier:
    return Classifier.load(family_checkpoint, dtype=torch.float64, device="cpu")


def task(
    classifier: Classifier, target: Target = TARGETS[0], pair: str | None = None
) -> AttributionInput:
    return AttributionInput(classifier, classifier.read(TEXT, pair), target)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("pair", [None, PAIR])
def test_biases_kept_apart_equal_the_decomposition_by_gradient(
    double: Classifier, target: Target, pair: str | None
) -> None:
    asked = task(double, target, pair)
    expected = attribute(
        double, asked.reading, "decomposition", target.target_class, target.against_class
    )
    found = propagate(asked, apart).numpy()
    np.testing.assert_allclose(found[:-1], expected.scores, rtol=0, atol=1e-12)
    assert found[-1] == pytest.approx(expected.bias, abs=1e-12)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("pair", [None, PAIR])
def test_tokens_that_share_the_biases_add_up_to_the_explained_scalar(
    double: Classifier, target: Target, pair: str | None
) -> None:
    asked = task(double, target, pair)
    found = DECOMPX_ABSDOT.run(asked)
    assert found.bias == 0
    whole = float(target.value(asked.reading.prediction.logits))
    assert float(found.scores.sum()) == pytest.approx(whole, abs=1e-10)
    without = propagate(asked, apart).numpy()
    assert abs(without[-1]) > 1e-3
    assert not np.allclose(found.scores, without[:-1], atol=1e-3)


def test_without_any_bias_both_ways_agree(checkpoint: Path) -> None:
    classifier = Classifier.load(checkpoint, dtype=torch.float64)
    with torch.no_grad():
        for name, parameter in classifier.model.named_parameters():
            # What the embeddings add belongs to the tokens.
            if name.endswith("bias") and "embeddings" not in name:
                parameter.zero_()
    asked = task(classifier)
    found = propagate(asked, apart).numpy()
    assert found[-1] == 0
    np.testing.assert_allclose(propagate(asked, by_product), found[:-1], rtol=0, atol=1e-12)


def test_a_bias_is_shared_by_the_size_of_its_product() -> None:
    """|<b, x>| of two parts, 3 and 1; a part at right angles gets nothing."""
    bias = torch.tensor([1.0, 0.0], dtype=torch.float64)
    parts = torch.tensor([[3.0, 5.0], [-1.0, 2.0], [0.0, 7.0]], dtype=torch.float64)
    assert by_product(parts @ bias).tolist() == [0.75, 0.25, 0]
    assert by_product(parts * 0 @ bias).tolist() == pytest.approx([1 / 3] * 3)


def test_small_pieces_give_the_same(double: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = propagate(task(double), by_product)
    monkeypatch.setattr(decompx, "CHUNK_BYTES", 1)
    np.testing.assert_allclose(propagate(task(double), by_product), whole, rtol=0, atol=1e-12)


def test_single_precision_finds_the_same(family_checkpoint: Path, double: Classifier) -> None:
    single = Classifier.load(family_checkpoint)
    found, expected = (DECOMPX_ABSDOT.run(task(one)).scores for one in (single, double))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_work_is_told_of_as_it_is_done_and_can_be_ended(classifier: Classifier) -> None:
    reading = classifier.read(TEXT)
    done: list[float] = []
    DECOMPX_ABSDOT.run(AttributionInput(classifier, reading, TARGETS[0], progress=done.append))
    expected = 0.8 * reading.encoding.n_tokens
    assert len(done) > classifier.n_layers * classifier.n_heads
    assert 0.7 * expected < sum(done) <= expected

    class EndedError(Exception):
        pass

    def end(passes: float) -> None:
        raise EndedError

    with pytest.raises(EndedError):
        DECOMPX_ABSDOT.run(AttributionInput(classifier, reading, TARGETS[0], progress=end))


@pytest.mark.parametrize("activation", ["gelu_new", "relu", "silu"])
def test_other_activations_add_up_too(tmp_path: Path, activation: str) -> None:
    folder = tiny_checkpoint(tmp_path / "bert")
    edit_config(folder, hidden_act=activation)
    classifier = Classifier.load(folder, dtype=torch.float64)
    asked = task(classifier)
    expected = attribute(classifier, asked.reading, "decomposition", 1, 3).scores
    np.testing.assert_allclose(propagate(asked, apart)[:-1], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "family",
    [
        *("deberta-v2", "eurobert late", "falcon grouped", "gemma2", "gpt2", "gpt_neox", "llama"),
        *("modernbert mean", "mpnet", "nomic_bert"),
    ],
)
def test_families_made_in_other_ways_are_split_as_by_gradient(tmp_path: Path, family: str) -> None:
    folder = family_checkpoint(tmp_path / "x", family)
    classifier = Classifier.load(folder, dtype=torch.float64, device="cpu")
    asked = task(classifier, TARGETS[1])
    expected = attribute(classifier, asked.reading, "decomposition", *astuple(TARGETS[1])[:2])
    found = propagate(asked, apart).numpy()
    # Some families normalize in single precision, whatever they are loaded in.
    np.testing.assert_allclose(found[:-1], expected.scores, rtol=0, atol=1e-6)
    assert found[-1] == pytest.approx(expected.bias, abs=1e-6)
    shared = DECOMPX_ABSDOT.run(asked)
    assert float(shared.scores.sum()) == pytest.approx(expected.value, abs=1e-5)


def test_layers_that_hand_tokens_to_experts_are_refused_in_one_sentence(
    tmp_path: Path,
) -> None:
    classifier = Classifier.load(family_checkpoint(tmp_path / "x", "qwen3_moe"))
    with pytest.raises(
        MethodError, match="can't be taken apart: no rule tells the parts of what torch's 'sum'"
    ):
        DECOMPX_ABSDOT.run(task(classifier, Target(1, 0)))


def test_what_no_rule_splits_is_refused(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A head may use the familiar names and compute something else."""
    plain = type(classifier.model).forward

    def forward(*args: object, **kwargs: object) -> object:
        output = plain(*args, **kwargs)
        output.logits = output.logits.cumsum(-1)
        return output

    monkeypatch.setattr(type(classifier.model), "forward", forward)
    with pytest.raises(MethodError, match="no rule tells the parts of what torch's 'cumsum'"):
        propagate(task(classifier), apart)


def test_parts_that_do_not_add_up_are_refused(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = task(classifier)
    monkeypatch.setattr(decompx, "by_product", lambda products: products * 0)
    with pytest.raises(MethodError, match="don't add up to the logits"):
        propagate(asked, decompx.by_product)
