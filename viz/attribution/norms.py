"""Lengths of the vectors that tokens contribute to one another: the same for every class, no sign.

T(k -> q) = sum over heads of A[h, q, k] v[h, k] W_O[h] is what query q takes from key k; on the
diagonal the residual E[q] is added.  A weight says only how much is taken of a value that may be
short, or undone by another head's; the length of T says how much arrives.  Normalizations behind
the sum, where a layer has them, multiply and center T as they do the sum. Source:
viz/attribution/README.md 2.18 to 2.20.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from viz.attribution.layers import (
    RecordedLayer,
    deciding_queries,
    recorded_layers,
    require_layers,
    require_outputs,
)
from viz.attribution.method import AttributionInput, Method, Option, TokenScores
from viz.attribution.mixed_state import MixedState
from viz.attribution.registry import register_method
from viz.attribution.requirements import require_pooling
from viz.jobs.cancellation import check_cancelled

CHUNK_BYTES = 2**22
"""Bytes of vectors worked on at once: few enough to stay in a processor's cache."""

Rule = Callable[[RecordedLayer, Tensor], Tensor]
"""How much some queries (R,) of a layer hold of every key.  -> (R, T), in float64"""


def mixing_matrix(layer: RecordedLayer, rule: Rule, queries: Tensor) -> Tensor:
    """Some rows of a layer's mixing matrix, each summing to 1.  (R, T)

    A row in which no key holds anything stays with its own token.
    """
    raw = rule(layer, queries)
    total = raw.sum(-1, keepdim=True)
    identity = torch.eye(raw.shape[1], dtype=raw.dtype, device=raw.device)[queries]
    return torch.where(total > 0, raw / total, identity)


def by_length(layer: RecordedLayer, queries: Tensor) -> Tensor:
    """||sum_h A[h, q, k] v[h, k] W_O[h]||, Kobayashi et al. 2020.  (R, T)"""
    return _lengths(layer.added, queries)


def by_normalized_length(layer: RecordedLayer, queries: Tensor) -> Tensor:
    """||LN1-scale(T + residual)||, Kobayashi et al. 2021.  (R, T)"""
    return _lengths(layer.attended, queries)


def by_encoded_length(layer: RecordedLayer, queries: Tensor) -> Tensor:
    """||LN2-scale(LN1-scale(T + residual))||, Modarressi et al. 2022.  (R, T)"""
    return _lengths(layer.required_output(), queries)


def by_distance(layer: RecordedLayer, queries: Tensor) -> Tensor:
    """max(0, ||y||_1 - ||y - T'||_1), Ferrando et al. 2022.  (R, T)

    T' = LN1-scale(T + residual) and y is what leaves the first LayerNorm, biases included.
    """
    state = layer.attended
    output = state.value[queries] - state.terms(queries, "rest")
    weights, residual = state.weights(queries), state.terms(queries, "residual")
    distance = distances(weights, state.vectors(), residual, output, queries)
    closeness: Tensor = output.abs().sum(-1, keepdim=True) - distance
    # A key that no head looks at adds nothing, to the last digit: none comes from a masked one.
    adds = weights.any(0).scatter(1, queries[:, None], value=True)
    return closeness.clamp(min=0).double() * adds


def _lengths(state: MixedState, queries: Tensor) -> Tensor:
    residual = state.terms(queries, "residual")
    return lengths(state.weights(queries), state.vectors(), residual, queries)


def lengths(weights: Tensor, vectors: Tensor, residual: Tensor, queries: Tensor) -> Tensor:
    """||sum_h A[h, q, k] u[h, k]||, with what each query keeps of itself on the diagonal.

    The vectors themselves, one for each query and key, are never made: the square of a length is
    a quadratic form of H weights in the products of the heads' vectors.  It is taken in float64,
    for heads may all but cancel.

    Args:
        weights: (H, R, T).
        vectors: (H, T, D).
        residual: (R, D).
        queries: Which tokens the rows are.  (R,)

    Returns:
        (R, T), in float64.
    """
    by_key = vectors.double().transpose(0, 1)
    weights_by_key = weights.double().permute(2, 1, 0)
    products = by_key @ by_key.transpose(1, 2)
    squares = ((weights_by_key @ products) * weights_by_key).sum(-1).T
    norms = squares.clamp(min=0).sqrt()
    own = _from_itself(weights, vectors, queries) + residual
    own_lengths = torch.linalg.vector_norm(own.double(), dim=-1)
    return norms.scatter(1, queries[:, None], own_lengths[:, None])


