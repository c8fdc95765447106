"""Attributions read off attention alone: the same for every class, never negative."""

from viz import attention
from viz.attribution.method import Method, Split, Target
from viz.classifier import Classifier
from viz.types import Reading


def _cls_row(_classifier: Classifier, reading: Reading, _target: Target) -> Split:
    return Split(attention.cls_row(reading.attention.weights))


def _rollout(_classifier: Classifier, reading: Reading, _target: Target) -> Split:
    return Split(attention.rollout(reading.attention.weights)[0])


ATTENTION = Method(
    name="attention",
    label="Attention of [CLS]",
    signed=False,
    cost=0.0,
    description="Where [CLS] looks in the last layer, mean of its heads; the same for all classes.",
    reference="Vaswani et al. 2017; on its limits Jain & Wallace 2019",
    run=_cls_row,
    of_class=False,
)

ROLLOUT = Method(
    name="rollout",
    label="Attention rollout",
    signed=False,
    cost=0.0,
    description="Attention carried through all layers, half staying put; the same for all classes.",
    reference="Abnar & Zuidema 2020",
    run=_rollout,
    of_class=False,
)
