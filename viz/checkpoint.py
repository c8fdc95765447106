"""Opening a checkpoint folder or Hub id; what can be wrong with one is said in one sentence."""

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError, safe_open
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES
from transformers.utils import cached_file

from viz.errors import CheckpointError
from viz.hub import hub_answers

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
_loading = threading.Lock()
"""One load at a time: what transformers prints is set for the whole process."""

TRAIN = "fine-tune one with `python -m finetune train`"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The parts of a classifier as transformers loads them."""

    name: str
    config: PreTrainedConfig
    tokenizer: PreTrainedTokenizerFast
    model: PreTrainedModel
    fingerprint: str
    """SHA-256 of its weight files in the order of their names: what sha256sum says of a single."""


def open_checkpoint(
    source: str | os.PathLike[str], *, attention: str, dtype: torch.dtype
) -> Checkpoint:
    """Load a checkpoint as safetensors, never as a pickle and never with code of its own.

    Args:
        source: A folder, or the id of a model on the Hugging Face Hub.
        attention: The attention implementation that transformers is to use.
        dtype: What weights are computed in, whatever they are stored in.

    Raises:
        CheckpointError: one sentence that says what came and what to do.
    """
    place, local = place_of(source)
    if local:
        _check_folder(Path(place))
    on_disk = local or not hub_answers()
    with _loading, _quiet():
        config = _config(place, local, on_disk)
        _check_config(place, config)
        model = _model(place, on_disk, config, attention, dtype)
        tokenizer = _tokenizer(place, on_disk)
    _check_vocabulary(place, tokenizer, model)
    tokenizer.truncation_side = "right"  # what is cut off is always the end of a text
    name = Path(place).resolve().name if local else place
    return Checkpoint(name, config, tokenizer, model, _fingerprint(place, local))


def _fingerprint(place: str, local: bool) -> str:
    folder = Path(place)
    if not local:
        config = cached_file(place, "config.json", local_files_only=True)
        folder = Path(str(config)).parent
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as stream:
            while block := stream.read(2**20):
                digest.update(block)
    return digest.hexdigest()


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder looks like a saved classifier, judged by its files alone."""
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))


def folder_of(source: str) -> Path | None:
    """The folder that a source names on this machine, or None where it names none."""
    try:
        path = Path(source).expanduser()
        return path if source and path.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # a NUL, a name too long, a user nobody knows
        return None


def place_of(source: str | os.PathLike[str]) -> tuple[str, bool]:
    """Where to load from, and whether that is a folder of this machine."""
    text = os.fspath(source).strip()
    if not text:
        raise CheckpointError("No checkpoint was named; give a folder or a Hub id.")
    folder = folder_of(text)
    if folder is not None:
        return str(folder), True
    if os.path.isfile(text):  # noqa: PTH113 - Path.is_file raises on a NUL
        raise CheckpointError(f"{text!r} is a file; give the checkpoint's folder instead.")
    if HUB_ID.fullmatch(text):
        return text, False
    raise CheckpointError(
        f"There is no folder {text!r}; give a checkpoint folder or a Hub id such as owner/name."
    )


