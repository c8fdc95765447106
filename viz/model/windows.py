"""A text of any length as a model can read it: in overlapping windows, each with its encoding.

Where windows begin and end, and how their logits become those of the text, is written once, in
`finetune.checkpoint.windows`.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from finetune.checkpoint.windows import (
    Cut,
    Pooling,
    WindowSettings,
    default_stride,
    window_positions,
)
from viz.errors import SelectionError, TextError
from viz.model.encoding import Encoder
from viz.types import Encoding, UnseenSpan

POOLED: Mapping[Pooling, str] = {
    "mean": "the mean of their logits",
    "max": "the largest logit of each class in any of them",
    "first": "the first of them alone",
}
"""What the windows of a text make of it."""


@dataclass(frozen=True, slots=True)
class WindowedText:
    """A text, uncut, and the windows that cover it."""

    encoding: Encoding
    """All tokens of the text; more than the model can read where there is more than one window."""
    windows: tuple[Encoding, ...]
    """In reading order.  Their tokens carry character offsets into the whole text, and special
    tokens stand around them as the tokenizer adds them; `unseen` is what other windows hold."""
    positions: tuple[tuple[int, ...], ...]
    """Where the tokens of each window stand in `encoding`, those of special tokens included."""
    settings: WindowSettings
    """Its `size` is the most tokens that a window could have."""


def text_windows(
    encoder: Encoder,
    text: str,
    pair: str | None = None,
    *,
    stride: int | None = None,
    cut: Cut | None = None,
    size: int | None = None,
) -> WindowedText:
    """Cut a text into overlapping windows; a text that the model can read at once is one window.

    Args:
        encoder: That of the classifier.
        text: The text.
        pair: The second text of a pair, which has no windows.
        stride: Tokens from one window to the next at most; where None, as the checkpoint says, or
            else half a window.
        cut: Whether windows begin and end with sentences, or at any token; where None, as the
            checkpoint says, or else with sentences.
        size: Tokens of a window at most, special ones included; where None, as many as the
            checkpoint was trained on, or else the model can read.

    Raises:
        TextError: if no token of the text reaches the model, or it is a pair.
        SelectionError: for a size that the model can't read, or a stride that is not within a
            window.
    """
    require_single_text(pair)
    # Nothing is cut where there is no limit; how many tokens are read at once is known below.
    whole = replace(encoder, max_tokens=sys.maxsize, trained_length=None).encode(text)
    settings = window_settings(encoder, stride, size)
    size = min(settings.size or encoder.max_tokens, encoder.max_tokens)
    settings = replace(settings, size=size, cut=cut or settings.cut)
    if whole.n_tokens <= size:
        whole = _with_notes(whole, encoder.length_notes(whole.n_tokens))
        return WindowedText(whole, (whole,), (tuple(range(whole.n_tokens)),), settings)
    positions = window_positions(
        [token.part for token in whole.tokens],
        [(token.start, token.end) for token in whole.tokens],
        whole.text,
        max_length=size,
        windows=settings,
    )
    windows = tuple(
        _window(whole, own, f"Window {number:,} of {len(positions):,} of a longer text.")
        for number, own in enumerate(positions, 1)
    )
    whole = _with_notes(whole, encoder.length_notes(max(map(len, positions))))
    return WindowedText(whole, windows, tuple(map(tuple, positions)), settings)


def _with_notes(encoding: Encoding, notes: Iterable[str]) -> Encoding:
    return replace(encoding, notes=(*encoding.notes, *notes))


def require_single_text(pair: str | None) -> None:
    """Refuse to read a pair of texts in windows.

    Raises:
        TextError: for a pair.
    """
    if pair is not None:
        raise TextError(
            "Windows cover a single text; read the pair as it is, or only one of its texts."
        )


def window_settings(
    encoder: Encoder, stride: int | None = None, size: int | None = None
) -> WindowSettings:
    """How the texts of a checkpoint are cut into windows: as it was trained, if it was.

    Args:
        encoder: That of the classifier.
        stride: As for `text_windows`.
        size: As for `text_windows`.

    Raises:
        SelectionError: for a size that the model can't read, or a stride that is not within a
            window.
    """
    n_special = encoder.tokenizer.num_special_tokens_to_add(pair=False)
    if size is not None and not n_special < size <= encoder.max_tokens:
        raise SelectionError(
            f"A window can't have {size:,} tokens; choose {n_special + 1:,} to "
            f"{encoder.max_tokens:,}, which the model reads."
        )
    settings = encoder.window_settings
    most = encoder.max_tokens if settings is None else settings.size or encoder.max_tokens
    room = max(min(size or most, encoder.max_tokens) - n_special, 1)
    if stride is None:
        stride = default_stride(room) if settings is None else min(settings.stride, room)
    elif not 1 <= stride <= room:
        raise SelectionError(
            f"A window can't begin {stride:,} tokens behind the one before; it holds {room:,} "
            f"tokens of the text, so choose 1 to {room:,}."
        )
    own = WindowSettings(stride=stride) if settings is None else replace(settings, stride=stride)
    return own if size is None else replace(own, size=size)


def _window(whole: Encoding, positions: Sequence[int], note: str) -> Encoding:
    return Encoding(
        whole.text,
        None,
        tuple(whole.tokens[index] for index in positions),
        {name: values[list(positions)] for name, values in whole.inputs.items()},
        n_unseen=whole.n_tokens - len(positions),
        notes=(note,),
        unseen=unseen_spans(whole, positions),
    )


def unseen_spans(whole: Encoding, positions: Sequence[int]) -> tuple[UnseenSpan, ...]:
    """The stretches of a text whose tokens stand at none of these positions, in reading order."""
    tokens, spans = whole.tokens, list[UnseenSpan]()
    for before, after in pairwise([-1, *positions, whole.n_tokens]):
        first, last = before + 1, after - 1
        while first <= last and tokens[first].special:
            first += 1
        while first <= last and tokens[last].special:
            last -= 1
        if first <= last:
            spans.append(UnseenSpan(0, tokens[first].start, tokens[last].end))
    return tuple(spans)
