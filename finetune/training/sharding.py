"""A model shared by several processes, each of which keeps a part of every weight (FSDP2).

What is written is whole: parts are put together tensor by tensor, and the first process keeps them
in the memory of its machine.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from transformers import PreTrainedModel

from finetune.checkpoint.layer_stack import LayerStack
from finetune.run import processes

STATE_FILE, GROUPS_FILE = "optimizer.safetensors", "optimizer.json"
"""Moments of all weights, and the rates of each group of them."""


def shard(model: PreTrainedModel, stack: LayerStack) -> None:
    """Let each process keep its part of *model*: layer by layer, then what is outside of layers."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    mesh = init_device_mesh(device, (processes.count(),))
    if stack.n_layers:
        for name in stack.layers:
            fully_shard(model.get_submodule(name), mesh=mesh)
    fully_shard(model, mesh=mesh)


def is_sharded(model: nn.Module) -> bool:
    """Whether this process keeps a part of *model* only."""
    return isinstance(model, FSDPModule)


def whole_weights(model: nn.Module) -> dict[str, Tensor]:
    """All weights of *model* in the first process, nothing in the others; all have to ask."""
    weights = {}
    for name, part in model.state_dict().items():
        whole = part.full_tensor() if isinstance(part, DTensor) else part
        if processes.is_first():
            weights[name] = whole.detach().cpu()
    return weights


def take_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Give each process its part of whole *weights*, which each of them has."""
    set_model_state_dict(model, dict(weights), options=StateDictOptions(full_state_dict=True))


def whole_optimizer_state(model: nn.Module, optimizer: Optimizer) -> dict[str, Any]:
    """The state of the *optimizer*, in the first process; all have to ask."""
    return get_optimizer_state_dict(
        model, optimizer, options=StateDictOptions(full_state_dict=True, cpu_offload=True)
    )


def save_optimizer(state: Mapping[str, Any], schedule: Mapping[str, Any], folder: Path) -> None:
    """Write a whole *state* and the *schedule* of rates into *folder*."""
    tensors = {
        f"{weight}/{name}": tensor
        for weight, values in state["state"].items()
        for name, tensor in values.items()
    }
    save_file(tensors, folder / STATE_FILE)
    groups = {"groups": state["param_groups"], "schedule": dict(schedule)}
    (folder / GROUPS_FILE).write_text(json.dumps(groups), encoding="utf-8")


def load_optimizer(
    model: nn.Module, optimizer: Optimizer, schedule: LRScheduler, folder: Path
) -> None:
    """Give each process its part of what `save_optimizer` wrote; a card takes no more than that."""
    state: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for key, tensor in load_file(folder / STATE_FILE).items():
        weight, _, name = key.rpartition("/")
        state[weight][name] = tensor
    groups = json.loads((folder / GROUPS_FILE).read_text(encoding="utf-8"))
    whole = {"state": dict(state), "param_groups": groups["groups"]}
    options = StateDictOptions(full_state_dict=True)
    set_optimizer_state_dict(model, optimizer, whole, options=options)
    schedule.load_state_dict(groups["schedule"])