def distances(
    weights: Tensor, vectors: Tensor, residual: Tensor, whole: Tensor, queries: Tensor
) -> Tensor:
    """||y[q] - sum_h A[h, q, k] u[h, k]||_1, with what each query keeps on the diagonal.

    Args:
        weights: (H, R, T).
        vectors: (H, T, D).
        residual: (R, D).
        whole: y, (R, D).
        queries: Which tokens the rows are.  (R,)

    Returns:
        (R, T).
    """
    by_key, weights_by_key = vectors.transpose(0, 1), weights.permute(2, 1, 0)
    step = max(1, CHUNK_BYTES // (whole.numel() * whole.element_size()))
    chunks = []
    for first in range(0, len(by_key), step):
        check_cancelled()
        # One small product for each key: (R, H) @ (H, D).
        keys = slice(first, first + step)
        differences = torch.baddbmm(whole, weights_by_key[keys], by_key[keys], alpha=-1)
        chunks.append(torch.linalg.vector_norm(differences, 1, dim=-1))
    norms = torch.cat(chunks).T.contiguous()
    own = (whole - _from_itself(weights, vectors, queries) - residual).abs().sum(-1)
    return norms.scatter(1, queries[:, None], own[:, None])


def _from_itself(weights: Tensor, vectors: Tensor, queries: Tensor) -> Tensor:
    """What queries take from themselves.  (R, D)"""
    places = torch.arange(len(queries), device=queries.device)
    return torch.einsum("hq,hqd->qd", weights[:, places, queries], vectors[:, queries])


def _norms(inputs: AttributionInput) -> TokenScores:
    rule = by_length if inputs.options["kind"] == "attention" else by_normalized_length
    with torch.inference_mode():
        last = recorded_layers(inputs.classifier, inputs.reading.encoding)[-1]
        inputs.progress(1)
        queries, shares = deciding_queries(inputs)
        return TokenScores((shares @ rule(last, queries)).cpu().numpy())


def _through_layers(rule: Rule, passes: float) -> Callable[[AttributionInput], TokenScores]:
    """Pooled rows of the product of all layers' mixing matrices, for some passes in all."""

    def run(inputs: AttributionInput) -> TokenScores:
        with torch.inference_mode():
            layers = recorded_layers(inputs.classifier, inputs.reading.encoding)
            inputs.progress(1)
            # From the top down a row stays a row: of the last layer, those read are enough.
            queries, shares = deciding_queries(inputs)
            row = shares @ mixing_matrix(layers[-1], rule, queries)
            every = torch.arange(len(row), device=row.device)
            for layer in reversed(layers[:-1]):
                check_cancelled()
                row = row @ mixing_matrix(layer, rule, every)
                inputs.progress((passes - 1) / len(layers))
        return TokenScores(row.cpu().numpy())

    return run


NORMS = Method(
    name="norms",
    label="Vector norms",
    signed=False,
    cost=1.0,
    description="Length of each token's contribution to the deciding token in the last layer; the "
    "same for all classes.",
    reference="Kobayashi et al. 2020 (attention); Kobayashi et al. 2021 (residual)",
    score=_norms,
    whole_maps=True,
    requirements=(require_pooling, require_layers),
    class_specific=False,
    options=(
        Option(
            name="kind",
            label="Counted",
            default="residual",
            choices=("residual", "attention"),
            help="With what a token keeps of itself and the normalization after it, or attention "
            "alone.",
        ),
    ),
)

GLOBENC = Method(
    name="globenc",
    label="GlobEnc",
    signed=False,
    cost=2.0,
    description="Lengths of the tokens' contributions, normalized as in the layers, carried "
    "through all layers; the same for all classes.",
    reference="Modarressi et al. 2022 (GlobEnc)",
    score=_through_layers(by_encoded_length, 2.0),
    whole_maps=True,
    requirements=(require_pooling, require_outputs),
    class_specific=False,
)

ALTI = Method(
    name="alti",
    label="ALTI",
    signed=False,
    cost=2.5,
    description="How close each token's contribution is to the layer's output, carried through all "
    "layers; the same for all classes.",
    reference="Ferrando et al. 2022 (ALTI)",
    score=_through_layers(by_distance, 2.5),
    whole_maps=True,
    requirements=(require_pooling, require_layers),
    class_specific=False,
)

register_method(NORMS)
register_method(GLOBENC)
register_method(ALTI)
