"""The losses against torch's own, and what their weights have to be."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from finetune.checkpoint.score_scale import ScoreScale
from finetune.run.config_sections import ClassWeights
from finetune.training.losses import BETA, build_loss, class_weights, positive_weights, score_loss

COUNTS = (70, 20, 10)
KINDS: tuple[ClassWeights, ...] = ("none", "balanced", "effective")


def single(kind: ClassWeights = "none", smoothing: float = 0.0) -> Any:
    return build_loss(kind, COUNTS, rows=100, smoothing=smoothing, multi_label=False)


@pytest.fixture
def logits() -> torch.Tensor:
    return torch.randn(8, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def labels() -> torch.Tensor:
    return torch.tensor([0, 1, 2, 0, 0, 1, 2, 2])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_one_class_per_row_is_torch_cross_entropy_per_row(
    kind: ClassWeights, smoothing: float, logits: torch.Tensor, labels: torch.Tensor
) -> None:
    weights = None if kind == "none" else class_weights(kind, COUNTS)
    oracle = nn.CrossEntropyLoss(weights, label_smoothing=smoothing, reduction="none")
    found = single(kind, smoothing)({"logits": logits}, labels)
    assert found.item() == pytest.approx(oracle(logits, labels).mean().item(), abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_several_classes_per_row_is_torch_bce(kind: ClassWeights, logits: torch.Tensor) -> None:
    flags = (logits > 0.3).double().flip(0)
    weights = None if kind == "none" else positive_weights(kind, COUNTS, rows=100)
    found = build_loss(kind, COUNTS, rows=100, smoothing=0, multi_label=True)
    oracle = nn.BCEWithLogitsLoss(pos_weight=weights)
    assert found({"logits": logits}, flags).item() == pytest.approx(
        oracle(logits, flags).item(), abs=1e-12
    )


@pytest.mark.parametrize("kind", KINDS)
def test_batches_of_a_step_sum_to_the_step(
    kind: ClassWeights, logits: torch.Tensor, labels: torch.Tensor
) -> None:
    loss = single(kind, 0.1)
    parts = (slice(0, 1), slice(1, 3), slice(3, 8))
    summed = sum(
        loss({"logits": logits[part]}, labels[part], num_items_in_batch=8) for part in parts
    )
    assert torch.as_tensor(summed).item() == pytest.approx(
        loss({"logits": logits}, labels).item(), abs=1e-12
    )


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    rows = torch.repeat_interleave(torch.arange(3), torch.tensor(COUNTS)).numpy()
    oracle = compute_class_weight("balanced", classes=np.arange(3), y=rows)
    assert class_weights("balanced", COUNTS).tolist() == pytest.approx(oracle.tolist())


def test_effective_weights_lie_between_none_and_balanced_and_average_to_one() -> None:
    counts = torch.tensor((7_000, 2_000, 100), dtype=torch.float64)
    balanced, effective = (class_weights(k, (7_000, 2_000, 100)) for k in KINDS[1:])
    assert ((effective * counts).sum() / counts.sum()).item() == pytest.approx(1)
    assert 1 < effective[2] / effective[0] < balanced[2] / balanced[0]
    worth = (1 - BETA**counts) / (1 - BETA)
    assert (effective[0] / effective[2]).item() == pytest.approx((worth[2] / worth[0]).item())


def test_a_positive_row_of_a_rare_class_counts_as_much_as_all_negative_ones() -> None:
    assert positive_weights("balanced", COUNTS, rows=100).tolist() == pytest.approx(
        [30 / 70, 80 / 20, 90 / 10]
    )


def test_a_class_without_rows_has_a_finite_weight() -> None:
    for kind in KINDS[1:]:
        assert class_weights(kind, (5, 0)).isfinite().all()
        assert positive_weights(kind, (5, 0), rows=5).isfinite().all()


def test_half_precision_logits_are_summed_in_float32(labels: torch.Tensor) -> None:
    logits = torch.zeros(8, 3, dtype=torch.bfloat16, requires_grad=True)
    loss = single("balanced")({"logits": logits}, labels)
    loss.backward()
    assert loss.dtype == torch.float32
    assert logits.grad is not None


def test_the_loss_of_scores_is_torch_mse_of_standardized_ones() -> None:
    scores = torch.tensor([1.0, 3.0, 8.0, 4.0], dtype=torch.float64)
    logits = torch.tensor([[0.1], [-0.5], [2.0], [0.0]], dtype=torch.float64)
    loss = score_loss(ScoreScale(mean=4.0, deviation=2.0))
    expected = nn.MSELoss()(logits[:, 0], (scores - 4) / 2).item()
    assert loss({"logits": logits}, scores).item() == pytest.approx(expected)
    parts = [
        loss({"logits": logits[part]}, scores[part], num_items_in_batch=4)
        for part in (slice(0, 1), slice(1, 4))
    ]
    assert sum(part.item() for part in parts) == pytest.approx(expected)
