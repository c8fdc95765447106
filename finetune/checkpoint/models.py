"""Base models and checkpoints: opened as safetensors only, refused with a reason otherwise."""

import logging
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
)

from finetune.checkpoint import families, max_length
from finetune.checkpoint.configuration import build_config
from finetune.checkpoint.folder import Folder, open_folder
from finetune.checkpoint.loading import (
    build_meta_classifier,
    build_new_classifier,
    open_model,
    open_tokenizer,
)
from finetune.checkpoint.loading_report import check_layers, describe_mismatch
from finetune.checkpoint.opening import open_classifier
from finetune.checkpoint.problem_types import MULTI_LABEL, REGRESSION, SINGLE_LABEL, is_regression
from finetune.checkpoint.score_scale import output_layer
from finetune.checkpoint.tokenizer import check_model_fits
from finetune.checkpoint.weights import find_weights
from finetune.errors import ModelError, with_article

DEFAULT_MAX_LENGTH = 512
"""Tokens read by default of models that could read more."""

STALE_ENTRIES = (
    "name_or_path", "max_length", "stride", "truncation_strategy", "pad_to_multiple_of",
    "is_local", "local_files_only",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A classifier with its tokenizer, ready to be measured."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    labels: tuple[str, ...]

    @property
    def multi_label(self) -> bool:
        """Whether a text may have several classes."""
        return str(self.model.config.problem_type) == MULTI_LABEL

    @property
    def regression(self) -> bool:
        """Whether it gives a score; as in transformers, a lone logit is one unless it says."""
        return is_regression(self.model.config.problem_type, len(self.labels))

    @property
    def problem_type(self) -> str:
        """Its task, as config.json names it."""
        return REGRESSION if self.regression else MULTI_LABEL if self.multi_label else SINGLE_LABEL


def load_base(
    source: str, labels: tuple[str, ...], *, multi_label: bool, regression: bool = False
) -> Checkpoint:
    """The encoder *source* under a classification head for *labels*.

    The head is new, unless *source* is a classifier of the very same classes; one for *regression*
    always is, as that of another run gives scores in the unit of its own data.
    """
    folder, config = _open_base(source)
    own_labels = _label_names(config)
    weights = find_weights(folder)
    tokenizer = _with_padding(open_tokenizer(folder, config, weights), folder)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: number for number, label in enumerate(labels)}
    config.problem_type = REGRESSION if regression else MULTI_LABEL if multi_label else SINGLE_LABEL
    model, report = open_model(folder, config, weights)
    prefix = f"{model.base_model_prefix}."
    if any(
        name.startswith(prefix) and not _is_head(name, prefix) for name, *_ in report.mismatched
    ):
        raise ModelError(
            f"the weights of {folder.owner} don't match its config.json:"
            f" {describe_mismatch(report)}"
        )
    lacking = [name for name in report.missing if not _is_head(name, prefix)]
    if lacking:
        raise ModelError(
            f"the weights of {folder.owner} are incomplete: {lacking[0]!r} is missing (tensors"
            f" missing: {len(lacking)}); take a complete base model"
        )
    lacking_head = bool(report.missing or report.mismatched)
    if not lacking_head and (regression or own_labels != labels):
        _reset_head(model)
    if regression:
        output_layer(model)  # raises where scores could not be put into it at the end
    check_layers(folder, model, report)
    check_model_fits(model, tokenizer, folder.owner)
    return Checkpoint(model=model, tokenizer=tokenizer, labels=labels)


def _open_base(source: str) -> tuple[Folder, PreTrainedConfig]:
    """A folder and its configuration, where it holds an encoder that takes a head."""
    folder = open_folder(source)
    config = build_config(folder)
    kind = config.model_type
    if (
        kind not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES
        or kind not in MODEL_FOR_MASKED_LM_MAPPING_NAMES
        or config.is_encoder_decoder
    ):
        raise ModelError(
            f"{folder.owner} is {with_article(kind)} model, not an encoder that takes a"
            f" classification head; choose {families.NAMES} or a similar model"
        )
    return folder, config


