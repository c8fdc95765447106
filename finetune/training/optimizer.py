"""AdamW with the two refinements of fine-tuning: no decay where it harms, slower lower layers."""

import re
from collections import defaultdict

import torch
from torch import nn
from transformers import PreTrainedModel

from finetune.checkpoint.layer_stack import LayerStack, find_layers
from finetune.run.config_sections import BERT_LEARNING_RATE, OptimizerConfig

BASE_WIDTH = 768
"""The width of BERT-base."""
NO_DECAY = re.compile(r"bias|norm", re.IGNORECASE)


def build_optimizer(
    model: PreTrainedModel, config: OptimizerConfig, stack: LayerStack | None = None
) -> torch.optim.AdamW:
    """AdamW whose rate falls by `layer_decay` from the head down to the embeddings.

    The layers are found by a pass of the *model*, unless their *stack* is given.
    """
    stack = stack or find_layers(model)
    groups: dict[tuple[int, bool], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in model.named_parameters():
        steps_down = stack.n_layers + 1 - stack.height(name)
        decays = parameter.dim() > 1 and NO_DECAY.search(name) is None
        groups[steps_down, decays].append(parameter)
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
    width: int = getattr(model.config.get_text_config(), "hidden_size", BASE_WIDTH)
    return float(f"{BERT_LEARNING_RATE * BASE_WIDTH / width:.2g}")
