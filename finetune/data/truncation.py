"""What a model reads of a text that is too long: its head, its tail, both ends, or windows.

The choice stands in the checkpoint's config.json, so that whoever measures the checkpoint cuts as
it was trained; what it keeps is told by `finetune.checkpoint.truncation`.
"""

from collections.abc import Sequence

import numpy as np
from transformers import PreTrainedConfig, PreTrainedTokenizerFast

from finetune.checkpoint.arrays import FloatArray
from finetune.checkpoint.truncation import (
    STRIDE_KEY,
    TRUNCATION_KEY,
    Truncation,
    kept_positions,
    stored_stride,
    stored_truncation,
)
from finetune.errors import ConfigError
from finetune.run.config_sections import InputConfig

__all__ = [
    "STRIDE_KEY", "cut_texts", "cut_windows", "kept_positions", "mean_over_windows",
    "require_no_pairs",
    "store_truncation", "stored_stride", "stored_truncation", "window_positions",
]  # fmt: skip

Columns = dict[str, list[list[int]]]


def store_truncation(config: PreTrainedConfig, settings: InputConfig, *, pairs: bool) -> None:
    """Write into a model's *config* what *settings* choose, where it isn't the default."""
    require_no_pairs(settings, pairs=pairs)
    for key, value in ((TRUNCATION_KEY, settings.truncation), (STRIDE_KEY, settings.window_stride)):
        if value not in ("head", 0):
            setattr(config, key, value)
        elif hasattr(config, key):
            delattr(config, key)


def require_no_pairs(settings: InputConfig, *, pairs: bool) -> None:
    """Refuse windows over pairs of texts."""
    if settings.window_stride and pairs:
        raise ConfigError("--window-stride is for single texts; leave it out for pairs")


def cut_texts(
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    pairs: Sequence[str] | None,
    *,
    max_length: int,
    mode: Truncation,
) -> Columns:
    """Token numbers of each text (and its second), at most *max_length*, special tokens kept."""
    if mode == "head":
        return dict(tokenizer(texts, pairs, truncation=True, max_length=max_length))
    encoded = tokenizer(texts, pairs)
    kept = [
        kept_positions(encoded.sequence_ids(i), max_length=max_length, mode=mode)
        for i in range(len(texts))
    ]
    return {
        name: [[row[position] for position in kept[i]] for i, row in enumerate(rows)]
        for name, rows in encoded.items()
    }


def cut_windows(
    tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], *, max_length: int, stride: int
) -> tuple[Columns, list[int]]:
    """Windows of *max_length* tokens over each text, and the number of the text of each."""
    encoded = tokenizer(texts)
    found = [
        (i, kept)
        for i in range(len(texts))
        for kept in window_positions(encoded.sequence_ids(i), max_length=max_length, stride=stride)
    ]
    columns = {
        name: [[rows[i][k] for k in kept] for i, kept in found] for name, rows in encoded.items()
    }
    return columns, [i for i, _ in found]


def window_positions(
    sequences: Sequence[int | None], *, max_length: int, stride: int
) -> list[list[int]]:
    """The positions of each window over a text; the last one ends with it."""
    special = [i for i, text in enumerate(sequences) if text is None]
    text = [i for i, number in enumerate(sequences) if number is not None]
    size = max(max_length - len(special), 1)
    starts = range(0, max(len(text) - size, 0) + stride, stride)
    return [
        sorted([*special, *text[start : start + size]])
        for start in (min(start, max(len(text) - size, 0)) for start in starts)
    ]


def mean_over_windows(logits: FloatArray, owners: Sequence[int], texts: int) -> FloatArray:
    """The mean over the windows of each text.  (windows, C) to (texts, C)"""
    sums = np.zeros((texts, logits.shape[1]))
    np.add.at(sums, list(owners), logits)
    means: FloatArray = sums / np.bincount(owners, minlength=texts)[:, None]
    return means
