"""Models beside the one that is used: twins that share its weights, and one with plain attention.

Nothing that tries a model out runs the model itself, for some families change themselves when a
short text comes (BigBird turns to full attention for good).
"""

import copy
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TypeVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

_Model = TypeVar("_Model", bound=nn.Module)
State = Mapping[tuple[str, str], object]


def share_weights(model: _Model) -> _Model:
    """A model, or a part of one: the same weights, in the same memory, and settings of its own."""
    shared = {id(tensor): tensor for tensor in chain(model.parameters(), model.buffers())}
    return copy.deepcopy(model, shared)


def with_weights(model: PreTrainedModel, weights: Mapping[str, Tensor]) -> PreTrainedModel:
    """A model with the same settings and hooks, and with other weights.

    Args:
        model: It is left as it is, and shares the buffers that *weights* leave out.
        weights: All of its parameters, by the names of its `state_dict`; of one that has several
            names, one will do.

    Raises:
        ValueError: where a parameter is missing or has another shape; the message names it.
    """
    others: dict[int, Tensor] = {}
    missing: dict[int, str] = {}
    own = {id(tensor): tensor for tensor in chain(model.parameters(), model.buffers())}
    for name, tensor in _named_tensors(model):
        if name in weights:
            if weights[name].shape != tensor.shape:
                shapes = f"{tuple(weights[name].shape)}, not {tuple(tensor.shape)}"
                raise ValueError(f"{name} has the shape {shapes}")
            other = weights[name].to(tensor.device, tensor.dtype)
            is_parameter = isinstance(tensor, nn.Parameter)
            others[id(tensor)] = nn.Parameter(other, requires_grad=False) if is_parameter else other
        elif isinstance(tensor, nn.Parameter):
            missing[id(tensor)] = name
    for place, name in missing.items():
        if place not in others:
            raise ValueError(f"{name} is missing")
    return copy.deepcopy(model, own | others)


def rebuild(model: PreTrainedModel) -> PreTrainedModel:
    """A model of the same class and weights with transformers' own eager attention."""
    with torch.device("meta"):
        plain = type(model)._from_config(
            copy.deepcopy(model.config), attn_implementation="eager", dtype=model.dtype
        )
    tensors = dict(_named_tensors(model))
    for name, _ in list(_named_tensors(plain)):
        place, _, last = name.rpartition(".")
        module = plain.get_submodule(place)
        (module._parameters if last in module._parameters else module._buffers)[last] = tensors[
            name
        ]
    return plain.eval()


def _named_tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """All tensors by name; one that is shared comes under each of its names."""
    yield from model.named_parameters(remove_duplicate=False)
    yield from model.named_buffers(remove_duplicate=False)


def module_settings(model: nn.Module) -> State:
    """What the modules of a model are told to do, tensors apart: a pass could change it."""
    values: dict[tuple[str, str], object] = {}
    config = vars(getattr(model, "config", None) or nn.Module())
    for name, settings in [("config", config), *((n, vars(m)) for n, m in model.named_modules())]:
        for key, value in settings.items():
            if not key.startswith("_") and isinstance(value, (bool, int, float, str, list, tuple)):
                values[name, key] = repr(value)
    return values


def tensor_places(model: nn.Module) -> Mapping[str, tuple[int, int]]:
    """Where the tensors of a model lie, and how often each was changed."""
    tensors = chain(model.named_parameters(), model.named_buffers())
    return {name: (own.data_ptr(), _version(own)) for name, own in tensors}


def _version(tensor: Tensor) -> int:
    """How often a tensor was changed; one that was made in a pass, which does not count, is new."""
    return -1 if tensor.is_inference() else tensor._version
