"""The weights of a checkpoint: which files hold them, and what these say of themselves."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from finetune.checkpoint.files import MEGABYTE, read_json
from finetune.checkpoint.folder import (
    INDEX,
    SHARDS,
    TRAINING_STATE_PREFIXES,
    WEIGHTS,
    Folder,
    list_names,
    unsupported_format,
)
from finetune.checkpoint.hub import fetch
from finetune.checkpoint.source import shown, unquoted
from finetune.errors import ModelError

FLOAT_FORMATS = ("F32", "F16", "BF16", "F64")
INTEGER_FORMATS = ("I64", "I32", "BOOL")
"""Formats of buffers, such as the numbers of positions, that old checkpoints keep."""
MAX_HEADER_BYTES = 32 * MEGABYTE
MAX_TENSORS = 100_000
WRAPPERS = {
    "_orig_mod.": "torch.compile: save the model that was compiled (model._orig_mod) instead",
    "module.": "DataParallel or DistributedDataParallel: save the model inside (model.module)",
    "_fsdp_wrapped_module.": "FSDP: save a full state dict instead",
}
"""What wrappers of a model put before the names of its weights."""
UNMERGED_ADAPTER = re.compile(r"\.(lora_[AB]|base_layer|modules_to_save)\.")
WEIGHT = re.compile(r"\.(weight|bias)$")
OLD_SUFFIXES = {".gamma": ".weight", ".beta": ".bias"}
"""What the first checkpoints of BERT call the scale and the shift of a LayerNorm."""


@dataclass(frozen=True, slots=True)
class TensorHeader:
    """What a file says of one tensor."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many numbers it has."""
        size = 1
        for side in self.shape:
            size *= side
        return size


