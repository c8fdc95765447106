"""Words that the classifier takes for a class by themselves."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.run.json_files import Count, Items, Number
from viz.data.missing import Missing
from viz.data.options import AuditOptions
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import RowPredictions
from viz.data.rows.row_words import written_words
from viz.data.rows.word_contributions import word_contributions
from viz.data.shortcuts.similar_words import SimilarWords
from viz.data.shortcuts.word_effects import Insertion, TestedWord, WordEffects, WordTrials, decided
from viz.errors import MethodError
from viz.faithfulness.bootstrap import percentile_interval, resampled_sums
from viz.faithfulness.interval import Interval
from viz.jobs.background import ProgressCallback
from viz.jobs.cancellation import check_cancelled
from viz.model.classifier import Classifier
from viz.model.grouping import word_key

MIN_ROWS = 10
"""Rows of the class that have the word, and rows of other classes: fewer tell little."""
MAX_WORDS = 40
"""Words whose causal tests are made."""
LEVEL = 0.05
"""How often a word may be flagged in a file where none has an effect."""
CONSISTENT = 1.4
"""Least `consistency` of a shortcut."""
N_SIMILAR, SIMILAR_ROWS = 8, 16
MAX_SIMILAR_SHARE = 0.3
"""Most `similar_share` of a shortcut."""
MIN_RISE = 0.02
"""Least mean rise of the probability by insertion: what is less changes no decision."""
MIN_SPREAD = 1e-3
"""Of log-odds: what is less is rounding."""
NO_CLASSES = "The classifier gives a score; a word can be a shortcut to a class only."
NO_ROWS = "No row is put into a class, so no word can be a shortcut to one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """A word, a class, and what the decision does with and without the word."""

    word: str
    label: str
    n_rows: Count
    """Rows that have the word and are put into the class, among those that were explained."""
    contribution: Interval
    """What it adds to the class over the mean of the others, mean over these rows."""
    removal: Interval
    """By how much the probability of the class falls when the word is removed from rows that have
    it and are put into the class; mean."""
    n_removal: Count
    insertion: Interval
    """By how much it rises when the word is put into rows that don't have it and are put into
    another class; mean."""
    n_insertion: Count
    removal_flips: Interval
    """Share of these rows that leave the class."""
    insertion_flips: Interval
    """Share of these rows that come into it."""
    consistency: Number
    """How alike the word acts whatever the rest of a text says: what insertion adds to the log-odds
    of the class, mean over standard deviation."""
    similar: Items[str]
    """The most similar words of the file; none where the word fails a test before."""
    similar_share: Number | None
    """What these do in its place, as a share of what it does: mean over them of the log-odds that
    insertion adds.  Near 0 for a token that acts alone, high for a meaning that others share."""
    flagged: bool
    """Whether contribution and both tests agree: it is a shortcut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcuts:
    """The words that were tested: those flagged first, then by contribution."""

    n_explained: Count
    """Rows whose words were taken apart."""
    n_words: Count
    """Words that occur in enough of them."""
    items: Items[Shortcut]
    notes: Items[str] = ()


def find_shortcuts(
    classifier: Classifier,
    rows: AuditRows,
    predictions: RowPredictions,
    options: AuditOptions,
    progress: ProgressCallback,
) -> Shortcuts | Missing:
    """Words that move the decision by themselves, whatever else a text says.

    Words that add much to a class are taken out of rows that have them, and put into rows of other
    classes, which are read again.

    Args:
        classifier: What is audited.
        rows: The file; labels aren't used.
        predictions: Of its rows.
        options: How many rows are taken apart, and the seed of all that is drawn.
        progress: Called with the passes done since the last call.
    """
    if classifier.regression:
        return Missing(missing=NO_CLASSES)
    inside = decided(predictions, multi_label=classifier.multi_label)
    decisions = np.argwhere(inside)
    if not len(decisions):
        return Missing(missing=NO_ROWS)
    draw = np.random.default_rng(options.seed)
    chosen = draw.permutation(len(decisions))[: options.max_explained]
    decisions = decisions[np.sort(chosen)]
    try:
        scores = _scores(classifier, rows, decisions, progress)
    except MethodError as error:
        return Missing(missing=str(error))
    has, written = _vocabulary(rows, classifier)
    n_outside = [int((predictions.read & ~inside[:, c]).sum()) for c in range(inside.shape[1])]
    words, n_words = _candidates(scores, n_outside)
    trials = WordTrials(classifier, rows, predictions, words, options.seed, progress)
    insertions = trials.insertions(has)
    effects = zip(trials.removals(), trials.inserted(insertions), strict=True)
    similar = SimilarWords(classifier, [*written.values()])
    level = LEVEL / max(1, len(words))
    items, n_untested = [], 0
    for number, (removal, insertion) in enumerate(effects):
        check_cancelled()
        word = words[number]
        if min(len(removal.flips), len(insertion.flips)) < MIN_ROWS:
            n_untested += 1
            continue
        values = np.array([*scores[word.key, word.label].values()])
        label = classifier.labels[word.label]
        item = _shortcut(label, word, values, removal, insertion, level, options.seed)
        if item.flagged:
            names = similar.nearest(written[word.key], N_SIMILAR)
            share = _similar_share(trials, number, insertions[number], insertion, names)
            item = replace(
                item,
                similar=(*names,),
                similar_share=share,
                flagged=share is not None and share <= MAX_SIMILAR_SHARE,
            )
        items.append(item)
    items.sort(key=lambda item: (not item.flagged, -item.contribution.mean, item.word, item.label))
    return Shortcuts(
        n_explained=len(np.unique(decisions[:, 0])),
        n_words=n_words,
        items=tuple(items),
        notes=_notes(n_untested),
    )


