"""Texts of any length read in overlapping windows, whose logits are pooled."""

from dataclasses import replace
from typing import get_args

import numpy as np
import torch

from finetune.checkpoint.arrays import FloatArray
from finetune.checkpoint.windows import Cut, Pooling, pool_logits, pooling_weights
from finetune.errors import quoted
from viz.documents.document import Document, TextWindow
from viz.errors import SelectionError
from viz.jobs.background import ProgressCallback
from viz.jobs.cancellation import check_cancelled
from viz.model.batches import MAX_ROWS, MAX_TOKENS, batch_size
from viz.model.classifier import Classifier
from viz.model.windows import text_windows
from viz.types import Encoding


def read_document(
    classifier: Classifier,
    text: str,
    *,
    stride: int | None = None,
    pooling: Pooling | None = None,
    cut: Cut | None = None,
    size: int | None = None,
    progress: ProgressCallback = lambda passes: None,
) -> Document:
    """Read a text of any length in overlapping windows, and pool their logits.

    A text that the model can read at once is one window, and its class that of a plain reading.

    Args:
        classifier: What reads it.
        text: The text.
        stride: Tokens from one window to the next, at most; where None, as the checkpoint was
            trained, or else half a window.
        pooling: How the logits of windows become those of the document: their `mean`, the `max` of
            each class, or those of the `first` window, and then no other is read; where None, as
            the checkpoint was trained, or else the mean.
        cut: Whether windows begin and end with `sentences`, as far as there are any, or at any of
            the `tokens`; where None, as the checkpoint was trained, or else with sentences.
        size: Tokens of a window at most, special ones included; where None, as many as the
            checkpoint was trained on, or else the model can read.
        progress: Called with the windows read since; what it raises ends the work.

    Raises:
        TextError: if no token of the text reaches the model.
        SelectionError: for a stride, pooling, cut or size that there isn't, or a base model, which
            has no classes.
    """
    _check_choice("Logits of windows can't be pooled by", pooling, get_args(Pooling))
    _check_choice("Windows can't be cut at", cut, get_args(Cut))
    if not classifier.has_head:
        raise SelectionError(
            f"{classifier.name!r} is a base model, which has no logits that could be pooled over "
            "windows; choose a classifier, or a shorter text."
        )
    windowed = text_windows(classifier.encoder, text, stride=stride, cut=cut, size=size)
    settings = windowed.settings
    if pooling is not None:
        settings = replace(settings, pooling=pooling)
    n_read = 1 if settings.pooling == "first" else len(windowed.windows)
    windows = windowed.windows[:n_read]
    if windows[0].n_tokens == windowed.encoding.n_tokens:
        # As a reading is made, to the last bit.
        (reading,) = classifier.read_many(windows)
        logits = reading.prediction.logits[None]
        progress(1)
    else:
        logits = _window_logits(classifier, windows, progress)
    owners = [0] * n_read
    (pooled,) = pool_logits(logits, owners, 1, settings.pooling)
    return Document(
        encoding=windowed.encoding,
        windows=tuple(
            TextWindow(encoding, positions, own)
            for encoding, positions, own in zip(windows, windowed.positions, logits, strict=False)
        ),
        prediction=classifier.prediction(torch.from_numpy(pooled.astype(logits.dtype))),
        pooling_weights=pooling_weights(logits, owners, 1, settings.pooling),
        settings=settings,
        checkpoint=classifier.name,
        fingerprint=classifier.fingerprint,
        without=classifier.off,
    )


def reads_in_windows(classifier: Classifier, text: str) -> bool:
    """Whether a text is read in windows where nobody chose.

    It is where the model can't read it at once, and the checkpoint was trained on windows.

    Raises:
        TextError: if no token of the text reaches the model.
    """
    trained = classifier.encoder.window_settings is not None
    return trained and classifier.encode(text).n_unseen > 0


def _check_choice(what: str, choice: str | None, allowed: tuple[str, ...]) -> None:
    if choice not in (None, *allowed):
        raise SelectionError(f"{what} {quoted(choice)}; choose {', '.join(allowed)}.")


def _window_logits(
    classifier: Classifier, windows: tuple[Encoding, ...], progress: ProgressCallback
) -> FloatArray:
    """The logits of each window, in batches of bounded size.  (n_windows, C)"""
    longest = max(window.n_tokens for window in windows)
    size = batch_size(classifier, longest, rows=MAX_ROWS, tokens=MAX_TOKENS)
    # Windows of about the same length together, so that little is padded.
    order = sorted(range(len(windows)), key=lambda index: windows[index].n_tokens)
    rows = dict[int, FloatArray]()
    for first in range(0, len(order), size):
        check_cancelled()
        batch = order[first : first + size]
        logits = classifier.logits([windows[index].inputs for index in batch])
        rows |= zip(batch, logits, strict=True)
        progress(len(batch))
    return np.stack([rows[index] for index in range(len(windows))])
