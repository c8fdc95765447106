"""The rows of two files side by side: drawn, tested for a shift, and taken apart."""

from collections import Counter
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.data.rows.file_rows import FileRows
from viz.data.rows.row_words import row_words
from viz.data.rows.word_contributions import state_contributions
from viz.data.shift.alarm import (
    combined_p_value,
    distribution_distances,
    permuted_labels,
    share_distances,
)
from viz.data.shift.causes import PooledRows
from viz.data.shift.domain_classifier import DomainClassifier, fit_domain_classifier, grouped_folds
from viz.data.shift.domain_words import ScoredRows, WordDifferences, split_difference
from viz.data.shift.misspelling import likely_misspellings
from viz.data.shift.word_components import word_presence
from viz.errors import MethodError
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier
from viz.model.grouping import word_key
from viz.types import BoolArray

MAX_ROWS = 3_000
"""Rows of each file that are tested at most, drawn at random."""
MAX_COUNTED_ROWS = 20_000
"""Rows of each file in which words are counted at most, those that are tested among them."""
MAX_VOCABULARY = 2_000
"""Words that a domain classifier reads in the place of states: those that most rows have."""
MAX_FLAGS = 50
"""Classes of a multi-label head that are tested: those predicted most."""
TOLERANCE = 1e-3
"""Largest gap between the score of a row by its words and by its state, relative to the scores."""


