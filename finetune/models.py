"""Base models and checkpoints: opened as safetensors only, refused with a reason otherwise."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
)

from finetune.config import local_path, shown_name
from finetune.dataset.scale import output_layer
from finetune.errors import ModelError
from finetune.record import REGRESSION

LONGEST = 512
"""Tokens read by default of models that could read more."""

MULTI_LABEL = "multi_label_classification"
SINGLE_LABEL = "single_label_classification"
TOKENIZER_FILES = (
    "tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "spm.model", "tokenizer.model",
    "sentencepiece.bpe.model",
)  # fmt: skip
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
LEFTOVERS = (
    "name_or_path", "max_length", "stride", "truncation_strategy", "pad_to_multiple_of",
    "is_local", "local_files_only",
)  # fmt: skip
HEADS = (
    "classifier", "pre_classifier", "pooler", "score", "head", "classification_head",
    "sequence_summary",
)  # fmt: skip
"""First names of the weights that a base model may lack: they are what is trained anew."""


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
        kind = self.model.config.problem_type
        return kind == REGRESSION or (kind is None and len(self.labels) == 1)

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
    config = _open_config(source, what="base model")
    if not _is_encoder(config):
        raise ModelError(
            f"{shown_name(source)!r} is a {config.model_type} model, no encoder that takes a"
            " classification head; take BERT, RoBERTa, ELECTRA, DistilBERT or their like"
        )
    tokenizer = _open_tokenizer(source)
    model, lacking = _open_weights(
        source,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
        problem_type=REGRESSION if regression else MULTI_LABEL if multi_label else SINGLE_LABEL,
        ignore_mismatched_sizes=True,
    )
    prefix = f"{model.base_model_prefix}."
    lacking_head = bool(lacking)
    lacking = [name for name in lacking if name.removeprefix(prefix).split(".")[0] not in HEADS]
    if lacking:
        raise ModelError(
            f"the weights of {shown_name(source)!r} are incomplete: {lacking[0]!r} is missing"
            f" (tensors missing: {len(lacking)}); take a complete base model"
        )
    if not lacking_head and (regression or _labels_of(config) != labels):
        _renew_head(model)
    if regression:
        output_layer(model)  # raises where scores could not be put into it at the end
    return _checked(source, model, tokenizer, labels)


def _renew_head(model: PreTrainedModel) -> None:
    """Give all that stands on the encoder new first weights: the old ones meant other classes."""
    fresh = AutoModelForSequenceClassification.from_config(model.config)
    for name, part in model.named_children():
        if name != model.base_model_prefix:
            part.load_state_dict(getattr(fresh, name).state_dict())


def _labels_of(config: PreTrainedConfig) -> tuple[str, ...]:
    """The names of a classifier's classes, by index; none where they aren't numbered from 0."""
    names = config.id2label or {}
    numbers = range(len(names))
    return tuple(str(names[number]) for number in numbers) if set(names) == set(numbers) else ()


def load_masked(source: str) -> PreTrainedModel:
    """The encoder *source* under the head that guesses hidden words, new where it has none."""
    model, _ = _open_weights(source, AutoModelForMaskedLM)
    return model


def load_checkpoint(source: str) -> Checkpoint:
    """The fine-tuned classifier *source*, its weights as float32 whatever they are on disk."""
    config = _open_config(source, what="checkpoint")
    names = config.architectures or ["?"]
    if not names[0].endswith("ForSequenceClassification"):
        raise ModelError(
            f"{shown_name(source)!r} holds a {names[0]}, no text classifier; fine-tune it first"
            " with python -m finetune train"
        )
    tokenizer = _open_tokenizer(source)
    model, lacking = _open_weights(source)
    if lacking:
        raise ModelError(
            f"the weights of {shown_name(source)!r} are incomplete: {lacking[0]!r} is missing"
            f" (tensors missing: {len(lacking)}); train the checkpoint again"
        )
    labels = _labels_of(model.config)
    if not labels:
        raise ModelError(
            f"the classes in config.json of {shown_name(source)!r} aren't numbered from 0 without a"
            " gap; mend its id2label"
        )
    return _checked(source, model, tokenizer, labels)


def longest_input(checkpoint: Checkpoint) -> int:
    """Tokens that the model can read at once, special tokens included."""
    return _longest(checkpoint.model.config, checkpoint.tokenizer)


def load_tokenizer(source: str) -> tuple[PreTrainedTokenizerFast, int]:
    """The tokenizer of the base model *source*, and how many tokens that model reads at once."""
    config, tokenizer = _open_config(source, what="base model"), _open_tokenizer(source)
    return tokenizer, _longest(config, tokenizer)


def _longest(config: PreTrainedConfig, tokenizer: PreTrainedTokenizerFast) -> int:
    limits: list[int] = [tokenizer.model_max_length]
    positions = getattr(config, "max_position_embeddings", None)
    if positions:
        offset_from_padding = "roberta" in config.model_type or config.model_type == "camembert"
        limits.append(positions - (config.pad_token_id + 1 if offset_from_padding else 0))
    return min(limits)


def save_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write the tokenizer without what a run or an earlier owner left in it: limits and paths."""
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    for name in LEFTOVERS:
        tokenizer.init_kwargs.pop(name, None)
    tokenizer.save_pretrained(folder)


