"""What a classifier says of many texts: read in batches of like length, given in their order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.attribution.method import no_progress
from viz.errors import CheckpointError, SelectionError
from viz.jobs.background import ProgressCallback
from viz.model.batches import batch_size
from viz.model.classifier import Classifier
from viz.model.head_gates import HeadGates, check_gated
from viz.model.padding import token_places
from viz.model.pooling import PooledStates
from viz.model.row_windows import groups_of_texts, windowed_rows
from viz.types import BoolArray, Inputs

MAX_ROWS = 64
"""Texts read at once."""
MAX_TOKENS = 8192
"""Tokens read at once, so that memory is bounded for long texts."""
POOLED = ("first", "last", "mean")
"""The ways to read a class from last states of which one state comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPredictions:
    """The outcome of one pass over N rows; of a row that wasn't read, zeros."""

    read: BoolArray
    """Which rows were read; a row without a text, or made of nothing the model sees, is not.
    (N,)"""
    logits: FloatArray
    """(N, C)"""
    probabilities: FloatArray
    """At the checkpoint's temperature; (N, 0) for a regression.  (N, C)"""
    n_tokens: IntArray
    """How many tokens the model read of each.  (N,)"""
    n_unseen: IntArray
    """How many it never saw.  (N,)"""
    n_windows: IntArray
    """In how many windows it read each; their logits are pooled.  (N,)"""
    states: FloatArray | None
    """The last state that the class is read from: that of [CLS] in BERT, of the last token in
    GPT-2, the mean where a mean is taken; of several windows the mean.  None where that can't be
    told, or wasn't asked for.  (N, D)"""

    @property
    def predicted(self) -> IntArray:
        """The class with the highest logit.  (N,)"""
        classes: IntArray = self.logits.argmax(axis=1)
        return classes


def predict(
    classifier: Classifier,
    texts: Sequence[str],
    pairs: Sequence[str] | None = None,
    *,
    states: bool = False,
    gates: FloatArray | None = None,
    progress: ProgressCallback = no_progress,
) -> RowPredictions:
    """Classify many texts, or pairs of texts, without recording their attention.

    A single text that is too long is read in windows where the checkpoint was trained so, or the
    classifier is one that `Classifier.with_windows` gave; else it is cut.

    Args:
        classifier: What reads them.
        texts: N texts.
        pairs: The second text of each; None where the classifier reads single texts.
        states: Whether to keep the state that each class is read from; not with gates.
        gates: What the output of each head is multiplied by; None reads the model as it is.  (L, H)
        progress: Called with the texts read since the last call; what it raises ends the work.

    Returns:
        Logits and probabilities (N, C), tokens read and unseen (N,), in the order of `texts`.  A
        blank text, or one in which the model sees nothing, is not refused but marked as not read.

    Raises:
        CheckpointError: if the model fails on a text, or gives numbers that are not finite.
        MethodError: if there are gates, and the heads of this architecture can't be gated.
        SelectionError: if there are not as many second texts as texts.
    """
    if pairs is not None and len(pairs) != len(texts):
        raise SelectionError(
            f"There are {len(texts):,} texts and {len(pairs):,} second texts; give one for each."
        )
    parts = [
        _predict(
            classifier,
            [texts[number] for number in group],
            None if pairs is None else [pairs[number] for number in group],
            states=states and classifier.capabilities.reads in POOLED,
            gates=gates,
            progress=progress,
        )
        for group in groups_of_texts(classifier, texts)
    ]
    return parts[0] if len(parts) == 1 else _joined(parts)


