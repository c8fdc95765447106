"""Windows over long texts: no token left out, no window too long, cut where sentences end."""

from itertools import pairwise

import numpy as np
import pytest
from transformers import BertConfig

from finetune.checkpoint.windows import (
    Cut,
    Pooling,
    WindowSettings,
    pool_logits,
    pooling_weights,
    stored_windows,
    window_positions,
)

LENGTHS: tuple[list[int], ...] = (
    [3, 4, 5],
    [1],
    [],
    [2, 2, 2, 2, 2, 2, 2, 2],
    [30],
    [3, 30, 2, 4],
    [9, 8, 7, 30, 1],
    [8],
)
"""Words of the sentences of some texts."""


def tokens_of(lengths: list[int]) -> tuple[str, list[int | None], list[tuple[int, int]]]:
    """A text of sentences of so many words, and the token of each word between two special ones."""
    text = " ".join(" ".join(["Word", *["more"] * (n - 1)]) + "." for n in lengths)
    offsets, at = [], 0
    for word in text.split():
        offsets.append((at, at + len(word)))
        at += len(word) + 1
    return text, [None, *[0] * len(offsets), None], [(0, 0), *offsets, (0, 0)]


def windows_of(
    lengths: list[int], *, size: int, stride: int, cut: Cut = "sentences"
) -> list[list[int]]:
    """The words of each window, numbered from 0; there is room for *size* of them."""
    text, sequences, offsets = tokens_of(lengths)
    positions = window_positions(
        sequences,
        offsets,
        text,
        max_length=size + 2,
        windows=WindowSettings(stride=stride, cut=cut),
    )
    assert all(kept[0] == 0 and kept[-1] == len(sequences) - 1 for kept in positions)
    return [[token - 1 for token in kept[1:-1]] for kept in positions]


@pytest.mark.parametrize("cut", ["sentences", "tokens"])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_windows_hold_every_token_in_order_and_the_last_ends_with_the_text(
    lengths: list[int], cut: Cut
) -> None:
    n_words = sum(lengths)
    for size in range(1, 12):
        for stride in range(1, size + 3):
            windows = windows_of(lengths, size=size, stride=stride, cut=cut)
            if n_words <= size:
                assert windows == [list(range(n_words))]
                continue
            for words in windows:
                assert 0 < len(words) <= size
                assert words == list(range(words[0], words[-1] + 1))
            for before, after in pairwise(windows):
                assert before[0] < after[0] <= before[-1] + 1
                assert before[-1] < after[-1]
                assert cut == "sentences" or after[0] - before[0] <= stride
            assert windows[0][0] == 0
            assert windows[-1][-1] == n_words - 1


def test_windows_of_tokens_begin_a_stride_apart() -> None:
    windows = windows_of([21], size=8, stride=5, cut="tokens")
    assert windows == [list(range(start, start + 8)) for start in (0, 5, 10, 13)]
    assert windows_of([3] * 7, size=8, stride=5, cut="tokens") == windows
    assert windows_of([21], size=8, stride=5) == windows  # one sentence longer than a window


def test_windows_begin_and_end_with_sentences() -> None:
    #  sentences begin at 0, 3, 7, 12, 14
    windows = windows_of([3, 4, 5, 2, 4], size=8, stride=4)
    assert [(words[0], words[-1] + 1) for words in windows] == [(0, 7), (7, 14), (12, 18)]


def test_a_sentence_longer_than_a_window_is_cut_at_tokens_and_no_other() -> None:
    windows = windows_of([2, 20, 3, 3], size=6, stride=4)
    ends = {0, 2, 22, 25, 28}
    for words in windows:
        for edge in (words[0], words[-1] + 1):
            assert edge in ends or 2 < edge < 22
    assert [(words[0], words[-1] + 1) for words in windows][-2:] == [(20, 25), (22, 28)]


def test_a_token_that_holds_the_blank_before_a_sentence_begins_it() -> None:
    text = "One two. Three four. Five six."
    offsets = [(0, 3), (3, 8), (8, 14), (14, 20), (20, 25), (25, 30)]
    settings = WindowSettings(stride=3)
    windows = window_positions([0] * 6, offsets, text, max_length=4, windows=settings)
    assert windows == [[0, 1, 2, 3], [2, 3, 4, 5]]


def test_a_stride_alone_means_windows_of_tokens_and_their_mean() -> None:
    assert stored_windows(BertConfig()) is None
    assert stored_windows(BertConfig(text_window_pooling="max")) is None
    assert stored_windows(BertConfig(text_window_stride=4)) == WindowSettings(
        stride=4, pooling="mean", cut="tokens"
    )
    config = BertConfig(
        text_window_stride=4, text_window_pooling="max", text_window_cut="sentences",
        text_window_size=16,
    )  # fmt: skip
    settings = WindowSettings(stride=4, pooling="max", cut="sentences", size=16)
    assert stored_windows(config) == settings


@pytest.mark.parametrize(
    ("pooling", "pooled"),
    [
        ("mean", [[2.0, 1.0], [4.0, 6.0]]),
        ("max", [[3.0, 2.0], [5.0, 7.0]]),
        ("first", [[1.0, 2.0], [5.0, 5.0]]),
    ],
)
def test_logits_of_windows_become_those_of_their_text(
    pooling: Pooling, pooled: list[list[float]]
) -> None:
    logits, owners = np.array([[1.0, 2.0], [3.0, 0.0], [5.0, 5.0], [3.0, 7.0]]), [0, 0, 1, 1]
    assert pool_logits(logits, owners, 2, pooling).tolist() == pooled
    weights = pooling_weights(logits, owners, 2, pooling)
    assert weights.reshape(2, 2, 2).sum(axis=1).tolist() == [[1, 1], [1, 1]]


def test_of_equally_large_logits_the_first_window_counts() -> None:
    logits = np.array([[1.0], [2.0], [2.0]])
    assert pooling_weights(logits, [0, 0, 0], 1, "max").tolist() == [[0], [1], [0]]
