"""Lengths of the vectors that tokens contribute to one another: the same for every class, no sign.

T(k -> q) = sum over heads of A[h, q, k] v[h, k] W_O[h] is what query q takes from key k; on the
diagonal the residual E[q] is added.  A weight says only how much is taken of a value that may be
short, or undone by another head's; the length of T says how much arrives. Source:
viz/attribution/README.md 2.18 to 2.20.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from viz.attribution.layers import (
    RecordedLayer,
    centered,
    inverse_std,
    recorded_layers,
    require_layers,
)
from viz.attribution.method import AttributionInput, Method, Option, TokenScores
from viz.attribution.registry import register_method
from viz.attribution.requirements import require_first_token
from viz.jobs.cancellation import check_cancelled

CHUNK_BYTES = 2**22
"""Bytes of vectors worked on at once: few enough to stay in a processor's cache."""

Rule = Callable[[RecordedLayer, int], Tensor]
"""How much the first queries (R) of a layer hold of every key.  -> (R, T), in float64"""


def mixing_matrix(layer: RecordedLayer, rule: Rule, n_rows: int) -> Tensor:
    """The first rows of a layer's mixing matrix, each summing to 1.  (R, T)

    A row in which no key holds anything stays with its own token.
    """
    raw = rule(layer, n_rows)
    total = raw.sum(-1, keepdim=True)
    identity = torch.eye(*raw.shape, dtype=raw.dtype, device=raw.device)
    return torch.where(total > 0, raw / total, identity)


def by_length(layer: RecordedLayer, n_rows: int) -> Tensor:
    """||sum_h A[h, q, k] v[h, k] W_O[h]||, Kobayashi et al. 2020.  (R, T)"""
    no_residual = torch.zeros_like(layer.before[:n_rows])
    return lengths(layer.weights[:, :n_rows], layer.projected_values(), no_residual)


def by_normalized_length(layer: RecordedLayer, n_rows: int) -> Tensor:
    """||LN1-scale(T + residual)||, Kobayashi et al. 2021.  (R, T)"""
    norm = layer.modules.attention_norm
    vectors = centered(norm, layer.projected_values())
    residual = centered(norm, layer.before[:n_rows])
    scale = inverse_std(norm, layer.attention_norm_input(n_rows))
    return lengths(layer.weights[:, :n_rows], vectors, residual) * scale


def by_encoded_length(layer: RecordedLayer, n_rows: int) -> Tensor:
    """||LN2-scale(LN1-scale(T + residual))||, Modarressi et al. 2022.  (R, T)

    What the two LayerNorms divide by is one number for all keys of a query: it leaves shares of a
    row as they are, and is left out here.
    """
    first, second = layer.modules.attention_norm, layer.modules.output_norm
    vectors = centered(second, centered(first, layer.projected_values()))
    residual = centered(second, centered(first, layer.before[:n_rows]))
    return lengths(layer.weights[:, :n_rows], vectors, residual)


def by_distance(layer: RecordedLayer, n_rows: int) -> Tensor:
    """max(0, ||y||_1 - ||y - T'||_1), Ferrando et al. 2022.  (R, T)

    T' = LN1-scale(T + residual) and y is what leaves the first LayerNorm, biases included.
    """
    norm = layer.modules.attention_norm
    norm_input = layer.attention_norm_input(n_rows)
    scale, output = inverse_std(norm, norm_input), norm(norm_input)
    vectors = centered(norm, layer.projected_values())
    residual = centered(norm, layer.before[:n_rows]) * scale
    distance = distances(layer.weights[:, :n_rows] * scale, vectors, residual, output)
    closeness: Tensor = output.abs().sum(-1, keepdim=True) - distance
    return closeness.clamp(min=0).double()


def lengths(weights: Tensor, vectors: Tensor, residual: Tensor) -> Tensor:
    """||sum_h A[h, q, k] u[h, k]||, with what each query keeps of itself on the diagonal.

    The vectors themselves, one for each query and key, are never made: the square of a length is
    a quadratic form of H weights in the products of the heads' vectors.  It is taken in float64,
    for heads may all but cancel.

    Args:
        weights: (H, R, T), of the first R queries.
        vectors: (H, T, D).
        residual: (R, D).

    Returns:
        (R, T), in float64.
    """
    by_key = vectors.double().transpose(0, 1)
    weights_by_key = weights.double().permute(2, 1, 0)
    products = by_key @ by_key.transpose(1, 2)
    squares = ((weights_by_key @ products) * weights_by_key).sum(-1).T
    norms = squares.clamp(min=0).sqrt()
    diagonal = _from_itself(weights, vectors) + residual
    norms.diagonal().copy_(torch.linalg.vector_norm(diagonal.double(), dim=-1))
    return norms


def distances(weights: Tensor, vectors: Tensor, residual: Tensor, whole: Tensor) -> Tensor:
    """||y[q] - sum_h A[h, q, k] u[h, k]||_1, with what each query keeps on the diagonal.

    Args:
        weights: (H, R, T), of the first R queries.
        vectors: (H, T, D).
        residual: (R, D).
        whole: y, (R, D).

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
    diagonal = _from_itself(weights, vectors) + residual
    norms.diagonal().copy_((whole - diagonal).abs().sum(-1))
    return norms


def _from_itself(weights: Tensor, vectors: Tensor) -> Tensor:
    """What the first queries take from themselves.  (R, D)"""
    n_rows = weights.shape[1]
    return torch.einsum("hq,hqd->qd", weights.diagonal(dim1=1, dim2=2), vectors[:, :n_rows])


def _norms(inputs: AttributionInput) -> TokenScores:
    rule = by_length if inputs.options["kind"] == "attention" else by_normalized_length
    with torch.inference_mode():
        last = recorded_layers(inputs)[-1]
        inputs.progress(1)
        return TokenScores(rule(last, 1)[0].cpu().numpy())


def _through_layers(rule: Rule, passes: float) -> Callable[[AttributionInput], TokenScores]:
    """[CLS] row of the product of all layers' mixing matrices, for some passes in all."""

    def run(inputs: AttributionInput) -> TokenScores:
        with torch.inference_mode():
            layers = recorded_layers(inputs)
            inputs.progress(1)
            # From the top down a row stays a row: of the last layer, that of [CLS] is enough.
            row = mixing_matrix(layers[-1], rule, 1)
            for layer in reversed(layers[:-1]):
                check_cancelled()
                row = row @ mixing_matrix(layer, rule, len(layer.before))
                inputs.progress((passes - 1) / len(layers))
        return TokenScores(row[0].cpu().numpy())

    return run


NORMS = Method(
    name="norms",
    label="Vector norms",
    signed=False,
    cost=1.0,
    description="Length of each token's contribution to [CLS] in the last layer; the same for all "
    "classes.",
    reference="Kobayashi et al. 2020 (attention); Kobayashi et al. 2021 (residual)",
    score=_norms,
    requirements=(require_first_token, require_layers),
    class_specific=False,
    options=(
        Option(
            name="kind",
            label="Counted",
            default="residual",
            choices=("residual", "attention"),
            help="With what [CLS] keeps of itself and the normalization after it, or attention "
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
    requirements=(require_first_token, require_layers),
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
    requirements=(require_first_token, require_layers),
    class_specific=False,
)

register_method(NORMS)
register_method(GLOBENC)
register_method(ALTI)
