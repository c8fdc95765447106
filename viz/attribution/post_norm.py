"""The linear maps and LayerNorms of layers that normalize behind each sum, and those of the head.

    y  = LN1(heads W_O + b_O + E)
    E' = LN2(act(y W_1 + b_1) W_2 + b_2 + y)

They are told by what entered and left them in one pass.  Whatever lies between two linear maps is
taken as a factor for each dimension, held at the value that it took for this text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from viz.attribution.head_products import Linear
from viz.attribution.layer_trace import AppliedNorm, LayerTrace
from viz.attribution.layers import RecordedLayer, near, recorded_layers, refusal
from viz.model.classifier import Classifier
from viz.types import Encoding


@dataclass(frozen=True, slots=True)
class PostNormLayer:
    """The parts of one layer."""

    recorded: RecordedLayer
    value: Linear
    attention_norm: AppliedNorm
    up: Linear
    slope: Tensor
    """What the activation multiplies each number by; 0 where that is 0.  (T, I)"""
    down: Linear
    output_norm: AppliedNorm


@dataclass(frozen=True, slots=True)
class HeadStep:
    """A linear map of the head."""

    slope: Tensor
    """What lies before it, as a factor of each number.  (1, I)"""
    linear: Linear


@dataclass(frozen=True, slots=True)
class PostNormNetwork:
    """The layers, in order, and the head."""

    layers: Sequence[PostNormLayer]
    head: Sequence[HeadStep]


def post_norm_network(
    classifier: Classifier, encoding: Encoding, pooling: Tensor
) -> PostNormNetwork:
    """Read a text once more, and tell the parts of its layers and head.

    Args:
        classifier: Whose network.
        encoding: The text.
        pooling: How much of each token's last state the class is read from.  (T,)

    Raises:
        MethodError: if the layers or the head are made in another way.
    """
    trace = LayerTrace(keeps_linears=True)
    with torch.inference_mode():
        layers = [
            _post_norm_layer(classifier, layer)
            for layer in recorded_layers(classifier, encoding, trace)
        ]
        pooled = pooling.to(layers[-1].recorded.after) @ layers[-1].recorded.after
        return PostNormNetwork(layers, _head(classifier, trace.linears, pooled))


def _post_norm_layer(classifier: Classifier, layer: RecordedLayer) -> PostNormLayer:
    refuse = partial(refusal, classifier)
    linears, norms = layer.traced.linears, layer.traced.norms
    if len(norms) != 2 or layer.output is None:
        raise refuse("they don't have one LayerNorm behind each of two sums")
    values = next((each for each in linears if _makes_values(each, layer)), None)
    if values is None or len(layer.added.steps) > 1:
        raise refuse("more than a linear map of their states lies before or behind their heads")
    attended = layer.attended.value
    ups = [each for each in linears if near(each.input, attended)]
    added = norms[1].input - attended
    downs = [each for each in linears if near(each.output, added)]
    if len(ups) != 1 or len(downs) != 1 or ups[0].output.shape != downs[0].input.shape:
        raise refuse("their feed-forward part isn't two linear maps around an activation")
    (up,), (down,) = ups, downs
    return PostNormLayer(layer, values, norms[0], up, _slope(up, down), down, norms[1])


def _makes_values(linear: Linear, layer: RecordedLayer) -> bool:
    n_heads, n_tokens, size = layer.heads.values.shape
    if linear.output.shape != (n_tokens, n_heads * size):
        return False
    values = linear.output.view(n_tokens, n_heads, size).transpose(0, 1)
    return near(linear.input, layer.before) and torch.equal(values, layer.heads.values)


def _head(classifier: Classifier, linears: Sequence[Linear], pooled: Tensor) -> list[HeadStep]:
    """The linear maps from the pooled state to the logits."""
    lower = Linear(pooled[None], pooled, None, pooled[None])
    steps = []
    for linear in linears:
        if linear.input.shape != lower.output.shape:
            raise refusal(classifier, "their head does more than linear maps and activations")
        steps.append(HeadStep(_slope(lower, linear), linear))
        lower = linear
    return steps


def _slope(lower: Linear, upper: Linear) -> Tensor:
    """What lies between two linear maps, as a factor of each number; 0 where that is 0.  (R, I)"""
    zero = lower.output == 0
    return torch.where(zero, torch.zeros_like(lower.output), upper.input / lower.output)
