"""How the weights of a kept step lie on disk: what equals the first step is not stored again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import torch
from safetensors import safe_open
from torch import Tensor

from finetune.checkpoint.run_files import HISTORY, HISTORY_PREFIX
from finetune.errors import RecordError, SnapshotError
from finetune.run.json_files import Amount, Count, Items, Number, Schema
from finetune.run.snapshot_folders import Snapshots
from finetune.run.tensor_differences import WHOLE_NUMBERS, difference, restore

FRAME_FILE = "frame.json"
WEIGHTS_FILE = "weights.safetensors"
STEP_DIGITS = 6
FACTORS = (".lora_A.weight", ".lora_B.weight")
"""How the names of both factors of an adapter end; before it stands the name of its matrix."""

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True, slots=True)
class Merging:
    """How adapters become part of the matrices that they adapt."""

    scale: Number
    """What their product counts."""
    transposed: bool
    """Whether matrices lie the other way round, inputs by outputs."""
    dtype: Literal["float32", "float16"]
    """The number format of the sum."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameDescription:
    """The content of `frame.json`."""

    format: Literal[1] = 1
    step: Count
    epoch: Amount
    loss: Number | None
    validation: dict[str, Number] = field(default_factory=dict)
    finished: bool = False
    """Whether these are the weights of the finished checkpoint."""
    checkpoint: str | None = None
    """SHA-256 of the weights of the checkpoint, where those are read in place of any here."""
    differences: Items[str] = ()
    """Tensors that are stored as their difference from those of the first step."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Of tensors that share their memory, the name of the one that is stored."""
    merging: Merging | None = None
    """None where there are no adapters."""


@cache
def frame_schema() -> Schema[FrameDescription]:
    """What `frame.json` has to be."""
    return Schema(FrameDescription, format=1)


def frame_folders(checkpoint: Path) -> Snapshots:
    """The folders of the kept steps of a checkpoint."""
    return Snapshots(checkpoint / HISTORY, prefix=HISTORY_PREFIX, digits=STEP_DIGITS)


def read_description(folder: Path) -> FrameDescription:
    """What is said of the step in *folder*.

    Raises:
        SnapshotError: Nothing is, or it is damaged.
    """
    try:
        return frame_schema().read(folder / FRAME_FILE, f"{FRAME_FILE!r} in {folder.name}")
    except RecordError as error:
        raise SnapshotError(str(error)) from error


def same_bits(tensor: Tensor, other: Tensor) -> bool:
    """Whether two tensors agree in every bit, the sign of zeros and NaNs included."""
    if (tensor.dtype, tensor.shape) != (other.dtype, other.shape):
        return False
    number = WHOLE_NUMBERS[tensor.element_size()]
    return torch.equal(*(each.contiguous().view(number) for each in (tensor, other)))


def slimmed(tensors: Tensors, first: Tensors) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """What of *tensors* has to be stored beside the *first* ones, and which as a difference."""
    stored: dict[str, Tensor] = {}
    differences: list[str] = []
    for name, tensor in tensors.items():
        if same_bits(tensor, first[name]):
            continue
        whole = tensor.contiguous()
        stored[name] = whole
        if whole.is_floating_point():
            smaller = difference(whole, first[name])
            if smaller.nbytes < whole.nbytes:
                stored[name] = smaller
                differences.append(name)
    return stored, tuple(differences)


def load_tensors(file: Path) -> dict[str, Tensor]:
    """The tensors in a file, mapped into memory."""
    with safe_open(str(file), framework="pt") as opened:
        return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - it is not a dict


def completed(stored: Tensors, first: Tensors, description: FrameDescription) -> dict[str, Tensor]:
    """All tensors of a step, of what `slimmed` left of them."""
    differences = set(description.differences)
    own = {
        name: restore(tensor, first[name]) if name in differences else tensor
        for name, tensor in stored.items()
    }
    return dict(first) | own


def assembled(tensors: Tensors, description: FrameDescription) -> dict[str, Tensor]:
    """The weights of the plain model: shared ones by all their names, adapters merged."""
    weights = {name: tensor for name, tensor in tensors.items() if not name.endswith(FACTORS)}
    if (merging := description.merging) is not None:
        down, up = FACTORS
        for matrix in (name.removesuffix(down) for name in tensors if name.endswith(down)):
            product = tensors[f"{matrix}{up}"].float() @ tensors[f"{matrix}{down}"].float()
            change = (product.T if merging.transposed else product) * merging.scale
            name = f"{matrix}.weight"
            merged = weights[name] + change.to(weights[name])
            weights[name] = merged.to(getattr(torch, merging.dtype))
    return weights | {name: weights[other] for name, other in description.aliases.items()}