def _check_folder(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise CheckpointError(
            f"{folder.name!r} is no checkpoint: it has no config.json; "
            f"choose a folder that transformers saved a classifier to, or {TRAIN}."
        )
    files = sorted(folder.glob("*.safetensors"))
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        files = [folder / name for name in _shards(index)]
    if not files:
        raise CheckpointError(_no_weights(folder))
    for file in files:
        _check_weights(file)
    # Without any vocabulary transformers makes up an empty tokenizer and says nothing.
    if not any(file for pattern in VOCABULARIES for file in folder.glob(pattern)):
        raise CheckpointError(_no_tokenizer(str(folder)))


def _no_weights(folder: Path) -> str:
    pickles = [file.name for pattern in PICKLES for file in sorted(folder.glob(pattern))]
    if not pickles:
        return (
            f"{folder.name!r} has a config.json but no model.safetensors; "
            "copy the weights there, or save the model again."
        )
    return (
        f"{folder.name!r} holds its weights only as a pickle ({pickles[0]}), which can run any "
        "code when opened and is not read; where you trust it, load it once with transformers and "
        "call save_pretrained(), which writes model.safetensors."
    )


def _no_tokenizer(place: str) -> str:
    return (
        f"{Path(place).name!r} has no tokenizer that can be read; save the one it was trained "
        "with into the same folder."
    )


def _shards(index: Path) -> list[str]:
    try:
        return sorted(
            {str(name) for name in json.loads(index.read_text("utf-8"))["weight_map"].values()}
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{index.name} in {index.parent.name!r} can't be read; copy or save the folder again."
        ) from error


def _check_weights(file: Path) -> None:
    if not file.is_file():
        raise CheckpointError(
            f"{file.parent.name!r} lacks {file.name}, which its index names; copy the whole folder."
        )
    try:
        with safe_open(str(file), framework="pt") as tensors:
            tensors.keys()
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{file.name} in {file.parent.name!r} is damaged or cut short; copy or save it again."
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' bars and load reports to itself: what matters is raised as an error."""
    logging = transformers.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _config(place: str, local: bool, on_disk: bool) -> PreTrainedConfig:
    try:
        config = AutoConfig.from_pretrained(place, local_files_only=on_disk)
    except Exception as error:  # the file is the user's: any shape of wrong can come
        raise CheckpointError(_unreadable(place, local)) from error
    # Attention is recorded by our own function, so transformers must not look for it.
    config.output_attentions = config.output_hidden_states = False
    return config


def _unreadable(place: str, local: bool) -> str:
    if local:
        return (
            f"The config.json of {Path(place).name!r} can't be read or names an architecture that "
            "transformers doesn't know; save the checkpoint again, or choose another."
        )
    return (
        f"{place!r} is no folder here and could not be fetched from the Hugging Face Hub; "
        "check the spelling and the network, or give a folder."
    )


def _check_config(place: str, config: PreTrainedConfig) -> None:
    name, kind = Path(place).name, config.model_type
    named = config.architectures or [kind]
    architecture = str(named[0] if isinstance(named, list) else named)
    if kind not in MODEL_FOR_MASKED_LM_MAPPING_NAMES or config.is_encoder_decoder:
        raise CheckpointError(
            f"{name!r} is a {kind} model ({architecture}), which {_other_kind(architecture)}; "
            "CLSight reads classifiers with a BERT-family encoder (BERT, RoBERTa, ELECTRA, "
            "DistilBERT)."
        )
    if not architecture.endswith("ForSequenceClassification"):
        raise CheckpointError(
            f"{name!r} holds {architecture}, which has no classification head; {TRAIN} from it."
        )
    _check_classes(name, config)


def _other_kind(architecture: str) -> str:
    generates = architecture.endswith(("CausalLM", "LMHeadModel", "ForConditionalGeneration"))
    return "generates text" if generates else "is of another family"


def is_regression(config: PreTrainedConfig) -> bool:
    """Whether the model predicts a number; as in transformers, a lone logit does unless it says."""
    return bool(
        config.problem_type == "regression"
        or (config.problem_type is None and config.num_labels == 1)
    )


def _check_classes(name: str, config: PreTrainedConfig) -> None:
    if is_regression(config) and config.num_labels != 1:
        raise CheckpointError(
            f"{name!r} predicts {config.num_labels} numbers; CLSight reads models that predict "
            "one, or classes."
        )
    if not config.num_labels:
        raise CheckpointError(f"{name!r} has no class; {TRAIN}.")
    if sorted(config.id2label) != list(range(config.num_labels)):
        raise CheckpointError(
            f"The config.json of {name!r} numbers its classes {sorted(config.id2label)}; id2label "
            "has to count from 0 without a gap."
        )


def _model(
    place: str, on_disk: bool, config: PreTrainedConfig, attention: str, dtype: torch.dtype
) -> PreTrainedModel:
    try:
        model, report = AutoModelForSequenceClassification.from_pretrained(
            place,
            config=config,
            attn_implementation=attention,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=on_disk,
            output_loading_info=True,
        )
    except Exception as error:  # the file is the user's: any shape of wrong can come
        raise CheckpointError(
            f"The weights of {Path(place).name!r} can't be loaded: they do not fit its config.json "
            "or are not stored as safetensors; save the checkpoint again."
        ) from error
    _check_report(place, report)
    loaded: PreTrainedModel = model.eval().requires_grad_(False)
    return loaded


def _check_report(place: str, report: dict[str, Any]) -> None:
    missing = sorted(report["missing_keys"]) or sorted(key for key, *_ in report["mismatched_keys"])
    if missing:
        raise CheckpointError(
            f"The weights of {Path(place).name!r} lack {missing[0]} as its config.json "
            f"describes it ({len(missing)} in all), so its classes would be guessed; save it "
            f"again, or {TRAIN}."
        )


def _tokenizer(place: str, on_disk: bool) -> PreTrainedTokenizerFast:
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=on_disk, use_fast=True)
    except Exception as error:  # the file is the user's: any shape of wrong can come
        raise CheckpointError(_no_tokenizer(place)) from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast) or not tokenizer.is_fast:
        raise CheckpointError(
            f"{Path(place).name!r} has only a slow tokenizer, which does not say where a token "
            "stands in the text; save a fast one (tokenizer.json) into the same folder."
        )
    return tokenizer


def _check_vocabulary(
    place: str, tokenizer: PreTrainedTokenizerFast, model: PreTrainedModel
) -> None:
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise CheckpointError(
            f"The tokenizer of {Path(place).name!r} knows {len(tokenizer)} tokens but the model "
            f"has only {rows} embeddings; save the tokenizer it was trained with."
        )
