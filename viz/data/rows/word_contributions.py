"""What each word of many rows adds to a contrast of logits or of states, exactly."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.checkpoint.windows import Pooling, pooling_weights
from viz.attention.words import spans
from viz.attribution.head_slopes import HeadSlopes
from viz.attribution.linear_pass import RowShares, linear_pass, unavailable
from viz.attribution.method import no_progress
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import POOLED
from viz.errors import MethodError
from viz.jobs.background import ProgressCallback
from viz.model.batches import batch_size
from viz.model.classifier import Classifier
from viz.model.pooling import PooledStates
from viz.model.recording import Recorder
from viz.model.row_windows import RowEncodings, groups_of_texts, pooling_of_rows, row_encodings
from viz.types import Encoding, Inputs

MAX_ROWS = 32
"""Rows taken apart at once."""
MAX_TOKENS = 4096
"""Tokens of these: what a backward pass keeps grows with them."""
PASSES_PER_ROW = 3.0
"""What a row costs, in plain forward passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordContributions:
    """R rows taken apart by the decomposition (viz/attribution/README.md 2.1).

    In each row the scores of its words, `special` and `bias` add up to `values`.  A row that is
    read in windows is taken apart in each of them; its parts are those of all windows together,
    weighed as their logits are pooled.
    """

    rows: IntArray
    """Which rows of the file, counted from 0.  (R,)"""
    values: FloatArray
    """The contrast of each row: its weights times the logits, or times the state.  (R,)"""
    words: tuple[tuple[str, ...], ...]
    """The words of each row as they stand in the text, in reading order."""
    scores: tuple[FloatArray, ...]
    """What each of them adds.  R of (W,)"""
    special: FloatArray
    """What all special tokens add together.  (R,)"""
    bias: FloatArray
    """What no token can claim.  (R,)"""
    heads: FloatArray | None = None
    """What passes through the attention of each head; None where it wasn't asked for.
    (R, L, H)"""


def word_contributions(
    classifier: Classifier,
    rows: AuditRows,
    indices: Sequence[int] | IntArray,
    contrasts: FloatArray,
    *,
    heads: bool = False,
    progress: ProgressCallback = no_progress,
) -> WordContributions:
    """Split a contrast of the logits of each row over its words; costs about three passes a row.

    Args:
        classifier: What reads them.
        rows: All rows of a file.
        indices: Which of them, each of which can be read.  R
        contrasts: What the logits of each row are weighted with, such as 1 for one class and -1 for
            another.  (R, C)
        heads: Whether to split over the heads of each layer too.
        progress: Called with the passes done since the last call; what it raises ends the work.

    Raises:
        MethodError: if the parts don't add up, as where the network does more than can be held.
        MissingAttentionError: if heads are asked for of a network that has no attention maps.
        TextError: if no token of a row reaches the model.
    """
    _require_heads(classifier, wanted=heads)

    def split(encodings: Sequence[Encoding], weights: FloatArray) -> RowShares:
        return _split(classifier, encodings, weights, heads=heads)

    pooling = pooling_of_rows(classifier)
    return _contributions(
        classifier, rows, indices, contrasts, split, pooling, heads=heads, progress=progress
    )


def state_contributions(
    classifier: Classifier,
    rows: AuditRows,
    indices: Sequence[int] | IntArray,
    directions: FloatArray,
    *,
    progress: ProgressCallback = no_progress,
) -> WordContributions:
    """Split a linear function of the state that each row's class is read from over its words.

    The state is that of `RowPredictions.states`; what is differentiated, and how it is proved to
    add up, is as in `word_contributions`.

    Args:
        classifier: What reads them.
        rows: All rows of a file.
        indices: Which of them, each of which can be read.  R
        directions: What the state of each row is weighted with.  (R, D)
        progress: Called with the passes done since the last call.

    Raises:
        MethodError: if the parts don't add up, or it can't be told which state a class is read
            from.
        TextError: if no token of a row reaches the model.
    """

    def split(encodings: Sequence[Encoding], weights: FloatArray) -> RowShares:
        return _split_states(classifier, encodings, weights)

    return _contributions(
        classifier, rows, indices, directions, split, "mean", heads=False, progress=progress
    )


def _contributions(
    classifier: Classifier,
    rows: AuditRows,
    indices: Sequence[int] | IntArray,
    contrasts: FloatArray,
    split: Callable[[Sequence[Encoding], FloatArray], RowShares],
    pooling: Pooling,
    *,
    heads: bool,
    progress: ProgressCallback,
) -> WordContributions:
    """Split rows batch by batch: `split` is given the encodings of one, and their contrasts."""
    pairs = rows.pairs or [None] * len(rows)
    parts: list[_RowParts] = []
    for group in groups_of_texts(classifier, [rows.texts[index] for index in indices]):
        some = [
            row_encodings(classifier, rows.texts[i], pairs[i])
            for i in indices[group.start : group.stop]
        ]
        windows = [window for row in some for window in row.windows]
        owners = np.repeat(np.arange(len(some)), [len(row.windows) for row in some])
        weights = contrasts[group.start : group.stop][owners]
        if len(windows) > len(some):
            weights = weights * _pooling_weights(
                classifier, windows, owners, weights.shape, pooling
            )
        shares: dict[int, _WindowShares] = {}
        for batch in _batches(classifier, windows):
            result = split([windows[i] for i in batch], weights[batch])
            shares |= {i: _window_shares(result, n, heads=heads) for n, i in enumerate(batch)}
            progress(PASSES_PER_ROW * len(batch))
        numbers = iter(range(len(windows)))
        parts += [_row_parts(row, [shares[next(numbers)] for _ in row.windows]) for row in some]
    return WordContributions(
        rows=np.array(indices, dtype=np.int64),
        values=np.array([row.value for row in parts]),
        words=tuple(row.words for row in parts),
        scores=tuple(row.scores for row in parts),
        special=np.array([row.special for row in parts]),
        bias=np.array([row.bias for row in parts]),
        heads=np.array([row.heads for row in parts]) if heads else None,
    )


