"""The weights of a model that learns, as its history keeps them."""

from collections.abc import Mapping

import torch
from torch import Tensor

from finetune.checkpoint.layer_stack import find_layers
from finetune.run.history_format import FACTORS, Merging
from finetune.run.history_writing import KeptWeights
from finetune.training.freezing import lowest_trained_height
from finetune.training.lora import adapted_matrices, adapters
from finetune.training.prepared_run import PreparedRun
from finetune.training.results import in_format
from finetune.training.saved_adapter import NAME


@torch.no_grad()
def kept_weights(run: PreparedRun) -> KeptWeights:
    """What the model of *run* holds now, in the number format of its checkpoint.

    Adapters are not merged: their factors stand beside the matrices that they change.
    """
    model, config = run.base.model, run.config
    state = {_plain_name(name): each.detach() for name, each in model.state_dict().items()}
    aliases = _aliases(state)
    weights = {name: each.cpu() for name, each in state.items() if name not in aliases}
    if run.scale is not None:
        weights = run.scale.unscaled_weights(weights, model)
    adapted = adapters(model)
    learning = {_plain_name(name) for name, each in model.named_parameters() if each.requires_grad}
    if not adapted:
        cast = set(weights)
    elif config.save == "adapter":
        cast = learning
    else:
        cast = set(weights) - {f"{name}{end}" for name in adapted for end in (".weight", *FACTORS)}
    dtype = getattr(torch, config.save_dtype)
    weights |= in_format(run, {name: weights[name] for name in cast & weights.keys()}, dtype)
    merging = None
    if adapted:
        any_adapter = next(iter(adapted.values()))
        merging = Merging(
            scale=any_adapter.scaling[NAME],
            transposed=bool(any_adapter.fan_in_fan_out),
            dtype="float32" if config.save == "adapter" else config.save_dtype,
        )
    return KeptWeights(tensors=weights, aliases=aliases, merging=merging)


def count_learning(run: PreparedRun) -> int:
    """How many weights will learn, before any adapter is in the model of *run*."""
    model, config = run.base.model, run.config
    stack = find_layers(model)
    head, rank = stack.n_layers + 1, config.lora_rank
    lowest = head if rank else lowest_trained_height(config, stack.n_layers)
    own: int = sum(
        each.numel() for name, each in model.named_parameters() if stack.height(name) >= lowest
    )
    if not rank:
        return own
    matrices = [model.get_parameter(f"{name}.weight") for name in adapted_matrices(model, stack)]
    sides: int = sum(sum(matrix.shape) for matrix in matrices)
    return own + rank * sides


def _plain_name(name: str) -> str:
    return name.replace(".base_layer.", ".").replace(f".{NAME}.", ".")


def _aliases(state: Mapping[str, Tensor]) -> dict[str, str]:
    """The names of tensors that are another by memory, with the first name of that."""
    names: dict[object, str] = {}
    aliases: dict[str, str] = {}
    for name, tensor in state.items():
        place = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        first = names.setdefault(place, name) if tensor.numel() else name
        if first != name:
            aliases[name] = first
    return aliases
