"""A classifier that is kept as an adapter and the base model that it changes."""

import copy
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, TypeGuard

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from finetune.checkpoint.adapter_files import TENSOR_PREFIX, Adapter, open_adapter
from finetune.checkpoint.adapter_merging import (
    BASE_LAYER,
    Tensors,
    adapter_tensors,
    merge_adapter,
    put_whole_weights,
)
from finetune.checkpoint.class_names import names_by_number
from finetune.checkpoint.configuration import build_config
from finetune.checkpoint.files import MEGABYTE, read_json
from finetune.checkpoint.folder import VOCABULARIES, Folder
from finetune.checkpoint.loading import (
    LoadedClassifier,
    build_meta_classifier,
    open_model,
    open_tokenizer,
    require_classifier,
)
from finetune.checkpoint.loading_report import LoadingReport, check_complete, check_finite
from finetune.checkpoint.problem_types import PROBLEM_TYPES
from finetune.checkpoint.run_files import RECORD
from finetune.checkpoint.source import shown, unquoted
from finetune.checkpoint.temperature import TEMPERATURE_KEY
from finetune.checkpoint.tokenizer import check_model_fits
from finetune.checkpoint.truncation import MAX_LENGTH_KEY, TRUNCATION_KEY
from finetune.checkpoint.weights import Weights, find_weights
from finetune.checkpoint.windows import WINDOW_KEYS
from finetune.errors import ModelError

COUNTS = (2, 3)
"""Two numbers of classes, to see which weights have a row for each."""
OWN_ENTRIES = (TEMPERATURE_KEY, TRUNCATION_KEY, MAX_LENGTH_KEY, *WINDOW_KEYS)
"""Entries of config.json that were measured or chosen for one head."""


def open_adapted_classifier(
    folder: Folder, *, dtype: torch.dtype = torch.float32, attention: str | None = None
) -> LoadedClassifier:
    """The classifier that an adapter makes of its base, merged into plain weights.

    Args:
        folder: That of the adapter.
        dtype: What weights are computed in; merging is never in less than float32.
        attention: The attention implementation, by its name in transformers.

    Raises:
        ModelError: one sentence that says what came and what to do.
    """
    adapter = open_adapter(folder)
    own, base = adapter.weights, find_weights(adapter.base)
    folder, tensors = _with_base_settings(adapter), adapter_tensors(adapter)
    config = build_config(folder)
    _set_sizes(config, adapter, base, tensors)
    require_classifier(folder, config)
    tokenizer = open_tokenizer(
        folder if any(adapter.folder.file(name) for name in VOCABULARIES) else adapter.base,
        config,
        Weights((), {**base.headers, **own.headers}),
    )
    if config.pad_token_id is None:  # chosen for the training, and saved with the tokenizer alone
        config.pad_token_id = tokenizer.pad_token_id
    precise = dtype if dtype == torch.float64 else torch.float32
    model, report = open_model(adapter.base, config, base, dtype=precise, attention=attention)
    report = _without(report, put_whole_weights(model, adapter, tensors))
    _require_head(adapter, model, report)
    check_complete(adapter.base, model, report)
    model = merge_adapter(model, adapter, tensors).to(dtype)
    check_finite(folder, model)
    check_model_fits(model, tokenizer, folder.owner)
    model.config.name_or_path = str(folder.path)
    return LoadedClassifier(folder, model.config, tokenizer, model, (*base.files, *adapter.files))


def _with_base_settings(adapter: Adapter) -> Folder:
    """The adapter's folder with the settings of its base, overwritten by those of its own."""
    base, own = adapter.base.settings, adapter.folder.settings
    kind = own.get("model_type", base.get("model_type"))
    if kind != base.get("model_type"):
        raise ModelError(
            f"the config.json of the adapter {adapter.folder.owner} is of {unquoted(str(kind))},"
            f" that of its base model {adapter.base.owner} of"
            f" {unquoted(str(base.get('model_type')))}; name the base that it was trained on"
        )
    settings = {name: value for name, value in (base | own).items() if name != "architectures"}
    return replace(adapter.folder, settings=settings)


