"""What LoRA trained, as the folder of an adapter: small, and nothing without its base model."""

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from peft import LoraConfig, TaskType
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel

from finetune.checkpoint.adapter_base import BASE_ENTRY
from finetune.checkpoint.adapter_files import TENSOR_PREFIX
from finetune.checkpoint.folder import ADAPTER, ADAPTER_WEIGHTS
from finetune.checkpoint.score_scale import ScoreScale
from finetune.checkpoint.source import local_folder
from finetune.errors import ModelError
from finetune.run.atomic_files import write_atomically

NAME = "default"
"""What peft calls an adapter that nobody named."""


@torch.no_grad()
def adapter_weights(model: PreTrainedModel, scale: ScoreScale | None) -> dict[str, Tensor]:
    """The weights of *model* that learned, by its own names; scores in their own unit."""
    weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    learned = {name: weight.detach() for name, weight in weights.items()}
    return learned if scale is None else scale.unscaled_weights(learned, model)


def save_adapter(
    model: PreTrainedModel, weights: Mapping[str, Tensor], folder: Path, base: str
) -> None:
    """Write an adapter as peft does: its configuration, its tensors and the head as it is.

    Args:
        model: A model that learned with adapters in it.
        weights: Those of it that learned, in the number format of the file.
        folder: Where the files are put, with the configuration of the classifier.
        base: The folder or Hub id of the base model.
    """
    config: LoraConfig = model.peft_config[NAME]
    whole = [name for name in weights if f".{NAME}." not in name]
    modules = sorted({_whole_module(model, name, whole) for name in whole})
    saved = replace(
        config,
        task_type=TaskType.SEQ_CLS,
        modules_to_save=modules,
        target_modules=sorted(config.target_modules or ()),
        inference_mode=True,
    )
    tensors = {
        f"{TENSOR_PREFIX}{name.replace(f'.{NAME}.', '.')}": weight.contiguous()
        for name, weight in (_of_same_name(model, modules) | dict(weights)).items()
    }
    save_file(tensors, folder / ADAPTER_WEIGHTS, metadata={"format": "pt"})
    saved.save_pretrained(str(folder))
    name_base(folder, base)
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)


def _of_same_name(model: PreTrainedModel, modules: Collection[str]) -> dict[str, Tensor]:
    """The weights of modules whose names end as those do, which peft takes for saved as well."""
    alike = [name for name, _ in model.named_modules() if name.endswith(tuple(modules))]
    return {
        name: weight
        for name, weight in model.state_dict().items()
        if any(name.startswith(f"{module}.") for module in alike)
    }


def name_base(folder: Path, base: str) -> None:
    """Write the base model into the adapter in *folder*, a local one by the way there from it.

    So the two can be moved together, and the file tells no more of this machine than it has to.
    """
    local = local_folder(base)
    named = base if local is None else _way(folder.resolve(), local.resolve())
    settings = json.loads((folder / ADAPTER).read_text("utf-8")) | {BASE_ENTRY: named}
    text = json.dumps(settings, indent=2, sort_keys=True, allow_nan=False)
    write_atomically(folder / ADAPTER, text + "\n")


def _way(start: Path, end: Path) -> str:
    try:
        return Path(os.path.relpath(end, start)).as_posix()
    except ValueError:  # another disk of Windows
        return end.as_posix()


def _whole_module(model: PreTrainedModel, name: str, whole: Collection[str]) -> str:
    """The uppermost module around a weight of which all weights are saved as they are."""
    parts = name.split(".")[:-1]
    for end in range(1, len(parts) + 1):
        module = ".".join(parts[:end])
        inside = model.get_submodule(module).named_parameters(prefix=module)
        if all(weight in whole for weight, _ in inside):
            return module
    raise ModelError(
        f"--save adapter: the head of this {model.config.model_type} has weights that peft can't"
        " save; leave it out"
    )