class TwoFiles:
    """Rows drawn of two files, one below the other: M rows."""

    def __init__(
        self, classifier: Classifier, before: FileRows, after: FileRows, seed: int
    ) -> None:
        self.classifier, self.before, self.after, self.seed = classifier, before, after, seed
        # The same draw for both: one file beside itself is the same rows twice.
        self.indices = before.drawn(MAX_ROWS, seed), after.drawn(MAX_ROWS, seed)
        n_before, n_after = map(len, self.indices)
        self.labels: BoolArray = np.repeat([False, True], [n_before, n_after])
        """True for rows of the second file.  (M,)"""
        texts = [
            file.key(index)
            for file, indices in zip((before, after), self.indices, strict=True)
            for index in indices.tolist()
        ]
        self.folds = grouped_folds(texts, seed)
        self.words = [
            words
            for file, indices in zip((before, after), self.indices, strict=True)
            for words in row_words(file.of(indices), classifier)
        ]

    def _joined(self, before: NDArray[Any], after: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([before[self.indices[0]], after[self.indices[1]]])

    @cached_property
    def states(self) -> FloatArray | None:
        """(M, D); None where they are not known of both files."""
        before, after = self.before.predictions.states, self.after.predictions.states
        return None if before is None or after is None else self._joined(before, after)

    @cached_property
    def vocabulary(self) -> list[str]:
        """The words that most rows have."""
        counts = Counter(word for words in self.words for word in set(words))
        return sorted(counts, key=lambda word: (-counts[word], word))[:MAX_VOCABULARY]

    @cached_property
    def presence(self) -> FloatArray:
        """Which words of the vocabulary each row has.  (M, V)"""
        number = {word: place for place, word in enumerate(self.vocabulary)}
        presence = np.zeros((len(self.words), max(len(number), 1)))
        for row, words in enumerate(self.words):
            presence[row, [number[word] for word in set(words) if word in number]] = 1
        return presence

    @cached_property
    def permutations(self) -> BoolArray:
        """(M, 1 + P)"""
        return permuted_labels(self.labels, self.seed)

    @cached_property
    def domain(self) -> DomainClassifier:
        """Over the states; over the presence of words where they are not known."""
        features = self.presence if self.states is None else self.states
        return fit_domain_classifier(features, self.permutations, self.folds)

    @cached_property
    def pooled_rows(self) -> PooledRows:
        """What causes are looked for in."""
        predictions = self.before.predictions, self.after.predictions
        probabilities = self._joined(*(each.probabilities for each in predictions))
        several = self.classifier.multi_label or self.classifier.regression
        flags = self._joined(*(each.logits > 0 for each in predictions))
        usual = np.argsort(-flags.sum(0), kind="stable")[:MAX_FLAGS]
        flags = flags[:, usual] if self.classifier.multi_label else flags[:, :0]
        labels = self.classifier.labels
        counts = Counter(word for words in self.words for word in set(words))
        misspelled = likely_misspellings(self.classifier.tokenizer, counts)
        presence = word_presence(self.words, misspelled)
        return PooledRows(
            labels=self.labels,
            folds=self.folds,
            words=self.words,
            misspelled=misspelled,
            presence=presence,
            components=presence.components(self.seed),
            probabilities=probabilities[:, :0] if several else probabilities.astype(np.float64),
            flags=flags.astype(np.float64),
            classes=[labels[each] for each in usual] if self.classifier.multi_label else labels,
            states=self.states,
        )

    @cached_property
    def alarm(self) -> tuple[float, dict[str, float]]:
        """The p-value of all tests together, and of each."""
        predictions = self.before.predictions, self.after.predictions
        labels, rows = self.permutations, self.pooled_rows
        n_tokens = self._joined(*(each.n_tokens for each in predictions))
        n_unseen = self._joined(*(each.n_unseen for each in predictions))
        n_words = np.maximum(rows.n_words, 1)
        counts = Counter(word for words in self.words for word in set(words))
        rare = np.array([sum(counts[word] == 1 for word in words) for words in self.words])
        statistics = {
            "the domain classifier": self.domain.areas,
            "length": distribution_distances(n_tokens, labels),
            "unseen tokens": distribution_distances(n_unseen / n_tokens, labels),
            "misspelled words": distribution_distances(rows.n_misspelled / n_words, labels),
            "words that no other row has": distribution_distances(rare / n_words, labels),
        }
        if rows.components.shape[1]:
            statistics["words"] = fit_domain_classifier(rows.components, labels, self.folds).areas
        if not self.classifier.regression:
            statistics["classes"] = self._class_distances(labels)
        confidence = np.concatenate(
            [
                file.confidence(self.classifier)[np.isin(file.read, indices)]
                for file, indices in zip((self.before, self.after), self.indices, strict=True)
            ]
        )
        name = "scores" if self.classifier.regression else "confidence"
        statistics[name] = distribution_distances(confidence, labels)
        return combined_p_value(statistics)

    def _class_distances(self, labels: BoolArray) -> FloatArray:
        if self.classifier.multi_label:
            flags = self.pooled_rows.flags.T.astype(np.int64)
            sums: FloatArray = np.sum([share_distances(flag, labels) for flag in flags], axis=0)
            return sums
        predicted = (file.predictions.predicted for file in (self.before, self.after))
        return share_distances(self._joined(*predicted), labels)

    def word_differences(
        self, max_explained: int, progress: ProgressCallback
    ) -> tuple[WordDifferences | None, str]:
        """The difference of mean domain scores by word; and a note, where it can't be given."""
        draw = np.random.default_rng(self.seed)
        places = []
        for label in (False, True):
            own = np.flatnonzero(self.labels == label)
            n = min(len(own), max(max_explained // 2, 1))
            places.append(np.sort(draw.choice(own, n, replace=False)))
        try:
            scored = [self._scored(own, progress) for own in places]
        except MethodError as error:
            return None, f"The domain score isn't split over words: {error}"
        wanted = {word for file in scored for words in file.words for word in words}
        shares = [self._shares(file, wanted) for file in (self.before, self.after)]
        return split_difference(scored[0], scored[1], shares[0], shares[1]), ""

    def _scored(self, places: IntArray, progress: ProgressCallback) -> ScoredRows:
        """Rows of one file, by their places among the M."""
        domain = self.domain
        folds = domain.folds[places]
        if self.states is None:
            return self._scored_by_presence(places)
        n_before = len(self.indices[0])
        second = bool(places[0] >= n_before)
        file = self.after if second else self.before
        own = self.indices[second][places - n_before * second]
        parts = state_contributions(
            self.classifier, file.rows, own, domain.directions[folds], progress=progress
        )
        expected = domain.scores[places] - domain.offsets[folds]
        if not np.allclose(parts.values, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max()):
            raise MethodError("The states of the predictions are not those of this classifier.")
        words = [tuple(map(word_key, row)) for row in parts.words]
        return ScoredRows(words, parts.scores, parts.special + parts.bias + domain.offsets[folds])

    def _scored_by_presence(self, places: IntArray) -> ScoredRows:
        folds = self.domain.folds[places]
        present = [np.flatnonzero(row) for row in self.presence[places]]
        words = [tuple(self.vocabulary[word] for word in row.tolist()) for row in present]
        scores = [
            self.domain.directions[fold][row] for fold, row in zip(folds, present, strict=True)
        ]
        return ScoredRows(words, scores, self.domain.offsets[folds])

    def _shares(self, file: FileRows, wanted: set[str]) -> dict[str, float]:
        """The share of rows of a file that have each word."""
        indices = np.union1d(
            file.drawn(MAX_ROWS, self.seed), file.drawn(MAX_COUNTED_ROWS, self.seed)
        )
        counts = Counter(
            word
            for words in row_words(file.of(indices), self.classifier)
            for word in wanted.intersection(words)
        )
        return {word: counts[word] / len(indices) for word in wanted}
