"""Every state as a sum of one vector for each token, carried forward from layer to layer.

A state E[q] is kept as parts X[q, k] that add up to it, k running over the tokens.  Linear maps act
on each part; attention weights, the scale of each LayerNorm and the slope act(x) / x of each
activation are held at the values they take for this text.  A bias b belongs to no token, and there
are two ways to place it: `by_product` shares it in proportion to |<b, part>|, so that tokens alone
add up to the explained scalar (Modarressi et al. 2023, DecompX, "absdot"); `apart` keeps it in a
slot of its own, behind the tokens.  The latter is `decomposition`, found without any gradient.
Source: viz/attribution/README.md 2.5; Modarressi et al. 2023.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from viz.attribution.head_products import Linear
from viz.attribution.layer_trace import AppliedNorm
from viz.attribution.layers import deciding_queries, refusal
from viz.attribution.method import AttributionInput, Method, Options, TokenScores
from viz.attribution.mixed_state import centered
from viz.attribution.post_norm import HeadStep, PostNormLayer, post_norm_network
from viz.attribution.registry import register_method
from viz.attribution.requirements import pooling_of, require_pooling
from viz.jobs.background import ProgressCallback
from viz.jobs.cancellation import check_cancelled
from viz.model.classifier import Classifier

TOLERANCE = 1e-3
"""Largest gap between parts and whole, relative to the parts, before we refuse to show it."""

CHUNK_BYTES = 2**23
"""Bytes of vectors worked on at once."""

PASSES_PER_TOKEN = 0.8
"""Forward passes that one token costs."""

BiasShares = Callable[[Tensor], Tensor]
"""From <b, part> of each part, (..., K), the share of the bias b that each part gets, (..., K)."""


def by_product(products: Tensor) -> Tensor:
    """Shares in proportion to |<b, part>|; even ones where all are 0.  (..., K)"""
    size = products.abs()
    total = size.sum(-1, keepdim=True)
    even = torch.full_like(size, 1 / size.shape[-1])
    return torch.where(total > 0, size / total, even)


def apart(products: Tensor) -> Tensor:
    """All to the last part.  (..., K)"""
    shares = torch.zeros_like(products)
    shares[..., -1] = 1
    return shares


def propagate(inputs: AttributionInput, bias_shares: BiasShares) -> Tensor:
    """The explained scalar as a sum over tokens, and a slot for biases where they are kept apart.

    Args:
        inputs: What to explain; its `progress` is called after each piece of work.
        bias_shares: Who gets the biases, `by_product` or `apart`.

    Returns:
        (T,) or, with `apart`, (T + 1,).

    Raises:
        MethodError: if no known layout fits layers or head, or parts don't add up.
    """
    classifier, reading = inputs.classifier, inputs.reading
    pooling = torch.from_numpy(pooling_of(inputs).astype("float64"))
    network = post_norm_network(classifier, reading.encoding, pooling)
    with torch.inference_mode():
        layers = network.layers
        states = _embedding_parts(layers[0].recorded.before, slot=bias_shares is apart)
        n_tokens = len(states)
        passes = PASSES_PER_TOKEN * n_tokens / len(layers)
        every = torch.arange(n_tokens, device=states.device)
        read, shares = deciding_queries(inputs)
        for layer in layers:
            # Of the last layer the rows that the head reads are enough.
            states = _layer_parts(
                layer,
                states,
                read if layer is layers[-1] else every,
                bias_shares,
                lambda share: inputs.progress(passes * share),
            )
        pooled = torch.einsum("r,rkd->kd", shares.to(states), states)
        parts: Tensor = inputs.target.value(_logit_parts(network.head, pooled, bias_shares))
    value = float(inputs.target.value(reading.prediction.logits))
    gap = abs(float(parts.double().sum()) - value)
    if not gap <= TOLERANCE * (float(parts.abs().sum()) + abs(value)):
        raise refusal(classifier, "the parts of their states don't add up to the logits")
    return parts


def _embedding_parts(embeddings: Tensor, *, slot: bool) -> Tensor:
    """Each embedding is all its own token's.  (T, D) -> (T, K, D)"""
    n_tokens, width = embeddings.shape
    states = embeddings.new_zeros(n_tokens, n_tokens + slot, width)
    places = torch.arange(n_tokens, device=embeddings.device)
    states[places, places] = embeddings
    return states


