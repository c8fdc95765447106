"""The weights of a plain checkpoint, from a model that learned with something of its own in it."""

import torch
from torch import Tensor
from transformers import PreTrainedModel

from finetune.checkpoint.score_scale import ScoreScale
from finetune.training.lora import adapters, merged_weights


def are_plain(model: PreTrainedModel, scale: ScoreScale | None) -> bool:
    """Whether the weights that learn are those of the checkpoint."""
    return scale is None and not adapters(model)


@torch.no_grad()
def plain_weights(
    model: PreTrainedModel, scale: ScoreScale | None, weights: dict[str, Tensor] | None = None
) -> dict[str, Tensor]:
    """The weights of *model*, adapters merged and scores in their own unit; it stays as it is.

    Of a model in parts, its whole *weights* are given.
    """
    weights = merged_weights(model) if weights is None else weights
    return weights if scale is None else scale.unscaled_weights(weights, model)
