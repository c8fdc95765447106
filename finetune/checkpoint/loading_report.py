"""How the weights of a checkpoint and its configuration fit together, and what is refused."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
import transformers
from torch import nn
from transformers import (
    PreTrainedModel,
)

from finetune.checkpoint.folder import TRAIN_HINT, Folder
from finetune.checkpoint.source import shown, unquoted
from finetune.checkpoint.weights import (
    WEIGHT,
    describe_shape,
)
from finetune.errors import ModelError, with_article


@dataclass(frozen=True, slots=True)
class LoadingReport:
    """How weights and configuration fit together."""

    missing: tuple[str, ...]
    """Tensors of the model that no file has."""
    mismatched: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    """Names with the shape in the files and that in the model."""
    unexpected: tuple[str, ...]
    """Tensors in the files that the model has no place for."""


def check_finite(folder: Folder, model: PreTrainedModel) -> None:
    """Refuse weights that are NaN or infinite."""
    for name, weights in model.named_parameters():
        if not bool(torch.isfinite(weights).all()):
            raise ModelError(
                f"{folder.owner} contains weights that are not finite numbers ({unquoted(name)});"
                " save or train it again"
            )


def check_complete(folder: Folder, model: PreTrainedModel, report: LoadingReport) -> None:
    """Refuse a classifier of which a part is new, of another shape, or left out."""
    config, prefix = model.config, f"{model.base_model_prefix}."
    for name, own, expected in report.mismatched:
        if expected and expected[0] == config.num_labels != own[0] and not name.startswith(prefix):
            default = (
                "" if folder.settings.get("id2label") else " by default, as it has no id2label"
            )
            raise ModelError(
                f"the head of {folder.owner} has {own[0]} classes, but config.json names"
                f" {config.num_labels}{default}; correct its id2label"
            )
    if report.mismatched:
        raise ModelError(
            f"the weights of {folder.owner} don't match its config.json:"
            f" {describe_mismatch(report)}"
        )
    missing = report.missing
    if missing and not config.architectures and not missing[0].startswith(prefix):
        raise ModelError(
            f"{folder.owner} holds {config.model_type}, which has no classification head"
            f" (config.json names no architectures, and the weights lack {unquoted(missing[0])});"
            " fine-tune it with clsight train"
        )
    if missing:
        raise ModelError(
            f"the weights of {folder.owner} are incomplete: {shown(missing[0])} is missing (tensors"
            f" missing: {len(missing)}), so its answers would be random; save it again, or"
            f" {TRAIN_HINT}"
        )
    check_layers(folder, model, report)
    for name, entry, length in _list_entries(model, report.unexpected):
        if entry >= length:
            raise ModelError(
                f"the config.json of {folder.owner} describes {length} layers, but its weights have"
                f" more ({unquoted(name)}); correct num_hidden_layers"
            )


def check_layers(folder: Folder, model: PreTrainedModel, report: LoadingReport) -> None:
    """Refuse a layer of which a part is left out: an adapter, positions relative to each other.

    Raises:
        ModelError: The files hold weights of a layer of the model that the model doesn't have.
    """
    for name, entry, length in _list_entries(model, report.unexpected):
        if entry < length and WEIGHT.search(name):
            raise ModelError(
                f"the weights of {folder.owner} hold {shown(name)}, for which transformers"
                f" {transformers.__version__} has no place in"
                f" {with_article(unquoted(model.config.model_type))} model, so its answers would"
                " differ; choose another checkpoint"
            )


def _list_entries(model: PreTrainedModel, names: Iterable[str]) -> Iterator[tuple[str, int, int]]:
    """The *names* that are of an entry of a list of *model*, its number, and how many there are."""
    prefix = f"{model.base_model_prefix}."
    lists = {
        path.removeprefix(prefix): len(part)
        for path, part in model.named_modules()
        if isinstance(part, nn.ModuleList)
    }
    for name in names:
        for path, length in lists.items():
            number = name.removeprefix(prefix).removeprefix(f"{path}.").partition(".")[0]
            if name.removeprefix(prefix).startswith(f"{path}.") and number.isdecimal():
                yield name, int(number), length


def describe_mismatch(report: LoadingReport) -> str:
    """The first tensor whose two shapes differ, in words."""
    name, own, expected = report.mismatched[0]
    return (
        f"{shown(name)} is {describe_shape(own)} in the files and {describe_shape(expected)} by"
        " config.json; save the checkpoint again"
    )
