"""The tokenizer of a checkpoint, made of copies of its files that were checked."""

import json
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import Tensor
from transformers import (
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)
from transformers.models.auto.tokenization_auto import tokenizer_class_from_name

from finetune.checkpoint.configuration import custom_code
from finetune.checkpoint.files import MEGABYTE, read_bytes, read_json
from finetune.checkpoint.folder import CONFIG, TOKENIZER, TOKENIZER_FILES, VOCABULARIES, Folder
from finetune.checkpoint.library_errors import as_model_error
from finetune.checkpoint.max_length import max_input_length
from finetune.checkpoint.source import shown
from finetune.errors import ModelError

TOKENIZER_CONFIG = "tokenizer_config.json"
MAX_FILE_BYTES = 64 * MEGABYTE
MAX_SETTINGS_BYTES = 4 * MEGABYTE
IGNORED_ENTRIES = (
    "auto_map", "trust_remote_code", "fast_tokenizer_files", "tokenizer_file", "vocab_file",
    "merges_file", "added_tokens_file", "special_tokens_map_file", "chat_template", "init_inputs",
    "name_or_path", "gguf_file", "max_length", "stride", "truncation", "truncation_strategy",
    "padding", "pad_to_multiple_of",
)  # fmt: skip
"""Entries that name code or other files, or that an earlier use has left."""
MAX_MERGES_PER_TOKEN = 10
"""At most, on average: the tokenizers of Llama 3 and Gemma list each way to make a token of two."""
MERGE_FILES = ("merges.txt", "bpe.codes")
SAMPLE_TEXT = "a b c"
MAX_LENGTH_SENTINEL = 10**31
"""Larger than what transformers writes where a tokenizer has no limit."""


def copy_tokenizer_files(folder: Folder, place: Path, rows: int) -> None:
    """Copy what a tokenizer is made of, and nothing that would lead elsewhere.

    Args:
        folder: Where the files lie.
        place: Where they are copied to.
        rows: How many entries the vocabulary may have.

    Raises:
        ModelError: There is nothing, or a file that can't be right.
    """
    copied = set()
    for name in TOKENIZER_FILES:
        file = folder.file(name)
        if file is None:
            continue
        copied.add(name)
        _copy(file, place / name, folder.owner, rows)
    # Without any vocabulary transformers makes up an empty tokenizer and says nothing.
    if not copied.intersection(VOCABULARIES):
        raise ModelError(
            f"{folder.owner} has no tokenizer; save the one it was trained with (tokenizer.json)"
            " into the same folder"
        )


def _copy(file: Path, place: Path, owner: str, rows: int) -> None:
    """Copy one file, where no part of it has more entries than the vocabulary may have."""
    name = place.name
    if name == TOKENIZER:
        content = read_json(file, name, owner, MAX_FILE_BYTES, largest=None)
        model = content.get("model")
        parts: dict[str, object] = model if isinstance(model, dict) else {}
        for part in (content.get("added_tokens"), parts.get("vocab")):
            _check_entries(_length(part), rows, owner)
        _check_merges(_length(parts.get("merges")), rows, owner)
        # How a batch is cut and padded is asked for with each batch.
        _write(place, content | {"truncation": None, "padding": None})
    elif name == TOKENIZER_CONFIG:
        content = read_json(file, name, owner, MAX_SETTINGS_BYTES, largest=MAX_LENGTH_SENTINEL)
        _check_settings(content, owner)
        _check_entries(_length(content.get("added_tokens_decoder")), rows, owner)
        _write(place, {key: content[key] for key in content if key not in IGNORED_ENTRIES})
    elif name.endswith(".json"):
        limit = MAX_FILE_BYTES if name in VOCABULARIES else MAX_SETTINGS_BYTES
        content = read_json(file, name, owner, limit, largest=None)
        _check_entries(len(content), rows, owner)
        _write(place, content)
    else:
        plain = read_bytes(file, name, owner, MAX_FILE_BYTES)
        if name in MERGE_FILES:
            _check_merges(plain.count(b"\n"), rows, owner)
        elif name.endswith(".txt"):
            _check_entries(plain.count(b"\n"), rows + 1, owner)  # a line may be blank
        place.write_bytes(plain)


def _length(part: object) -> int:
    return len(part) if isinstance(part, dict | list) else 0


def _check_entries(count: int, rows: int, owner: str) -> None:
    if count > rows:
        raise ModelError(
            f"the tokenizer of {owner} has {count:,} entries, but the model has only {rows:,}"
            " embeddings; save the tokenizer that it was trained with"
        )


def _check_merges(count: int, rows: int, owner: str) -> None:
    if count > MAX_MERGES_PER_TOKEN * rows:
        raise ModelError(
            f"the tokenizer of {owner} has {count:,} merges, far more than the {rows:,} embeddings"
            " of the model need; save the tokenizer that it was trained with"
        )


def _write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content), encoding="utf-8")


