"""What training lowers: cross-entropy, with weights for rare classes and smoothed labels.

For scores it is the squared error in units of their variance over the training rows.

Every loss is a sum over the rows of a step divided by their number, so that a step made of several
batches weighs each row alike, however the rows fell into batches.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from finetune.checkpoint.score_scale import ScoreScale
from finetune.data.rows import Rows
from finetune.run.config_sections import ClassWeights, LossConfig

Loss = Callable[..., Tensor]
HALF_PRECISION = (torch.bfloat16, torch.float16)

BETA = 0.999
"""How much a further row of the same class repeats: Cui et al. 2019, between 0.99 and 0.9999."""


def training_loss(
    config: LossConfig, rows: Rows, labels: Sequence[str], scale: ScoreScale | None
) -> Loss:
    """The loss that *config* asks for on the training *rows* of the classes *labels*, or scores."""
    if scale is not None:
        return score_loss(scale)
    return build_loss(
        config.class_weights,
        list(rows.counts(labels).values()),
        rows=len(rows),
        smoothing=config.label_smoothing,
        multi_label=rows.multi_label,
    )


def build_loss(
    kind: ClassWeights, counts: Sequence[int], *, rows: int, smoothing: float, multi_label: bool
) -> Loss:
    """The Trainer's `compute_loss_func`.

    Args:
        kind: How classes are weighted.
        counts: Training rows that have each class.
        rows: Training rows in all.
        smoothing: Share of a label spread over all classes; single-label rows only.
        multi_label: Whether a row may have several classes.
    """
    if multi_label:
        weights = None if kind == "none" else positive_weights(kind, counts, rows=rows)
        return _sum_over_step(functional.binary_cross_entropy_with_logits, pos_weight=weights)
    weights = None if kind == "none" else class_weights(kind, counts)
    return _sum_over_step(functional.cross_entropy, weight=weights, label_smoothing=smoothing)


def score_loss(scale: ScoreScale) -> Loss:
    """The Trainer's `compute_loss_func` for one score a row: logits are to be standardized."""

    def squared(logits: Tensor, scores: Tensor, **settings: Any) -> Tensor:
        return functional.mse_loss(logits.squeeze(-1), scale.standardized(scores), **settings)

    return _sum_over_step(squared)


def class_weights(kind: ClassWeights, counts: Sequence[int]) -> Tensor:
    """A weight for each class, 1 on average over the training rows.  (C,)"""
    rarity = _inverse_frequency(kind, counts)
    number = torch.tensor(counts, dtype=torch.float64)
    return rarity * number.sum() / (rarity * number).sum()


def positive_weights(kind: ClassWeights, counts: Sequence[int], *, rows: int) -> Tensor:
    """What a row that has a class counts, beside one that hasn't.  (C,)"""
    return _inverse_frequency(kind, counts) / _inverse_frequency(
        kind, [rows - count for count in counts]
    )


def _inverse_frequency(kind: ClassWeights, counts: Sequence[int]) -> Tensor:
    """One over the number of rows, or over how many rows they are worth (Cui et al. 2019)."""
    number = torch.tensor(counts, dtype=torch.float64).clamp(min=1)
    return 1 / number if kind == "balanced" else (1 - BETA) / (1 - BETA**number)


def _sum_over_step(loss: Callable[..., Tensor], **settings: Any) -> Loss:
    """*loss* over the rows (or decisions, where each row is one per class) of a whole step."""

    def compute(
        outputs: Any, labels: Tensor, num_items_in_batch: Tensor | int | None = None
    ) -> Tensor:
        logits = outputs["logits"]
        logits = logits.float() if logits.dtype in HALF_PRECISION else logits
        moved = {
            name: value.to(logits) if isinstance(value, Tensor) else value
            for name, value in settings.items()
        }
        total = loss(logits, labels, reduction="sum", **moved)
        return total / (labels.numel() if num_items_in_batch is None else num_items_in_batch)

    return compute
