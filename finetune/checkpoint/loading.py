"""Configuration, weights and tokenizer of a checkpoint, as transformers makes them.

The only file of the project that asks transformers to make one of the three. It hands over what
was read and checked before, never the folder or an id of the Hub: no code of a checkpoint is run or
asked about, no pickle is opened, and nothing is looked up elsewhere.
"""

from collections.abc import Collection
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from transformers import (
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from finetune.checkpoint.configuration import build_config
from finetune.checkpoint.cut_heads import check_absent
from finetune.checkpoint.folder import TRAIN_HINT, Folder, embedding_library
from finetune.checkpoint.library_errors import as_model_error
from finetune.checkpoint.loading_report import (
    LoadingReport,
    check_complete,
    check_finite,
)
from finetune.checkpoint.meta_model import build_meta_model
from finetune.checkpoint.problem_types import REGRESSION
from finetune.checkpoint.quiet_libraries import quiet_transformers
from finetune.checkpoint.source import shown, unquoted
from finetune.checkpoint.tokenizer import check_model_fits, check_tokenizer, staged_files
from finetune.checkpoint.weights import (
    Weights,
    find_weights,
    hash_files,
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
    files: tuple[Path, ...]
    """What decides its answers: the weights, in the order of their names, or those of a base model
    with both files of an adapter."""

    def fingerprint(self) -> str:
        """SHA-256 of the files one after the other: what sha256sum says of a single."""
        return hash_files(self.files)


def open_whole_classifier(
    folder: Folder, *, dtype: torch.dtype = torch.float32, attention: str | None = None
) -> LoadedClassifier:
    """A classifier whose folder holds all its weights, its head proven to be that of the files.

    Args:
        folder: Where it lies, its settings read.
        dtype: What weights are computed in, whatever they are stored in.
        attention: The attention implementation, by its name in transformers.

    Raises:
        ModelError: one sentence that says what came and what to do.
    """
    config = build_config(folder)
    require_classifier(folder, config)
    weights = find_weights(folder)
    tokenizer = open_tokenizer(folder, config, weights)
    model, report = open_model(folder, config, weights, dtype=dtype, attention=attention)
    check_complete(folder, model, report)
    check_model_fits(model, tokenizer, folder.owner)
    return LoadedClassifier(folder, model.config, tokenizer, model, weights.files)


def require_classifier(folder: Folder, config: PreTrainedConfig) -> None:
    """Refuse what says of itself that it is not a classifier, or predicts several numbers."""
    named = next(iter(config.architectures or []), None)
    if named is not None and not named.endswith(CLASSIFIER):
        if maker := embedding_library(folder):
            raise ModelError(
                f"{folder.owner} is {with_article(maker)} model, which produces embeddings and has"
                " no classification head that CLSight reads; fine-tune it with clsight"
                " train"
            )
        raise ModelError(
            f"{folder.owner} holds {unquoted(named)}, which has no classification head; fine-tune"
            " it with clsight train"
        )
    if type(config) not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING:
        raise ModelError(
            f"{folder.owner} is {with_article(config.model_type)} model, for which transformers has"
            f" no classifier; {TRAIN_HINT}"
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
    kind: type[PreTrainedModel] | None = None,
) -> tuple[PreTrainedModel, LoadingReport]:
    """The model that *config* describes with the weights of the files, and how the two fit.

    Args:
        folder: Where they come from.
        config: What is made; it stays as it is.
        weights: The files.
        dtype: What weights are computed in.
        attention: The attention implementation; None leaves the choice to transformers.  A family
            whose code lets none be chosen computes its own eager one.
        masked: Whether the head is to guess hidden words, not classes.
        kind: The class of the model, where it is another than that of a classifier; made without
            a pooler.
    """
    without_pooler = kind is not None and "add_pooling_layer" in signature(kind.__init__).parameters
    kind = kind or _class_of(config, masked=masked)
    build_meta_model(config, kind, weights, folder.owner)
    require_unique_names(weights, f"{kind.base_model_prefix}.", folder.owner)
    if attention is not None and not kind._can_set_attn_implementation():
        attention = "eager"
    how: dict[str, Any] = {} if attention is None else {"attn_implementation": attention}
    if without_pooler:
        how["add_pooling_layer"] = False
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
    check_finite(folder, model)
    model.config.name_or_path = str(folder.path)
    return model, LoadingReport(
        check_absent(model, tuple(sorted(found["missing_keys"])), folder.owner),
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


def open_plainly(folder: Path) -> PreTrainedModel:
    """The classifier in a folder of ours as any program opens it: by transformers alone.

    Nothing of this project is asked, so that what it wrote is proved to be of use without it.
    """
    with (
        as_model_error(f"{shown(folder.name)} can't be opened", "save the checkpoint again"),
        quiet_transformers(),
    ):
        model: PreTrainedModel = AutoModelForSequenceClassification.from_pretrained(
            folder,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
        )
    return model.eval()