def _check_settings(content: dict[str, Any], owner: str) -> None:
    limit = content.get("model_max_length")
    number = isinstance(limit, int | float) and not isinstance(limit, bool)
    if limit is not None and not (number and limit >= 1):
        raise ModelError(
            f"the model_max_length in {TOKENIZER_CONFIG} of {owner} is {shown(limit)}; it has to"
            " be a number of tokens above 0, or be left out"
        )
    name = content.get("tokenizer_class")
    if _is_unknown(name, TOKENIZER_CONFIG, owner) and (code := custom_code(content)):
        raise ModelError(
            f"the tokenizer of {owner} is code of its own (auto_map in {TOKENIZER_CONFIG} names"
            f" {shown(code)}), which is never run; save one that transformers supports"
        )
    inputs = content.get("model_input_names")
    if inputs is not None and not (
        isinstance(inputs, list)
        and "input_ids" in inputs
        and all(isinstance(name, str) for name in inputs)
    ):
        raise ModelError(
            f"the model_input_names in {TOKENIZER_CONFIG} of {owner} is {shown(inputs)}; it has to"
            " be a list that names input_ids, or be left out"
        )


def _is_unknown(name: object, file: str, owner: str) -> bool:
    """Whether transformers has no class of this *name*; a ModelError where it can't be one."""
    if name is None:
        return True
    known = tokenizer_class_from_name(name) if isinstance(name, str) else name
    if known is not None and not (
        isinstance(known, type) and issubclass(known, PreTrainedTokenizerBase)
    ):
        raise ModelError(
            f"the tokenizer_class in {file} of {owner} is {shown(name)}, which is not a tokenizer"
            " of transformers; correct it"
        )
    return known is None


def staged_files(folder: Folder, config: PreTrainedConfig, rows: int) -> TemporaryDirectory[str]:
    """A folder of its own with the files of the tokenizer, removed when it is closed."""
    _is_unknown(folder.settings.get("tokenizer_class"), CONFIG, folder.owner)
    stage = TemporaryDirectory(prefix="clsight-")
    try:
        copy_tokenizer_files(folder, Path(stage.name), rows)
        config.to_json_file(Path(stage.name) / CONFIG)
    except BaseException:
        stage.cleanup()
        raise
    return stage


def check_tokenizer(tokenizer: object, owner: str) -> PreTrainedTokenizerFast:
    """The tokenizer itself, where it says where a token stands and adds the marks that it names.

    Some decoders read a text as it is: their tokenizers have neither [CLS] nor [SEP] to add.

    Raises:
        ModelError: It doesn't.
    """
    if not isinstance(tokenizer, PreTrainedTokenizerFast) or not tokenizer.is_fast:
        raise ModelError(
            f"{owner} has only a slow tokenizer, which does not say where a token stands in the"
            " text; save a fast one (tokenizer.json) into the same folder"
        )
    marks = [mark for mark in (tokenizer.cls_token, tokenizer.sep_token) if mark]
    if marks and not tokenizer.num_special_tokens_to_add(pair=False):
        raise ModelError(
            f"the tokenizer of {owner} adds no special token to a text, though it has"
            f" {' and '.join(marks)} to mark its ends with; save the one that the model was trained"
            " with"
        )
    return tokenizer


def check_model_fits(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, owner: str
) -> None:
    """Refuse a tokenizer that doesn't give what the model reads.

    Args:
        model: The model, whose weights are not looked at.
        tokenizer: What makes the numbers.
        owner: What messages call the checkpoint.
    """
    rows, words = _n_embeddings(model), tokenizer.get_vocab()
    with as_model_error(
        f"the tokenizer of {owner} fails on a short text",
        "save the one it was trained with into the same folder",
    ):
        encoded = tokenizer(SAMPLE_TEXT, verbose=False)
        pair = tokenizer(SAMPLE_TEXT, SAMPLE_TEXT, verbose=False)
    largest = max([*words.values(), *encoded["input_ids"], *pair["input_ids"]])
    if rows is not None and largest >= rows:
        raise ModelError(
            f"the tokenizer of {owner} has {len(words):,} entries, the last numbered {largest:,},"
            f" but the model has only {rows:,} embeddings; save the tokenizer that it was trained"
            " with"
        )
    if "attention_mask" not in encoded and "attention_mask" in signature(model.forward).parameters:
        raise ModelError(
            f"the tokenizer of {owner} gives no attention_mask, so padding would be read as text;"
            f" name it under model_input_names in {TOKENIZER_CONFIG}"
        )
    longest, ends = max_input_length(model, tokenizer), tokenizer.num_special_tokens_to_add()
    if longest <= ends:
        raise ModelError(
            f"{owner} reads {longest} tokens at once, and {ends} of them mark the ends of a text;"
            f" correct model_max_length in {TOKENIZER_CONFIG}"
        )


def tokenizer_settings(tokenizer: PreTrainedTokenizerFast) -> object:
    """What decides over its token numbers, without the limit that the last call left in it."""
    settings = json.loads(tokenizer.backend_tokenizer.to_str())
    settings |= {"truncation": None, "padding": None}
    return [settings, tokenizer.model_input_names, tokenizer.truncation_side]


def _n_embeddings(model: PreTrainedModel) -> int | None:
    """How many tokens a model has embeddings for; None where it doesn't say or takes any number."""
    try:
        words = model.get_input_embeddings()
    except NotImplementedError:  # CANINE hashes whatever number it is given
        return None
    table = getattr(words, "weight", None)
    if isinstance(table, Tensor):
        return table.shape[0]
    rows = getattr(model.config, "vocab_size", None)  # Perceiver returns what it asks the text with
    return rows if isinstance(rows, int) else None
