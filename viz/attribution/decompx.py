"""Every state as a sum of one vector for each token, carried forward from layer to layer.

A state E[q] is kept as parts X[q, k] that add up to it, k running over the tokens.  Linear maps act
on each part; attention weights, the scale of each LayerNorm and the slope act(x) / x of each
activation are held at the values they take for this text.  A bias b belongs to no token, and there
are two ways to place it: `by_product` shares it in proportion to |<b, part>|, so that tokens alone
add up to the explained scalar (Modarressi et al. 2023, DecompX, "absdot"); `apart` keeps it in a
slot of its own, behind the tokens.  The latter is `decomposition`, found without any gradient.
Source: viz/attribution/README.md 2.5; Modarressi et al. 2023.
"""

from collections.abc import Callable, Iterator

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

Spread = Callable[[Tensor], Tensor]
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


def carry(task: AttributionInput, spread: Spread) -> Tensor:
    """The explained scalar as a sum over tokens, and a slot for biases where they are kept apart.

    Args:
        task: What to explain; told of the passes done after each piece of work.
        spread: Who gets the biases, `by_product` or `apart`.

    Returns:
        (T,) or, with `apart`, (T + 1,).

    Raises:
        MethodError: where no known layout fits layers or head, or parts don't add up.
    """
    head = classifier_head(task.classifier)
    with torch.inference_mode():
        own = recorded_layers(task)
        states = _start(own[0].before, slot=spread is apart)
        n_tokens = len(states)
        for layer in own:
            # The head reads [CLS] alone, so of the last layer one row is enough.
            n_rows = 1 if layer is own[-1] else n_tokens
            states = _through(
                layer, states, n_rows, spread, _share(task.progress, n_tokens / len(own))
            )
        shares: Tensor = task.target.value(_logits(head, states[0], spread))
    whole = float(task.target.value(task.reading.prediction.logits))
    gap = abs(float(shares.double().sum()) - whole)
    if not gap <= TOLERANCE * (float(shares.abs().sum()) + abs(whole)):
        raise MethodError(unavailable(task.classifier))
    return shares


def _share(progress: ProgressCallback, n_tokens: float) -> ProgressCallback:
    """Report shares of one layer's work as passes."""
    return lambda share: progress(PASSES_PER_TOKEN * n_tokens * share)


def _start(embedded: Tensor, *, slot: bool) -> Tensor:
    """Each embedding is all its own token's.  (T, D) -> (T, K, D)"""
    n_tokens, width = embedded.shape
    states = embedded.new_zeros(n_tokens, n_tokens + slot, width)
    places = torch.arange(n_tokens, device=embedded.device)
    states[places, places] = embedded
    return states


def _through(
    layer: RecordedLayer, states: Tensor, n_rows: int, spread: Spread, progress: ProgressCallback
) -> Tensor:
    """The first rows of what a layer makes of its states.  (T, K, D) -> (R, K, D)"""
    made = _attention(layer, states, n_rows, spread, progress)
    for rows in _pieces(made, layer.modules.up.out_features):
        made[rows] = _rest(layer.modules, made[rows], states[:n_rows][rows], spread)
        progress(2 / 3 * len(made[rows]) / len(states))
    return made


def _attention(
    layer: RecordedLayer, states: Tensor, n_rows: int, spread: Spread, progress: ProgressCallback
) -> Tensor:
    """What all heads hand to the first rows, head by head so that little is held at once."""
    value, output = layer.modules.value, layer.modules.attention_output
    n_tokens, n_parts, width = states.shape
    shares = spread(states @ (value.weight.T @ value.bias))
    made = states.new_zeros(n_rows * n_parts, width)
    size = value.out_features // len(layer.weights)
    for head, weights in enumerate(layer.weights[:, :n_rows]):
        own = slice(head * size, (head + 1) * size)
        values = states @ value.weight[own].T
        check_cancelled()
        values += shares[..., None] * value.bias[own]
        taken = weights @ values.view(n_tokens, -1)
        check_cancelled()
        made.addmm_(taken.view(-1, size), output.weight[:, own].T)
        progress(1 / 3 / len(layer.weights))
    return made.view(n_rows, n_parts, width)


def _pieces(states: Tensor, width: int) -> Iterator[slice]:
    """The rows in pieces whose vectors of some width stay within `CHUNK_BYTES`."""
    step = max(1, CHUNK_BYTES // (states.shape[1] * width * states.element_size()))
    for start in range(0, len(states), step):
        yield slice(start, start + step)


def _rest(modules: LayerModules, taken: Tensor, before: Tensor, spread: Spread) -> Tensor:
    """What a layer does behind its heads.  (R, K, D)"""
    attended = _norm(
        _biased(taken, modules.attention_output.bias, spread) + before,
        modules.attention_norm,
        spread,
    )
    raised = _activated(_linear(attended, modules.up, spread), modules.activation)
    return _norm(_linear(raised, modules.down, spread) + attended, modules.output_norm, spread)


def _logits(head: ClassifierHead, states: Tensor, spread: Spread) -> Tensor:
    """(K, D) -> (K, C)"""
    hidden = _activated(_linear(states, head.hidden, spread), head.activation)
    return _linear(hidden, head.out, spread)


def _biased(vectors: Tensor, bias: Tensor, spread: Spread) -> Tensor:
    return vectors + spread(vectors @ bias)[..., None] * bias


def _linear(vectors: Tensor, module: nn.Linear, spread: Spread) -> Tensor:
    return _biased(F.linear(vectors, module.weight), module.bias, spread)


def _norm(vectors: Tensor, norm: nn.LayerNorm, spread: Spread) -> Tensor:
    scale = inverse_std(norm, vectors.sum(-2, keepdim=True))
    return _biased(centered(norm, vectors) * scale, norm.bias, spread)


def _activated(vectors: Tensor, activation: Function) -> Tensor:
    """Each part times the slope act(x) / x of the whole, 0 where the whole is."""
    whole = vectors.sum(-2, keepdim=True)
    slope = torch.where(whole == 0, torch.zeros_like(whole), activation(whole) / whole)
    return vectors * slope


def _absdot(task: AttributionInput) -> TokenScores:
    return TokenScores(carry(task, by_product).cpu().numpy(), bias=0.0)


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
