"""How far the mean domain score of a file lies above that of the reference, by word.

A word that is in both files may add to the difference because it became more or less frequent, or
because each of its occurrences says something else.  With n occurrences a row in a file and a mean
score m of each, n' m' - n m is split into (n' - n) (m' + m) / 2 and (m' - m) (n' + n) / 2, exactly
(Kitagawa 1955); a word that only one of the files has is new, or gone.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from finetune.checkpoint.arrays import FloatArray
from finetune.run.json_files import Count, Number, Share

MAX_WORDS = 50
"""Words that are listed at most; the sums of each kind hold all."""
MIN_ROWS = 3
"""Rows of either file, among those taken apart, that must have a word that is listed."""

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
    before, after = _totals(reference), _totals(rows)
    n_before, n_after = len(reference.words), len(rows.words)
    items: list[WordShift] = []
    sums: dict[WordKind, float] = defaultdict(float)
    members: dict[WordKind, int] = defaultdict(int)
    for word in sorted({*before, *after}):
        old, new = before.get(word, _NONE), after.get(word, _NONE)
        share = shares.get(word, 0.0), reference_shares.get(word, 0.0)
        parts = _parts(old, new, n_before, n_after, *share)
        for kind, score in parts.items():
            sums[kind] += score
            members[kind] += 1
            if old.n_rows >= MIN_ROWS or new.n_rows >= MIN_ROWS:
                items.append(
                    WordShift(
                        word=word,
                        kind=kind,
                        reference_share=share[1],
                        share=share[0],
                        score=score,
                    )
                )
    items.sort(key=lambda item: (-abs(item.score), item.word, item.kind))
    bias = float(rows.rest.mean() - reference.rest.mean())
    kinds = [
        WordKindShift(kind=kind, n_words=members[kind], score=score) for kind, score in sums.items()
    ]
    kinds.sort(key=lambda item: (-abs(item.score), item.kind))
    difference = sum(kind.score for kind in kinds) + bias
    return WordDifferences(tuple(items[:MAX_WORDS]), tuple(kinds), difference, bias)


@dataclass(slots=True)
class _Total:
    n: int = 0
    score: float = 0.0
    n_rows: int = 0


_NONE = _Total()


def _totals(rows: ScoredRows) -> dict[str, _Total]:
    totals: dict[str, _Total] = defaultdict(_Total)
    for words, scores in zip(rows.words, rows.scores, strict=True):
        for word, score in zip(words, scores.tolist(), strict=True):
            total = totals[word]
            total.n += 1
            total.score += score
        for word in set(words):
            totals[word].n_rows += 1
    return totals


def _parts(
    old: _Total, new: _Total, n_before: int, n_after: int, share: float, reference_share: float
) -> dict[WordKind, float]:
    """What a word adds to the difference, by kind."""
    whole = new.score / n_after - old.score / n_before
    if not reference_share:
        return {"new": whole}
    if not share:
        return {"gone": whole}
    rate_before, rate_after = old.n / n_before, new.n / n_after
    more: WordKind = "more frequent" if rate_after >= rate_before else "less frequent"
    if not old.n or not new.n:  # it is in the other file, but in no row that was taken apart
        return {more: whole}
    mean_before, mean_after = old.score / old.n, new.score / new.n
    return {
        more: (rate_after - rate_before) * (mean_after + mean_before) / 2,
        "used differently": (mean_after - mean_before) * (rate_after + rate_before) / 2,
    }
