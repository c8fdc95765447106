"""What a token would look like if another had nothing to say: the same for every class, no sign.

With the value vector of token t set to zero in one layer, bias included, and the attention weights
left as they are, the deciding token q takes z - A[:, q, t] v_t from its heads.  The rest of the
layer is run on it; the score is 1 - cosine between what comes out and what came out before. Source:
viz/attribution/README.md 2.21; Mohebbi et al. 2023.
"""

import torch
from torch import Tensor

from viz.attribution.layers import (
    RecordedLayer,
    deciding_queries,
    recorded_layers,
    require_tokenwise,
)
from viz.attribution.method import AttributionInput, Method, Option, Options, TokenScores
from viz.attribution.registry import register_method
from viz.attribution.requirements import require_pooling
from viz.jobs.cancellation import check_cancelled

PASSES_FOR_ALL_LAYERS = 1.0
"""Forward passes that one row of each layer costs beside the reading itself."""


def zeroed_row(layer: RecordedLayer, query: int) -> Tensor:
    """How far each token, silenced in this layer, turns a query; sums to 1, in float64.  (T,)"""
    weighted = layer.heads.weights[:, query, :, None] * layer.heads.values
    without = weighted.sum(1, keepdim=True) - weighted
    # Behind the heads each row is on its own: it is the query's, without one token after another.
    states = layer.run_behind_heads(layer.before[query].expand_as(layer.before), without)
    distance = _one_minus_cosine(states.double(), layer.after[query].double())
    distance *= layer.heads.weights[:, query].any(0)  # where no head looks, there is no change
    total = distance.sum()
    # Where no token turns the query at all, none matters more than another.
    return distance / total if total > 0 else torch.full_like(distance, 1 / len(distance))


def _one_minus_cosine(vectors: Tensor, other: Tensor) -> Tensor:
    """Half the squared distance of the unit vectors: exact where 1 - cosine would cancel.  (T,)"""
    units = torch.nn.functional.normalize(vectors, dim=-1)
    return (units - torch.nn.functional.normalize(other, dim=-1)).square().sum(-1) / 2


def _value_zeroing(inputs: AttributionInput) -> TokenScores:
    with torch.inference_mode():
        layers = recorded_layers(inputs.classifier, inputs.reading.encoding)
        inputs.progress(1)
        queries, shares = deciding_queries(inputs)
        rows = []
        for layer in layers[-1:] if inputs.options["rows"] == "last" else layers:
            pooled = shares.new_zeros(())
            for query, share in zip(queries.tolist(), shares, strict=True):
                check_cancelled()
                pooled = pooled + share * zeroed_row(layer, query)
                inputs.progress(PASSES_FOR_ALL_LAYERS / len(layers) / len(queries))
            rows.append(pooled)
        row = torch.stack(rows).mean(0)
    return TokenScores(row.cpu().numpy())


def _forward_passes(n_words: int, n_layers: int, options: Options) -> float:
    return 1 + PASSES_FOR_ALL_LAYERS * (1 / n_layers if options["rows"] == "last" else 1)


VALUE_ZEROING = Method(
    name="value-zeroing",
    label="Value zeroing",
    signed=False,
    cost=1.1,
    description="How far the deciding token turns when a token's value is set to zero; the same "
    "for all classes.",
    reference="Mohebbi et al. 2023",
    score=_value_zeroing,
    whole_maps=True,
    requirements=(require_pooling, require_tokenwise),
    class_specific=False,
    estimated_forward_passes=_forward_passes,
    options=(
        Option(
            name="rows",
            label="Layers",
            default="last",
            choices=("last", "mean"),
            help="The row of the last layer, or the mean of those of all layers.",
        ),
    ),
)

register_method(VALUE_ZEROING)
