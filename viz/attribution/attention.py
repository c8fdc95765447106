"""Attributions read off attention alone: the same for every class, never negative.

Source: viz/attribution/README.md 2.6 and 2.7.
"""

import numpy as np

from viz.attention import rollout
from viz.attention.carried_row import carried_row, pooled_maps_row, rollout_mixing
from viz.attention.long_attention import LongAttention
from viz.attribution.method import AttributionInput, Method, TokenScores
from viz.attribution.registry import register_method
from viz.attribution.requirements import pooling_of, require_deciding_rows


def _attention(inputs: AttributionInput) -> TokenScores:
    """score_k = mean over heads of sum_q w_q A[h, q, k], in the last layer.

    w is the pooling: 1 for the deciding token, 1/T for each where a mean is read.
    """
    attention = inputs.reading.attention
    if isinstance(attention, LongAttention):
        last_layer = attention.n_layers - 1
        row = pooled_maps_row(attention.source, last_layer, pooling_of(inputs))
        return TokenScores(row.astype(np.float32))
    last = attention.weights[-1].mean(0)
    return TokenScores(rollout.pooled_row(last, pooling_of(inputs)))


def _rollout(inputs: AttributionInput) -> TokenScores:
    """Pooled rows of R, the product over layers, the last on the left, of (mean_h A[h] + 1) / 2."""
    attention = inputs.reading.attention
    if isinstance(attention, LongAttention):
        row = carried_row(attention.source, pooling_of(inputs), rollout_mixing)
        return TokenScores(row.astype(np.float32))
    product = rollout.rollout(attention.weights)
    return TokenScores(rollout.pooled_row(product, pooling_of(inputs)))


ATTENTION = Method(
    name="attention",
    label="Attention of the deciding token",
    signed=False,
    cost=0.0,
    description="Where the deciding token looks in the last layer, mean of its heads; the same for "
    "all classes.",
    reference="Vaswani et al. 2017; on its limits Jain & Wallace 2019",
    score=_attention,
    requirements=(require_deciding_rows,),
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
    requirements=(require_deciding_rows,),
    class_specific=False,
)

register_method(ROLLOUT)
register_method(ATTENTION)
