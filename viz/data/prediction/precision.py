"""In which numbers a file is read: float32, or bfloat16 where that changes no label."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from finetune.checkpoint.arrays import FloatArray
from finetune.checkpoint.bfloat16 import has_bfloat16
from viz.attribution.method import no_progress
from viz.data.rows.row_predictions import RowPredictions, predict
from viz.errors import CheckpointError, SelectionError
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier

Precision = Literal["float32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")

SAFETY_FACTOR = 4.0
"""How many times the largest error of the sample a decision must be away from another one."""
MAX_REREAD_SHARE = 0.25
"""The largest share of rows that may be too near: reading more of them twice gains nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionChoice:
    """What was chosen, which is part of the settings of a run."""

    precision: Precision
    margin: float = 0.0
    """Rows whose decision is nearer to another one than this are read in float32 again."""
    reason: str = ""
    """Why it was chosen; nothing where there was no choice."""


def require(precision: Precision, device: torch.device) -> None:
    """Refuse a precision that a device lacks.

    Raises:
        SelectionError: It does.
    """
    if precision == "bfloat16" and not has_bfloat16(device):
        raise SelectionError(
            "This processor has no bfloat16 (AVX512-BF16, AMX, or a CUDA GPU from Ampere on); "
            "give --precision float32 or auto."
        )


def choose_precision(
    classifier: Classifier, texts: Sequence[str], pairs: Sequence[str] | None = None
) -> PrecisionChoice:
    """The quickest precision in which a sample of texts keeps its labels.

    The sample is read in both.  How far apart two classes are, or one from its threshold, differs
    between the two by at most some number; any text that is not several times as far from another
    decision is read in float32 as well, and float32 decides.
    """
    if classifier.regression:
        return PrecisionChoice(precision="float32")
    if not has_bfloat16(classifier.device):
        return PrecisionChoice(precision="float32")
    try:
        exact = predict(classifier, texts, pairs)
        with _bfloat16(classifier):
            rough = predict(classifier, texts, pairs)
    except CheckpointError:
        return PrecisionChoice(precision="float32", reason="This model can't be read in bfloat16.")
    margin = SAFETY_FACTOR * _largest_error(classifier, exact.logits, rough.logits)
    near = rough.read & (_gaps(classifier, rough.logits) <= margin)
    n_read = int(rough.read.sum())
    if n_read == 0 or near.sum() > MAX_REREAD_SHARE * n_read:
        return PrecisionChoice(
            precision="float32",
            reason=f"In bfloat16 {near.sum():,} of {n_read:,} rows of a sample are too near "
            "another label.",
        )
    return PrecisionChoice(
        precision="bfloat16",
        margin=margin,
        reason=f"All {n_read:,} rows of a sample keep their labels; rows that are near another "
        "one are read in float32.",
    )


def predict_in(
    choice: PrecisionChoice,
    classifier: Classifier,
    texts: Sequence[str],
    pairs: Sequence[str] | None = None,
    *,
    progress: ProgressCallback = no_progress,
) -> RowPredictions:
    """What `predict` gives, in a chosen precision; a row that is read twice counts once."""
    if choice.precision == "float32":
        return predict(classifier, texts, pairs, progress=progress)
    with _bfloat16(classifier):
        rough = predict(classifier, texts, pairs, progress=progress)
    if choice.margin == 0.0:
        return rough
    near = np.flatnonzero(rough.read & (_gaps(classifier, rough.logits) <= choice.margin)).tolist()
    if not near:
        return rough
    exact = predict(
        classifier,
        [texts[row] for row in near],
        None if pairs is None else [pairs[row] for row in near],
    )
    rough.logits[near] = exact.logits
    rough.probabilities[near] = exact.probabilities
    return rough


@contextmanager
def _bfloat16(classifier: Classifier) -> Iterator[None]:
    """Products in bfloat16; sums, norms and softmax stay in float32."""
    with torch.autocast(classifier.device.type, dtype=torch.bfloat16):
        yield


def _gaps(classifier: Classifier, logits: FloatArray) -> FloatArray:
    """How far each decision is from another one, in logits.  (N, C) -> (N,)

    From the second class, or for a multi-label head from the nearest threshold, a logit of 0.
    """
    gaps: FloatArray
    if classifier.multi_label:
        gaps = np.abs(logits).min(axis=1)
    elif logits.shape[1] == 1:
        gaps = np.full(len(logits), np.inf)
    else:
        ordered = np.sort(logits, axis=1)
        gaps = ordered[:, -1] - ordered[:, -2]
    return gaps


def _largest_error(classifier: Classifier, exact: FloatArray, rough: FloatArray) -> float:
    """By how much a gap of N texts differs at most, whichever classes it lies between."""
    errors = rough - exact
    each = np.abs(errors) if classifier.multi_label else np.ptp(errors, axis=1)
    return float(each.max(initial=0.0))
