"""What the decision does when a word is taken out of texts, or put into others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.special import logsumexp

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import RowPredictions, predict
from viz.data.shortcuts.word_edits import Occurrence, occurrences, with_word, without_word
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier
from viz.types import BoolArray

MAX_ROWS = 50
"""Rows in which a word is tried, each way."""


@dataclass(frozen=True, slots=True)
class TestedWord:
    """A word and the class that it may be taken for."""

    key: str
    label: int
    rows: IntArray
    """All explained rows that have it, rising."""


@dataclass(frozen=True, slots=True)
class WordEffects:
    """What one edit of n rows does to a class, row by row; three of (n,)"""

    probability: FloatArray
    """By how much it moves in the tested direction."""
    log_odds: FloatArray
    flips: FloatArray
    """1 where the row leaves the class by a removal, or comes into it by an insertion."""


@dataclass(frozen=True, slots=True)
class Insertion:
    """A row that doesn't have a word, and how the word is put into it."""

    row: int
    occurrence: Occurrence


@dataclass(frozen=True, slots=True)
class _Edit:
    word: int
    row: int
    text: str
    pair: str | None


def decided(predictions: RowPredictions, *, multi_label: bool) -> BoolArray:
    """Which classes each row is put into; of a row that wasn't read, none.  (N, C)"""
    if multi_label:
        inside = predictions.logits > 0
    else:
        inside = np.zeros(predictions.logits.shape, dtype=bool)
        inside[np.arange(len(inside)), predictions.predicted] = True
    chosen: BoolArray = inside & predictions.read[:, None]
    return chosen


class WordTrials:
    """Edits of the rows of one file, read again.

    Args:
        classifier: What reads them.
        rows: The file.
        predictions: Of its rows as they stand.
        words: The words to try.
        seed: Of the rows and places that are drawn.
        progress: Called with the texts read.
    """

    def __init__(
        self,
        classifier: Classifier,
        rows: AuditRows,
        predictions: RowPredictions,
        words: Sequence[TestedWord],
        seed: int,
        progress: ProgressCallback,
    ) -> None:
        self.classifier, self.rows, self.predictions = classifier, rows, predictions
        self.words, self.progress = words, progress
        self._inside = decided(predictions, multi_label=classifier.multi_label)
        self._draw = np.random.default_rng(seed)
        self._places = cache(classifier.encoder.words)  # many words are tried in one row

    def removals(self) -> list[WordEffects]:
        """Of each word, from rows that have it and are put into the class."""
        edits = [
            self._without(number, word, int(row))
            for number, word in enumerate(self.words)
            for row in self._sample(word.rows[self._inside[word.rows, word.label]])
        ]
        return self._effects(edits, sign=-1)

    def insertions(self, has: Sequence[frozenset[str]]) -> list[list[Insertion]]:
        """Of each word, at places and as it stands in its own rows, into rows of other classes.

        Args:
            has: The words of each row of the file; who has the word already is left out.
        """
        drawn = []
        for word in self.words:
            places = [
                occurrence
                for row in self._sample(word.rows)
                for part, text in enumerate(self._parts(int(row)))
                for occurrence in occurrences(text, self._places(text), word.key, part)
            ]
            outside = self.predictions.read & ~self._inside[:, word.label]
            others = [row for row in np.flatnonzero(outside).tolist() if word.key not in has[row]]
            chosen = self._sample(np.array(others, dtype=np.int64)).tolist() if places else []
            numbers = self._draw.integers(max(1, len(places)), size=len(chosen)).tolist()
            drawn.append(
                [Insertion(row, places[at]) for row, at in zip(chosen, numbers, strict=True)]
            )
        return drawn

    def inserted(self, insertions: Sequence[Sequence[Insertion]]) -> list[WordEffects]:
        """What they do, for each of the words."""
        edits = [
            self._with(number, each, each.occurrence)
            for number, some in enumerate(insertions)
            for each in some
        ]
        return self._effects(edits, sign=1)

    def replaced(
        self, number: int, insertions: Sequence[Insertion], words: Sequence[str]
    ) -> list[WordEffects]:
        """What other words do for the class of a word when they are put in instead of it."""
        edits = [
            self._with(at, each, replace(each.occurrence, written=word))
            for at, word in enumerate(words)
            for each in insertions
        ]
        label = self.words[number].label
        return self._effects(edits, sign=1, labels=[label] * len(words))

    def _with(self, number: int, insertion: Insertion, occurrence: Occurrence) -> _Edit:
        parts = self._parts(insertion.row)
        text = parts[occurrence.part]
        parts[occurrence.part] = with_word(text, self._places(text), occurrence)
        return self._edit(number, insertion.row, parts)

    def _without(self, number: int, word: TestedWord, row: int) -> _Edit:
        parts = [without_word(text, self._places(text), word.key) for text in self._parts(row)]
        return self._edit(number, row, parts)

    def _edit(self, number: int, row: int, parts: Sequence[str]) -> _Edit:
        return _Edit(number, row, parts[0], parts[1] if len(parts) > 1 else None)

    def _parts(self, row: int) -> list[str]:
        text = self.rows.texts[row]
        return [text] if self.rows.pairs is None else [text, self.rows.pairs[row]]

    def _sample(self, rows: IntArray) -> IntArray:
        """At most MAX_ROWS of some rows, drawn at random, those read to their end first."""
        drawn = self._draw.permutation(rows)
        cut = self.predictions.n_unseen[drawn] > 0
        return drawn[np.argsort(cut, kind="stable")][:MAX_ROWS]

    def _effects(
        self, edits: Sequence[_Edit], *, sign: int, labels: Sequence[int] | None = None
    ) -> list[WordEffects]:
        """What the edits of each word do; a text that nothing is left of isn't counted."""
        if labels is None:
            labels = [word.label for word in self.words]
        pairs = None if self.rows.pairs is None else [edit.pair or "" for edit in edits]
        edited = predict(
            self.classifier, [edit.text for edit in edits], pairs, progress=self.progress
        )
        flipped = decided(edited, multi_label=self.classifier.multi_label)
        effects = []
        for number, label in enumerate(labels):
            own = [i for i, edit in enumerate(edits) if edit.word == number and edited.read[i]]
            rows = [edits[i].row for i in own]
            before, after = self.predictions, edited
            moved = after.probabilities[own, label] - before.probabilities[rows, label]
            odds = self._log_odds(after.logits[own], label) - self._log_odds(
                before.logits[rows], label
            )
            changed = flipped[own, label] != self._inside[rows, label]
            effects.append(WordEffects(sign * moved, sign * odds, changed.astype(np.float64)))
        return effects

    def _log_odds(self, logits: FloatArray, label: int) -> FloatArray:
        """Of a class against all others.  (n, C) -> (n,)"""
        double = logits.astype(np.float64)
        if self.classifier.multi_label:
            return double[:, label]
        odds: FloatArray = double[:, label] - logsumexp(np.delete(double, label, axis=1), axis=1)
        return odds
