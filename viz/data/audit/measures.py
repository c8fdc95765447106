"""How good the classifier is on the rows of a file that have labels."""

from dataclasses import dataclass

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.evaluation.calibration import measure_calibration
from finetune.evaluation.metrics import measure_logits
from finetune.evaluation.regression import measure_scores
from finetune.run.measurements import AnyMetrics, CalibrationMetrics
from viz.data.missing import Missing
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import RowPredictions
from viz.model.classifier import Classifier
from viz.types import BoolArray

NO_LABELS = Missing(missing="The file has no labels, so there is nothing to measure against.")
NO_LABELED_ROW = Missing(missing="No row has both a label and a text that the model can read.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What `evaluate` measures, on these rows."""

    metrics: AnyMetrics | Missing
    calibration: CalibrationMetrics | Missing


def labeled_rows(rows: AuditRows, predictions: RowPredictions) -> BoolArray:
    """Which rows were read and have a label.  (N,)"""
    gold = rows.gold
    if gold is None:
        return np.zeros(len(rows), dtype=bool)
    known = ~np.isnan(gold) if np.issubdtype(gold.dtype, np.floating) else gold >= 0
    labeled: BoolArray = predictions.read & (known.all(axis=1) if known.ndim == 2 else known)
    return labeled


def right_rows(rows: AuditRows, predictions: RowPredictions, classifier: Classifier) -> BoolArray:
    """Which rows are right; of several classes in each of them.  Only labeled rows count.  (N,)"""
    gold = rows.gold
    assert gold is not None  # or no row is labeled
    if classifier.multi_label:
        flags = (predictions.logits > 0) == (gold > 0.5)
        return np.asarray(flags.all(axis=1))
    return np.asarray(predictions.predicted == gold)


def measure_rows(classifier: Classifier, rows: AuditRows, predictions: RowPredictions) -> Measures:
    """Metrics and calibration over all labeled rows."""
    if rows.gold is None:
        return Measures(metrics=NO_LABELS, calibration=NO_LABELS)
    kept = labeled_rows(rows, predictions)
    if not kept.any():
        return Measures(metrics=NO_LABELED_ROW, calibration=NO_LABELED_ROW)
    logits: FloatArray = predictions.logits[kept].astype(np.float64)
    gold: FloatArray | IntArray = rows.gold[kept]
    if classifier.regression:
        no_probabilities = Missing(missing="A score has no probability, so none is calibrated.")
        return Measures(metrics=measure_scores(gold, logits[:, 0]), calibration=no_probabilities)
    return Measures(
        metrics=measure_logits(logits, gold, classifier.labels),
        calibration=measure_calibration(logits, gold, classifier.temperature or 1.0),
    )
