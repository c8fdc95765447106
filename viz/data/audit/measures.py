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
from viz.data.rows.labeled_rows import NO_LABELED_ROW, NO_LABELS, labeled_rows
from viz.data.rows.row_predictions import RowPredictions
from viz.model.classifier import Classifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What `evaluate` measures, on these rows."""

    metrics: AnyMetrics | Missing
    calibration: CalibrationMetrics | Missing


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
