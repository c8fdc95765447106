"""What a text classifier looks at: read a text once, see every head, attribute the class.

Read it in this order: `types` (the records), `model` (a checkpoint and one recorded forward pass),
`attention` (views over weights, statistics of heads), `attribution` (why this class), `documents`
(texts beyond a model's limit), `faithfulness` (can it be believed), `mechanism` (every equation of
a pass), `comparison` (side by side, and over time), `data` (a whole data set), `widgets`, `figures`
and `export` (what is seen and saved), `app` (the pages).
"""

from importlib import import_module
from typing import TYPE_CHECKING

from finetune.checkpoint.telemetry import disable_telemetry

disable_telemetry()

if TYPE_CHECKING:
    from viz.attention.statistics import HeadStatistics, head_statistics
    from viz.attribution import METHODS, attribute, register_method
    from viz.attribution.contribution import contribution
    from viz.attribution.head_importance import head_importance
    from viz.comparison.compare import compare_checkpoints, compare_texts
    from viz.comparison.film.reader import film
    from viz.data.audit.run import Audit, audit
    from viz.data.rows.row_predictions import RowPredictions, predict
    from viz.documents.attribute_document import attribute_document
    from viz.documents.document import Document
    from viz.documents.read_document import read_document
    from viz.faithfulness.evidence import Evidence, document_evidence, evidence
    from viz.mechanism.pruning import prune
    from viz.mechanism.unfolding.unfold import unfold
    from viz.mechanism.unfolding.unfolding import Unfolding
    from viz.model.classifier import Classifier, default_checkpoint
    from viz.types import (
        Attention,
        Attribution,
        Contribution,
        Encoding,
        Prediction,
        Reading,
        Token,
    )

__all__ = [
    "METHODS",
    "Attention",
    "Attribution",
    "Audit",
    "Classifier",
    "Contribution",
    "Document",
    "Encoding",
    "Evidence",
    "HeadStatistics",
    "Prediction",
    "Reading",
    "RowPredictions",
    "Token",
    "Unfolding",
    "attribute",
    "attribute_document",
    "audit",
    "compare_checkpoints",
    "compare_texts",
    "contribution",
    "default_checkpoint",
    "document_evidence",
    "evidence",
    "film",
    "head_importance",
    "head_statistics",
    "predict",
    "prune",
    "read_document",
    "register_method",
    "unfold",
]

_HOMES = {
    "METHODS": "attribution",
    "attribute": "attribution",
    "register_method": "attribution",
    "contribution": "attribution.contribution",
    "Document": "documents.document",
    "read_document": "documents.read_document",
    "attribute_document": "documents.attribute_document",
    "Audit": "data.audit.run",
    "audit": "data.audit.run",
    "RowPredictions": "data.rows.row_predictions",
    "predict": "data.rows.row_predictions",
    "Unfolding": "mechanism.unfolding.unfolding",
    "unfold": "mechanism.unfolding.unfold",
    "prune": "mechanism.pruning",
    "compare_checkpoints": "comparison.compare",
    "compare_texts": "comparison.compare",
    "film": "comparison.film.reader",
    "Classifier": "model.classifier",
    "default_checkpoint": "model.classifier",
    "Evidence": "faithfulness.evidence",
    "evidence": "faithfulness.evidence",
    "document_evidence": "faithfulness.evidence",
    "head_importance": "attribution.head_importance",
    "HeadStatistics": "attention.statistics",
    "head_statistics": "attention.statistics",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: torch alone takes seconds."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"viz.{_HOMES.get(name, 'types')}"), name)
