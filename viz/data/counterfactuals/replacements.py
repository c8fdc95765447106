"""Words that could stand in the place of others: from a data set, or guessed by a language model.

Source: viz/data/README.md 2.6.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.attribution.method import no_progress
from viz.data.counterfactuals.first_order_edits import FirstOrderEdits
from viz.data.counterfactuals.text_edits import EditableText
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import RowPredictions
from viz.data.rows.row_words import row_words
from viz.jobs.background import ProgressCallback
from viz.jobs.cancellation import check_cancelled
from viz.model.classifier import Classifier
from viz.model.masked_language_model import HiddenWord, MaskedLanguageModel
from viz.types import BoolArray

WORDS_PER_CLASS = 100
"""Words of a data set that are kept of each class."""
MAX_ROWS = 2_000
"""Rows whose words are counted; words that stand for a class are among them."""
MIN_ROWS = 3
"""Rows in which a word must stand."""
MIN_Z_SCORE = 1.0
"""Standard errors by which the log-odds of a word must be above 0."""
PRIOR_ROWS = 10.0
"""How many rows the prior of a word's frequency counts for: that over all classes."""
PER_WORD = 6
"""Words of a source that are tried in the place of each word."""
MAX_CANDIDATES = 400
"""Words tried over all places of a text."""


def data_vocabulary(
    classifier: Classifier, rows: AuditRows, predictions: RowPredictions
) -> tuple[str, ...]:
    """The words by which the rows of each class differ most, of 2,000 rows all over the data."""
    read = np.flatnonzero(predictions.read)
    places = np.linspace(0, len(read) - 1, min(len(read), MAX_ROWS)).round().astype(int)
    sample = read[places]
    some = replace(
        rows,
        texts=tuple(rows.texts[row] for row in sample),
        pairs=None if rows.pairs is None else tuple(rows.pairs[row] for row in sample),
    )
    logits = predictions.logits[sample]
    assigned = logits >= 0
    if not classifier.multi_label:
        assigned = logits.argmax(axis=1)[:, None] == np.arange(logits.shape[1])
    return distinctive_words(row_words(some, classifier), assigned)


def distinctive_words(words: Sequence[Sequence[str]], assigned: BoolArray) -> tuple[str, ...]:
    """The words by which the rows of each class differ most from all others.

    A word's rank is the z-score of its log-odds ratio between rows of the class and the others,
    with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008), over how many rows have
    it.

    Args:
        words: The words of each row, as `row_words` gives them.
        assigned: Which classes each row is put into.  (N, C)

    Returns:
        Those of all classes, the first of each first.
    """
    totals: Counter[str] = Counter()
    by_class = [Counter[str]() for _ in range(assigned.shape[1])]
    for row, own in enumerate(words):
        keys = {word for word in own if word.isalnum()}
        totals.update(keys)
        for index in np.flatnonzero(assigned[row]):
            by_class[index].update(keys)
    vocabulary = sorted(word for word, count in totals.items() if count >= MIN_ROWS)
    if not vocabulary:
        return ()
    counts = np.array([totals[word] for word in vocabulary], dtype=np.float64)
    ranked = [
        _by_log_odds(np.array([own[word] for word in vocabulary], dtype=np.float64), counts)
        for own in by_class
    ]
    return tuple(
        dict.fromkeys(
            vocabulary[order[rank]]
            for rank in range(WORDS_PER_CLASS)
            for order in ranked
            if rank < len(order)
        )
    )


def _by_log_odds(own: FloatArray, counts: FloatArray) -> IntArray:
    """The words that stand in one class more often than in others, the surest first."""
    prior = PRIOR_ROWS * counts / counts.sum() + 1e-9
    scores = np.zeros_like(own)
    variances = np.zeros_like(own)
    for sign, part in ((1, own), (-1, counts - own)):
        total = part.sum() + prior.sum()
        others = np.maximum(total - part - prior, 1e-9)  # 0 where there is no other word
        scores += sign * np.log((part + prior) / others)
        variances += 1 / (part + prior)
    z_scores = scores / np.sqrt(variances)
    order: IntArray = np.argsort(-z_scores, kind="stable")
    return order[z_scores[order] >= MIN_Z_SCORE]


def replacement_candidates(
    editable: EditableText,
    *,
    vocabulary: Sequence[str] = (),
    masked_model: MaskedLanguageModel | None = None,
    first_order: FirstOrderEdits | None = None,
    progress: ProgressCallback = no_progress,
) -> list[list[str]]:
    """What could stand in the place of each word of a text: words of its shape, in its case.

    Of the vocabulary those are taken that a first-order estimate favors most (HotFlip, Ebrahimi et
    al. 2018); where no gradient can be taken, the first.

    Returns:
        One list for each word, the most promising first; empty where nothing fits.
    """
    shapes = {
        shape: [word for word in dict.fromkeys(vocabulary) if _shape(word) == shape]
        for shape in ("letters", "digits")
    }
    guesses = _guesses(editable, masked_model, progress)
    candidates: list[list[str]] = []
    for index in range(len(editable.words)):
        check_cancelled()
        written = editable.written(index)
        fitting = _fitting(shapes.get(_shape(written), ()), written)
        if first_order is not None:
            fitting = _ranked(fitting, first_order.replacement_gains(index, fitting))
        guessed = _fitting(guesses[index], written)
        candidates.append(_unique([*fitting[:PER_WORD], *guessed[:PER_WORD]]))
    return _limited(candidates, first_order)


def _fitting(words: Iterable[str], written: str) -> list[str]:
    """Words other than the one that is written, of its shape and in its case."""
    return _unique(
        _in_case(word, written)
        for word in words
        if _shape(word) == _shape(written) and word.casefold() != written.casefold()
    )


def _shape(word: str) -> str:
    """What a word is made of: letters may stand for letters, digits for digits."""
    return "letters" if word.isalpha() else "digits" if word.isdigit() else "other"


def _in_case(word: str, written: str) -> str:
    if written.isupper() and len(written) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if written[:1].isupper() else word


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _ranked(words: Sequence[str], gains: FloatArray) -> list[str]:
    return [words[rank] for rank in np.argsort(-gains, kind="stable")]


def _guesses(
    editable: EditableText, masked_model: MaskedLanguageModel | None, progress: ProgressCallback
) -> list[tuple[str, ...]]:
    """What a language model would put in the place of each word."""
    if masked_model is None:
        return [()] * len(editable.words)
    places = []
    for index, word in enumerate(editable.words):
        start, end = editable.place(index)
        places.append(HiddenWord(text=editable.encoding.part_text(word.part), start=start, end=end))
    guesses = masked_model.guess(places, PER_WORD)
    progress(len(places))
    return guesses


def _limited(candidates: list[list[str]], first_order: FirstOrderEdits | None) -> list[list[str]]:
    """The most promising candidates over all words; without an estimate, the first of each word."""
    if sum(map(len, candidates)) <= MAX_CANDIDATES:
        return candidates
    order = [
        (-gain, rank, index)
        for index, words in enumerate(candidates)
        for rank, gain in enumerate(
            np.zeros(len(words))
            if first_order is None
            else first_order.replacement_gains(index, words)
        )
    ]
    kept = {(index, rank) for _, rank, index in sorted(order)[:MAX_CANDIDATES]}
    return [
        [word for rank, word in enumerate(words) if (index, rank) in kept]
        for index, words in enumerate(candidates)
    ]