def _set_sizes(config: PreTrainedConfig, adapter: Adapter, base: Weights, tensors: Tensors) -> None:
    """Give the classifier the classes of the adapter's head, and the rows of its embeddings."""
    heights = {
        name.removeprefix(TENSOR_PREFIX).replace(BASE_LAYER, "."): tensor.shape[0]
        for name, tensor in tensors.items()
        if tensor.dim()
    }
    few, more = (_meta_model(config, adapter, base, count) for count in COUNTS)
    shapes = {name: weight.shape for name, weight in more.named_parameters()}
    per_class = [name for name, weight in few.named_parameters() if weight.shape != shapes[name]]
    counts = {heights[name] for name in per_class if name in heights}
    if len(counts) > 1:
        raise ModelError(
            f"the parts of the head of the adapter {adapter.folder.owner} have {min(counts)} and"
            f" {max(counts)} classes; save it again"
        )
    if counts:
        _set_classes(config, adapter, counts.pop())
    _set_rows(config, few, heights)


def _set_rows(config: PreTrainedConfig, model: PreTrainedModel, heights: Mapping[str, int]) -> None:
    """Give the classifier as many words as the adapter has embeddings, where it has its own."""
    for name, module in model.named_modules():
        rows = heights.get(f"{name}.weight")
        text = config.get_text_config()
        if isinstance(module, nn.Embedding) and rows and module.num_embeddings == text.vocab_size:
            text.vocab_size = rows
            return


def _meta_model(
    config: PreTrainedConfig, adapter: Adapter, base: Weights, count: int
) -> PreTrainedModel:
    other = copy.deepcopy(config)
    other.num_labels = count
    return build_meta_classifier(adapter.base, other, base)


def _set_classes(config: PreTrainedConfig, adapter: Adapter, count: int) -> None:
    """Name the classes of a head that is the adapter's own, by its own folder alone."""
    own, run = adapter.folder.settings, _run(adapter.folder)
    given = [*names_by_number(config.id2label)] if own.get("id2label") else run.get("labels")
    names = given if _are_names(given) else [f"LABEL_{number}" for number in range(count)]
    if len(names) != count:
        raise ModelError(
            f"the head of the adapter {adapter.folder.owner} has {count} classes, but its folder"
            f" names {len(names)}; correct the id2label in its config.json"
        )
    config.id2label = dict(enumerate(names))
    config.label2id = {name: number for number, name in enumerate(names)}
    task = own.get("problem_type", run.get("problem_type"))
    config.problem_type = task if task in PROBLEM_TYPES else None
    for name in OWN_ENTRIES:
        if name not in own and hasattr(config, name):
            delattr(config, name)


def _run(folder: Folder) -> dict[str, Any]:
    """The record of the run that made it; empty where there is none."""
    file = folder.file(RECORD)
    return (
        {} if file is None else read_json(file, RECORD, folder.owner, 64 * MEGABYTE, largest=None)
    )


def _are_names(names: object) -> TypeGuard[list[str]]:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def _without(report: LoadingReport, names: Collection[str]) -> LoadingReport:
    """What is left of a report once the weights of these *names* were put in."""
    return LoadingReport(
        tuple(name for name in report.missing if name not in names),
        tuple(entry for entry in report.mismatched if entry[0] not in names),
        report.unexpected,
    )


def _require_head(adapter: Adapter, model: PreTrainedModel, report: LoadingReport) -> None:
    """Refuse a classifier of which neither the adapter nor the base has some part."""
    prefix = f"{model.base_model_prefix}."
    other = [name for name, *_ in report.mismatched if not name.startswith(prefix)]
    lacking = [*report.missing, *other]
    if lacking:
        modules = sorted({name.rpartition(".")[0] for name in lacking})
        raise ModelError(
            f"neither the adapter {adapter.folder.owner} nor its base model {adapter.base.owner}"
            f" holds {shown(lacking[0])} (tensors missing: {len(lacking)}), so its answers would be"
            f" random; train it again with {', '.join(map(unquoted, modules[:3]))} in peft's"
            " modules_to_save"
        )
