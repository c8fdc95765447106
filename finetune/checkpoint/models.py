"""Base models and checkpoints: opened as safetensors only, refused with a reason otherwise."""

import logging
from dataclasses import dataclass
from inspect import signature
from pathlib import Path

import torch
import transformers
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
)

from finetune.checkpoint import max_length
from finetune.checkpoint.base_opening import open_base_folder, require_body
from finetune.checkpoint.class_names import names_by_number
from finetune.checkpoint.configuration import build_config
from finetune.checkpoint.cut_heads import end_absence
from finetune.checkpoint.folder import Folder, open_folder
from finetune.checkpoint.loading import (
    build_meta_classifier,
    build_new_classifier,
    open_model,
    open_tokenizer,
)
from finetune.checkpoint.loading_report import check_layers
from finetune.checkpoint.opening import open_classifier
from finetune.checkpoint.padding import fit_padding
from finetune.checkpoint.problem_types import MULTI_LABEL, REGRESSION, SINGLE_LABEL, is_regression
from finetune.checkpoint.score_scale import output_layer
from finetune.checkpoint.temperature import TEMPERATURE_KEY
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
    pads: bool = True
    """Whether padding leaves the logits of a text as they are; else each is measured alone."""

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
    """The body of *source* under a classification head for *labels*.

    The head is new, unless *source* is a classifier of the very same classes; one for *regression*
    always is, as that of another run gives scores in the unit of its own data.
    """
    folder, config = open_base_folder(source)
    own_labels = names_by_number(config.id2label or {})
    weights = find_weights(folder)
    tokenizer = open_tokenizer(folder, config, weights)
    tokenizer.truncation_side = "right"  # which end is cut, the run's settings say
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: number for number, label in enumerate(labels)}
    config.problem_type = REGRESSION if regression else MULTI_LABEL if multi_label else SINGLE_LABEL
    if hasattr(config, TEMPERATURE_KEY):  # it was fitted on the logits of the head as it was
        delattr(config, TEMPERATURE_KEY)
    model, report = open_model(folder, config, weights)
    if report.missing or report.mismatched:
        require_body(folder, model, report)
    lacking_head = bool(report.missing or report.mismatched)
    new_head = lacking_head or regression or own_labels != labels
    if new_head and (end_absence(model.config) or not lacking_head):
        _reset_head(model)
    end_absence(model.config)
    if regression:
        output_layer(model)  # raises where scores could not be put into it at the end
    check_layers(folder, model, report)
    check_model_fits(model, tokenizer, folder.owner)
    return _paired(model, tokenizer, labels, folder)


def _paired(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    labels: tuple[str, ...],
    folder: Folder,
) -> Checkpoint:
    """Both, the tokenizer giving no more than the model takes, and padding as it reads."""
    taken = signature(model.forward).parameters
    tokenizer.model_input_names = [name for name in tokenizer.model_input_names if name in taken]
    pads = fit_padding(model, tokenizer, folder.owner)
    return Checkpoint(model=model, tokenizer=tokenizer, labels=labels, pads=pads)


def _reset_head(model: PreTrainedModel) -> None:
    """Give all that stands on the encoder new first weights: the old ones meant other classes."""
    fresh = build_new_classifier(model.config)
    for name, part in model.named_children():
        if name != model.base_model_prefix:
            part.load_state_dict(getattr(fresh, name).state_dict())


def load_masked(source: str) -> PreTrainedModel:
    """The encoder *source* under the head that guesses hidden words, new where it has none.

    Raises:
        ModelError: Its family guesses none.
    """
    folder, config = open_base_folder(source)
    if config.is_encoder_decoder or config.model_type not in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        raise ModelError(
            f"{folder.owner} is {with_article(config.model_type)} model, which guesses no hidden"
            " words; leave out --pretrain-epochs"
        )
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
    labels = names_by_number(opened.config.id2label or {})
    return _paired(opened.model, opened.tokenizer, labels, opened.folder)


def max_input_length(checkpoint: Checkpoint) -> int:
    """Tokens that the model can read at once, special tokens included."""
    return max_length.max_input_length(checkpoint.model, checkpoint.tokenizer)


def load_tokenizer(source: str) -> tuple[PreTrainedTokenizerFast, int]:
    """The tokenizer of the base model *source*, and how many tokens that model reads at once."""
    folder, config = open_base_folder(source)
    weights = find_weights(folder)
    tokenizer = open_tokenizer(folder, config, weights)
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
