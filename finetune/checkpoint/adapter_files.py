"""The folder of a PEFT adapter: what its two files say, and which base model they name.

The configuration of an adapter is somebody's file: of its entries only those are handed to peft
that decide what is computed, and those it could cost memory or time by are refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from peft import PeftConfig, PeftType, get_peft_config
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_PREFIX_MAPPING

from finetune.checkpoint.adapter_base import BASE_ENTRY, find_base
from finetune.checkpoint.files import MEGABYTE, read_json
from finetune.checkpoint.folder import (
    ADAPTER,
    ADAPTER_WEIGHTS,
    CONFIG,
    INDEX,
    WEIGHTS,
    Folder,
    list_names,
    with_settings,
)
from finetune.checkpoint.hub import fetch
from finetune.checkpoint.library_errors import as_model_error
from finetune.checkpoint.source import shown, unquoted
from finetune.checkpoint.weights import Weights, read_headers
from finetune.errors import ModelError

MERGEABLE = ("LORA", "ADALORA", "IA3", "LOHA", "LOKR", "OFT", "HRA")
"""Kinds of adapters that change the weights, by the numbers in their file alone."""
PROMPT_KINDS = (
    "PROMPT_TUNING", "MULTITASK_PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING", "CPT", "CARTRIDGE",
    "ADAPTION_PROMPT",
)  # fmt: skip
"""Kinds that put learned vectors in front of the text, or beside it in each layer."""
CLASSIFICATION = "SEQ_CLS"
KEPT_INITS = ("gaussian", "orthogonal", "eva")
"""Ways to begin that leave the weights of the base as they are, by their names in peft."""
IGNORED_ENTRIES = (
    "auto_mapping", BASE_ENTRY, "revision", "peft_version", "inference_mode", "init_lora_weights",
    "init_weights", "lora_dropout", "rank_dropout", "module_dropout", "rank_dropout_scale",
    "megatron_config", "megatron_core", "loftq_config", "eva_config", "corda_config",
    "lora_ga_config", "velora_config", "runtime_config", "qalora_group_size",
)  # fmt: skip
"""Entries that say where an adapter came from or how it was trained, not what it computes."""
CHANGING_ENTRIES = (
    "layer_replication", "use_qalora", "alora_invocation_tokens", "arrow_config", "kasa_config",
    "monteclora_config", "use_bdlora", "target_parameters",
)  # fmt: skip
"""Entries of LoRA that make another model of the base, or depend on the text."""
SERIES = "num_cayley_neumann_terms"
"""The entry of OFT for the terms of a series, each of which takes its time."""
MOST_TERMS = 100
PATTERN_ENTRIES = ("rank_pattern", "alpha_pattern")
PLAIN_PATTERN = re.compile(r"[\w.^$\\-]{1,500}")
ALL_LINEAR = "all-linear"
"""What peft takes for every linear layer but the head."""
TENSOR_PREFIX = "base_model.model."
"""What peft puts before the names of a model's modules."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter whose files were read, but for its tensors."""

    folder: Folder
    """Its settings are those of a config.json beside the adapter; none where there is none."""
    config: PeftConfig
    weights: Weights
    """One file, its tensors by the names that peft gives them."""
    base: Folder
    """The model that it changes."""

    @property
    def files(self) -> tuple[Path, ...]:
        """What the adapter is made of."""
        return tuple(file for name in (ADAPTER,) if (file := self.folder.file(name))) + (
            self.weights.files
        )


def open_adapter(folder: Folder) -> Adapter:
    """Read the files of an adapter and find its base model.

    Raises:
        ModelError: A file is missing, damaged or of a kind that isn't merged, or the base is not
            there.
    """
    settings = _settings(folder)
    if others := [name for name in (WEIGHTS, INDEX) if folder.file(name)]:
        raise ModelError(
            f"{folder.owner} holds a whole model ({others[0]}) and an adapter ({ADAPTER}), and only"
            " one can be meant; move one of them to another folder"
        )
    weights = _weights(folder)
    config = _config(settings, weights, folder.owner)
    if folder.file(CONFIG):
        folder = with_settings(folder)
    return Adapter(folder, config, weights, find_base(folder, settings))


def _settings(folder: Folder) -> dict[str, Any]:
    file = folder.file(ADAPTER)
    assert file is not None
    return read_json(file, ADAPTER, folder.owner, MEGABYTE)


def _weights(folder: Folder) -> Weights:
    if folder.repository is not None:
        fetch(folder.repository, (ADAPTER_WEIGHTS,), folder.revision)
    file = folder.file(ADAPTER_WEIGHTS)
    if file is None:
        pickle = "adapter_model.bin" in list_names(folder.path)
        raise ModelError(
            f"the adapter {folder.owner} has its weights only as a pickle (adapter_model.bin),"
            " which can run any code when opened and is not read; if you trust it, load it once"
            f" with peft and call save_pretrained(), which writes {ADAPTER_WEIGHTS}"
            if pickle
            else f"the adapter {folder.owner} lacks {ADAPTER_WEIGHTS}; copy the whole folder"
        )
    headers = read_headers(file, ADAPTER_WEIGHTS, folder.owner)
    if not headers:
        raise ModelError(f"the adapter {folder.owner} contains no tensors; save it again")
    return Weights((file,), headers)


