"""The columns that a prediction adds to a file, under names that the file doesn't have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from finetune.data.writing.new_columns import ColumnValues, NewColumn, unused_name
from viz.data.rows.row_predictions import RowPredictions
from viz.model.classifier import Classifier
from viz.types import Prediction

SIGNIFICANT_DIGITS = 6
"""Written of probabilities and scores; those behind them depend on the processor."""
PREDICTION, PROBABILITY, UNSEEN_TOKENS = "prediction", "probability", "unseen_tokens"
WINDOWS = "windows"


@dataclass(frozen=True, slots=True)
class PredictionColumns:
    """The columns, in the order in which they are written."""

    classifier: Classifier
    names: Mapping[str, str]
    """The name that each column has in the file that is written, by its usual name."""
    all_classes: bool = False
    """Whether the probability of each class has a column of its own."""
    windows: bool = False
    """Whether there is a column of how many windows each text was read in."""

    @classmethod
    def beside(
        cls,
        existing: Sequence[str],
        classifier: Classifier,
        *,
        all_classes: bool = False,
        windows: bool = False,
    ) -> "PredictionColumns":
        """The columns for a file with *existing* ones, none of which is overwritten."""
        all_classes = all_classes and not classifier.regression
        usual = [PREDICTION]
        if not classifier.regression:
            usual.append(PROBABILITY)
        if all_classes:
            for label in classifier.labels:
                usual.append(unused_name(f"{PROBABILITY}_{label}", usual))
        usual += [UNSEEN_TOKENS, WINDOWS] if windows else [UNSEEN_TOKENS]
        names: dict[str, str] = {}
        for name in usual:
            others = [other for other in usual if other != name]
            names[name] = unused_name(name, {*existing, *others, *names.values()})
        return cls(classifier, names, all_classes, windows)

    @property
    def renamed(self) -> dict[str, str]:
        """The columns that have another name than usual."""
        return {name: own for name, own in self.names.items() if own != name}

    @property
    def added(self) -> list[NewColumn]:
        """The columns as they are written."""
        columns = []
        for name, own in self.names.items():
            match name:
                case "prediction" if self.classifier.multi_label:
                    columns.append(NewColumn(name=own, kind="texts"))
                case "prediction" if not self.classifier.regression:
                    columns.append(NewColumn(name=own, kind="text"))
                case "probability" if self.classifier.multi_label:
                    columns.append(NewColumn(name=own, kind="numbers"))
                case "unseen_tokens" | "windows":
                    columns.append(NewColumn(name=own, kind="integer"))
                case _:
                    columns.append(NewColumn(name=own, kind="number"))
        return columns

    def values(self, predictions: RowPredictions) -> ColumnValues:
        """The cells of each column; None in a row that wasn't read."""
        columns: list[Sequence[object]]
        if self.classifier.regression:
            columns = [_rounded(predictions.logits[:, 0])]
        else:
            columns = list(_decisions(self.classifier, predictions))
        if self.all_classes:
            columns += map(_rounded, predictions.probabilities.T)
        columns.append(predictions.n_unseen.tolist())
        if self.windows:
            columns.append(predictions.n_windows.tolist())
        return {
            name: [
                cell if read else None for cell, read in zip(cells, predictions.read, strict=True)
            ]
            for name, cells in zip(self.names.values(), columns, strict=True)
        }


def _decisions(
    classifier: Classifier, predictions: RowPredictions
) -> tuple[Sequence[object], Sequence[object]]:
    """Predictions and their probabilities: one of each, or lists for a multi-label head."""
    labels, probabilities = classifier.labels, predictions.probabilities
    if not classifier.multi_label:
        classes = predictions.predicted
        best = probabilities[np.arange(len(classes)), classes]
        return [labels[number] for number in classes], _rounded(best)
    assigned = [
        Prediction(labels, *row, multi_label=True).assigned_classes
        for row in zip(predictions.logits, probabilities, strict=True)
    ]
    return (
        [[labels[number] for number in classes] for classes in assigned],
        [_rounded(row[list(own)]) for row, own in zip(probabilities, assigned, strict=True)],
    )


def _rounded(values: FloatArray) -> list[float]:
    return [float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in values]
