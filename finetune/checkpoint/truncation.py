"""Which tokens of a text that is too long a model reads: its head, its tail, or both ends.

`clsight train` writes the choice into config.json under `TRUNCATION_KEY` where it isn't the
default, and the limit under `MAX_LENGTH_KEY`; plain transformers keeps both and ignores them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

from finetune.errors import ModelError

if TYPE_CHECKING:  # settings name a `Truncation`, and --help should not wait for transformers
    from transformers import PreTrainedConfig

Truncation = Literal["head", "tail", "head+tail"]
TRUNCATION_KEY = "text_truncation"
MAX_LENGTH_KEY = "text_max_length"
MIN_LENGTH = 8
"""The lowest limit: it leaves room for a text beside its special tokens."""
HEAD_SHARE = 128 / 510
"""Of head+tail: Sun et al. 2019 keep the first 128 and the last 382 of 510 tokens."""


def stored_truncation(config: "PreTrainedConfig") -> Truncation:
    """How the checkpoint's texts are cut; head where its config.json says nothing."""
    mode: Truncation = getattr(config, TRUNCATION_KEY, "head")
    if mode not in get_args(Truncation):
        raise ModelError(
            f"the {TRUNCATION_KEY} in config.json is {mode!r}; it has to be one of"
            f" {', '.join(get_args(Truncation))}"
        )
    return mode


def stored_max_length(config: "PreTrainedConfig") -> int | None:
    """At how many tokens training cut texts; None where its config.json says nothing."""
    length: object = getattr(config, MAX_LENGTH_KEY, None)
    if length is None or (type(length) is int and length >= MIN_LENGTH):
        return length
    raise ModelError(
        f"the {MAX_LENGTH_KEY} in config.json is {length!r}; it has to be a whole number of"
        f" {MIN_LENGTH} or more"
    )


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
