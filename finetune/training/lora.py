"""LoRA (Hu et al. 2022): a small product of two matrices learns beside each attention matrix.

The adapters are put into the model rather than around it, so its names, checkpoints and resuming
stay what they are, and are merged into the plain weights at the end.
"""

import re

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import Linear as LoraLayer
from torch import Tensor, nn
from transformers import PreTrainedModel

from finetune.checkpoint.families import layer_number
from finetune.errors import ModelError
from finetune.training.optimizer import heights

ATTENTION = re.compile(r"attention|attn", re.IGNORECASE)


def add_lora(model: PreTrainedModel, *, rank: int, alpha: int) -> None:
    """Let adapters of *rank* on the attention of every layer learn, and the head; nothing else.

    Their product counts *alpha* / *rank*; the second factor starts at 0, so logits don't change.
    """
    targets = attention_matrices(model)
    if not targets:
        raise ModelError(
            f"--lora-rank: no linear attention layer was found in this {model.config.model_type};"
            " leave it out"
        )
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=targets)
    inject_adapter_in_model(config, model)
    at, head = heights(model), model.config.num_hidden_layers + 1
    for name, parameter in model.named_parameters():
        if at[name] == head:
            parameter.requires_grad_(True)


def attention_matrices(model: PreTrainedModel) -> list[str]:
    """The names of the linear maps inside the attention of every layer."""
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
        and layer_number(f"{name}.", own=True) is not None
        and ATTENTION.search(name)
    ]


def is_adapted(model: nn.Module) -> bool:
    """Whether adapters are in it."""
    return any(isinstance(part, LoraLayer) for part in model.modules())


@torch.no_grad()
def merged_weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """The plain weights with what the adapters learned so far; the model stays as it is."""
    weights = {
        name.replace(".base_layer.", "."): weight
        for name, weight in model.state_dict().items()
        if ".lora_" not in name
    }
    for name, part in model.named_modules():
        if isinstance(part, LoraLayer):
            (adapter,) = part.active_adapters
            weight = weights[f"{name}.weight"]
            weights[f"{name}.weight"] = weight + part.get_delta_weight(adapter).to(weight)
    return weights
