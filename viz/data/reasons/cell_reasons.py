"""Why rows of one class are taken for another: the contrast of the two, summed over all of them.

Source: viz/data/README.md 2.5.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from finetune.run.json_files import Count, Items, Number
from viz.attribution.method import no_progress
from viz.data.missing import Missing
from viz.data.options import AuditOptions
from viz.data.reasons.silenced_heads import SilencedHeads, silence_heads
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import RowPredictions
from viz.data.rows.word_contributions import WordContributions, word_contributions
from viz.errors import MethodError, SelectionError
from viz.faithfulness.bootstrap import mean_interval
from viz.jobs.background import ProgressCallback
from viz.jobs.cancellation import check_cancelled
from viz.model.classifier import Classifier
from viz.model.grouping import word_key

TOLERANCE = 1e-6
"""How far sums in double precision may be from the whole, relative to the parts."""
READING_TOLERANCE = 0.05
"""How far logits may be from those of the predictions, relative to their size; these may have been
read in half precision."""
AT_ONCE = 256
"""Words whose intervals are taken at once."""


@dataclass(frozen=True, slots=True)
class RowMean:
    """A mean over rows with its 95% interval; the mean of one row has none."""

    mean: Number
    low: Number | None
    high: Number | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where 95% of means over other such rows would lie."""
        return None if self.low is None or self.high is None else (self.low, self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonWord:
    """A word and what it adds over the rows of a cell."""

    word: str
    n_rows: Count
    """Rows that have it."""
    share: Number
    """What it adds to the mean logit difference: its sum over all rows, divided by their number.
    Over all words, with `special` and `bias`, these add up to `difference`."""
    contribution: RowMean
    """What it adds in a row that has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonHead:
    """A head and what passes through its attention over the rows of a cell."""

    layer: Count
    """From 0."""
    head: Count
    contribution: RowMean
    """To the logit difference, over the rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellReasons:
    """One cell of the confusion matrix."""

    gold: str
    predicted: str
    against: str | None = None
    """In a cell of rows put into their true class: the class that is second in most of them, with
    which it is contrasted in the place of `gold`.  None in a cell of errors."""
    n_rows: Count
    """Rows of the cell."""
    n_explained: Count
    """How many of them were taken apart: all, or a sample."""
    difference: Number
    """Mean over these of the logit of `predicted` minus that of `gold`, or of `against`."""
    bias: Number
    """The part of it that no token can claim."""
    special: Number
    """The part of it that special tokens hold, such as [CLS]."""
    words: Items[ReasonWord]
    """The strongest by the size of `share` first."""
    heads: Items[ReasonHead] | Missing
    """All of them, the strongest for `predicted` first."""
    silenced: SilencedHeads | Missing


def explain_cell(
    classifier: Classifier,
    rows: AuditRows,
    predictions: RowPredictions,
    gold: int,
    predicted: int,
    options: AuditOptions,
    progress: ProgressCallback = no_progress,
) -> CellReasons | Missing:
    """Take the rows of a cell of the confusion matrix apart.

    Args:
        classifier: What reads them.
        rows: All rows.
        predictions: What the classifier says of them.
        gold: The true class of the rows of the cell.
        predicted: The class they are put into; the same for rows that are right, which are
            contrasted with the class that is second in most of them.
        options: How many rows are taken apart at most, and the seed by which they are drawn.
        progress: Called with the passes done since the last call; what it raises ends the work.

    Raises:
        SelectionError: if there is no such class, or the predictions are of other rows.
    """
    if rows.gold is None:
        return Missing(missing="There are no labels, so that there are no cells of true classes.")
    if classifier.regression or classifier.multi_label:
        kind = "A regression" if classifier.regression else "A multi-label head"
        return Missing(
            missing=f"{kind} doesn't put a row into one class, so that there are no cells of true "
            "and predicted classes."
        )
    for index in (gold, predicted):
        if not 0 <= index < classifier.n_classes:
            raise SelectionError(
                f"Class {index} does not exist; the classes are 0 to {classifier.n_classes - 1}."
            )
    cell = np.flatnonzero(
        predictions.read & (rows.gold == gold) & (predictions.predicted == predicted)
    )
    labels = classifier.labels
    if not len(cell):
        return Missing(
            missing=f"No row of the class {labels[gold]!r} is put into {labels[predicted]!r}."
        )
    explained = cell
    if len(cell) > options.max_explained:
        draw = np.random.default_rng([options.seed, gold, predicted])
        explained = np.sort(draw.choice(cell, max(1, options.max_explained), replace=False))
    against = gold if gold != predicted else _usual_second(predictions.logits[explained], predicted)
    contrasts = np.zeros((len(explained), classifier.n_classes))
    contrasts[:, predicted], contrasts[:, against] = 1, -1
    has_heads = classifier.capabilities.attention is not None
    try:
        parts = word_contributions(
            classifier, rows, explained, contrasts, heads=has_heads, progress=progress
        )
    except MethodError as error:
        return Missing(missing=str(error))
    _check_same(parts, predictions.logits[explained], contrasts)
    words = _reason_words(parts, options.seed)
    difference, special, bias = (
        float(values.mean()) for values in (parts.values, parts.special, parts.bias)
    )
    if not _adds_up(difference, [*(word.share for word in words), special, bias]):
        return Missing(
            missing="What the words of these rows add does not add up to the difference."
        )
    heads: tuple[ReasonHead, ...] | Missing = Missing(missing=classifier.capabilities.no_attention)
    silenced: SilencedHeads | Missing = Missing(missing=classifier.capabilities.no_attention)
    if parts.heads is not None:
        heads = _reason_heads(parts.heads, options.seed)
        silenced = silence_heads(
            classifier,
            rows,
            predictions,
            gold,
            predicted,
            explained,
            parts.heads.mean(axis=0),
            difference,
            seed=options.seed,
            progress=progress,
        )
    return CellReasons(
        gold=labels[gold],
        predicted=labels[predicted],
        against=labels[against] if gold == predicted else None,
        n_rows=len(cell),
        n_explained=len(explained),
        difference=difference,
        bias=bias,
        special=special,
        words=words,
        heads=heads,
        silenced=silenced,
    )


def _usual_second(logits: FloatArray, predicted: int) -> int:
    """The class that comes second in most rows, the first of equals.  (R, C) -> a class"""
    others = logits.astype(np.float64)
    others[:, predicted] = -np.inf
    return int(np.bincount(others.argmax(axis=1), minlength=others.shape[1]).argmax())


def _check_same(parts: WordContributions, logits: FloatArray, contrasts: FloatArray) -> None:
    """Refuse predictions that are not those of these rows by this classifier."""
    gap = np.abs(parts.values - (logits * contrasts).sum(axis=1)).max()
    if not gap <= READING_TOLERANCE * max(1.0, float(np.abs(logits).max())):
        raise SelectionError(
            "The predictions are not those of this classifier on these rows; predict them again."
        )


def _adds_up(whole: float, parts: Sequence[float]) -> bool:
    size = abs(whole) + sum(map(abs, parts))
    return abs(sum(parts) - whole) <= TOLERANCE * size


def _reason_words(parts: WordContributions, seed: int) -> tuple[ReasonWord, ...]:
    """What each word adds, over all rows and in a row that has it."""
    by_word: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for row, (words, scores) in enumerate(zip(parts.words, parts.scores, strict=True)):
        for word, score in zip(words, scores, strict=True):
            by_word[word_key(word) or word][row] += float(score)
    by_count: dict[int, list[str]] = defaultdict(list)
    for word, own in by_word.items():
        by_count[len(own)].append(word)
    reasons = []
    for count, as_frequent in sorted(by_count.items()):
        for start in range(0, len(as_frequent), AT_ONCE):
            check_cancelled()
            some = as_frequent[start : start + AT_ONCE]
            values = np.array([list(by_word[word].values()) for word in some]).T
            for word, total, mean in zip(
                some, values.sum(axis=0), _row_means(values, seed), strict=True
            ):
                share = float(total) / len(parts.rows)
                reasons.append(ReasonWord(word=word, n_rows=count, share=share, contribution=mean))
    return tuple(sorted(reasons, key=lambda reason: (-abs(reason.share), reason.word)))


def _reason_heads(heads: FloatArray, seed: int) -> tuple[ReasonHead, ...]:
    """What passes through each head.  (R, L, H)"""
    _, _, n_heads = heads.shape
    means = _row_means(heads.reshape(len(heads), -1), seed)
    reasons = [
        ReasonHead(layer=number // n_heads, head=number % n_heads, contribution=mean)
        for number, mean in enumerate(means)
    ]
    return tuple(sorted(reasons, key=lambda each: (-each.contribution.mean, each.layer, each.head)))


def _row_means(values: FloatArray, seed: int) -> list[RowMean]:
    """Means over rows, and where they would lie over other such rows.  (R, K) -> K"""
    if len(values) == 1:
        return [RowMean(value, None, None) for value in values[0].tolist()]
    return [
        RowMean(float(mean), float(low), float(high))
        for mean, low, high in zip(*mean_interval(values, seed), strict=True)
    ]
