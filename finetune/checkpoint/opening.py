"""Opens whatever a source names as a classifier: a whole one, or an adapter with its base model."""

import os

import torch

from finetune.checkpoint.folder import ADAPTER, CONFIG, MODULES, Folder, find_folder, with_settings
from finetune.checkpoint.loading import (
    CLASSIFIER,
    LoadedClassifier,
    open_whole_classifier,
)
from finetune.checkpoint.sentence_opening import open_sentence_classifier


def open_classifier(
    source: str | os.PathLike[str],
    *,
    dtype: torch.dtype = torch.float32,
    attention: str | None = None,
) -> LoadedClassifier:
    """A fine-tuned classifier, its head proven to be that of the files.

    Args:
        source: A folder, or the id of a model on the Hugging Face Hub.
        dtype: What weights are computed in, whatever they are stored in.
        attention: The attention implementation, by its name in transformers.

    Raises:
        ModelError: one sentence that says what came and what to do.
    """
    folder = find_folder(source)
    if folder.file(ADAPTER):
        # peft takes a second to import, which only an adapter needs.
        from finetune.checkpoint.adapted_classifier import open_adapted_classifier

        opened = open_adapted_classifier(folder, dtype=dtype, attention=attention)
    elif folder.file(MODULES) and not _is_plain(folder):
        opened = open_sentence_classifier(folder, dtype=dtype, attention=attention)
    else:
        opened = open_whole_classifier(with_settings(folder), dtype=dtype, attention=attention)
    return opened


def _is_plain(folder: Folder) -> bool:
    """Whether it holds a classifier of transformers, as a CrossEncoder is one."""
    if folder.file(CONFIG) is None:
        return False
    named = with_settings(folder).settings.get("architectures")
    return isinstance(named, list) and bool(named) and str(named[0]).endswith(CLASSIFIER)
