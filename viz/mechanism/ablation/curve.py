"""Accuracy as heads go: in the order of their importance, against orders drawn at random.

Source: Michel et al. 2019, viz/mechanism/README.md 3.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.evaluation.metrics import wilson_interval
from viz.attribution.method import no_progress
from viz.errors import MethodError, SelectionError
from viz.jobs.background import ProgressCallback
from viz.model.batches import batch_size
from viz.model.classifier import Classifier
from viz.model.head_gates import HeadGates, check_gated, open_gates
from viz.model.row_windows import WindowedRows

STEPS = 12
"""Into how many steps, as equal as can be, the heads are divided: of 72, 6 go at a time."""
MAX_ROWS = 64
"""Windows read at once; no maps of theirs are kept."""
MAX_TOKENS = 8192

Head = tuple[int, int]
"""Layer and head, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyCurve:
    """How many of R labeled texts are right with fewer and fewer heads."""

    order: tuple[Head, ...]
    """All heads, the first to go first."""
    counts: IntArray
    """How many heads are off at each of P points: from none to all.  (P,)"""
    right: IntArray
    """How many texts are put into their true class.  (P,)"""
    random: IntArray
    """The same where heads go in S orders drawn at random.  (S, P)"""
    n_rows: int
    """R."""
    n_not_finite: int = 0
    """Of these, texts whose logits are not finite at some point: they are not right there."""
    seed: int
    """Of the random orders."""

    @property
    def accuracy(self) -> FloatArray:
        """Share of texts that are right.  (P,)"""
        shares: FloatArray = self.right / self.n_rows
        return shares

    @property
    def interval(self) -> FloatArray:
        """95% intervals of Wilson, lower and upper end.  (P, 2)"""
        return np.array([wilson_interval(int(right), self.n_rows) for right in self.right])

    @property
    def random_accuracy(self) -> FloatArray:
        """Share of texts that are right in each random order.  (S, P)"""
        shares: FloatArray = self.random / self.n_rows
        return shares

    @property
    def removable(self) -> int:
        """The most heads of any point up to which accuracy stays within the interval of all."""
        low = self.interval[0, 0]
        below = np.flatnonzero(self.accuracy < low)
        return int(self.counts[-1] if not len(below) else self.counts[max(below[0] - 1, 0)])


def accuracy_curve(
    classifier: Classifier,
    rows: WindowedRows,
    gold: Sequence[int] | IntArray,
    order: Sequence[Head],
    *,
    counts: Sequence[int] | None = None,
    n_random: int = 5,
    seed: int = 0,
    progress: ProgressCallback = no_progress,
) -> AccuracyCurve:
    """Read labeled texts with fewer and fewer heads.

    A text whose logits are not finite is put into no class, so it is not right.

    Args:
        classifier: What reads them.
        rows: R texts, as `windowed_rows` cuts them for this classifier.
        gold: The number of the true class of each.  (R,)
        order: All heads as pairs of layer and head, the first to go first.
        counts: How many of them are off at each point, rising; `STEPS` equal steps where None.
        n_random: In how many orders drawn at random heads go too.
        seed: Of these orders.
        progress: Called with the texts read since the last call; what it raises ends the work.

    Raises:
        MethodError: if heads can't be gated, or a text has not one class.
        SelectionError: if there are no rows, some that can't be read, not one class for each, or
            other heads.
    """
    check_countable(classifier)
    classes = np.asarray(gold, dtype=int)
    _check_rows(classifier, rows, classes)
    heads = [(layer, head) for layer, head in order]
    points = _points(classifier, heads, counts)
    draw = np.random.default_rng(seed)
    orders = [heads] + [[heads[i] for i in draw.permutation(len(heads))] for _ in range(n_random)]
    settings = {
        (which, count) if 0 < count < len(heads) else (0, count): None
        for which in range(len(orders))
        for count in points
    }
    gates = {key: _gates(classifier, orders[key[0]][: key[1]]) for key in settings}
    right, not_finite = {}, np.zeros(len(classes), dtype=bool)
    for key, values in gates.items():
        logits = _logits(classifier, rows, values, progress)
        finite = np.isfinite(logits).all(axis=1)
        right[key] = int((finite & (logits.argmax(axis=1) == classes)).sum())
        not_finite |= ~finite
    counted = np.array(
        [
            [right[which if 0 < count < len(heads) else 0, count] for count in points]
            for which in range(len(orders))
        ]
    )
    return AccuracyCurve(
        order=tuple(heads),
        counts=np.array(points),
        right=counted[0],
        random=counted[1:],
        n_rows=len(classes),
        n_not_finite=int(not_finite.sum()),
        seed=seed,
    )


