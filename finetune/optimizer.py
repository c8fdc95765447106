"""AdamW with the two refinements of fine-tuning: no decay where it harms, slower lower layers."""

import re
from collections import defaultdict

import torch
from torch import nn
from transformers import PreTrainedModel

from finetune.config import TrainConfig

LAYER = re.compile(r"\blayers?\.(\d+)\.")
NO_DECAY = re.compile(r"bias|norm", re.IGNORECASE)


def build_optimizer(model: PreTrainedModel, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW whose rate falls by `layer_decay` from the head down to the embeddings."""
    n_layers = model.config.num_hidden_layers
    groups: dict[tuple[int, bool], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in model.named_parameters():
        steps_down = n_layers + 1 - height(name, n_layers)
        groups[steps_down, NO_DECAY.search(name) is None].append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "lr": config.learning_rate * config.layer_decay**steps_down,
                "weight_decay": config.weight_decay if decays else 0.0,
            }
            for (steps_down, decays), parameters in groups.items()
        ],
        lr=config.learning_rate,
        fused=True,
    )


def height(name: str, n_layers: int) -> int:
    """How high a parameter sits: embeddings 0, layer L is L + 1, the head n_layers + 1."""
    layer = LAYER.search(name)
    if layer is not None:
        return int(layer[1]) + 1
    return 0 if "embeddings" in name else n_layers + 1
