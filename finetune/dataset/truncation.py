"""What a model reads of a text that is too long: its head, its tail, both ends, or windows.

The choice stands in the checkpoint's config.json under `KEY` (and the stride of windows under
`STRIDE`), so that whoever measures the checkpoint cuts as it was trained.
"""

from collections.abc import Sequence
from typing import get_args

import numpy as np
from transformers import PreTrainedConfig, PreTrainedTokenizerFast

from finetune.config import TrainConfig, Truncation
from finetune.errors import ConfigError, ModelError
from finetune.metrics import FloatArray

KEY = "text_truncation"
STRIDE = "text_window_stride"
HEAD_SHARE = 128 / 510
"""Of head+tail: Sun et al. 2019 keep the first 128 and the last 382 of 510 tokens."""

Columns = dict[str, list[list[int]]]


def store_choice(config: PreTrainedConfig, settings: TrainConfig, *, pairs: bool) -> None:
    """Write into a model's *config* what *settings* choose, where it isn't the default."""
    require_no_pairs(settings, pairs=pairs)
    for key, value in ((KEY, settings.truncation), (STRIDE, settings.window_stride)):
        if value not in ("head", 0):
            setattr(config, key, value)
        elif hasattr(config, key):
            delattr(config, key)


def require_no_pairs(settings: TrainConfig, *, pairs: bool) -> None:
    """Refuse windows over pairs of texts."""
    if settings.window_stride and pairs:
        raise ConfigError("--window-stride is for single texts; leave it out for pairs")


def stored_truncation(config: PreTrainedConfig) -> Truncation:
    """How the checkpoint's texts are cut; head where its config.json says nothing."""
    mode: Truncation = getattr(config, KEY, "head")
    if mode not in get_args(Truncation):
        raise ModelError(
            f"{KEY} in config.json is {mode!r}; it has to be one of"
            f" {', '.join(get_args(Truncation))}"
        )
    return mode


def stored_stride(config: PreTrainedConfig) -> int:
    """Tokens from one window to the next; 0 where texts are cut."""
    stride: object = getattr(config, STRIDE, 0)
    if type(stride) is not int or stride < 0:
        raise ModelError(f"{STRIDE} in config.json is {stride!r}; it has to be a whole number")
    return stride


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
        for kept in windows(encoded.sequence_ids(i), max_length=max_length, stride=stride)
    ]
    columns = {
        name: [[rows[i][k] for k in kept] for i, kept in found] for name, rows in encoded.items()
    }
    return columns, [i for i, _ in found]


def kept_positions(
    sequences: Sequence[int | None], *, max_length: int, mode: Truncation
) -> list[int]:
    """The positions that stay.

    Args:
        sequences: For each token, which text it is of (0 or 1); None for special tokens.
        max_length: How many may stay; special tokens always do.
        mode: Which end of a text goes. Of two texts, the longer one is cut first.
    """
    parts = [[i for i, text in enumerate(sequences) if text == number] for number in (0, 1)]
    special = [i for i, text in enumerate(sequences) if text is None]
    sizes = _shares([len(part) for part in parts], max(max_length - len(special), 0))
    kept = [_ends(part, size, mode) for part, size in zip(parts, sizes, strict=True)]
    return sorted([*special, *kept[0], *kept[1]])


def windows(sequences: Sequence[int | None], *, max_length: int, stride: int) -> list[list[int]]:
    """The positions of each window over a text; the last one ends with it."""
    special = [i for i, text in enumerate(sequences) if text is None]
    text = [i for i, number in enumerate(sequences) if number is not None]
    size = max(max_length - len(special), 1)
    starts = range(0, max(len(text) - size, 0) + stride, stride)
    return [
        sorted([*special, *text[start : start + size]])
        for start in (min(start, max(len(text) - size, 0)) for start in starts)
    ]


def _shares(lengths: Sequence[int], budget: int) -> list[int]:
    """Tokens that either text keeps, as tokenizers do it: the longer gives until both are equal."""
    if sum(lengths) <= budget:
        return list(lengths)
    shorter = min(*lengths, budget // 2)
    swapped = lengths[0] > lengths[1]
    return [budget - shorter, shorter] if swapped else [shorter, budget - shorter]


def _ends(part: list[int], size: int, mode: Truncation) -> list[int]:
    if len(part) <= size:
        return part
    head = {"head": size, "tail": 0, "head+tail": round(size * HEAD_SHARE)}[mode]
    return part[:head] + part[len(part) - (size - head) :]


def pooled(logits: FloatArray, owners: Sequence[int], texts: int) -> FloatArray:
    """The mean over the windows of each text.  (windows, C) to (texts, C)"""
    sums = np.zeros((texts, logits.shape[1]))
    np.add.at(sums, list(owners), logits)
    means: FloatArray = sums / np.bincount(owners, minlength=texts)[:, None]
    return means
