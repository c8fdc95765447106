"""Attributions from one gradient of the explained scalar.

Source: viz/attribution/README.md 2.8 to 2.11.
"""

import numpy as np
import torch
from torch import Tensor

from finetune.checkpoint.arrays import FloatArray
from viz.attention.carried_row import carried_row, row_blocks
from viz.attention.long_attention import LongAttention
from viz.attention.rollout import pooled_row
from viz.attribution.head_slopes import HeadSlopes, WeightedSlopes
from viz.attribution.method import AttributionInput, Method, TokenScores
from viz.attribution.registry import register_method
from viz.attribution.requirements import (
    gradients,
    pooling_of,
    require_attention_gradient,
    require_deciding_rows,
    require_gradient,
)
from viz.model.recording import Recorder


def _grad_attention(inputs: AttributionInput) -> TokenScores:
    """score_k = sum over heads and queries of A[h, q, k] dF/dA[h, q, k], in the last layer.

    Where the class is read from one token, no other row of the last layer has a gradient.
    """
    if isinstance(inputs.reading.attention, LongAttention):
        return _long_grad_attention(inputs, inputs.reading.attention)
    recorder = Recorder("words")
    logits = inputs.classifier.forward(inputs.reading.encoding, recorder)
    recorder.required_leaf()
    weights = recorder.weights[: inputs.classifier.n_layers][-1]
    (gradient,) = gradients(inputs.classifier, inputs.target.value(logits), [weights])
    scores = (weights * gradient)[0].sum((0, 1)).detach().cpu().numpy()
    return TokenScores(scores[: inputs.reading.encoding.n_tokens])  # a sink is not a token


def _chefer(inputs: AttributionInput) -> TokenScores:
    """Pooled rows of R - 1: R is the identity, to which each layer adds mean_h[(A * dF/dA)^+] R.

    The identity is subtracted at the end, so that the deciding token counts like any other token.
    """
    if isinstance(inputs.reading.attention, LongAttention):
        return _long_chefer(inputs, inputs.reading.attention)
    recorder = Recorder("words")
    logits = inputs.classifier.forward(inputs.reading.encoding, recorder)
    recorder.required_leaf()
    maps = recorder.weights[: inputs.classifier.n_layers]
    slopes = gradients(inputs.classifier, inputs.target.value(logits), maps)
    n_tokens = inputs.reading.encoding.n_tokens
    identity = torch.eye(n_tokens, dtype=logits.dtype, device=logits.device)
    relevance = identity
    for weights, slope in zip(maps, slopes, strict=True):
        positive = (weights.detach() * slope)[0].clamp(min=0).mean(0)
        relevance = relevance + positive[:, :n_tokens] @ relevance  # a sink is not a token
    carried = (relevance - identity).cpu().numpy()
    return TokenScores(pooled_row(carried, pooling_of(inputs)))


def _long_grad_attention(inputs: AttributionInput, attention: LongAttention) -> TokenScores:
    last = attention.n_layers - 1
    maps = _slopes_in_weights(inputs, attention, range(last, last + 1))
    scores = np.zeros(attention.n_tokens)
    for _, block in row_blocks(maps, last, slice(0, attention.n_tokens)):
        columns = block.values.sum((0, 1), dtype=np.float64)
        scores[block.first_key : block.first_key + len(columns)] += columns
    return TokenScores(scores.astype(np.float32))


def _long_chefer(inputs: AttributionInput, attention: LongAttention) -> TokenScores:
    maps = _slopes_in_weights(inputs, attention, range(attention.n_layers))
    pooling = pooling_of(inputs)
    carried = carried_row(maps, pooling, _positive_mean) - pooling
    return TokenScores(carried.astype(np.float32))


def _positive_mean(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    return values.clip(0).mean(0, dtype=np.float64), np.ones(values.shape[1])


def _slopes_in_weights(
    inputs: AttributionInput, attention: LongAttention, layers: range
) -> WeightedSlopes:
    """Each weight of some layers of a long text times the slope of the explained scalar in it."""
    recorder = HeadSlopes("words", layers)
    logits = inputs.classifier.forward(inputs.reading.encoding, recorder)
    words = recorder.required_leaf()
    gradients(inputs.classifier, inputs.target.value(logits), [words])
    return recorder.maps(attention.source)


def _word_gradients(inputs: AttributionInput) -> tuple[Tensor, Tensor]:
    """The word embeddings and the gradient of the explained scalar in them.  Each (T, D)"""
    recorder = Recorder("words")
    logits = inputs.classifier.forward(inputs.reading.encoding, recorder)
    words = recorder.required_leaf()
    (gradient,) = gradients(inputs.classifier, inputs.target.value(logits), [words])
    return words[0].detach(), gradient[0]


def _input_x_gradient(inputs: AttributionInput) -> TokenScores:
    """score_k = <x_k, dF/dx_k>, with x the word embeddings."""
    words, gradient = _word_gradients(inputs)
    return TokenScores((words * gradient).sum(-1).cpu().numpy())


def _saliency(inputs: AttributionInput) -> TokenScores:
    """score_k = ||dF/dx_k||_2, with x the word embeddings."""
    _, gradient = _word_gradients(inputs)
    return TokenScores(torch.linalg.vector_norm(gradient, dim=-1).cpu().numpy())


GRAD_ATTENTION = Method(
    name="grad-attention",
    label="Gradient × attention",
    signed=True,
    relative=True,
    cost=1.9,
    description="What the deciding token takes from a token in the last layer, times its effect on "
    "the class.",
    reference="Barkan et al. 2021; Chefer et al. 2021",
    score=_grad_attention,
    requirements=(require_deciding_rows, require_attention_gradient),
)

INPUT_X_GRADIENT = Method(
    name="input-x-gradient",
    label="Input × gradient",
    signed=True,
    relative=True,
    cost=1.9,
    description="Each word embedding times the gradient of the class: a first-order estimate.",
    reference="Shrikumar et al. 2016",
    score=_input_x_gradient,
    requirements=(require_gradient,),
)

SALIENCY = Method(
    name="saliency",
    label="Saliency",
    signed=False,
    cost=1.9,
    description="Length of the gradient of the class in each word embedding: how much, not which "
    "way.",
    reference="Simonyan et al. 2014; Li et al. 2016",
    score=_saliency,
    requirements=(require_gradient,),
)

CHEFER = Method(
    name="chefer",
    label="Relevance of attention",
    signed=False,
    cost=1.9,
    description="Attention times its positive effect on the class, carried through all layers.",
    reference='Chefer et al. 2021, "Generic Attention-model Explainability"',
    score=_chefer,
    requirements=(require_deciding_rows, require_attention_gradient),
)

register_method(GRAD_ATTENTION)
register_method(INPUT_X_GRADIENT)
register_method(CHEFER)
register_method(SALIENCY)