def _config(settings: Mapping[str, Any], weights: Weights, owner: str) -> PeftConfig:
    kind = settings.get("peft_type")
    _check_kind(kind, owner)
    _check_task(settings, owner)
    _check_entries(settings, owner)
    known = {field.name for field in fields(PEFT_TYPE_TO_CONFIG_MAPPING[PeftType(kind)])}
    kept = {
        name: value
        for name, value in settings.items()
        # What a newer peft leaves out it writes down as well.
        if name not in IGNORED_ENTRIES and (value or name in known)
    }
    kept |= _module_names(settings, weights, owner)
    with as_model_error(f"the {ADAPTER} of {owner} can't be read", "save the adapter again"):
        config: PeftConfig = get_peft_config(kept | {"peft_type": PeftType(kind)})
    return config


def _check_kind(kind: object, owner: str) -> None:
    if kind in PROMPT_KINDS:
        raise ModelError(
            f"{owner} is an adapter of kind {kind}, which changes what the model reads and can't be"
            " merged into its weights; train a LoRA adapter in its place"
        )
    if kind not in MERGEABLE:
        raise ModelError(
            f"{owner} is an adapter of kind {unquoted(str(kind))}; CLSight opens"
            f" {', '.join(MERGEABLE)}, so merge it with peft (merge_and_unload) and save the result"
        )


def _check_task(settings: Mapping[str, Any], owner: str) -> None:
    task, mapping = settings.get("task_type"), settings.get("auto_mapping")
    named = mapping.get("base_model_class") if isinstance(mapping, dict) else None
    other = task if task not in (None, CLASSIFICATION) else None
    if isinstance(named, str) and not named.endswith("ForSequenceClassification"):
        other = other or named
    if other:
        raise ModelError(
            f"{owner} is an adapter for {unquoted(str(other))}, not for classifying texts; choose"
            f" one that was trained with the task type {CLASSIFICATION}"
        )


def _check_entries(settings: Mapping[str, Any], owner: str) -> None:
    if changing := [name for name in CHANGING_ENTRIES if settings.get(name)]:
        raise ModelError(
            f"{owner} is a LoRA adapter with {changing[0]}, which can't be merged into the weights"
            " of its base; train a plain one"
        )
    terms = settings.get(SERIES)
    if terms is not None and not (isinstance(terms, int) and 0 < terms <= MOST_TERMS):
        raise ModelError(
            f"the {SERIES} in {ADAPTER} of {owner} is {shown(terms)}; it has to be a number of"
            f" terms up to {MOST_TERMS}"
        )
    begun = settings.get("init_lora_weights", True)
    if isinstance(begun, str) and begun not in KEPT_INITS:
        raise ModelError(
            f"{owner} is a LoRA adapter that began with {unquoted(begun)}, which changes the base"
            " model too; save it as a plain one with peft (save_pretrained with"
            " path_initial_model_for_weight_conversion)"
        )


def _module_names(settings: Mapping[str, Any], weights: Weights, owner: str) -> dict[str, Any]:
    """The entries that name modules, without a regular expression that could take hours to match.

    An expression for the modules to adapt is taken for those that the file has tensors of; ranks
    and scales by module are read where their names are plain.
    """
    for name in PATTERN_ENTRIES:
        found = settings.get(name) or {}
        if not isinstance(found, dict) or len(found) > len(weights.headers):
            raise ModelError(
                f"the {name} in {ADAPTER} of {owner} has to give numbers by modules of the adapter;"
                " save the adapter again"
            )
        if odd := [module for module in found if not PLAIN_PATTERN.fullmatch(module)]:
            raise ModelError(
                f"the {name} in {ADAPTER} of {owner} names modules by an expression that is not"
                f" read ({shown(odd[0])}); name them one by one"
            )
    for name in ("layers_pattern", "feedforward_modules"):
        found = settings.get(name)
        if isinstance(found, str) and not PLAIN_PATTERN.fullmatch(found):
            raise ModelError(
                f"the {name} in {ADAPTER} of {owner} is an expression that is not read"
                f" ({shown(found)}); give a list of names"
            )
    if not isinstance(settings.get("target_modules"), str) or (
        settings["target_modules"] == ALL_LINEAR
    ):
        return {"exclude_modules": None} if isinstance(settings.get("exclude_modules"), str) else {}
    prefix = f".{PEFT_TYPE_TO_PREFIX_MAPPING[PeftType(settings['peft_type'])]}"
    adapted = {name.partition(prefix)[0] for name in weights.headers if prefix in name}
    named = {"target_modules": sorted(name.removeprefix(TENSOR_PREFIX) for name in adapted)}
    return named | ({"exclude_modules": None} if "exclude_modules" in settings else {})