def _is_head(name: str, prefix: str) -> bool:
    """Whether a weight is of what stands on the encoder, or of the pooler on top of it."""
    return (
        not name.startswith(prefix)
        or name.removeprefix(prefix).split(".")[0] in families.HEAD_NAMES
    )


def _with_padding(tokenizer: PreTrainedTokenizerFast, folder: Folder) -> PreTrainedTokenizerFast:
    """The tokenizer, where it can fill the shorter texts of a batch."""
    if tokenizer.pad_token is None:
        raise ModelError(f"the tokenizer of {folder.owner} has no padding token; it needs one")
    return tokenizer


def _reset_head(model: PreTrainedModel) -> None:
    """Give all that stands on the encoder new first weights: the old ones meant other classes."""
    fresh = build_new_classifier(model.config)
    for name, part in model.named_children():
        if name != model.base_model_prefix:
            part.load_state_dict(getattr(fresh, name).state_dict())


def _label_names(config: PreTrainedConfig) -> tuple[str, ...]:
    """The names of a classifier's classes, by index; none where they aren't numbered from 0."""
    names = config.id2label or {}
    numbers = range(len(names))
    return tuple(str(names[number]) for number in numbers) if set(names) == set(numbers) else ()


def load_masked(source: str) -> PreTrainedModel:
    """The encoder *source* under the head that guesses hidden words, new where it has none."""
    folder, config = _open_base(source)
    model, _ = open_model(folder, config, find_weights(folder), masked=True)
    return model


def load_weights(place: Path, model: PreTrainedModel) -> dict[str, Tensor]:
    """The weights in the folder *place*, as float32, by the names that *model* has for them.

    Files hold the names of the Hub, which in some families are others: transformers knows both.

    Raises:
        ModelError: The files can't be read, or are not those of such a model.
    """
    folder = open_folder(str(place))
    masked = type(model).__name__.endswith("ForMaskedLM")
    saved, report = open_model(folder, build_config(folder), find_weights(folder), masked=masked)
    if report.missing or report.mismatched:
        raise ModelError(f"the weights of {folder.owner} are not those of this model")
    return dict(saved.state_dict())


def load_checkpoint(source: str) -> Checkpoint:
    """The fine-tuned classifier *source*, its weights as float32 whatever they are on disk."""
    opened = open_classifier(source, dtype=torch.float32)
    return Checkpoint(
        model=opened.model,
        tokenizer=_with_padding(opened.tokenizer, opened.folder),
        labels=_label_names(opened.config),
    )


def max_input_length(checkpoint: Checkpoint) -> int:
    """Tokens that the model can read at once, special tokens included."""
    return max_length.max_input_length(checkpoint.model, checkpoint.tokenizer)


def base_config(source: str) -> PreTrainedConfig:
    """The configuration of the base model *source*."""
    return _open_base(source)[1]


def load_tokenizer(source: str) -> tuple[PreTrainedTokenizerFast, int]:
    """The tokenizer of the base model *source*, and how many tokens that model reads at once."""
    folder, config = _open_base(source)
    weights = find_weights(folder)
    tokenizer = _with_padding(open_tokenizer(folder, config, weights), folder)
    model = build_meta_classifier(folder, config, weights)
    check_model_fits(model, tokenizer, folder.owner)
    return tokenizer, max_length.max_input_length(model, tokenizer)


def save_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write the tokenizer without what a run or an earlier owner left in it: limits and paths."""
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    for name in STALE_ENTRIES:
        tokenizer.init_kwargs.pop(name, None)
    tokenizer.save_pretrained(folder)


def quiet_libraries() -> None:
    """No reports, warnings or bars of the libraries between our own lines."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in ("huggingface_hub", "accelerate"):
        logging.getLogger(name).setLevel(logging.ERROR)
