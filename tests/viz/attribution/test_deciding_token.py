"""Methods that follow the deciding token, against slow loops over the maps of a plain model."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification

from finetune.checkpoint.arrays import FloatArray
from tests.families import LONG_TEXT, family_checkpoint
from viz import METHODS, Classifier, Reading, attribute
from viz.attribution.descriptions import summary
from viz.attribution.target import Target

MARGIN = Target(1, 2)
SHARES = {
    "bert": "first",
    "gpt2": "last",
    "llama": "last",
    "qwen2 window": "last",
    "modernbert mean": "mean",
    "eurobert mean": "mean",
}
"""Families, and where each reads its class from."""
LABELS = {"first": "[CLS]", "last": "the last token", "mean": "the mean of all tokens"}


class Plain:
    """A family in double precision: our classifier, and the maps of transformers' own model."""

    def __init__(self, folder: Path) -> None:
        self.classifier = Classifier.load(folder, dtype=torch.float64, device="cpu")
        self.reading: Reading = self.classifier.read(LONG_TEXT)
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, attn_implementation="eager", dtype=torch.float64
        ).eval()
        ids = self.reading.encoding.inputs
        inputs = {name: torch.tensor(values)[None] for name, values in ids.items()}
        output = model(**inputs, output_attentions=True)
        slopes: tuple[Tensor, ...] = torch.autograd.grad(
            MARGIN.value(output.logits[0]), output.attentions
        )
        self.maps: list[FloatArray] = [each[0].detach().numpy() for each in output.attentions]
        """Of each layer (H, Q, K)."""
        self.slopes: list[FloatArray] = [each[0].numpy() for each in slopes]

    def scores(self, method: str) -> FloatArray:
        """What the method says of the text."""
        return attribute(self.classifier, self.reading, method, 1, 2).scores


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Plain]:
    """Each family, built and read once."""
    known: dict[str, Plain] = {}

    def of(family: str) -> Plain:
        if family not in known:
            folder = tmp_path_factory.mktemp("family") / "checkpoint"
            known[family] = Plain(family_checkpoint(folder, family))
        return known[family]

    return of


def shares(family: str, n_tokens: int) -> list[float]:
    """How much each token is read, by hand."""
    where = SHARES[family]
    if where == "mean":
        return [1 / n_tokens] * n_tokens
    return [float(at == (0 if where == "first" else n_tokens - 1)) for at in range(n_tokens)]


@pytest.mark.parametrize("family", SHARES)
def test_attention_and_rollout_are_the_rows_of_the_tokens_that_are_read(
    plain: Callable[[str], Plain], family: str
) -> None:
    found = plain(family)
    n_heads, n_tokens, _ = found.maps[0].shape
    pooled = shares(family, n_tokens)
    attention, rollout = np.zeros(n_tokens), np.zeros(n_tokens)
    for q in range(n_tokens):
        for head in range(n_heads):
            attention += pooled[q] * found.maps[-1][head, q] / n_heads
    for q in range(n_tokens):
        row = np.eye(n_tokens)[q]
        for weights in reversed(found.maps):  # from the top down a row stays a row
            row = row / 2 + sum(row[k] * weights[:, k].mean(0) for k in range(n_tokens)) / 2
        rollout += pooled[q] * row
    np.testing.assert_allclose(found.scores("attention"), attention, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.scores("rollout"), rollout, rtol=0, atol=1e-6)


@pytest.mark.parametrize("family", SHARES)
def test_gradients_of_maps_count_where_the_class_is_read(
    plain: Callable[[str], Plain], family: str
) -> None:
    found = plain(family)
    n_heads, n_tokens, _ = found.maps[0].shape
    pooled = shares(family, n_tokens)
    last = np.zeros(n_tokens)
    for head in range(n_heads):
        for q in range(n_tokens):
            row = found.maps[-1][head, q] * found.slopes[-1][head, q]
            assert pooled[q] or not row.any()
            last += row
    relevance = np.eye(n_tokens)
    for weights, slopes in zip(found.maps, found.slopes, strict=True):
        positive = np.where(weights * slopes > 0, weights * slopes, 0).mean(0)
        relevance = relevance + positive @ relevance
    expected = sum(pooled[q] * (relevance - np.eye(n_tokens))[q] for q in range(n_tokens))
    np.testing.assert_allclose(found.scores("grad-attention"), last, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.scores("chefer"), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("family", SHARES)
def test_labels_name_the_token_alike_for_a_classifier_and_its_readings(
    plain: Callable[[str], Plain], family: str
) -> None:
    found = plain(family)
    for which in (found.classifier, found.reading):
        label = METHODS["attention"].label_of(which)
        assert label == f"Attention of {LABELS[SHARES[family]]}"
        assert "the deciding token" not in METHODS["value-zeroing"].description_of(which)


def test_of_a_text_without_special_tokens_no_share_of_theirs_is_told(
    plain: Callable[[str], Plain],
) -> None:
    for family, is_told in (("gpt2", False), ("bert", True)):
        found = plain(family)
        split = attribute(found.classifier, found.reading, "decomposition", 1, 2, shares=False)
        assert ("special tokens" in summary(found.reading, split)) == is_told
