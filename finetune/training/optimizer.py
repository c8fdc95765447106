"""AdamW with the two refinements of fine-tuning: no decay where it harms, slower lower layers."""

import re
from collections import defaultdict

import torch
from torch import nn
from transformers import PreTrainedModel

from finetune.checkpoint.families import layer_number
from finetune.run.config_sections import BERT_LEARNING_RATE, OptimizerConfig

NORM = re.compile(r"norm|\bln\b", re.IGNORECASE)
BASE_WIDTH = 768
"""The width of BERT-base."""
NO_DECAY = re.compile(r"bias|norm", re.IGNORECASE)


def build_optimizer(model: PreTrainedModel, config: OptimizerConfig) -> torch.optim.AdamW:
    """AdamW whose rate falls by `layer_decay` from the head down to the embeddings."""
    n_layers = model.config.num_hidden_layers
    groups: dict[tuple[int, bool], list[nn.Parameter]] = defaultdict(list)
    at = heights(model)
    for name, parameter in model.named_parameters():
        steps_down = n_layers + 1 - at[name]
        groups[steps_down, NO_DECAY.search(name) is None].append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "lr": config.rate * config.layer_decay**steps_down,
                "weight_decay": config.weight_decay if decays else 0.0,
            }
            for (steps_down, decays), parameters in groups.items()
        ],
        lr=config.rate,
        fused=True,
    )


def rate_for(model: PreTrainedModel, config: OptimizerConfig) -> float:
    """The peak rate of *config*, or else what suits the width of the *model*.

    The step that AdamW takes is about as large for every weight, and what a step changes in a sum
    grows with the number of its terms, so the rate falls with the width (Yang et al. 2021, Tensor
    Programs V). Where few weights learn, they may learn faster.
    """
    if config.learning_rate is not None:
        return config.learning_rate
    return rate_by_width(model) * (10 if config.lora_rank or config.head_only else 1)


def rate_by_width(model: PreTrainedModel) -> float:
    """The peak rate that suits a *model* all of whose weights learn."""
    width: int = getattr(model.config, "hidden_size", BASE_WIDTH)
    return float(f"{BERT_LEARNING_RATE * BASE_WIDTH / width:.2g}")


def has_layers(model: PreTrainedModel) -> bool:
    """Whether its layers have weights of their own, by names that we know."""
    return any(layer_number(name, own=True) is not None for name, _ in model.named_parameters())


def heights(model: PreTrainedModel) -> dict[str, int]:
    """How high each parameter sits, by its name."""
    n_layers, encoder = model.config.num_hidden_layers, model.base_model_prefix
    return {name: height(name, n_layers, encoder) for name, _ in model.named_parameters()}


def height(name: str, n_layers: int, encoder: str) -> int:
    """How high a parameter sits: embeddings 0, layer L is L + 1, the head n_layers + 1.

    A norm behind the layers sits with the last one; what else the *encoder* has for all layers, as
    biases of positions, sits with the embeddings. The pooler belongs to the head.
    """
    layer = layer_number(name, own=True)
    if layer is not None:
        return layer + 1
    if not name.startswith(f"{encoder}.") or "pooler" in name:
        return n_layers + 1
    return n_layers if NORM.search(name) and "embed" not in name else 0
