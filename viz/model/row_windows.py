"""Rows as the model reads them: each as one part, or in windows where it is too long for one.

How a text is cut into windows is written in `viz.model.windows`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.checkpoint.windows import Pooling, WindowSettings, pool_logits, stored_windows
from viz.errors import SelectionError
from viz.model.classifier import Classifier
from viz.model.encoding import ONE_WINDOW, UNMEASURED
from viz.model.windows import POOLED, text_windows
from viz.types import Encoding, Inputs

MAX_CHARACTERS = 2_000_000
"""Of texts that are cut into windows at once, so that memory is bounded for long ones."""


@dataclass(frozen=True, slots=True)
class RowWindow:
    """A window of a row, or all of it."""

    inputs: Inputs
    row: int
    """The number of the row among those that are read together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowedRows:
    """N rows and the W windows that the model reads of them."""

    windows: tuple[RowWindow, ...]
    """Those of a row in their order; a row that can't be read has none."""
    pooling: Pooling
    """How the logits of windows become those of a row."""
    n_tokens: IntArray
    """How many tokens of each row are read, those of overlapping windows once.  (N,)"""
    n_unseen: IntArray
    """(N,)"""

    @property
    def owners(self) -> IntArray:
        """The row of each window.  (W,)"""
        return np.array([window.row for window in self.windows], dtype=np.int64)

    @property
    def n_windows(self) -> IntArray:
        """How many each row has.  (N,)"""
        return np.bincount(self.owners, minlength=len(self.n_tokens))

    @property
    def lengths(self) -> IntArray:
        """The tokens of each window.  (W,)"""
        return np.array([len(each.inputs["input_ids"]) for each in self.windows], dtype=np.int64)

    def pooled(self, values: FloatArray, pooling: Pooling) -> FloatArray:
        """What values of windows, such as logits, make of each row.  (W, C) -> (N, C)

        Those of a row with one window are its own to the last bit, of one without any they are 0.
        """
        read, numbers = np.unique(self.owners, return_inverse=True)
        rows = np.zeros((len(self.n_tokens), values.shape[1]), values.dtype)
        if len(read) == len(values):
            rows[read] = values
        else:
            rows[read] = pool_logits(values, numbers.tolist(), len(read), pooling)
        return rows


@dataclass(frozen=True, slots=True)
class RowEncodings:
    """A row as it is read."""

    encoding: Encoding
    """All that the model reads of it, in one window or in several."""
    windows: tuple[Encoding, ...]
    positions: tuple[Sequence[int], ...]
    """Where the tokens of each window stand in `encoding`."""


def require_single_texts(pair_column: str | None) -> None:
    """Refuse to read pairs of texts in windows.

    Raises:
        SelectionError: where a column holds second texts.
    """
    if pair_column is not None:
        raise SelectionError(
            f"Windows are read of single texts, and column {pair_column!r} holds second texts; "
            "leave the windows out, or name another file."
        )


def settings_of_rows(classifier: Classifier, *, pairs: bool) -> WindowSettings | None:
    """How rows that are too long are read in windows; None where they are cut, as pairs are."""
    return None if pairs else classifier.encoder.window_settings


def reading_note(classifier: Classifier, *, pairs: bool) -> str | None:
    """How rows that are too long are read; None where they are cut, as in training."""
    settings = settings_of_rows(classifier, pairs=pairs)
    if settings is not None:
        return (
            f"Texts of more than {classifier.encoder.max_tokens:,} tokens are read in overlapping "
            f"windows, {settings.stride:,} tokens from one to the next at most; what is predicted "
            f"is {POOLED[settings.pooling]}."
        )
    return None if stored_windows(classifier.config) is None else ONE_WINDOW


def count_beyond_training(classifier: Classifier, n_tokens: IntArray) -> int:
    """Of how many rows more tokens are read at once than training read of any text.

    Args:
        classifier: What read them.
        n_tokens: How many tokens of each row it read.  (N,)
    """
    encoder = classifier.encoder
    if encoder.trained_length is None:
        return 0
    return int((np.minimum(n_tokens, encoder.max_tokens) > encoder.trained_length).sum())


