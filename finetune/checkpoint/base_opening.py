"""Opens a base model: the body of a folder, with whatever head it has or a new one."""

import os

import torch
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
)

from finetune.checkpoint.configuration import build_config
from finetune.checkpoint.folder import Folder, open_folder
from finetune.checkpoint.layer_stack import find_layers
from finetune.checkpoint.loading import LoadedClassifier, open_model, open_tokenizer
from finetune.checkpoint.loading_report import LoadingReport, check_layers, describe_mismatch
from finetune.checkpoint.tokenizer import check_model_fits
from finetune.checkpoint.weights import find_weights
from finetune.errors import ModelError, with_article


def open_base(
    source: str | os.PathLike[str],
    *,
    dtype: torch.dtype = torch.float32,
    attention: str | None = None,
) -> LoadedClassifier:
    """A base model under a head that means nothing, for where its layers look.

    Args:
        source: A folder, or the id of a model on the Hugging Face Hub.
        dtype: What weights are computed in, whatever they are stored in.
        attention: The attention implementation, by its name in transformers.

    Raises:
        ModelError: one sentence that says what came and what to do.
    """
    folder, config = open_base_folder(str(source))
    weights = find_weights(folder)
    tokenizer = open_tokenizer(folder, config, weights)
    with torch.random.fork_rng():
        torch.manual_seed(0)  # so that its new head is the same whenever it is opened
        model, report = open_model(folder, config, weights, dtype=dtype, attention=attention)
    if report.missing or report.mismatched:
        require_body(folder, model, report)
    check_layers(folder, model, report)
    check_model_fits(model, tokenizer, folder.owner)
    return LoadedClassifier(folder, model.config, tokenizer, model, weights.files)


def open_base_folder(source: str) -> tuple[Folder, PreTrainedConfig]:
    """A folder and its configuration, where transformers puts a head on such a model."""
    folder = open_folder(source)
    config = build_config(folder)
    if config.model_type not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES:
        raise ModelError(
            f"{folder.owner} is {with_article(config.model_type)} model, on which transformers puts"
            " no classification head; choose a model of texts"
        )
    return folder, config


def require_body(folder: Folder, model: PreTrainedModel, report: LoadingReport) -> None:
    """Refuse files without all that stands below the head; poolers are of the head."""
    stack = find_layers(model)
    head = stack.n_layers + 1
    if any(stack.height(name) != head for name, *_ in report.mismatched):
        raise ModelError(
            f"the weights of {folder.owner} don't match its config.json:"
            f" {describe_mismatch(report)}"
        )
    lacking = [name for name in report.missing if stack.height(name) != head]
    if lacking:
        raise ModelError(
            f"the weights of {folder.owner} are incomplete: {lacking[0]!r} is missing (tensors"
            f" missing: {len(lacking)}); take a complete base model"
        )