def _predict(
    classifier: Classifier,
    texts: Sequence[str],
    pairs: Sequence[str] | None,
    *,
    states: bool,
    gates: FloatArray | None,
    progress: ProgressCallback,
) -> RowPredictions:
    """Of texts all of whose windows are held at once."""
    rows = windowed_rows(classifier, texts, pairs)
    lengths, owners, n_windows = rows.lengths, rows.owners, rows.n_windows
    logits = np.zeros((len(rows.windows), classifier.n_classes), dtype=np.float32)
    pooled: FloatArray | None = None
    left = n_windows.copy()
    for batch in _batches(classifier, lengths):
        inputs = [rows.windows[index].inputs for index in batch]
        if gates is None:
            logits[batch], own_states = _read(classifier, inputs, states=states)
        else:
            logits[batch], own_states = _read_gated(classifier, inputs, gates), None
        if own_states is None:
            states, pooled = False, None
        elif states:
            if pooled is None:
                pooled = np.zeros((len(lengths), own_states.shape[1]), dtype=np.float32)
            pooled[batch] = own_states
        np.subtract.at(left, owners[batch], 1)
        progress(int((left[np.unique(owners[batch])] == 0).sum()))
    logits = rows.pooled(logits, rows.pooling)
    _require_finite(classifier, logits)
    probabilities = logits[:, :0] if classifier.regression else classifier.probabilities(logits)
    return RowPredictions(
        read=n_windows > 0,
        logits=logits,
        probabilities=probabilities,
        n_tokens=rows.n_tokens,
        n_unseen=rows.n_unseen,
        n_windows=n_windows,
        states=None if pooled is None else rows.pooled(pooled, "mean"),
    )


def _joined(parts: Sequence[RowPredictions]) -> RowPredictions:
    """Of stretches of texts together; states of all that were read, or of none."""

    def column(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    stated = [part.states for part in parts if part.states is not None]
    states: FloatArray | None = None
    if all(part.states is not None or not part.read.any() for part in parts) and stated:
        width = stated[0].shape[1]
        states = np.concatenate(
            [
                np.zeros((len(part.read), width), np.float32)
                if part.states is None
                else part.states
                for part in parts
            ]
        )
    names = ("read", "logits", "probabilities", "n_tokens", "n_unseen", "n_windows")
    return RowPredictions(**{name: column(name) for name in names}, states=states)


def _batches(classifier: Classifier, n_tokens: IntArray) -> Iterator[IntArray]:
    """The numbers of the windows to read together, the longest first."""
    order = np.argsort(-n_tokens, kind="stable")
    same_length = classifier.capabilities.pads is None
    start = 0
    while start < len(order):
        longest = int(n_tokens[order[start]])
        size = batch_size(classifier, longest, rows=MAX_ROWS, tokens=MAX_TOKENS)
        batch = order[start : start + size]
        if same_length:
            batch = batch[n_tokens[batch] == longest]
        yield batch
        start += len(batch)


def _read(
    classifier: Classifier, inputs: Sequence[Inputs], *, states: bool
) -> tuple[FloatArray, FloatArray | None]:
    """Logits (B, C), and states (B, D) where they are asked for and can be told."""
    reads = classifier.capabilities.reads
    if not states or reads is None:
        return classifier.logits(inputs), None
    places = token_places(
        [len(row["input_ids"]) for row in inputs], classifier.capabilities.pads or "right"
    )
    recorder = PooledStates(places, reads)
    with torch.inference_mode():
        logits: FloatArray = classifier.run(classifier.pad(inputs), recorder).float().cpu().numpy()
    pooled = recorder.pooled
    return logits, None if pooled is None else pooled.float().cpu().numpy()


def _read_gated(classifier: Classifier, rows: Sequence[Inputs], gates: FloatArray) -> FloatArray:
    """Logits with the output of each head multiplied.  (B, C)"""
    check_gated(classifier)
    values = torch.tensor(gates[None], dtype=classifier.model.dtype, device=classifier.device)
    with torch.inference_mode():
        inputs = classifier.pad(rows)
        logits: FloatArray = classifier.run(inputs, HeadGates(values)).float().cpu().numpy()
    return logits


def _require_finite(classifier: Classifier, logits: FloatArray) -> None:
    odd = int((~np.isfinite(logits)).any(axis=1).sum())
    if odd:
        raise CheckpointError(
            f"{classifier.name!r} gives numbers that are not finite (NaN or infinity) for {odd:,} "
            f"of {len(logits):,} texts; its weights are damaged, or its training diverged."
        )