def _pooling_weights(
    classifier: Classifier,
    windows: Sequence[Encoding],
    owners: IntArray,
    shape: tuple[int, ...],
    pooling: Pooling,
) -> FloatArray:
    """What each window counts in its row.  (W, C)

    Args:
        classifier: What reads the windows.
        windows: W of them.
        owners: The row of each.
        shape: That of the contrasts.
        pooling: Only for the largest logits the windows have to be read.
    """
    logits = np.zeros(shape)
    if pooling == "max":
        for batch in _batches(classifier, windows):
            logits[batch] = classifier.logits([windows[i].inputs for i in batch])
    return pooling_weights(logits, owners.tolist(), int(owners[-1]) + 1, pooling)


@dataclass(frozen=True, slots=True)
class _WindowShares:
    value: float
    tokens: FloatArray
    bias: float
    heads: FloatArray | None


@dataclass(frozen=True, slots=True)
class _RowParts:
    value: float
    words: tuple[str, ...]
    scores: FloatArray
    special: float
    bias: float
    heads: FloatArray | None


def _require_heads(classifier: Classifier, *, wanted: bool) -> None:
    if wanted and classifier.capabilities.attention is None:
        raise MethodError(classifier.capabilities.no_attention)


def _batches(classifier: Classifier, encodings: Sequence[Encoding]) -> Iterator[list[int]]:
    """The numbers of encodings of one length, so that nothing is padded."""
    by_length: dict[int, list[int]] = defaultdict(list)
    for number, encoding in enumerate(encodings):
        by_length[encoding.n_tokens].append(number)
    several = classifier.capabilities.time_axis is not None
    for length, numbers in sorted(by_length.items()):
        alone = not several or classifier.is_long(length)
        size = batch_size(classifier, length, rows=1 if alone else MAX_ROWS, tokens=MAX_TOKENS)
        for start in range(0, len(numbers), size):
            yield numbers[start : start + size]


def _split(
    classifier: Classifier, encodings: Sequence[Encoding], contrasts: FloatArray, *, heads: bool
) -> RowShares:
    inputs = [encoding.inputs for encoding in encodings]
    if heads and classifier.is_long(encodings[0].n_tokens):
        return _split_long(classifier, inputs, contrasts)
    recorder = Recorder("input", freeze=True, by_weights=heads)
    linear = linear_pass(classifier, inputs, recorder, classifier.logits(inputs))
    maps = recorder.weights[: classifier.n_layers] if heads else []
    return linear.split_rows(torch.tensor(contrasts).to(linear.logits), maps=maps)


def _split_long(
    classifier: Classifier, inputs: Sequence[Inputs], contrasts: FloatArray
) -> RowShares:
    """Split one long text, of which no maps are kept, over its heads too."""
    recorder = HeadSlopes("input", range(classifier.n_layers), freeze=True)
    linear = linear_pass(classifier, inputs, recorder, classifier.logits(inputs))
    shares = linear.split_rows(torch.tensor(contrasts).to(linear.logits))
    return replace(shares, heads=[each[None] for each in recorder.head_totals(classifier.n_heads)])


def _split_states(
    classifier: Classifier, encodings: Sequence[Encoding], directions: FloatArray
) -> RowShares:
    reads = classifier.capabilities.reads
    if reads not in POOLED:
        raise MethodError(
            f"It can't be told which state {classifier.architecture} reads a class from, so that "
            "no state can be split over words."
        )
    inputs = [encoding.inputs for encoding in encodings]
    recorder = PooledStates([slice(None)] * len(inputs), reads, "input", freeze=True)
    linear = linear_pass(classifier, inputs, recorder, classifier.logits(inputs))
    if recorder.pooled is None:
        raise MethodError(unavailable(classifier))
    states = replace(linear, logits=recorder.pooled)
    return states.split_rows(torch.tensor(directions).to(recorder.pooled))


def _window_shares(shares: RowShares, number: int, *, heads: bool) -> _WindowShares:
    return _WindowShares(
        float(shares.values[number]),
        shares.tokens[number].cpu().numpy(),
        float(shares.bias[number]),
        np.stack([layer[number].cpu().numpy() for layer in shares.heads]) if heads else None,
    )


def _row_parts(row: RowEncodings, windows: Sequence[_WindowShares]) -> _RowParts:
    """The parts of all windows of a row, those of each token added up."""
    encoding = row.encoding
    tokens = np.zeros(encoding.n_tokens, windows[0].tokens.dtype)
    for positions, window in zip(row.positions, windows, strict=True):
        tokens[list(positions)] += window.tokens
    words = [span for span in spans(encoding) if not span.special]
    by_head = [window.heads for window in windows if window.heads is not None]
    return _RowParts(
        sum(window.value for window in windows),
        tuple(word.label for word in words),
        np.array([tokens[list(word.tokens)].sum() for word in words]),
        sum(float(tokens[i]) for i, token in enumerate(encoding.tokens) if token.special),
        sum(window.bias for window in windows),
        np.sum(by_head, axis=0) if by_head else None,
    )