def beyond_training_notes(classifier: Classifier, count: int) -> Iterator[str]:
    """What is to be known of so many rows, if there are any."""
    if count:
        rows = "1 row has" if count == 1 else f"{count:,} rows have"
        yield (
            f"{rows} more than the {classifier.encoder.trained_length:,} tokens at which training "
            f"cut texts, and the model reads them: {UNMEASURED}"
        )


def windowed_rows(
    classifier: Classifier, texts: Sequence[str], pairs: Sequence[str] | None
) -> WindowedRows:
    """The inputs of rows, those that the classifier reads in windows cut into these.

    Args:
        classifier: What is to read them; pairs of texts it reads cut.
        texts: N texts.
        pairs: The second text of each; None where there are none.
    """
    windows: list[RowWindow] = []
    n_tokens, n_unseen = np.zeros(len(texts), int), np.zeros(len(texts), int)
    settings = settings_of_rows(classifier, pairs=pairs is not None)
    for number, row in enumerate(classifier.encoder.encode_rows(texts, pairs)):
        if row is None:
            continue
        n_tokens[number], n_unseen[number] = len(row.inputs["input_ids"]), row.n_unseen
        if not row.n_unseen or settings is None:
            windows.append(RowWindow(row.inputs, number))
            continue
        document = row_encodings(classifier, texts[number], None)
        windows += [RowWindow(window.inputs, number) for window in document.windows]
        n_tokens[number] = document.encoding.n_tokens
        n_unseen[number] = document.encoding.n_unseen
    return WindowedRows(
        windows=tuple(windows),
        pooling=pooling_of_rows(classifier),
        n_tokens=n_tokens,
        n_unseen=n_unseen,
    )


def row_encodings(classifier: Classifier, text: str, pair: str | None) -> RowEncodings:
    """The encoding of a row, and those of the windows in which it is read.

    Raises:
        TextError: if no token of the row reaches the model.
    """
    encoding = classifier.encode(text, pair)
    settings = settings_of_rows(classifier, pairs=pair is not None)
    if not encoding.n_unseen or settings is None:
        return RowEncodings(encoding, (encoding,), (range(encoding.n_tokens),))
    document = text_windows(classifier.encoder, text)
    if settings.pooling == "first":
        (first, *_) = document.windows
        return RowEncodings(first, (first,), (range(first.n_tokens),))
    return RowEncodings(document.encoding, document.windows, document.positions)


def row_logits(classifier: Classifier, row: RowEncodings) -> FloatArray:
    """The logits of a row that is read by itself, window by window.  (C,)"""
    logits = window_logits(classifier, row)
    if len(logits) > 1:
        logits = pool_logits(logits, [0] * len(logits), 1, pooling_of_rows(classifier))
    of_row: FloatArray = logits[0]
    return of_row


def window_logits(classifier: Classifier, row: RowEncodings) -> FloatArray:
    """The logits of each window of a row, each read by itself.  (W, C)"""
    return np.concatenate([classifier.logits([window.inputs]) for window in row.windows])


def pooling_of_rows(classifier: Classifier) -> Pooling:
    """How the logits of windows become those of a row."""
    settings = classifier.encoder.window_settings
    return "mean" if settings is None else settings.pooling


def groups_of_texts(classifier: Classifier, texts: Sequence[str]) -> Iterator[range]:
    """Stretches of texts that are cut into windows together; all where none are cut."""
    if classifier.encoder.window_settings is None:
        yield range(len(texts))
        return
    start, total = 0, 0
    for number, text in enumerate(texts):
        if number > start and total + len(text) > MAX_CHARACTERS:
            yield range(start, number)
            start, total = number, 0
        total += len(text)
    yield range(start, len(texts))
