"""config.json as a configuration of transformers, its entries checked before a model is made."""

from collections.abc import Mapping
from typing import Any

from transformers import CONFIG_MAPPING, PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

from finetune.checkpoint.folder import Folder
from finetune.checkpoint.library_errors import as_model_error
from finetune.checkpoint.problem_types import PROBLEM_TYPES
from finetune.checkpoint.quiet_libraries import quiet_transformers
from finetune.checkpoint.source import shown, unquoted
from finetune.checkpoint.temperature import TEMPERATURE_KEY, validate_temperature
from finetune.errors import ModelError

MAX_CLASSES = 100_000
POSITIVE_ENTRIES = ("num_hidden_layers", "num_attention_heads", "hidden_size", "vocab_size")
IGNORED_ENTRIES = (
    "auto_map", "custom_pipelines", "trust_remote_code", "configuration_files",
    "transformers_weights", "fusion_config", "kernel_config", "distributed_config",
    "attn_implementation", "experts_implementation", "name_or_path", "dtype", "torch_dtype",
    "label2id", "output_attentions", "output_hidden_states", "return_dict", "torchscript",
    "chunk_size_feed_forward",
)  # fmt: skip
"""Entries that name code or other files, or that say how to run rather than what the model is."""


def build_config(folder: Folder) -> PreTrainedConfig:
    """The configuration in a folder.

    Raises:
        ModelError: It is of a model that transformers doesn't know, or an entry can't be right.
    """
    settings, owner = folder.settings, folder.owner
    kind = _model_type(settings, owner)
    _check_storage(settings, owner)
    _check_classes(settings, owner)
    _check_entries(settings, CONFIG_MAPPING[kind], owner)
    validate_temperature(settings.get(TEMPERATURE_KEY), owner)
    with (
        as_model_error(f"the config.json of {owner} can't be read", "save the checkpoint again"),
        quiet_transformers(),
    ):
        config: PreTrainedConfig = CONFIG_MAPPING[kind].from_dict(
            {
                name: value
                for name, value in settings.items()
                if name not in IGNORED_ENTRIES and not name.startswith("_")
            }
        )
    _check_sizes(config, owner)
    return config


def _model_type(settings: Mapping[str, Any], owner: str) -> str:
    kind = settings.get("model_type")
    if isinstance(kind, str) and kind in CONFIG_MAPPING_NAMES:
        return kind
    if code := custom_code(settings):
        raise ModelError(
            f"{owner} contains code of its own (auto_map in config.json names {shown(code)}), which"
            " is never run; choose a checkpoint of a model that transformers supports"
        )
    if kind is None:
        raise ModelError(
            f"the config.json of {owner} names no model_type; save the checkpoint again with a"
            " current transformers"
        )
    raise ModelError(
        f"the config.json of {owner} names the model_type {shown(kind)}, which transformers doesn't"
        " know; choose another checkpoint"
    )


def custom_code(settings: Mapping[str, Any]) -> str | None:
    """The first class that an auto_map names; None where there is none."""
    found = settings.get("auto_map")
    while isinstance(found, dict | list):
        parts = found.values() if isinstance(found, dict) else found
        found = next((part for part in parts if part), None)
    return str(found) if found else None


def _check_storage(settings: Mapping[str, Any], owner: str) -> None:
    for name in ("quantization_config", "compression_config"):
        found = settings.get(name)
        if found:
            method = found.get("quant_method") if isinstance(found, dict) else None
            how = f" ({shown(method)})" if isinstance(method, str) else ""
            raise ModelError(
                f"{owner} is quantized{how}; use the checkpoint from before quantization, in"
                " float32, float16 or bfloat16"
            )


def _check_classes(settings: Mapping[str, Any], owner: str) -> None:
    names, count = settings.get("id2label"), settings.get("num_labels")
    if names is not None:
        if not isinstance(names, dict) or len(names) > MAX_CLASSES:
            raise ModelError(
                f"the id2label in config.json of {owner} is {_kind(names)}; it has to name each"
                " class by its number"
            )
        if any(
            isinstance(name, bool) or not isinstance(name, str | int) for name in names.values()
        ):
            raise ModelError(
                f"the id2label in config.json of {owner} contains a name that is not text; correct"
                " it"
            )
        numbers = sorted(int(key) for key in names if key.isascii() and key.isdigit())
        if numbers != list(range(len(names))):
            first_keys = ", ".join(sorted(names)[:5])
            raise ModelError(
                f"the classes in config.json of {owner} aren't numbered from 0 without a gap"
                f" ({unquoted(first_keys)}); correct its id2label"
            )
    if count is not None and not (_is_count(count) and count <= MAX_CLASSES):
        raise ModelError(
            f"the num_labels in config.json of {owner} is {shown(count)}; it has to be a number of"
            " classes"
        )
    task = settings.get("problem_type")
    if task is not None and task not in PROBLEM_TYPES:
        raise ModelError(
            f"the problem_type in config.json of {owner} is {shown(task)}; it has to be one of"
            f" {', '.join(PROBLEM_TYPES)}, or be left out"
        )


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return f"a list of {len(value):,} classes"
    return "a list" if isinstance(value, list) else shown(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _check_entries(settings: Mapping[str, Any], kind: type[PreTrainedConfig], owner: str) -> None:
    """Refuse entries that no configuration can have, whatever its kind."""
    for name, value in settings.items():
        if callable(getattr(kind, name, None)):
            raise ModelError(
                f"the config.json of {owner} has the entry {shown(name)}, which no"
                " configuration has; leave it out"
            )
        if name.endswith(("_eps", "_epsilon")) and not (
            isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
        ):
            raise ModelError(
                f"the {unquoted(name)} in config.json of {owner} is {shown(value)}; it has to be a"
                " small number above 0"
            )
    named = settings.get("architectures")
    if named is not None and not (
        isinstance(named, list) and all(isinstance(name, str) for name in named)
    ):
        raise ModelError(
            f"the architectures in config.json of {owner} is {shown(named)}; it has to be a list of"
            " names"
        )


def _check_sizes(config: PreTrainedConfig, owner: str) -> None:
    for name in POSITIVE_ENTRIES:
        value = getattr(config, name, None)
        if isinstance(value, int) and value < 1:
            raise ModelError(
                f"the {name} in config.json of {owner} is {value}; it has to be at least 1"
            )
    padding, rows = (getattr(config, name, None) for name in ("pad_token_id", "vocab_size"))
    if isinstance(padding, int) and isinstance(rows, int) and not 0 <= padding < rows:
        raise ModelError(
            f"the pad_token_id in config.json of {owner} is {padding}, outside a vocabulary of"
            f" {rows:,}; correct it"
        )


def text_config(config: PreTrainedConfig) -> PreTrainedConfig:
    """The settings of what reads text, in a model that reads other things as well."""
    if getattr(config, "num_hidden_layers", None) is not None:
        return config
    try:
        return config.get_text_config()
    except ValueError:  # there are several
        return config
