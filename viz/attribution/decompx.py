"""Every state as a sum of one vector for each token, carried forward from layer to layer.

A state E[q] is kept as parts X[q, k] that add up to it, k running over the tokens.  Linear maps act
on each part; attention weights, the scale of each LayerNorm and the slope act(x) / x of each
activation are held at the values they take for this text.  A bias b belongs to no token, and there
are two ways to place it: `by_product` shares it in proportion to |<b, part>|, so that tokens alone
add up to the explained scalar (Modarressi et al. 2023, DecompX, "absdot"); `apart` keeps it in a
slot of its own, behind the tokens.  The latter is `decomposition`, found without any gradient.
Source: viz/attribution/README.md 2.5; Modarressi et al. 2023.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

from viz.attribution.layers import (
    ClassifierHead,
    Function,
    LayerModules,
    RecordedLayer,
    centered,
    classifier_head,
    inverse_std,
    recorded_layers,
    require_head,
    require_layers,
    unavailable,
)
from viz.attribution.method import AttributionInput, Method, Options, TokenScores
from viz.attribution.registry import register_method
from viz.attribution.requirements import require_first_token
from viz.errors import MethodError
from viz.jobs.background import ProgressCallback
from viz.jobs.cancellation import check_cancelled

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
    head = classifier_head(inputs.classifier)
    with torch.inference_mode():
        layers = recorded_layers(inputs)
        states = _embedding_parts(layers[0].before, slot=bias_shares is apart)
        n_tokens = len(states)
        passes = PASSES_PER_TOKEN * n_tokens / len(layers)
        for layer in layers:
            # The head reads [CLS] alone, so of the last layer one row is enough.
            n_rows = 1 if layer is layers[-1] else n_tokens
            states = _layer_parts(
                layer, states, n_rows, bias_shares, lambda share: inputs.progress(passes * share)
            )
        shares: Tensor = inputs.target.value(_logit_parts(head, states[0], bias_shares))
    value = float(inputs.target.value(inputs.reading.prediction.logits))
    gap = abs(float(shares.double().sum()) - value)
    if not gap <= TOLERANCE * (float(shares.abs().sum()) + abs(value)):
        raise MethodError(unavailable(inputs.classifier))
    return shares


def _embedding_parts(embeddings: Tensor, *, slot: bool) -> Tensor:
    """Each embedding is all its own token's.  (T, D) -> (T, K, D)"""
    n_tokens, width = embeddings.shape
    states = embeddings.new_zeros(n_tokens, n_tokens + slot, width)
    places = torch.arange(n_tokens, device=embeddings.device)
    states[places, places] = embeddings
    return states


def _layer_parts(
    layer: RecordedLayer,
    states: Tensor,
    n_rows: int,
    bias_shares: BiasShares,
    progress: ProgressCallback,
) -> Tensor:
    """The first rows of what a layer makes of its states.  (T, K, D) -> (R, K, D)

    `progress` is called with shares of the layer's work.
    """
    outputs = _attention_parts(layer, states, n_rows, bias_shares, progress)
    # Row by row, so that the wide vectors of the feed-forward part stay within `CHUNK_BYTES`.
    row_bytes = outputs.shape[1] * layer.modules.up.out_features * outputs.element_size()
    step = max(1, CHUNK_BYTES // row_bytes)
    for first in range(0, len(outputs), step):
        rows = slice(first, first + step)
        before = states[:n_rows][rows]
        outputs[rows] = _feed_forward_parts(layer.modules, outputs[rows], before, bias_shares)
        progress(2 / 3 * len(outputs[rows]) / len(states))
    return outputs


def _attention_parts(
    layer: RecordedLayer,
    states: Tensor,
    n_rows: int,
    bias_shares: BiasShares,
    progress: ProgressCallback,
) -> Tensor:
    """What all heads contribute to the first rows, head by head so that little is held at once."""
    value, output = layer.modules.value, layer.modules.attention_output
    n_tokens, n_parts, width = states.shape
    shares = bias_shares(states @ (value.weight.T @ value.bias))
    outputs = states.new_zeros(n_rows * n_parts, width)
    size = value.out_features // len(layer.weights)
    for head, weights in enumerate(layer.weights[:, :n_rows]):
        columns = slice(head * size, (head + 1) * size)
        values = states @ value.weight[columns].T
        check_cancelled()
        values += shares[..., None] * value.bias[columns]
        mixed = weights @ values.view(n_tokens, -1)
        check_cancelled()
        outputs.addmm_(mixed.view(-1, size), output.weight[:, columns].T)
        progress(1 / 3 / len(layer.weights))
    return outputs.view(n_rows, n_parts, width)


def _feed_forward_parts(
    modules: LayerModules, attention: Tensor, before: Tensor, bias_shares: BiasShares
) -> Tensor:
    """What a layer does behind its heads.  (R, K, D)"""
    projected = _add_bias(attention, modules.attention_output.bias, bias_shares)
    attended = _norm(projected + before, modules.attention_norm, bias_shares)
    raised = _activate(_linear(attended, modules.up, bias_shares), modules.activation)
    lowered = _linear(raised, modules.down, bias_shares)
    return _norm(lowered + attended, modules.output_norm, bias_shares)


def _logit_parts(head: ClassifierHead, states: Tensor, bias_shares: BiasShares) -> Tensor:
    """(K, D) -> (K, C)"""
    hidden = _activate(_linear(states, head.hidden, bias_shares), head.activation)
    return _linear(hidden, head.out, bias_shares)


def _add_bias(vectors: Tensor, bias: Tensor, bias_shares: BiasShares) -> Tensor:
    return vectors + bias_shares(vectors @ bias)[..., None] * bias


def _linear(vectors: Tensor, module: nn.Linear, bias_shares: BiasShares) -> Tensor:
    return _add_bias(F.linear(vectors, module.weight), module.bias, bias_shares)


def _norm(vectors: Tensor, norm: nn.LayerNorm, bias_shares: BiasShares) -> Tensor:
    scale = inverse_std(norm, vectors.sum(-2, keepdim=True))
    return _add_bias(centered(norm, vectors) * scale, norm.bias, bias_shares)


def _activate(vectors: Tensor, activation: Function) -> Tensor:
    """Each part times the slope act(x) / x of the whole, 0 where the whole is."""
    whole = vectors.sum(-2, keepdim=True)
    slope = torch.where(whole == 0, torch.zeros_like(whole), activation(whole) / whole)
    return vectors * slope


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
    requirements=(require_first_token, require_layers, require_head),
    estimated_forward_passes=_forward_passes,
)

register_method(DECOMPX_ABSDOT)
