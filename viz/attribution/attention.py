"""Attributions read off attention alone: the same for every class, never negative.

Source: viz/attribution/README.md 2.6 and 2.7.
"""

from viz.attention import rollout
from viz.attribution.method import AttributionInput, Method, TokenScores
from viz.attribution.registry import register_method
from viz.attribution.requirements import require_first_token


def _cls_row(inputs: AttributionInput) -> TokenScores:
    """score_k = mean over heads of A[h, CLS, k], in the last layer."""
    return TokenScores(rollout.cls_row(inputs.reading.attention.weights))


def _rollout(inputs: AttributionInput) -> TokenScores:
    """[CLS] row of the product over layers, the last on the left, of (mean_h A[h] + 1) / 2."""
    return TokenScores(rollout.rollout(inputs.reading.attention.weights)[0])


ATTENTION = Method(
    name="attention",
    label="Attention of [CLS]",
    signed=False,
    cost=0.0,
    description="Where [CLS] looks in the last layer, mean of its heads; the same for all classes.",
    reference="Vaswani et al. 2017; on its limits Jain & Wallace 2019",
    score=_cls_row,
    requirements=(require_first_token,),
    class_specific=False,
)

ROLLOUT = Method(
    name="rollout",
    label="Attention rollout",
    signed=False,
    cost=0.0,
    description="Attention carried through all layers, half staying put; the same for all classes.",
    reference="Abnar & Zuidema 2020",
    score=_rollout,
    requirements=(require_first_token,),
    class_specific=False,
)

register_method(ROLLOUT)
register_method(ATTENTION)