def quiet_libraries() -> None:
    """No reports, warnings or bars of the libraries between our own lines."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in ("huggingface_hub", "accelerate"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _open_config(source: str, *, what: str) -> PreTrainedConfig:
    folder = local_path(source)
    if folder.is_dir():
        _check_files(folder)
    elif folder.exists() or folder.is_absolute() or source.startswith((".", "~")):
        raise ModelError(f"no folder {source!r}; a {what} is a folder or a Hub name")
    try:
        return AutoConfig.from_pretrained(_place(source), trust_remote_code=False)
    except Exception as error:
        raise ModelError(
            f"config.json of {shown_name(source)!r} can't be read, or names an unknown model"
            if folder.is_dir()
            else f"no folder {source!r}, and the Hub has no such {what} or can't be reached"
        ) from error


def _place(source: str) -> str:
    folder = local_path(source)
    return str(folder) if folder.is_dir() else source


def _check_files(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise ModelError(f"folder {folder.name!r} is no checkpoint: it has no config.json")
    if any(folder.glob("*.safetensors")):
        return
    pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    if pickles:
        raise ModelError(
            f"{folder.name!r} holds its weights as a pickle ({pickles[0]}), which can run any code"
            " when opened; if you trust it, convert it once: AutoModel.from_pretrained(FOLDER,"
            " use_safetensors=False).save_pretrained(FOLDER)"
        )
    raise ModelError(f"folder {folder.name!r} has no weights: model.safetensors is missing")


def _is_encoder(config: PreTrainedConfig) -> bool:
    kind = config.model_type
    known = kind in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES
    return bool(
        known and kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not config.is_encoder_decoder
    )


def _open_tokenizer(source: str) -> PreTrainedTokenizerFast:
    folder = local_path(source)
    if folder.is_dir() and not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise ModelError(f"folder {folder.name!r} has no tokenizer; copy its tokenizer.json there")
    try:
        tokenizer = AutoTokenizer.from_pretrained(_place(source), trust_remote_code=False)
    except Exception as error:
        raise ModelError(
            f"the tokenizer of {shown_name(source)!r} can't be read; is tokenizer.json whole?"
        ) from error
    if not tokenizer.is_fast:
        raise ModelError(f"{shown_name(source)!r} has no fast tokenizer; take a base with one")
    if tokenizer.pad_token is None:
        raise ModelError(
            f"the tokenizer of {shown_name(source)!r} has no padding token; it needs one"
        )
    return tokenizer


def _open_weights(
    source: str, kind: Any = AutoModelForSequenceClassification, **settings: Any
) -> tuple[PreTrainedModel, list[str]]:
    """The model as float32, and the weights that its files lack or have in another size."""
    try:
        model, report = kind.from_pretrained(
            _place(source),
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
            **settings,
        )
    except Exception as error:
        raise ModelError(
            f"the weights of {shown_name(source)!r} can't be read as safetensors"
            f" ({_first_line(error)}); copy or convert the model again"
        ) from error
    lacking = set(report["missing_keys"]) | {key[0] for key in report["mismatched_keys"]}
    return model, sorted(lacking)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__


def _checked(
    source: str,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    labels: tuple[str, ...],
) -> Checkpoint:
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise ModelError(
            f"the tokenizer of {shown_name(source)!r} has {len(tokenizer):,} entries but the model"
            f" only {rows:,}; they don't belong together"
        )
    return Checkpoint(model=model, tokenizer=tokenizer, labels=labels)
