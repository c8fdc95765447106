"""How far the mean domain score of a file lies above that of the reference, by word.

A word counts by what it adds beyond the mean word of both files, so that a file of longer rows is
not said to have telling words.  A word that is in both files may add to the difference because it
became more or less frequent, or because each of its occurrences says something else.  With n
occurrences a row in a file and a mean score m of each, n' m' - n m is split exactly into
(n' - n) (m' + m) / 2 and (m' - m) (n' + n) / 2 (Kitagawa 1955); a word that only one of the files
has is new, or gone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import Literal

import numpy as np
from scipy.stats import norm

from finetune.checkpoint.arrays import FloatArray
from finetune.run.json_files import Count, Number, Share

MAX_WORDS = 50
"""Words that are listed at most; the sums of each kind hold all."""
LISTED_ERROR_RATE = 0.05
"""How often a word is listed though none changed: corrected for all that are looked at."""
MIN_OCCURRENCES = 5
"""Of a word in each file, below which it isn't said to be used differently."""

WordKind = Literal["new", "more frequent", "used differently", "less frequent", "gone"]
"""Whether a word is in the file only; or in both, where it became more or less frequent, or stands
where other things are said; or in the reference only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordShift:
    """A word that tells the files apart."""

    word: str
    kind: WordKind
    """A word in both files may stand in the list twice: for its frequency, and for its use."""
    reference_share: Share
    """Share of rows that have it."""
    share: Share
    score: Number
    """What it adds to how far the mean domain score of the file lies above the reference's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordKindShift:
    """All words of a kind together."""

    kind: WordKind
    n_words: Count
    score: Number
    """The sum of their scores."""


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """Rows of one file whose domain score is split: words and rest of each add up to it."""

    words: Sequence[tuple[str, ...]]
    """Keys of the words of each row, as `word_key` makes them."""
    scores: Sequence[FloatArray]
    """What each of them adds.  R of (W,)"""
    rest: FloatArray
    """What no word holds.  (R,)"""


@dataclass(frozen=True, slots=True)
class WordDifferences:
    """Kinds and bias add up to the difference."""

    words: tuple[WordShift, ...]
    kinds: tuple[WordKindShift, ...]
    difference: float
    bias: float
    """What no word holds, and what rows gain by having more or fewer words."""


def split_difference(
    reference: ScoredRows,
    rows: ScoredRows,
    reference_shares: Mapping[str, float],
    shares: Mapping[str, float],
) -> WordDifferences:
    """Split the difference of mean scores over words.

    Args:
        reference: Rows of the reference.
        rows: Rows of the file.
        reference_shares: The share of the rows of the whole reference that have each word.
        shares: The same of the whole file.
    """
    center = (_mean_score(reference) + _mean_score(rows)) / 2
    before, after = _totals(reference, center), _totals(rows, center)
    items: list[tuple[float, WordShift]] = []
    sums: dict[WordKind, float] = defaultdict(float)
    members: dict[WordKind, int] = defaultdict(int)
    for word in sorted({*before, *after}):
        old = before.get(word, _Total(len(reference.words)))
        new = after.get(word, _Total(len(rows.words)))
        share, reference_share = shares.get(word, 0.0), reference_shares.get(word, 0.0)
        for part in _parts(old, new, share, reference_share):
            sums[part.kind] += part.score
            members[part.kind] += 1
            item = WordShift(
                word=word,
                kind=part.kind,
                reference_share=reference_share,
                share=share,
                score=part.score,
            )
            items.append((part.errors, item))
    limit = norm.isf(LISTED_ERROR_RATE / 2 / max(len(items), 1))
    listed = [item for errors, item in items if errors > limit]
    listed.sort(key=lambda item: (-abs(item.score), item.word, item.kind))
    kinds = [
        WordKindShift(kind=kind, n_words=members[kind], score=score) for kind, score in sums.items()
    ]
    kinds.sort(key=lambda item: (-abs(item.score), item.kind))
    n_words = [float(np.mean([len(words) for words in file.words])) for file in (reference, rows)]
    bias = float(rows.rest.mean() - reference.rest.mean()) + center * (n_words[1] - n_words[0])
    difference = sum(kind.score for kind in kinds) + bias
    return WordDifferences(tuple(listed[:MAX_WORDS]), tuple(kinds), difference, bias)


def _mean_score(rows: ScoredRows) -> float:
    """Of an occurrence of a word."""
    scores = np.concatenate(rows.scores)
    return float(scores.mean()) if len(scores) else 0.0


@dataclass(slots=True)
class _Total:
    """A word in the rows of one file."""

    n_rows: int
    """Of the file, with the word or without."""
    n: int = 0
    """Occurrences."""
    squared_counts: int = 0
    """Sum over rows of the squared number of occurrences."""
    score: float = 0.0
    squared_scores: float = 0.0

    @property
    def rate(self) -> float:
        """Occurrences a row."""
        return self.n / self.n_rows

    @property
    def rate_variance(self) -> float:
        """Of `rate`."""
        return max(self.squared_counts / self.n_rows - self.rate**2, 0.0) / self.n_rows

    @property
    def mean(self) -> float:
        """Score of an occurrence."""
        return self.score / self.n if self.n else 0.0

    @property
    def mean_variance(self) -> float:
        """Of `mean`."""
        return max(self.squared_scores / self.n - self.mean**2, 0.0) / max(self.n - 1, 1)


def _totals(rows: ScoredRows, center: float) -> dict[str, _Total]:
    totals: dict[str, _Total] = {}
    for words, scores in zip(rows.words, rows.scores, strict=True):
        for word, score in zip(words, (scores - center).tolist(), strict=True):
            total = totals.setdefault(word, _Total(len(rows.words)))
            total.n += 1
            total.score += score
            total.squared_scores += score**2
        for word, n in Counter(words).items():
            totals[word].squared_counts += n**2
    return totals


@dataclass(frozen=True, slots=True)
class _Part:
    kind: WordKind
    score: float
    errors: float
    """By how many standard errors the word changed."""


def _parts(old: _Total, new: _Total, share: float, reference_share: float) -> Iterator[_Part]:
    """What a word adds to the difference, by kind."""
    change = new.rate - old.rate
    became: WordKind = "more frequent" if change >= 0 else "less frequent"
    if not (reference_share or old.n):
        became = "new"
    elif not (share or new.n):
        became = "gone"
    errors = _errors(change, new.rate_variance + old.rate_variance)
    if not old.n or not new.n:  # of the rows that were taken apart only one file's have it
        yield _Part(became, new.rate * new.mean - old.rate * old.mean, errors)
        return
    yield _Part(became, change * (new.mean + old.mean) / 2, errors)
    change = new.mean - old.mean
    enough = min(old.n, new.n) >= MIN_OCCURRENCES
    errors = _errors(change, new.mean_variance + old.mean_variance) if enough else 0.0
    yield _Part("used differently", change * (new.rate + old.rate) / 2, errors)


def _errors(change: float, variance: float) -> float:
    """How many standard errors a change is."""
    return abs(change) / sqrt(variance) if variance > 0 else inf if change else 0.0
