"""LoRA (Hu et al. 2022): a small product of two matrices learns beside each attention matrix.

The adapters are put into the model rather than around it, so its names, checkpoints and resuming
stay what they are, and are merged into the plain weights at the end.
"""

import re
from collections import Counter

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import Linear as LoraLayer
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from finetune.checkpoint.layer_stack import LayerStack, find_layers
from finetune.errors import ModelError

ATTENTION = re.compile(r"attention|attn", re.IGNORECASE)


def add_lora(model: PreTrainedModel, *, rank: int, alpha: int) -> None:
    """Let adapters of *rank* on the attention of every layer learn, and the head; nothing else.

    Their product counts *alpha* / *rank*; the second factor starts at 0, so logits don't change.
    """
    stack = find_layers(model)
    targets = adapted_matrices(model, stack)
    if not targets:
        raise ModelError(
            f"--lora-rank: no linear layer was found in the layers of this"
            f" {model.config.model_type}; leave it out"
        )
    transposed = any(isinstance(model.get_submodule(name), Conv1D) for name in targets)
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=targets, fan_in_fan_out=transposed)
    inject_adapter_in_model(config, model)
    for name, parameter in model.named_parameters():
        if stack.height(name) == stack.n_layers + 1:
            parameter.requires_grad_(True)


def adapted_matrices(model: PreTrainedModel, stack: LayerStack) -> list[str]:
    """The names of the linear maps inside the attention of every layer.

    All linear maps of the layers where those are none: XLNet multiplies by plain parameters. Maps
    of several layers with one weight (Zamba's) are left out: merged, they would be different ones.
    """
    maps = {
        name: part
        for name, part in model.named_modules()
        if isinstance(part, nn.Linear | Conv1D) and stack.layer(name) is not None
    }
    users = Counter(id(part.weight) for part in maps.values())
    linear = [name for name, part in maps.items() if users[id(part.weight)] == 1]
    attention = {name for name, part in model.named_modules() if _is_attention(name, part)}
    inside = [name for name in linear if any(name.startswith(f"{one}.") for one in attention)]
    return inside or linear


def _is_attention(name: str, part: nn.Module) -> bool:
    """Whether a module is called attention by those who wrote it: as a part, or as a class."""
    called = ATTENTION.search(name.rpartition(".")[2]) is not None
    return called or type(part).__name__.endswith("Attention")


def adapters(model: nn.Module) -> dict[str, LoraLayer]:
    """The adapted layers of *model* by their names."""
    return {name: part for name, part in model.named_modules() if isinstance(part, LoraLayer)}


@torch.no_grad()
def merged_weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """The plain weights with what the adapters learned so far; the model stays as it is."""
    weights = {
        name.replace(".base_layer.", "."): weight
        for name, weight in model.state_dict().items()
        if ".lora_" not in name
    }
    for name, part in adapters(model).items():
        (adapter,) = part.active_adapters
        weight = weights[f"{name}.weight"]
        weights[f"{name}.weight"] = weight + part.get_delta_weight(adapter).to(weight)
    return weights
