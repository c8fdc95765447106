"""What a model reads of a text that is too long: its head, its tail, both ends, or windows.

The choice stands in the checkpoint's config.json, so that whoever measures the checkpoint cuts as
it was trained; what is kept is told by `finetune.checkpoint.truncation` and `.windows`.
"""

from collections.abc import Sequence

from transformers import PreTrainedConfig, PreTrainedTokenizerFast

from finetune.checkpoint.truncation import (
    MAX_LENGTH_KEY,
    TRUNCATION_KEY,
    Truncation,
    kept_positions,
)
from finetune.checkpoint.windows import (
    CUT_KEY,
    POOLING_KEY,
    SIZE_KEY,
    STRIDE_KEY,
    WindowSettings,
    window_positions,
)
from finetune.errors import ConfigError
from finetune.run.config_sections import InputConfig

Columns = dict[str, list[list[int]]]


def store_truncation(config: PreTrainedConfig, settings: InputConfig, *, max_length: int) -> None:
    """Write into a model's *config* what *settings* choose, but truncation only if not the head.

    Args:
        config: Of the model.
        settings: With truncation or windows.
        max_length: Tokens of a text, or of a window, at most.
    """
    windows = settings.windows
    for key, value in (
        (TRUNCATION_KEY, None if settings.truncation == "head" else settings.truncation),
        (MAX_LENGTH_KEY, None if windows else max_length),
        (STRIDE_KEY, windows and windows.stride),
        (POOLING_KEY, windows and windows.pooling),
        (CUT_KEY, windows and windows.cut),
        (SIZE_KEY, windows and max_length),
    ):
        if value is not None:
            setattr(config, key, value)
        elif hasattr(config, key):
            delattr(config, key)


def require_no_pairs(settings: InputConfig, *, pairs: bool) -> None:
    """Refuse windows over pairs of texts."""
    if settings.window_stride and pairs:
        raise ConfigError("--window-stride is for single texts; leave it out for pairs")


def require_no_gaps(settings: InputConfig, *, length: int, room: int) -> None:
    """Refuse windows further apart than they are long.

    Args:
        settings: With the stride.
        length: Tokens of a window, special ones included.
        room: Those of them that are of the text.
    """
    if settings.window_stride > room:
        raise ConfigError(
            f"--window-stride is {settings.window_stride}; a window of {length} tokens holds"
            f" {room} of the text, and what lies between two windows would not be read"
        )


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
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    *,
    max_length: int,
    windows: WindowSettings,
) -> tuple[Columns, list[int]]:
    """Windows of at most *max_length* tokens over each text, and the number of the text of each.

    Where the first one alone counts, it is the only one.
    """
    n_windows = 1 if windows.pooling == "first" else None
    encoded = tokenizer(texts, return_offsets_mapping=True)
    offsets = encoded.pop("offset_mapping")
    positions = [
        (i, kept)
        for i, text in enumerate(texts)
        for kept in window_positions(
            encoded.sequence_ids(i), offsets[i], text, max_length=max_length, windows=windows
        )[:n_windows]
    ]
    columns = {
        name: [[rows[i][k] for k in kept] for i, kept in positions]
        for name, rows in encoded.items()
    }
    return columns, [i for i, _ in positions]
