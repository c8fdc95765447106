"""The rows of a file that can be read, and what is predicted of them."""

from dataclasses import dataclass, replace

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.labeled_rows import labeled_rows, right_rows
from viz.data.rows.row_predictions import RowPredictions
from viz.model.classifier import Classifier


@dataclass(frozen=True, slots=True)
class FileRows:
    """The rows of one file that can be read."""

    rows: AuditRows
    predictions: RowPredictions

    @property
    def read(self) -> IntArray:
        """Their numbers."""
        return np.flatnonzero(self.predictions.read)

    @property
    def labeled(self) -> IntArray:
        """The numbers of those with one class as label."""
        gold = self.rows.gold
        if gold is None or gold.ndim != 1:
            return self.read[:0]
        return np.flatnonzero(labeled_rows(self.rows, self.predictions))

    def key(self, row: int) -> tuple[str, str]:
        """What makes a row a copy of another."""
        return self.rows.texts[row], "" if self.rows.pairs is None else self.rows.pairs[row]

    def drawn(self, n_rows: int, seed: int) -> IntArray:
        """So many of those that can be read, drawn at random."""
        if len(self.read) <= n_rows:
            return self.read
        chosen = np.random.default_rng(seed).choice(self.read, n_rows, replace=False)
        return np.sort(chosen)

    def of(self, indices: IntArray) -> AuditRows:
        """Some rows, their texts alone."""
        pairs = self.rows.pairs
        return replace(
            self.rows,
            texts=tuple(self.rows.texts[index] for index in indices.tolist()),
            pairs=None if pairs is None else tuple(pairs[index] for index in indices.tolist()),
            gold=None,
            table={},
            places=indices.tolist(),
        )

    def confidence(self, classifier: Classifier) -> FloatArray:
        """How sure each row is: see `confidence` of `viz.data.shift.shift.Shift`.  (N,)"""
        if classifier.regression:
            scores: FloatArray = self.predictions.logits[self.read, 0].astype(np.float64)
            return scores
        probabilities = self.predictions.probabilities[self.read].astype(np.float64)
        if classifier.multi_label:
            sure: FloatArray = np.maximum(probabilities, 1 - probabilities).mean(axis=1)
            return sure
        highest: FloatArray = probabilities.max(axis=1)
        return highest

    def class_counts(self, classifier: Classifier) -> IntArray:
        """How many rows are put into each class.  (C,)"""
        if classifier.multi_label:
            counts: IntArray = (self.predictions.logits[self.read] > 0).sum(axis=0)
            return counts
        return np.bincount(self.predictions.predicted[self.read], minlength=classifier.n_classes)

    def accuracy(self, classifier: Classifier) -> float | None:
        """Of rows with one class as label; None where there are none."""
        labeled = self.labeled
        if classifier.regression or classifier.multi_label or not len(labeled):
            return None
        return float(right_rows(self.rows, self.predictions)[labeled].mean())