def _layer_parts(
    layer: PostNormLayer,
    states: Tensor,
    queries: Tensor,
    bias_shares: BiasShares,
    progress: ProgressCallback,
) -> Tensor:
    """Some rows of what a layer makes of its states.  (T, K, D) -> (R, K, D)

    `progress` is called with shares of the layer's work.
    """
    outputs = _attention_parts(layer, states, queries, bias_shares, progress)
    # Row by row, so that the wide vectors of the feed-forward part stay within `CHUNK_BYTES`.
    row_bytes = outputs.shape[1] * layer.up.weight.shape[1] * outputs.element_size()
    step = max(1, CHUNK_BYTES // row_bytes)
    for first in range(0, len(outputs), step):
        rows = slice(first, first + step)
        outputs[rows] = _behind_heads(layer, outputs[rows], states, queries[rows], bias_shares)
        progress(2 / 3 * len(outputs[rows]) / len(states))
    return outputs


def _attention_parts(
    layer: PostNormLayer,
    states: Tensor,
    queries: Tensor,
    bias_shares: BiasShares,
    progress: ProgressCallback,
) -> Tensor:
    """What all heads contribute to some rows, head by head so that little is held at once."""
    value, heads = layer.value, layer.recorded.heads
    n_tokens, n_parts, width = states.shape
    outputs = states.new_zeros(len(queries) * n_parts, width)
    size = heads.values.shape[-1]
    bias = states.new_zeros(value.weight.shape[1]) if value.bias is None else value.bias
    shares = bias_shares(states @ (value.weight @ bias))
    for head, projection in enumerate(layer.recorded.added.projection):
        columns = slice(head * size, (head + 1) * size)
        values = states @ value.weight[:, columns]
        check_cancelled()
        values += shares[..., None] * bias[columns]
        mixed = heads.weights[head, queries] @ values.view(n_tokens, -1)
        check_cancelled()
        outputs.addmm_(mixed.view(-1, size), projection)
        progress(1 / 3 / len(heads.weights))
    return outputs.view(len(queries), n_parts, width)


def _behind_heads(
    layer: PostNormLayer,
    attention: Tensor,
    states: Tensor,
    queries: Tensor,
    bias_shares: BiasShares,
) -> Tensor:
    """What a layer does behind its heads.  (R, K, D)"""
    bias = layer.recorded.added.terms(queries[:1], "bias")[0]
    projected = _add_bias(attention, bias, bias_shares)
    attended = _norm(projected + states[queries], layer.attention_norm, bias_shares)
    raised = _linear(attended, layer.up, bias_shares) * layer.slope[queries, None]
    lowered = _linear(raised, layer.down, bias_shares)
    return _norm(lowered + attended, layer.output_norm, bias_shares)


def _logit_parts(head: Sequence[HeadStep], states: Tensor, bias_shares: BiasShares) -> Tensor:
    """(K, D) -> (K, C)"""
    for step in head:
        states = _linear(states * step.slope, step.linear, bias_shares)
    return states


def _add_bias(vectors: Tensor, bias: Tensor | None, bias_shares: BiasShares) -> Tensor:
    if bias is None:
        return vectors
    return vectors + bias_shares(vectors @ bias)[..., None] * bias


def _linear(vectors: Tensor, linear: Linear, bias_shares: BiasShares) -> Tensor:
    return _add_bias(vectors @ linear.weight, linear.bias, bias_shares)


def _norm(vectors: Tensor, norm: AppliedNorm, bias_shares: BiasShares) -> Tensor:
    """Each part centered and multiplied as the whole is."""
    scale = (vectors.sum(-2, keepdim=True).var(-1, correction=0, keepdim=True) + norm.eps).rsqrt()
    scaled = centered(vectors) * scale
    weighted = scaled if norm.weight is None else scaled * norm.weight
    return _add_bias(weighted, norm.bias, bias_shares)


def _require_post_norm(classifier: Classifier) -> None:
    """Refuse a network that is made in another way: tried on a few tokens."""
    (reading,) = classifier.read_many([classifier.encoder.probe()])
    if reading.pooling is not None:
        pooling = torch.from_numpy(reading.pooling.astype("float64"))
        post_norm_network(classifier, reading.encoding, pooling)


def _absdot(inputs: AttributionInput) -> TokenScores:
    return TokenScores(propagate(inputs, by_product).cpu().numpy(), bias=0.0)


def _forward_passes(n_words: int, n_layers: int, options: Options) -> float:
    # About 1.3 tokens a word, and two special ones.
    return PASSES_PER_TOKEN * (1.3 * n_words + 2)


DECOMPX_ABSDOT = Method(
    name="decompx-absdot",
    label="DecompX, bias spread",
    signed=True,
    cost=PASSES_PER_TOKEN * 54,
    description="The decomposition carried forward, each bias shared out among the tokens, which "
    "then add up to the whole.",
    reference="Modarressi et al. 2023 (DecompX)",
    score=_absdot,
    requirements=(require_pooling, _require_post_norm),
    estimated_forward_passes=_forward_passes,
)

register_method(DECOMPX_ABSDOT)
