"""Texts beyond a model's limit, read in overlapping windows whose logits are pooled.

Training, `evaluate` and `viz` take from here which tokens each window has and what the logits of
windows make of the text, so that what is measured is what was trained and what is shown.  The
choice stands in config.json, under the keys below; plain transformers keeps the entries and ignores
them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from finetune.checkpoint.sentences import sentences
from finetune.errors import ModelError

if TYPE_CHECKING:  # settings name a `Pooling`, and --help should not wait for transformers
    from transformers import PreTrainedConfig

Pooling = Literal["mean", "max", "first"]
Cut = Literal["sentences", "tokens"]

STRIDE_KEY = "text_window_stride"
POOLING_KEY = "text_window_pooling"
CUT_KEY = "text_window_cut"
SIZE_KEY = "text_window_size"
WINDOW_KEYS = (STRIDE_KEY, POOLING_KEY, CUT_KEY, SIZE_KEY)
"""The entries of config.json."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowSettings:
    """How a text is cut into windows, and how their logits become those of the text."""

    stride: int
    """Tokens from the beginning of one window to that of the next, at most; special tokens are not
    counted."""
    pooling: Pooling = "mean"
    """The mean of the windows' logits, the largest logit of each class, or those of the first
    window alone."""
    cut: Cut = "sentences"
    """Whether windows begin and end where sentences do, as far as there are any, or anywhere."""
    size: int | None = None
    """Tokens of a window at most, special ones included; None where it is what the model reads."""


def stored_windows(config: "PreTrainedConfig") -> WindowSettings | None:
    """How the checkpoint reads long texts; None where it cuts them.

    A stride alone means windows cut at any token, and the mean of their logits.

    Raises:
        ModelError: An entry is none that there is.
    """
    stride = _number(config, STRIDE_KEY)
    size = _number(config, SIZE_KEY)
    pooling: Pooling = _choice(config, POOLING_KEY, get_args(Pooling), "mean")
    cut: Cut = _choice(config, CUT_KEY, get_args(Cut), "tokens")
    if not stride:
        return None
    return WindowSettings(stride=stride, pooling=pooling, cut=cut, size=size or None)


def _number(config: "PreTrainedConfig", key: str) -> int:
    number: object = getattr(config, key, 0)
    if type(number) is not int or number < 0:
        raise ModelError(f"the {key} in config.json is {number!r}; it has to be a whole number")
    return number


def _choice(config: "PreTrainedConfig", key: str, allowed: Sequence[str], default: str) -> Any:
    value = getattr(config, key, default)
    if value not in allowed:
        raise ModelError(
            f"the {key} in config.json is {value!r}; it has to be one of {', '.join(allowed)}"
        )
    return value


