"""An adapter put into its base model and merged, every tensor of its file proven to be there.

peft itself does the merging.  What it never says is refused here: tensors that it has no place for,
parts of an adapter that the file lacks, a head that is not the one in the file.
"""

from collections.abc import Collection, Mapping

import torch
from peft import (
    PeftModel,
    PeftModelForSequenceClassification,
    get_peft_model_state_dict,
    set_peft_model_state_dict,
)
from torch import Tensor
from transformers import PreTrainedModel

from finetune.checkpoint.adapter_files import CLASSIFICATION, TENSOR_PREFIX, Adapter
from finetune.checkpoint.folder import ADAPTER
from finetune.checkpoint.library_errors import as_model_error
from finetune.checkpoint.meta_model import limited
from finetune.checkpoint.quiet_libraries import quiet_transformers
from finetune.checkpoint.source import shown, unquoted
from finetune.checkpoint.weights import describe_shape
from finetune.errors import ModelError

Tensors = Mapping[str, Tensor]
BASE_LAYER = ".base_layer."
"""What peft puts into the names of the weights of a layer that it wraps."""
REPLACED = ".original_module."
"""What it puts into the names of weights that others are used in place of."""
REPLACING = ".modules_to_save."
ADALORA = "ADALORA"
"""The kind whose ranks peft cuts down to those of the file when it takes its tensors."""


def adapter_tensors(adapter: Adapter) -> dict[str, Tensor]:
    """The tensors of an adapter, each by the one name that peft gives it today."""
    tensors = _used(adapter.weights.load())
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise ModelError(
                f"the adapter {adapter.folder.owner} contains weights that are not finite numbers"
                f" ({unquoted(name)}); save or train it again"
            )
    return tensors


def _used(tensors: Tensors) -> dict[str, Tensor]:
    """Those that the adapted model computes with, without the names of a wrapper."""
    return {
        name.replace(REPLACING, "."): tensor
        for name, tensor in tensors.items()
        if REPLACED not in name
    }


def whole_weights(names: Collection[str], model: PreTrainedModel) -> dict[str, str]:
    """The weights of a plain model that an adapter holds as they are, not as a change of them.

    Args:
        names: Those of the adapter's tensors.
        model: The plain model.

    Returns:
        The names of the tensors, by those of the weights.
    """
    weights = model.state_dict()
    own = {name.removeprefix(TENSOR_PREFIX).replace(BASE_LAYER, "."): name for name in names}
    return {weight: name for weight, name in own.items() if weight in weights}


@torch.no_grad()
def put_whole_weights(model: PreTrainedModel, adapter: Adapter, tensors: Tensors) -> set[str]:
    """Overwrite the weights that an adapter holds as they are: a head, biases, embeddings.

    Returns:
        The names of the weights that were overwritten.
    """
    weights, whole = model.state_dict(), whole_weights(tensors, model)
    for weight, name in whole.items():
        own, place = tensors[name].shape, weights[weight].shape
        if own != place:
            raise ModelError(
                f"{shown(name)} in the adapter {adapter.folder.owner} is {describe_shape(own)}, but"
                f" its place in the model is {describe_shape(place)}; take the base model that it"
                " was trained on"
            )
        weights[weight].copy_(tensors[name])
    return set(whole)


def merge_adapter(model: PreTrainedModel, adapter: Adapter, tensors: Tensors) -> PreTrainedModel:
    """The *model*, its whole weights put in, with the changes of the adapter merged into it.

    Raises:
        ModelError: The adapter doesn't fit, or not all that it holds came into the model.
    """
    owner, whole = adapter.folder.owner, whole_weights(tensors, model)
    kind = (
        PeftModelForSequenceClassification
        if adapter.config.task_type == CLASSIFICATION
        else PeftModel
    )
    with (
        as_model_error(
            f"the adapter {owner} can't be put into its base model {adapter.base.owner}",
            "take the base model that it was trained on, or save it again",
        ),
        limited(adapter.weights, owner, ADAPTER),
        quiet_transformers(),
    ):
        adapted = kind(model, adapter.config)
    _check_names(adapter, tensors, _saved(adapted), set(whole.values()))
    with (
        as_model_error(
            f"the adapter {owner} can't be merged into its base model {adapter.base.owner}",
            "merge it with peft (merge_and_unload), and save the result",
        ),
        quiet_transformers(),
    ):
        set_peft_model_state_dict(adapted, dict(tensors))
        placed = adapted.state_dict() | _saved(adapted)
        _require_equal(adapter, tensors, placed)
        merged: PreTrainedModel = adapted.merge_and_unload(safe_merge=True)
    final = merged.state_dict()
    unchanged = {weight: name for weight, name in whole.items() if BASE_LAYER not in name}
    _require_equal(
        adapter,
        {weight: tensors[name] for weight, name in unchanged.items()},
        final,
    )
    if hasattr(merged, "peft_config"):
        del merged.peft_config
    return merged.requires_grad_(True)


def _saved(adapted: PeftModel) -> dict[str, Tensor]:
    """What peft would save of an adapted model."""
    return _used(get_peft_model_state_dict(adapted, save_embedding_layers=False))


def _check_names(
    adapter: Adapter, tensors: Tensors, places: Tensors, whole: Collection[str]
) -> None:
    """Refuse an adapter that has tensors too many or too few, or of other shapes."""
    owner, base = adapter.folder.owner, adapter.base.owner
    if lost := sorted(places.keys() - tensors.keys()):
        raise ModelError(
            f"the adapter {owner} lacks {shown(lost[0])}, which its {ADAPTER} describes (tensors"
            f" missing: {len(lost)}), so its answers would be random; copy or save it again"
        )
    if lost := sorted(tensors.keys() - places.keys() - set(whole)):
        raise ModelError(
            f"the adapter {owner} holds {shown(lost[0])}, for which there is no place in its base"
            f" model {base} (tensors without a place: {len(lost)}); take the base model that it was"
            " trained on"
        )
    for name, place in places.items():
        own = tensors[name].shape
        if own != place.shape and adapter.config.peft_type != ADALORA:
            raise ModelError(
                f"{shown(name)} in the adapter {owner} is {describe_shape(own)}, but its place in"
                f" {base} is {describe_shape(place.shape)}; take the base model that it was trained"
                " on"
            )


def _require_equal(adapter: Adapter, tensors: Tensors, placed: Tensors) -> None:
    """Refuse a model that holds other numbers than the file."""
    for name, tensor in tensors.items():
        place = placed.get(name)
        if place is None or not torch.equal(place, tensor.to(place)):
            raise ModelError(
                f"{shown(name)} of the adapter {adapter.folder.owner} is not what came into the"
                " model; save the adapter again"
            )