def expected_texts(classifier: Classifier, n_rows: int, n_random: int = 5) -> int:
    """How many texts a curve reads, each point counted."""
    n_heads = classifier.n_layers * classifier.n_heads
    between = min(STEPS, n_heads) - 1
    return n_rows * (2 + between * (1 + n_random))


def removal_order(importance: FloatArray) -> tuple[Head, ...]:
    """All heads, the least important first; of equals, the lower.  (L, H)"""
    n_heads = importance.shape[1]
    numbers = np.argsort(importance, axis=None, kind="stable").tolist()
    return tuple((number // n_heads, number % n_heads) for number in numbers)


def check_countable(classifier: Classifier) -> None:
    """Refuse what gives a text not one class, or whose heads can't be switched off.

    Raises:
        MethodError: in one sentence.
    """
    check_gated(classifier)
    if classifier.regression or classifier.multi_label:
        gives = "a number" if classifier.regression else "any number of classes"
        raise MethodError(
            f"{classifier.name!r} gives a text {gives}, so no share of right texts can be counted "
            "as heads go; choose a checkpoint that gives each text one class."
        )


def _logits(
    classifier: Classifier, rows: WindowedRows, gates: torch.Tensor, progress: ProgressCallback
) -> FloatArray:
    """What the windows of each row give together with some heads off.  (R, C)"""
    lengths, owners, left = rows.lengths, rows.owners, rows.n_windows
    logits = np.zeros((len(lengths), classifier.n_classes), dtype=np.float32)
    for batch in _batches(classifier, lengths):
        inputs = classifier.pad([rows.windows[index].inputs for index in batch])
        with torch.inference_mode():
            logits[batch] = classifier.run(inputs, HeadGates(gates)).float().cpu().numpy()
        np.subtract.at(left, owners[batch], 1)
        progress(int((left[np.unique(owners[batch])] == 0).sum()))
    return rows.pooled(logits, rows.pooling)


def _check_rows(classifier: Classifier, rows: WindowedRows, gold: IntArray) -> None:
    n_windows = rows.n_windows
    if not len(n_windows):
        raise SelectionError("There are no labeled texts; accuracy is measured on at least one.")
    if not n_windows.all():
        raise SelectionError(
            f"Of {len(n_windows):,} texts {int((n_windows == 0).sum()):,} can't be read; leave "
            "them out."
        )
    if gold.shape != n_windows.shape:
        raise SelectionError(
            f"There are {len(n_windows):,} texts and labels of shape {gold.shape}; give one class "
            "each."
        )
    if gold.min() < 0 or gold.max() >= classifier.n_classes:
        raise SelectionError(
            f"Classes are numbers from 0 to {classifier.n_classes - 1}; the labels run from "
            f"{gold.min()} to {gold.max()}."
        )


def _points(
    classifier: Classifier, order: Sequence[Head], counts: Sequence[int] | None
) -> list[int]:
    """How many heads are off at each point."""
    own = {
        (layer, head) for layer in range(classifier.n_layers) for head in range(classifier.n_heads)
    }
    if set(order) != own or len(order) != len(own):
        raise SelectionError(
            f"The order has {len(set(order))} different heads in {len(order)} places; name each of "
            f"the {len(own)} heads of this checkpoint once."
        )
    if counts is None:
        steps = np.linspace(0, len(order), min(STEPS, len(order)) + 1).round()
        return [int(step) for step in steps]
    points = list(counts)
    if not points or points != sorted(set(points)) or points[0] < 0 or points[-1] > len(order):
        raise SelectionError(
            f"Counts of heads rise from 0 or more to {len(order)} at most; these are {points}."
        )
    return points


def _gates(classifier: Classifier, off: Sequence[Head]) -> torch.Tensor:
    """(1, L, H)"""
    gates = open_gates(classifier, 1)
    for layer, head in off:
        gates[0, layer, head] = 0
    return gates


def _batches(classifier: Classifier, lengths: IntArray) -> Iterator[list[int]]:
    """The numbers of the windows to read together, the longest first."""
    order = np.argsort(-lengths, kind="stable").tolist()
    start = 0
    while start < len(order):
        longest = int(lengths[order[start]])
        size = batch_size(classifier, longest, rows=MAX_ROWS, tokens=MAX_TOKENS)
        batch = order[start : start + size]
        if classifier.capabilities.pads is None:
            batch = [index for index in batch if lengths[index] == longest]
        yield batch
        start += len(batch)