def default_stride(room: int) -> int:
    """The stride where nobody chose one: half of the *room* for text in a window."""
    return max(room // 2, 1)


def window_positions(
    sequences: Sequence[int | None],
    offsets: Sequence[tuple[int, int]],
    text: str,
    *,
    max_length: int,
    windows: WindowSettings,
) -> list[list[int]]:
    """The positions of each window over one text, special tokens in every one.

    Every token is in a window, none has more than *max_length*, and the last one ends with the
    text.  Cut at sentences, a window ends with the last sentence that fits.  The next one begins
    with the last sentence that begins within the stride, or with a later one where it would
    otherwise add nothing.  Only a sentence that is longer than a window is cut within, as is a text
    without sentences.

    Args:
        sequences: For each token, which text it is of; None for special tokens.
        offsets: The characters of each token, (start, end); only read to cut at sentences.
        text: What was tokenized; only read to cut at sentences.
        max_length: Tokens of a window at most, special ones included.
        windows: Stride and cut.
    """
    special = [i for i, part in enumerate(sequences) if part is None]
    tokens = [i for i, part in enumerate(sequences) if part is not None]
    size = max(max_length - len(special), 1)
    edges = [0, len(tokens)]
    if windows.cut == "sentences" and len(tokens) > size:
        edges = _sentence_edges([offsets[i][1] for i in tokens], text)
    return [
        sorted([*special, *tokens[start:end]])
        for start, end in _window_ranges(edges, size, min(windows.stride, size))
    ]


def _sentence_edges(ends: Sequence[int], text: str) -> list[int]:
    """With which token each sentence begins, and behind which the last one ends, ascending.

    Args:
        ends: Behind which character each token ends.
        text: What was tokenized.
    """
    ascending = np.maximum.accumulate(np.asarray(ends))
    starts = [sentence.start for sentence in sentences(text)]
    # A token that reaches over a beginning is of what begins there: it holds the blank before.
    first = np.searchsorted(ascending, starts, side="right").tolist()
    return sorted({0, len(ends), *first})


def _window_ranges(edges: Sequence[int], size: int, stride: int) -> list[tuple[int, int]]:
    """The tokens of each window, from the beginning of one sentence to the end of another.

    Args:
        edges: Where sentences begin, and the end of the text, ascending from 0.
        size: Tokens of a window at most.
        stride: Tokens from one beginning to the next at most, where a sentence begins in time.
    """
    n_tokens, ranges, start = edges[-1], [], 0
    while (end := _last_edge(edges, start + size, size)) < n_tokens:
        ranges.append((start, end))
        within = _last_edge(edges, start + stride, size)
        # A window that would end with this one's end is left out.
        start = max(within, _first_edge(edges, _first_edge(edges, end + 1, size) - size, size))
    # The last window looks back as far as it can.
    return [*ranges, (_first_edge(edges, n_tokens - size, size), n_tokens)]


def _last_edge(edges: Sequence[int], limit: int, size: int) -> int:
    """The last place up to *limit* where a window may begin or end."""
    edge = edges[bisect_right(edges, limit) - 1]
    return limit if _is_within_long(edges, limit, size) else edge


def _first_edge(edges: Sequence[int], limit: int, size: int) -> int:
    """The first place from *limit* on where a window may begin or end."""
    return limit if _is_within_long(edges, limit, size) else edges[bisect_left(edges, limit)]


def _is_within_long(edges: Sequence[int], place: int, size: int) -> bool:
    """Whether *place* is in a sentence that no window holds, so that any token of it will do."""
    number = bisect_right(edges, place)
    return 0 < number < len(edges) and edges[number] - edges[number - 1] > size


def pooling_weights(
    logits: FloatArray, owners: Sequence[int], n_texts: int, pooling: Pooling
) -> FloatArray:
    """What each window's logit of each class counts in that of its text.  (W, C)

    The pooled logit is the sum of the windows' logits times these weights.  They add up to 1 over
    the windows of a text, for each class.

    Args:
        logits: Of each window.  (W, C)
        owners: The number of the text of each window; those of a text in their order.  (W,)
        n_texts: How many texts there are, each of one window at least.
        pooling: How they are pooled. Of equally large logits the first window's counts.
    """
    numbers = np.asarray(owners)
    weights: FloatArray = np.zeros(logits.shape)
    if pooling == "mean":
        weights[:] = 1 / np.bincount(numbers, minlength=n_texts)[numbers][:, None]
        return weights
    for text in range(n_texts):
        of_text = np.flatnonzero(numbers == text)
        chosen = of_text[logits[of_text].argmax(axis=0)] if pooling == "max" else of_text[0]
        weights[chosen, np.arange(logits.shape[1])] = 1
    return weights


def pool_logits(
    logits: FloatArray, owners: Sequence[int], n_texts: int, pooling: Pooling
) -> FloatArray:
    """The logits of each text from those of its windows, in float64.  (W, C) to (texts, C)

    Args:
        logits: Of each window.  (W, C)
        owners: The number of the text of each window; those of a text in their order.  (W,)
        n_texts: How many texts there are, each of one window at least.
        pooling: How they are pooled.
    """
    pooled = np.zeros((n_texts, logits.shape[1]))
    np.add.at(pooled, list(owners), logits * pooling_weights(logits, owners, n_texts, pooling))
    return pooled