@dataclass(frozen=True, slots=True)
class Weights:
    """The files that hold the weights, and what is in them."""

    files: tuple[Path, ...]
    """In the order of their names."""
    headers: Mapping[str, TensorHeader]
    """By the names of the tensors."""

    @property
    def size(self) -> int:
        """How many numbers they are."""
        return sum(header.size for header in self.headers.values())

    @property
    def rows(self) -> int:
        """How many embeddings there can be: the longest side of any matrix."""
        return max(
            (max(header.shape) for header in self.headers.values() if header.shape), default=0
        )

    def load(self) -> dict[str, Tensor]:
        """All tensors as they are stored."""
        tensors: dict[str, Tensor] = {}
        for file in self.files:
            with safe_open(str(file), framework="pt") as opened:
                tensors |= {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - it is not a dict
        return tensors


def hash_files(files: Iterable[Path]) -> str:
    """SHA-256 of files one after the other: what sha256sum says of a single."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(MEGABYTE):
                digest.update(block)
    return digest.hexdigest()


def find_weights(folder: Folder) -> Weights:
    """The weights of a checkpoint, by the headers of their files.

    Raises:
        ModelError: They are missing, damaged, or stored in a way that isn't read.
    """
    if folder.repository is not None:
        fetch(folder.repository, (WEIGHTS, INDEX, SHARDS), folder.revision)
    names, placed = _named(folder)
    files: list[Path] = []
    headers: dict[str, TensorHeader] = {}
    for name in names:
        file = folder.file(name)
        if file is None:
            raise ModelError(
                f"{folder.owner} lacks {shown(name)}, which its index names; copy the whole folder"
            )
        found = read_headers(file, name, folder.owner)
        if twice := sorted(headers.keys() & found.keys()):
            raise ModelError(
                f"{folder.owner} holds {shown(twice[0])} in two files of weights, and only one can"
                " be meant; save the checkpoint again"
            )
        if lost := sorted(
            key for key, place in placed.items() if place == name and key not in found
        ):
            raise ModelError(
                f"{shown(name)} in {folder.owner} lacks {shown(lost[0])}, which its index places"
                " there; copy the whole folder"
            )
        files.append(file)
        headers |= found
    _check_names(headers, folder.owner)
    return Weights(tuple(files), headers)


def _named(folder: Folder) -> tuple[list[str], dict[str, str]]:
    """The names of the files in order, and where an index places each tensor."""
    if folder.file(WEIGHTS) is not None:
        return [WEIGHTS], {}
    index = folder.file(INDEX)
    if index is None:
        raise ModelError(_without_weights(folder))
    placed = read_json(index, INDEX, folder.owner, 32 * MEGABYTE).get("weight_map")
    if (
        not isinstance(placed, dict)
        or not placed
        or not all(isinstance(name, str) for name in placed.values())
    ):
        raise ModelError(
            f"{INDEX!r} in {folder.owner} names no files of weights; copy or save the checkpoint"
            " again"
        )
    if other := [name for name in placed.values() if not name.endswith(".safetensors")]:
        raise ModelError(
            f"{INDEX!r} in {folder.owner} names {shown(other[0])}, which is not a safetensors file;"
            " save the checkpoint again"
        )
    return sorted(set(placed.values())), placed


def _without_weights(folder: Folder) -> str:
    names = list_names(folder.path)
    if folder.repository is not None:
        return (
            f"{folder.owner} on the Hugging Face Hub has no model.safetensors, and a pickle is"
            " never opened; choose another model, or convert it"
        )
    if kept := unsupported_format(folder.path, names):
        return f"{folder.owner} holds {kept}"
    others = [name for name in names if name.endswith(".safetensors")]
    if others:
        return (
            f"{folder.owner} has {shown(others[0])} but no model.safetensors, which is the name"
            " that transformers reads; save the model again"
        )
    state = [name for name in names if name.startswith(TRAINING_STATE_PREFIXES)]
    if state:
        return (
            f"{folder.owner} holds the state of a training ({unquoted(state[0])}) but no"
            " model.safetensors; copy the weights there, or save the model again"
        )
    return (
        f"{folder.owner} has a config.json but model.safetensors is missing; copy the weights"
        " there, or save the model again"
    )


def read_headers(file: Path, name: str, owner: str) -> dict[str, TensorHeader]:
    """What a file says of each tensor, by its name; all of them numbers that can be computed with.

    Raises:
        ModelError: It is damaged or quantized.
    """
    headers = _read_headers(file, name, owner)
    _check_formats(headers, owner)
    return headers


def _read_headers(file: Path, name: str, owner: str) -> dict[str, TensorHeader]:
    try:
        _check_length(file, name, owner)
        with safe_open(str(file), framework="pt") as opened:
            keys = list(opened.keys())
            if len(keys) > MAX_TENSORS:
                raise ModelError(
                    f"{shown(name)} in {owner} holds {len(keys):,} tensors, more than any"
                    " classifier has; save the checkpoint again"
                )
            slices = {key: opened.get_slice(key) for key in keys}
            return {
                key: TensorHeader(part.get_dtype(), tuple(part.get_shape()))
                for key, part in slices.items()
            }
    except (SafetensorError, OSError, ValueError, OverflowError, MemoryError) as error:
        raise ModelError(
            f"{shown(name)} in {owner} is damaged or truncated; copy or save it again"
        ) from error


def _check_length(file: Path, name: str, owner: str) -> None:
    """Refuse a header that would take long to read before anything reads it."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
    if length > min(MAX_HEADER_BYTES, file.stat().st_size):
        raise ModelError(f"{shown(name)} in {owner} is damaged or truncated; copy or save it again")


def _check_formats(headers: Mapping[str, TensorHeader], owner: str) -> None:
    """Refuse numbers that no loading could read rightly."""
    for name, header in headers.items():
        if header.dtype in FLOAT_FORMATS or (
            header.dtype in INTEGER_FORMATS and not WEIGHT.search(name)
        ):
            continue
        raise ModelError(
            f"the weights of {owner} are quantized: {shown(name)} is stored as {header.dtype};"
            " use the checkpoint from before quantization, in float32, float16 or bfloat16"
        )


def _check_names(headers: Mapping[str, TensorHeader], owner: str) -> None:
    """Refuse files without any tensor, and the names of a wrapper."""
    if not headers:
        raise ModelError(f"the weights of {owner} contain no tensors; save the model again")
    for prefix, remedy in WRAPPERS.items():
        if all(name.startswith(prefix) for name in headers):
            raise ModelError(
                f"the weights of {owner} are named {prefix}…, after the wrapper of {remedy}"
            )
    for name in headers:
        if UNMERGED_ADAPTER.search(name):
            raise ModelError(
                f"the weights of {owner} hold a LoRA adapter that was not merged ({shown(name)});"
                " call merge_and_unload() and save the model again"
            )


def require_unique_names(weights: Weights, prefix: str, owner: str) -> None:
    """Refuse files that hold a weight under two names, of which loading would take either.

    Args:
        weights: The files.
        prefix: What the model puts before the names of its encoder's weights, such as `bert.`.
        owner: What messages call the checkpoint.
    """
    seen: dict[str, str] = {}
    for name in weights.headers:
        own = name.removeprefix(prefix)
        for old, new in OLD_SUFFIXES.items():
            own = own.removesuffix(old) + new if own.endswith(old) else own
        if own in seen:
            raise ModelError(
                f"the weights of {owner} hold the same tensor twice, as {shown(seen[own])} and"
                f" {shown(name)}, and only one can be meant; save the checkpoint again"
            )
        seen[own] = name


def describe_shape(shape: Any) -> str:
    """A shape in words: 4 x 32."""
    return " x ".join(map(str, shape)) or "a single number"
