"""A model without weights: what config.json describes, compared with what the files hold.

It costs no memory and is given up as soon as it grows past the files, so that no number in
config.json can cost time or memory.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from transformers import PreTrainedConfig, PreTrainedModel

from finetune.checkpoint.folder import CONFIG
from finetune.checkpoint.library_errors import as_model_error
from finetune.checkpoint.weights import Weights
from finetune.errors import ModelError

EXTRA_TENSORS = 200
"""Tensors that a model may have beyond its files: a new head, what was tied to others."""
EXTRA_PARAMETERS = 2**26
"""Numbers that it may have beyond them."""
MAX_SHARED_LAYERS = 256
"""Layers that may share their weights."""


def build_meta_model(
    config: PreTrainedConfig, kind: type[PreTrainedModel], weights: Weights, owner: str
) -> PreTrainedModel:
    """The model that *config* describes, all its tensors on the device `meta`.

    Args:
        config: What config.json holds.
        kind: The class of the model.
        weights: What the files hold.
        owner: What messages call the checkpoint.

    Raises:
        ModelError: It can't be made, or is far larger than the files.
    """
    layers = getattr(config, "num_hidden_layers", None)
    if isinstance(layers, int) and layers > max(MAX_SHARED_LAYERS, len(weights.headers)):
        raise ModelError(
            f"the config.json of {owner} describes {layers:,} layers, but the weights have only"
            f" {len(weights.headers):,} tensors; save the checkpoint again"
        )
    with (
        as_model_error(
            f"the config.json of {owner} does not describe a model", "save the checkpoint again"
        ),
        limited(weights, owner),
        torch.device("meta"),
    ):
        model = kind(config)
    _check_size(model, weights, owner)
    return model


@contextmanager
def limited(weights: Weights, owner: str, file: str = CONFIG) -> Iterator[None]:
    """Stop the making of modules in this thread once they have more than their files could.

    Args:
        weights: What the files hold.
        owner: What messages call the checkpoint.
        file: The one that describes the modules.
    """
    own, n_tensors, n_numbers = threading.get_ident(), 0, 0
    most_tensors = 2 * len(weights.headers) + EXTRA_TENSORS
    most_numbers = 2 * weights.size + EXTRA_PARAMETERS

    def count(module: nn.Module, name: str, parameter: Any) -> None:
        nonlocal n_tensors, n_numbers
        if threading.get_ident() == own and parameter is not None:
            n_tensors, n_numbers = n_tensors + 1, n_numbers + parameter.numel()
            if n_tensors > most_tensors:
                raise ModelError(
                    f"the {file} of {owner} describes more than {most_tensors:,} tensors, but the"
                    f" weights have only {len(weights.headers):,}; save the checkpoint again"
                )
            if n_numbers > most_numbers:
                raise ModelError(
                    f"the {file} of {owner} describes {n_numbers:,} numbers or more, but"
                    f" the weights have only {weights.size:,}; save the checkpoint again"
                )

    handle = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


def _check_size(model: PreTrainedModel, weights: Weights, owner: str) -> None:
    parameters, buffers = _size(model.parameters()), _size(model.buffers())
    if parameters > weights.size + EXTRA_PARAMETERS or buffers > weights.size + EXTRA_PARAMETERS:
        raise ModelError(
            f"the config.json of {owner} describes a model of {max(parameters, buffers):,} numbers,"
            f" the weights have only {weights.size:,}; save the checkpoint again"
        )


def _size(tensors: Iterator[Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors)
