"""The folder of a sentence-transformers model: which modules it lists, and what each computes.

Only those are known whose result can be computed here exactly as that library does: an encoder, the
mean of its last states or the first of them, norms, and linear layers.  No module is imported by
its name.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.checkpoint.class_names import names_by_number
from finetune.checkpoint.files import MEGABYTE, checked_file, read_bytes, read_json
from finetune.checkpoint.folder import (
    CONFIG,
    MODULES,
    SENTENCE_PROMPTS,
    SENTENCE_SETTINGS,
    SETFIT,
    WEIGHTS,
    Folder,
)
from finetune.checkpoint.hub import fetch
from finetune.checkpoint.source import shown, unquoted
from finetune.checkpoint.weights import Weights, read_headers
from finetune.errors import ModelError

TRANSFORMER, POOLING, NORMALIZE, DENSE, DROPOUT = (
    "Transformer", "Pooling", "Normalize", "Dense", "Dropout",
)  # fmt: skip
MEAN, FIRST = "mean", "cls"
POOLING_FLAGS = {"pooling_mode_mean_tokens": MEAN, "pooling_mode_cls_token": FIRST}
ACTIVATIONS = ("Identity", "Tanh", "ReLU", "GELU", "SiLU", "Sigmoid", "Softmax")
"""Classes of torch.nn that may follow a linear layer."""
MAX_MODULES = 16
WEIGHT, BIAS = "linear.weight", "linear.bias"
"""What the library calls the weights of a linear layer."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A step behind the pooling: a linear layer and its activation, or a norm."""

    kind: str
    """DENSE or NORMALIZE."""
    inputs: int = 0
    outputs: int = 0
    bias: bool = False
    activation: str = "Identity"
    weights: Weights | None = None
    """None of a norm."""

    def settings(self) -> dict[str, Any]:
        """What a configuration keeps of it."""
        return {
            "kind": self.kind, "inputs": self.inputs, "outputs": self.outputs, "bias": self.bias,
            "activation": self.activation,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class SentenceModules:
    """What the modules of a folder compute, in order."""

    encoder: str
    """The folder of the encoder inside the whole one; blank where that is the same."""
    pooling: str
    layers: tuple[Layer, ...]
    max_length: int | None
    """Tokens that it reads, where it says."""
    lowercase: bool
    """Whether texts are lowercased before the tokenizer sees them."""
    files: tuple[Path, ...]
    """What decides its answers, beside the encoder: the list of modules and all that it names."""


def read_modules(folder: Folder) -> SentenceModules | None:
    """What the modules of a folder compute; None where they end without a linear layer.

    Raises:
        ModelError: A module is of another kind, or a file can't be right.
    """
    listed = _listed(folder)
    kinds = [kind for kind, _ in listed]
    if DENSE not in kinds:
        return None
    steps = [entry for entry in listed if entry[0] != DROPOUT]
    if [kind for kind, _ in steps[:2]] != [TRANSFORMER, POOLING]:
        raise ModelError(_unknown(folder, " and ".join(kinds[:2])))
    if folder.repository is not None:
        rooms = [room for kind, room in steps if kind in (POOLING, DENSE)]
        wanted = [f"{room}/{name}" for room in rooms for name in (CONFIG, WEIGHTS)]
        fetch(folder.repository, wanted, folder.revision)
    layers = tuple(_layer(folder, kind, room) for kind, room in steps[2:])
    if layers[-1].kind != DENSE:
        return None
    encoder = steps[0][1]
    settings = _optional(folder, encoder, SENTENCE_SETTINGS)
    length = settings.get("max_seq_length")
    _refuse_prompts(folder)
    return SentenceModules(
        encoder,
        _pooling(folder, steps[1][1]),
        layers,
        length if isinstance(length, int) and length > 0 else None,
        bool(settings.get("do_lower_case")),
        _files(folder, [room for _, room in steps[1:]]),
    )


def _files(folder: Folder, rooms: Sequence[str]) -> tuple[Path, ...]:
    found = [
        checked_file(folder.path, name, folder.owner, room)
        for room in rooms
        for name in (CONFIG, WEIGHTS)
    ]
    return tuple(file for file in (folder.file(MODULES), *found) if file is not None)


def _listed(folder: Folder) -> list[tuple[str, str]]:
    """The kind and the folder of each module."""
    file = folder.file(MODULES)
    assert file is not None
    wrong = ModelError(f"{MODULES!r} in {folder.owner} is not a list of modules; save it again")
    try:
        content = json.loads(read_bytes(file, MODULES, folder.owner, MEGABYTE))
    except (ValueError, RecursionError) as error:
        raise wrong from error
    if not isinstance(content, list) or len(content) > MAX_MODULES:
        raise wrong
    found: list[tuple[str, str]] = []
    for entry in content:
        parts = entry if isinstance(entry, dict) else {}
        kind, room = parts.get("type"), parts.get("path")
        if not isinstance(kind, str) or not isinstance(room, str):
            raise wrong
        found.append((kind.rpartition(".")[2], room))
    return found


def _unknown(folder: Folder, what: str) -> str:
    return (
        f"{folder.owner} is a sentence-transformers model with {unquoted(what)}, which CLSight"
        f" doesn't compute; it opens {TRANSFORMER}, {POOLING} (mean or cls), {NORMALIZE} and"
        f" {DENSE}"
    )


def _layer(folder: Folder, kind: str, room: str) -> Layer:
    if kind == NORMALIZE:
        return Layer(NORMALIZE)
    if kind != DENSE:
        raise ModelError(_unknown(folder, f"the module {kind}"))
    settings = _required(folder, room)
    activation = str(settings.get("activation_function", "torch.nn.modules.activation.Tanh"))
    path, _, name = activation.rpartition(".")
    if name not in ACTIVATIONS or not path.startswith("torch.nn"):
        raise ModelError(_unknown(folder, f"the activation {activation}"))
    file = checked_file(folder.path, WEIGHTS, folder.owner, room)
    if file is None:
        raise ModelError(
            f"{folder.owner} lacks {shown(f'{room}/{WEIGHTS}')}; pickles are not read, so save the"
            " model again with a current sentence-transformers"
        )
    weights = Weights((file,), read_headers(file, f"{room}/{WEIGHTS}", folder.owner))
    inputs, outputs = settings.get("in_features"), settings.get("out_features")
    bias = bool(settings.get("bias", True))
    shapes = {name: header.shape for name, header in weights.headers.items()}
    if not isinstance(inputs, int) or not isinstance(outputs, int) or shapes != {
        WEIGHT: (outputs, inputs), **({BIAS: (outputs,)} if bias else {})
    }:  # fmt: skip
        raise ModelError(
            f"the linear layer {shown(room)} of {folder.owner} holds other weights than its"
            " config.json says; save the model again"
        )
    return Layer(DENSE, inputs, outputs, bias, name, weights)


def _required(folder: Folder, room: str) -> dict[str, Any]:
    file = checked_file(folder.path, CONFIG, folder.owner, room)
    if file is None:
        raise ModelError(f"{folder.owner} lacks {shown(f'{room}/{CONFIG}')}; copy the whole folder")
    return read_json(file, f"{room}/{CONFIG}", folder.owner, MEGABYTE)


def _optional(folder: Folder, room: str, name: str) -> dict[str, Any]:
    file = checked_file(folder.path, name, folder.owner, room)
    return {} if file is None else read_json(file, name, folder.owner, MEGABYTE)


def _pooling(folder: Folder, room: str) -> str:
    """The one way that states are pooled, as older and as newer releases write it."""
    settings = _required(folder, room)
    named = settings.get("pooling_mode")
    modes: list[object] = named if isinstance(named, list) else [named] if named else []
    modes += [
        POOLING_FLAGS.get(name, name)
        for name, value in settings.items()
        if name.startswith("pooling_mode_") and value
    ]
    if len(modes) == 1 and modes[0] in (MEAN, FIRST):
        return str(modes[0])
    raise ModelError(
        _unknown(folder, f"the pooling {' and '.join(map(str, modes)) or 'of nothing'}")
    )


def _refuse_prompts(folder: Folder) -> None:
    """Refuse a model that reads words before each text that nobody sees."""
    if named := _optional(folder, "", SENTENCE_PROMPTS).get("default_prompt_name"):
        raise ModelError(
            f"{folder.owner} puts a prompt ({unquoted(str(named))}) before each text, which CLSight"
            f" doesn't; if it was trained without one, set default_prompt_name in"
            f" {SENTENCE_PROMPTS} to null"
        )


def class_names(folder: Folder, count: int) -> list[str] | None:
    """The classes that the folder names, where they are as many as the last layer has outputs."""
    given = folder.settings.get("id2label")
    if isinstance(given, dict):
        names: object = [*names_by_number(given)]
    else:
        names = _optional(folder, "", SETFIT).get("labels")
    if isinstance(names, list) and len(names) == count:
        return [str(name) for name in names]
    return None
