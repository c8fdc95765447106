"""What edits of words would gain, by the slope of the decision in the embeddings of the words.

A guess that tells which of many edits to read, first order as HotFlip (Ebrahimi et al. 2018).  A
model that is sure of a text is flat there, so for words in the place of others the slope is taken
at the text with the word hidden, which costs a few passes a word.  Source: viz/data/README.md 2.6.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Self

import numpy as np
import torch
from torch import Tensor

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.checkpoint.windows import pooling_weights
from viz.attribution.method import no_progress
from viz.attribution.requirements import gradients
from viz.data.counterfactuals.decisions import Decision
from viz.data.counterfactuals.text_edits import EditableText
from viz.errors import VizError
from viz.jobs.background import ProgressCallback
from viz.model.batches import MAX_ROWS, MAX_TOKENS, batch_size
from viz.model.classifier import FORWARD_ERRORS, Classifier
from viz.model.recording import Recorder
from viz.model.row_windows import RowEncodings, pooling_of_rows, window_logits
from viz.types import Inputs

MAX_HIDDEN = 128
"""The most words of which each is hidden in turn; of more the slope is that at the text itself."""
PASSES_PER_VERSION = 3
"""What a pass and its gradient cost, in plain passes."""


class FirstOrderEdits:
    """A smooth maximum of the margins of a decision, made linear in the embedding of each word.

    Args:
        classifier: Which reads the text.
        values: Where it is made linear, of each word.  (W,)
        slopes: In the embeddings of each word, summed over its tokens.  (W, D)
        own: What the embeddings that stand there add.  (W,)
    """

    def __init__(
        self, classifier: Classifier, values: FloatArray, slopes: FloatArray, own: FloatArray
    ) -> None:
        self.classifier = classifier
        self.values, self.slopes, self.own = values, slopes, own
        self._embeddings: dict[str, FloatArray] = {}

    @classmethod
    def of(
        cls,
        classifier: Classifier,
        editable: EditableText,
        decision: Decision,
        *,
        row: RowEncodings | None = None,
        hidden: bool = False,
        progress: ProgressCallback = no_progress,
    ) -> Self | None:
        """Take the slopes; None where the architecture allows none.

        Args:
            classifier: Which reads the text.
            editable: The text.
            decision: What it is put into.
            row: The windows in which it is read, if several; slopes are those of pooled logits.
            hidden: Whether each word is hidden where its slope is taken; only if the tokenizer has
                a mask token, in one window, and if there are not too many words.
            progress: Called with the passes done since the last call.
        """
        tokens = [list(word.tokens) for word in editable.words]
        mask = classifier.tokenizer.mask_token_id
        inputs, versions = editable.encoding.inputs, [editable.encoding.inputs]
        windows = None if row is None or len(row.windows) == 1 else row
        if hidden and windows is None and mask is not None and len(tokens) <= MAX_HIDDEN:
            versions = [_with(inputs, each, mask) for each in tokens]
        embedded = _embeddings(classifier, inputs["input_ids"])
        parts: list[tuple[FloatArray, FloatArray, FloatArray]] = []
        try:
            if windows is not None:
                parts = [_pooled_slopes(classifier, windows, decision)]
                progress(PASSES_PER_VERSION * len(windows.windows))
                versions = []
            for batch in _batches(classifier, versions):
                parts += _slopes(classifier, batch, decision)
                progress(PASSES_PER_VERSION * len(batch))
        except VizError:
            return None
        if len(parts) < len(tokens):
            parts *= len(tokens)
        if embedded is None or parts[0][1].shape != embedded.shape:
            return None
        return cls(
            classifier,
            np.array([value for value, _, _ in parts]),
            np.stack([part[1][each].sum(0) for part, each in zip(parts, tokens, strict=True)]),
            np.array([part[2][each].sum() for part, each in zip(parts, tokens, strict=True)]),
        )

    def replacement_gains(self, word: int, candidates: Sequence[str]) -> FloatArray:
        """The smooth maximum with each of several words in the place of one.  (n,)"""
        if not candidates:
            return np.zeros(0)
        added = self._mean_embeddings(candidates) @ self.slopes[word]
        gains: FloatArray = self.values[word] + added - self.own[word]
        return gains

    def deletion_gains(self) -> FloatArray:
        """The smooth maximum without each word.  (W,)"""
        return self.values - self.own

    def _mean_embeddings(self, words: Sequence[str]) -> FloatArray:
        """The mean embedding of the tokens of each word.  (n, D)"""
        new = [word for word in dict.fromkeys(words) if word not in self._embeddings]
        if new:
            # With the blank that stands in front of a word, which some tokenizers keep.
            encoded = self.classifier.tokenizer(
                [f" {word}" for word in new], add_special_tokens=False, verbose=False
            )["input_ids"]
            vectors = _embeddings(self.classifier, np.array(list(chain(*encoded)), dtype=np.int64))
            if vectors is None:
                raise ValueError("the embeddings of a text were there, those of words aren't")
            ends = np.cumsum([len(ids) for ids in encoded])
            for word, ids, end in zip(new, encoded, ends, strict=True):
                total = vectors[end - len(ids) : end].sum(0)
                self._embeddings[word] = total / max(1, len(ids))
        return np.stack([self._embeddings[word] for word in words])


def _with(inputs: Inputs, tokens: Sequence[int], token_id: int) -> Inputs:
    ids = inputs["input_ids"].copy()
    ids[tokens] = token_id
    return {**inputs, "input_ids": ids}


def _batches(classifier: Classifier, versions: Sequence[Inputs]) -> Iterator[Sequence[Inputs]]:
    n_tokens = max((len(version["input_ids"]) for version in versions), default=1)
    size = batch_size(classifier, n_tokens, rows=MAX_ROWS, tokens=MAX_TOKENS)
    for start in range(0, len(versions), size):
        yield versions[start : start + size]


def _slopes(
    classifier: Classifier, versions: Sequence[Inputs], decision: Decision
) -> list[tuple[FloatArray, FloatArray, FloatArray]]:
    """Of each version the value, its slope (T, D), and what each token adds by it (T,)."""
    recorder = Recorder("words")
    logits = classifier.run(classifier.pad(versions), recorder)
    values = decision.smooth_margins(logits)
    leaf = recorder.required_leaf()
    (gradient,) = gradients(classifier, values.sum(), [leaf])
    slopes = gradient.double().cpu().numpy()
    own = (slopes * leaf.detach().double().cpu().numpy()).sum(-1)
    return list(zip(values.detach().double().cpu().numpy(), slopes, own, strict=True))


def _pooled_slopes(
    classifier: Classifier, row: RowEncodings, decision: Decision
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The same of the pooled logits, over all tokens of a text that is read in windows."""
    logits = window_logits(classifier, row).astype(np.float64)
    weights = pooling_weights(logits, [0] * len(logits), 1, pooling_of_rows(classifier))
    pooled = torch.tensor((logits * weights).sum(axis=0)[None], requires_grad=True)
    value = decision.smooth_margins(pooled)
    (outer,) = torch.autograd.grad(value.sum(), pooled)
    slopes: FloatArray | None = None
    own = np.zeros(row.encoding.n_tokens)
    for window, positions, counts in zip(row.windows, row.positions, weights, strict=True):
        recorder = Recorder("words")
        outcome = classifier.run(classifier.pad([window.inputs]), recorder)
        scalar = (outcome[0] * (outer[0] * torch.tensor(counts)).to(outcome)).sum()
        leaf = recorder.required_leaf()
        (gradient,) = gradients(classifier, scalar, [leaf])
        of_window = gradient[0].double().cpu().numpy()
        if slopes is None:
            slopes = np.zeros((row.encoding.n_tokens, of_window.shape[-1]))
        slopes[list(positions)] += of_window
        own[list(positions)] += (of_window * leaf[0].detach().double().cpu().numpy()).sum(-1)
    assert slopes is not None  # there are windows
    return value.detach().numpy()[0], slopes, own


def _embeddings(classifier: Classifier, ids: IntArray) -> FloatArray | None:
    """The embeddings of tokens; None where the architecture has no table of them.  (T, D)"""
    try:
        table = classifier.model.get_input_embeddings()
        with torch.inference_mode():
            vectors: Tensor = table(torch.tensor(ids, device=classifier.device)[None])
    except FORWARD_ERRORS:
        return None
    embeddings: FloatArray = vectors[0].double().cpu().numpy()
    return embeddings