def _notes(n_untested: int) -> tuple[str, ...]:
    if not n_untested:
        return ()
    which = "1 word adds" if n_untested == 1 else f"{n_untested} words add"
    return (
        f"{which} much to a class and could not be tested: fewer than {MIN_ROWS} rows are left to "
        "take it out of, or to put it into.",
    )


def _vocabulary(
    rows: AuditRows, classifier: Classifier
) -> tuple[list[frozenset[str]], dict[str, str]]:
    """The words of each row, and how each word is mostly written, the most frequent first."""
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    has = []
    for words in written_words(rows, classifier):
        own = set()
        for word in words:
            if key := word_key(word):
                own.add(key)
                spellings[key][word] += 1
        has.append(frozenset(own))
    ranked = sorted(spellings, key=lambda key: (-spellings[key].total(), key))
    return has, {key: spellings[key].most_common(1)[0][0] for key in ranked}


def _similar_share(
    trials: WordTrials,
    number: int,
    insertions: Sequence[Insertion],
    own: WordEffects,
    names: Sequence[str],
) -> float | None:
    """What similar words do in the place of a word, as a share of what it does."""
    if not names:
        return None
    some = insertions[:SIMILAR_ROWS]
    effects = trials.replaced(number, some, names)
    mean = float(np.mean([effect.log_odds.mean() for effect in effects]))
    return mean / float(own.log_odds[: len(some)].mean())


Scores = dict[tuple[str, int], dict[int, float]]
"""What a word adds to a class in each row that is put into it, by word and class."""


def _scores(
    classifier: Classifier, rows: AuditRows, decisions: IntArray, progress: ProgressCallback
) -> Scores:
    n_classes = classifier.n_classes
    contrasts = np.eye(n_classes)[decisions[:, 1]]
    if not classifier.multi_label:
        contrasts -= (1 - contrasts) / (n_classes - 1)
    parts = word_contributions(classifier, rows, decisions[:, 0], contrasts, progress=progress)
    scores: Scores = defaultdict(lambda: defaultdict(float))
    for (row, label), words, values in zip(
        decisions.tolist(), parts.words, parts.scores, strict=True
    ):
        for word, value in zip(words, values.tolist(), strict=True):
            if key := word_key(word):
                scores[key, label][row] += value
    return scores


def _candidates(scores: Scores, n_outside: Sequence[int]) -> tuple[list[TestedWord], int]:
    """The words to test, and among how many: in each class those that surely add most to it."""
    by_class: dict[int, list[tuple[float, str]]] = defaultdict(list)
    rows: dict[str, set[int]] = defaultdict(set)
    frequent = set()
    for (key, label), values in scores.items():
        rows[key].update(values)
        if len(values) < MIN_ROWS:
            continue
        frequent.add(key)
        numbers = np.array([*values.values()])
        least = numbers.mean() - 2 * numbers.std(ddof=1) / np.sqrt(len(numbers))
        if least > 0 and n_outside[label] >= MIN_ROWS:
            by_class[label].append((-float(least), key))
    ranked = [
        (rank, least, key, label)
        for label, words in by_class.items()
        for rank, (least, key) in enumerate(sorted(words))
    ]
    return [
        TestedWord(key, label, np.array(sorted(rows[key])))
        for _, _, key, label in sorted(ranked)[:MAX_WORDS]
    ], len(frequent)


def _shortcut(
    label: str,
    word: TestedWord,
    contributions: FloatArray,
    removal: WordEffects,
    insertion: WordEffects,
    level: float,
    seed: int,
) -> Shortcut:
    """One word, with its intervals and whether all of them agree."""
    contribution = _Resampled(contributions[:, None], seed)
    removed = _Resampled(np.stack([removal.probability, removal.flips], axis=1), seed)
    inserted = _Resampled(np.stack([insertion.probability, insertion.flips], axis=1), seed)
    spread = max(float(insertion.log_odds.std(ddof=1)), MIN_SPREAD)
    consistency = float(insertion.log_odds.mean()) / spread
    return Shortcut(
        word=word.key,
        label=label,
        n_rows=len(contributions),
        contribution=contribution.interval(0),
        removal=removed.interval(0),
        n_removal=len(removal.flips),
        insertion=inserted.interval(0),
        n_insertion=len(insertion.flips),
        removal_flips=removed.interval(1),
        insertion_flips=inserted.interval(1),
        consistency=consistency,
        similar=(),
        similar_share=None,
        flagged=consistency >= CONSISTENT
        and inserted.interval(0).mean >= MIN_RISE
        and all(each.low(level) > 0 for each in (contribution, removed, inserted)),
    )


class _Resampled:
    """Means over rows drawn with replacement.  (n, K)"""

    def __init__(self, values: FloatArray, seed: int) -> None:
        self._means = values.mean(axis=0)
        self._resampled = resampled_sums(values, seed) / len(values)

    def interval(self, column: int) -> Interval:
        """The mean of a column and its 95% interval."""
        low, high = percentile_interval(self._resampled[:, column])
        return Interval(float(self._means[column]), float(low), float(high))

    def low(self, level: float) -> float:
        """What the mean of the first column is above of, but for a share of *level*."""
        return float(np.quantile(self._resampled[:, 0], level))
