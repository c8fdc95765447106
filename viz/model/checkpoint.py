"""Opens a checkpoint folder or a Hub id; what is wrong with it is said in one sentence."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

from finetune.checkpoint import problem_types
from finetune.checkpoint.adapter_base import parts_of
from finetune.checkpoint.base_opening import open_base
from finetune.checkpoint.folder import is_checkpoint
from finetune.checkpoint.max_length import max_input_length
from finetune.checkpoint.opening import open_classifier
from finetune.checkpoint.source import local_folder, locate
from finetune.errors import ModelError
from viz.errors import CheckpointError, as_sentence

__all__ = [
    "Checkpoint",
    "is_checkpoint",
    "is_regression",
    "local_folder",
    "max_input_length",
    "open_checkpoint",
    "parts_of",
    "place_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The parts of a classifier as transformers loads them."""

    name: str
    config: PreTrainedConfig
    tokenizer: PreTrainedTokenizerFast
    model: PreTrainedModel
    fingerprint: str
    """SHA-256 of its weight files in the order of their names: what sha256sum says of a single;
    those of an adapter come after those of its base."""
    has_head: bool = True
    """Whether it was trained to classify; a base model has only where it looks."""


def open_checkpoint(
    source: str | os.PathLike[str], *, attention: str, dtype: torch.dtype, base: bool = False
) -> Checkpoint:
    """Load a checkpoint as safetensors, never as a pickle and never with code of its own.

    Args:
        source: A folder, or the id of a model on the Hugging Face Hub.
        attention: The attention implementation that transformers is to use.
        dtype: What weights are computed in, whatever they are stored in.
        base: Whether it is a base model, whose head means nothing.

    Raises:
        CheckpointError: one sentence that says what came and what to do.
    """
    try:
        open_it = open_base if base else open_classifier
        opened = open_it(source, attention=attention, dtype=dtype)
    except ModelError as error:
        raise CheckpointError(as_sentence(error)) from error
    model, tokenizer = opened.model.eval().requires_grad_(False), opened.tokenizer
    return Checkpoint(
        opened.folder.title, opened.config, tokenizer, model, opened.fingerprint(), not base
    )


def place_of(source: str | os.PathLike[str]) -> tuple[str, bool]:
    """Where to load from, and whether that is a folder of this machine.

    Raises:
        CheckpointError: It is neither a folder nor the form of a Hub id.
    """
    try:
        location = locate(source)
    except ModelError as error:
        raise CheckpointError(as_sentence(error)) from error
    return str(location), isinstance(location, Path)


def is_regression(config: PreTrainedConfig) -> bool:
    """Whether the model predicts a number; as in transformers, a lone logit does unless it says."""
    return problem_types.is_regression(config.problem_type, config.num_labels)
