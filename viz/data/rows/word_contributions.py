"""What each word of many rows adds to a contrast of logits or of states, exactly."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.attention.words import spans
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
from viz.types import Encoding

MAX_ROWS = 32
"""Rows taken apart at once."""
MAX_TOKENS = 4096
"""Tokens of these: what a backward pass keeps grows with them."""
PASSES_PER_ROW = 3.0
"""What a row costs, in plain forward passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordContributions:
    """R rows taken apart by the decomposition (viz/attribution/README.md 2.1).

    In each row the scores of its words, `special` and `bias` add up to `values`.
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

    def split(encodings: Sequence[Encoding], batch: list[int]) -> RowShares:
        return _split(classifier, encodings, contrasts[batch], heads=heads)

    return _contributions(classifier, rows, indices, split, heads=heads, progress=progress)


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

    def split(encodings: Sequence[Encoding], batch: list[int]) -> RowShares:
        return _split_states(classifier, encodings, directions[batch])

    return _contributions(classifier, rows, indices, split, heads=False, progress=progress)


def _contributions(
    classifier: Classifier,
    rows: AuditRows,
    indices: Sequence[int] | IntArray,
    split: Callable[[Sequence[Encoding], list[int]], RowShares],
    *,
    heads: bool,
    progress: ProgressCallback,
) -> WordContributions:
    """Split rows batch by batch: `split` is given the encodings of one, and the rows' numbers."""
    pairs = rows.pairs or [None] * len(rows)
    encodings = [classifier.encode(rows.texts[index], pairs[index]) for index in indices]
    parts: dict[int, _RowParts] = {}
    for batch in _batches(classifier, encodings):
        shares = split([encodings[i] for i in batch], batch)
        for number, row in enumerate(batch):
            parts[row] = _row_parts(encodings[row], shares, number, heads=heads)
        progress(PASSES_PER_ROW * len(batch))
    ordered = [parts[row] for row in range(len(encodings))]
    return WordContributions(
        rows=np.array(indices, dtype=np.int64),
        values=np.array([row.value for row in ordered]),
        words=tuple(row.words for row in ordered),
        scores=tuple(row.scores for row in ordered),
        special=np.array([row.special for row in ordered]),
        bias=np.array([row.bias for row in ordered]),
        heads=np.array([row.heads for row in ordered]) if heads else None,
    )


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
        size = batch_size(classifier, length, rows=MAX_ROWS if several else 1, tokens=MAX_TOKENS)
        for start in range(0, len(numbers), size):
            yield numbers[start : start + size]


def _split(
    classifier: Classifier, encodings: Sequence[Encoding], contrasts: FloatArray, *, heads: bool
) -> RowShares:
    recorder = Recorder("input", freeze=True, by_weights=heads)
    inputs = [encoding.inputs for encoding in encodings]
    linear = linear_pass(classifier, inputs, recorder, classifier.logits(inputs))
    maps = recorder.weights[: classifier.n_layers] if heads else []
    return linear.split_rows(torch.tensor(contrasts).to(linear.logits), maps=maps)


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


def _row_parts(encoding: Encoding, shares: RowShares, row: int, *, heads: bool) -> _RowParts:
    tokens = shares.tokens[row].cpu().numpy()
    words = [span for span in spans(encoding) if not span.special]
    special = sum(float(tokens[i]) for i, token in enumerate(encoding.tokens) if token.special)
    by_head = np.stack([layer[row].cpu().numpy() for layer in shares.heads]) if heads else None
    return _RowParts(
        float(shares.values[row]),
        tuple(word.label for word in words),
        np.array([tokens[list(word.tokens)].sum() for word in words]),
        special,
        float(shares.bias[row]),
        by_head,
    )
