"""Configuration, weights and tokenizer of a checkpoint, as transformers makes them.

The only file of the project that asks transformers to make one of the three. It hands over what
was read and checked before, never the folder or an id of the Hub: no code of a checkpoint is run or
asked about, no pickle is opened, and nothing is looked up elsewhere.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass

import torch
import transformers
from transformers import (
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from finetune.checkpoint.configuration import build_config
from finetune.checkpoint.families import NAMES, NAMES_OR, layer_number
from finetune.checkpoint.folder import TRAIN_HINT, Folder, embedding_library, open_folder
from finetune.checkpoint.library_errors import as_model_error
from finetune.checkpoint.meta_model import build_meta_model
from finetune.checkpoint.problem_types import REGRESSION
from finetune.checkpoint.quiet_libraries import quiet_transformers
from finetune.checkpoint.source import shown, unquoted
from finetune.checkpoint.tokenizer import check_model_fits, check_tokenizer, staged_files
from finetune.checkpoint.weights import (
    WEIGHT,
    Weights,
    describe_shape,
    find_weights,
    require_unique_names,
)
from finetune.errors import ModelError, with_article

CLASSIFIER = "ForSequenceClassification"


@dataclass(frozen=True, slots=True)
class LoadedClassifier:
    """A classifier as transformers loads it."""

    folder: Folder
    config: PreTrainedConfig
    tokenizer: PreTrainedTokenizerFast
    model: PreTrainedModel
    weights: Weights
    """The files that it was loaded from."""


@dataclass(frozen=True, slots=True)
class LoadingReport:
    """How weights and configuration fit together."""

    missing: tuple[str, ...]
    """Tensors of the model that no file has."""
    mismatched: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    """Names with the shape in the files and that in the model."""
    unexpected: tuple[str, ...]
    """Tensors in the files that the model has no place for."""


def open_classifier(
    source: str | os.PathLike[str],
    *,
    dtype: torch.dtype = torch.float32,
    attention: str | None = None,
    encoder: bool = False,
) -> LoadedClassifier:
    """A fine-tuned classifier, its head proven to be that of the files.

    Args:
        source: A folder, or the id of a model on the Hugging Face Hub.
        dtype: What weights are computed in, whatever they are stored in.
        attention: The attention implementation, by its name in transformers.
        encoder: Whether only encoders of the BERT family are taken.

    Raises:
        ModelError: one sentence that says what came and what to do.
    """
    folder = open_folder(source)
    config = build_config(folder)
    if encoder:
        require_encoder(folder, config)
    _require_head(folder, config)
    weights = find_weights(folder)
    tokenizer = open_tokenizer(folder, config, weights)
    model, report = open_model(folder, config, weights, dtype=dtype, attention=attention)
    _check_whole(folder, model, report)
    check_model_fits(model, tokenizer, folder.owner)
    return LoadedClassifier(folder, model.config, tokenizer, model, weights)


def require_encoder(folder: Folder, config: PreTrainedConfig) -> None:
    """Refuse models that generate text, and families that guess no hidden words."""
    kind, named = config.model_type, str(next(iter(config.architectures or [config.model_type])))
    if kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not config.is_encoder_decoder:
        return
    generates = named.endswith(("CausalLM", "LMHeadModel", "ForConditionalGeneration"))
    raise ModelError(
        f"{folder.owner} is {with_article(kind)} model ({unquoted(named)}), which"
        f" {'generates text' if generates else 'is of another family'}; CLSight reads classifiers"
        f" with a BERT-family encoder ({NAMES})"
    )


def _require_head(folder: Folder, config: PreTrainedConfig) -> None:
    """Refuse what says of itself that it is not a classifier, or predicts several numbers."""
    named = next(iter(config.architectures or []), None)
    if named is not None and not named.endswith(CLASSIFIER):
        if maker := embedding_library(folder):
            raise ModelError(
                f"{folder.owner} is {with_article(maker)} model, which produces embeddings and has"
                " no classification head that CLSight reads; fine-tune it with clsight train"
                " train"
            )
        raise ModelError(
            f"{folder.owner} holds {unquoted(named)}, which has no classification head; fine-tune"
            " it with clsight train"
        )
    if type(config) not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING:
        raise ModelError(
            f"{folder.owner} is {with_article(config.model_type)} model, for which transformers has"
            f" no classifier; {TRAIN_HINT} from {NAMES_OR}"
        )
    if not config.num_labels:
        raise ModelError(f"{folder.owner} has no classes; {TRAIN_HINT}")
    if config.problem_type == REGRESSION and config.num_labels != 1:
        raise ModelError(
            f"{folder.owner} predicts {config.num_labels} numbers; CLSight reads models that"
            " predict one, or classes"
        )


def open_tokenizer(
    folder: Folder, config: PreTrainedConfig, weights: Weights
) -> PreTrainedTokenizerFast:
    """The tokenizer of a checkpoint, of no more entries than *weights* can have embeddings."""
    with (
        as_model_error(
            f"the tokenizer of {folder.owner} can't be read",
            "save the one it was trained with into the same folder",
        ),
        staged_files(folder, config, weights.rows) as stage,
        quiet_transformers(),
    ):
        unchecked = AutoTokenizer.from_pretrained(
            stage, config=config, trust_remote_code=False, local_files_only=True
        )
        tokenizer = check_tokenizer(unchecked, folder.owner)
    tokenizer.name_or_path = str(folder.path)
    return tokenizer


def open_model(
    folder: Folder,
    config: PreTrainedConfig,
    weights: Weights,
    *,
    dtype: torch.dtype = torch.float32,
    attention: str | None = None,
    masked: bool = False,
) -> tuple[PreTrainedModel, LoadingReport]:
    """The model that *config* describes with the weights of the files, and how the two fit.

    Args:
        folder: Where they come from.
        config: What is made; it stays as it is.
        weights: The files.
        dtype: What weights are computed in.
        attention: The attention implementation; None leaves the choice to transformers.
        masked: Whether the head is to guess hidden words, not classes.
    """
    kind = _class_of(config, masked=masked)
    build_meta_model(config, kind, weights, folder.owner)
    require_unique_names(weights, f"{kind.base_model_prefix}.", folder.owner)
    how = {} if attention is None else {"attn_implementation": attention}
    with (
        as_model_error(
            f"the weights of {folder.owner} can't be loaded", "save the checkpoint again"
        ),
        quiet_transformers(),
    ):
        model, found = kind.from_pretrained(
            None,
            config=config,
            state_dict=weights.load(),
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are reported, with both shapes
            **how,
        )
    if masked:
        _zero_new_biases(model, found["missing_keys"])
    _check_finite(folder, model)
    model.config.name_or_path = str(folder.path)
    return model, LoadingReport(
        tuple(sorted(found["missing_keys"])),
        tuple(
            sorted(
                (name, tuple(own), tuple(expected))
                for name, own, expected in found["mismatched_keys"]
            )
        ),
        tuple(sorted(found["unexpected_keys"])),
    )


def _zero_new_biases(model: PreTrainedModel, missing: Collection[str]) -> None:
    """Begin the biases of a new head at 0, as transformers means to.

    It leaves those that some heads (Longformer's, FNet's) have beside their layers as they were
    found in memory.
    """
    with torch.no_grad():
        for name, parameter in model.named_parameters(remove_duplicate=False):
            if name in missing and name.endswith("bias"):
                parameter.zero_()


def _class_of(config: PreTrainedConfig, *, masked: bool) -> type[PreTrainedModel]:
    known = MODEL_FOR_MASKED_LM_MAPPING if masked else MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING
    kind: type[PreTrainedModel] = known[type(config)]
    return kind


def build_meta_classifier(
    folder: Folder, config: PreTrainedConfig, weights: Weights
) -> PreTrainedModel:
    """The classifier without weights, for what its layers alone tell."""
    return build_meta_model(config, _class_of(config, masked=False), weights, folder.owner)


def build_new_classifier(
    config: PreTrainedConfig, *, attention: str | None = None
) -> PreTrainedModel:
    """A classifier with first weights, which nothing has trained."""
    how = {} if attention is None else {"attn_implementation": attention}
    model: PreTrainedModel = AutoModelForSequenceClassification.from_config(
        config, trust_remote_code=False, **how
    )
    return model


def _check_finite(folder: Folder, model: PreTrainedModel) -> None:
    for name, weights in model.named_parameters():
        if not bool(torch.isfinite(weights).all()):
            raise ModelError(
                f"{folder.owner} contains weights that are not finite numbers ({unquoted(name)});"
                " save or train it again"
            )


def _check_whole(folder: Folder, model: PreTrainedModel, report: LoadingReport) -> None:
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
    layers = getattr(config, "num_hidden_layers", None)
    beyond = [
        name
        for name in report.unexpected
        if isinstance(layers, int) and (layer := layer_number(name)) is not None and layer >= layers
    ]
    if beyond:
        raise ModelError(
            f"the config.json of {folder.owner} describes {layers} layers, but its weights have"
            f" more ({unquoted(beyond[0])}); correct num_hidden_layers"
        )


def check_layers(folder: Folder, model: PreTrainedModel, report: LoadingReport) -> None:
    """Refuse a layer of which a part is left out: an adapter, positions relative to each other.

    Raises:
        ModelError: The files hold weights of a layer of the model that the model doesn't have.
    """
    layers = getattr(model.config, "num_hidden_layers", None)
    for name in report.unexpected:
        layer = layer_number(name)
        if layer is None or not isinstance(layers, int) or layer >= layers:
            continue
        if WEIGHT.search(name):
            raise ModelError(
                f"the weights of {folder.owner} hold {shown(name)}, for which transformers"
                f" {transformers.__version__} has no place in"
                f" {with_article(unquoted(model.config.model_type))} model, so its answers would"
                " differ; choose another checkpoint"
            )


def describe_mismatch(report: LoadingReport) -> str:
    """The first tensor whose two shapes differ, in words."""
    name, own, expected = report.mismatched[0]
    return (
        f"{shown(name)} is {describe_shape(own)} in the files and {describe_shape(expected)} by"
        " config.json; save the checkpoint again"
    )
