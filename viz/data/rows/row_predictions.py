"""What a classifier says of many texts: read in batches of like length, given in their order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.attribution.method import no_progress
from viz.errors import CheckpointError, SelectionError
from viz.jobs.background import ProgressCallback
from viz.model.batches import batch_size
from viz.model.classifier import Classifier
from viz.model.encoding import RowInputs
from viz.model.head_gates import HeadGates, check_gated
from viz.model.padding import token_places
from viz.model.pooling import PooledStates
from viz.types import BoolArray

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
    states: FloatArray | None
    """The last state that the class is read from: that of [CLS] in BERT, of the last token in
    GPT-2, the mean where a mean is taken.  None where that can't be told, or wasn't asked for.
    (N, D)"""

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
    rows = classifier.encoder.encode_rows(texts, pairs)
    n_tokens = np.array([0 if row is None else len(row.inputs["input_ids"]) for row in rows], int)
    logits = np.zeros((len(rows), classifier.n_classes), dtype=np.float32)
    pooled: FloatArray | None = None
    keeps_states = states and classifier.capabilities.reads in POOLED
    for batch in _batches(classifier, n_tokens):
        inputs = [row for row in (rows[index] for index in batch) if row is not None]
        if gates is None:
            logits[batch], own_states = _read(classifier, inputs, states=keeps_states)
        else:
            logits[batch], own_states = _read_gated(classifier, inputs, gates), None
        if own_states is None:
            keeps_states, pooled = False, None
        elif keeps_states:
            if pooled is None:
                pooled = np.zeros((len(rows), own_states.shape[1]), dtype=np.float32)
            pooled[batch] = own_states
        progress(len(batch))
    _require_finite(classifier, logits)
    probabilities = logits[:, :0] if classifier.regression else classifier.probabilities(logits)
    return RowPredictions(
        read=n_tokens > 0,
        logits=logits,
        probabilities=probabilities,
        n_tokens=n_tokens,
        n_unseen=np.array([0 if row is None else row.n_unseen for row in rows], int),
        states=pooled,
    )


def _batches(classifier: Classifier, n_tokens: IntArray) -> Iterator[IntArray]:
    """The numbers of the rows to read together, the longest first; rows without tokens in none."""
    order = np.argsort(-n_tokens, kind="stable")
    order = order[: int((n_tokens > 0).sum())]
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
    classifier: Classifier, rows: Sequence[RowInputs], *, states: bool
) -> tuple[FloatArray, FloatArray | None]:
    """Logits (B, C), and states (B, D) where they are asked for and can be told."""
    inputs = [row.inputs for row in rows]
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


def _read_gated(classifier: Classifier, rows: Sequence[RowInputs], gates: FloatArray) -> FloatArray:
    """Logits with the output of each head multiplied.  (B, C)"""
    check_gated(classifier)
    values = torch.tensor(gates[None], dtype=classifier.model.dtype, device=classifier.device)
    with torch.inference_mode():
        inputs = classifier.pad([row.inputs for row in rows])
        logits: FloatArray = classifier.run(inputs, HeadGates(values)).float().cpu().numpy()
    return logits


def _require_finite(classifier: Classifier, logits: FloatArray) -> None:
    odd = int((~np.isfinite(logits)).any(axis=1).sum())
    if odd:
        raise CheckpointError(
            f"{classifier.name!r} gives numbers that are not finite (NaN or infinity) for {odd:,} "
            f"of {len(logits):,} texts; its weights are damaged, or its training diverged."
        )
