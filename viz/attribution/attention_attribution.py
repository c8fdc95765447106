"""Attention attribution: the class followed while the attention of one layer grows from nothing.

Source: viz/attribution/README.md 2.13; Hao et al. 2021; the original explains the probability, this
one the scalar F.
"""

import torch
from torch import Tensor

from viz.attribution.embedding_path import repeated_logits
from viz.attribution.method import (
    PASSES_PER_POINT,
    AttributionInput,
    Method,
    Option,
    Options,
    TokenScores,
)
from viz.attribution.path_integral import MAX_STEPS, Points, integrate, midpoints
from viz.attribution.registry import register_method
from viz.attribution.requirements import gradients, require_attention
from viz.errors import MethodError
from viz.model.recording import Recorder


class _Scaled(Recorder):
    """Multiplies the attention weights of one layer by a factor of each row.

    Args:
        layer: Index of the layer.
        factors: (B,)
    """

    def __init__(self, layer: int, factors: Tensor) -> None:
        super().__init__()
        self.layer = layer
        self.factors = factors
        self.whole: Tensor | None = None
        """The layer's weights as they are for the text.  (H, Q, K)"""
        self.scaled: Tensor | None = None
        """What the layer went on with.  (B, H, Q, K)"""
        self._seen = 0

    def on_weights(self, weights: Tensor) -> Tensor:
        """Weights of other layers are passed on and not kept: they would fill the memory."""
        self._seen += 1
        if self._seen != self.layer + 1:
            return weights
        self.whole = weights[0].detach()
        self.scaled = self.whole * self.factors[:, None, None, None]
        self.scaled.requires_grad_()
        return self.scaled


def _attention_attribution(inputs: AttributionInput) -> TokenScores:
    """Attr = A * mean over a of dF(a A) / dA, A the weights of all heads of one layer.

    a = (k - 1/2) / m; the layers above are recomputed from the scaled weights.  A token's score
    is what its column holds, added over heads and queries.  In the last layer only the row of the
    deciding token has a gradient, so there it is that row, added over heads.  The scores add up to
    F(A) - F(0).
    """
    layer = _layer(inputs)
    like = torch.zeros(0, dtype=inputs.classifier.model.dtype, device=inputs.classifier.device)
    start, end = _values_scaled(inputs, layer, like.new_tensor([0.0, 1.0]))

    def scores(n_steps: int) -> Tensor:
        total = like.new_zeros(inputs.reading.encoding.n_tokens)
        for points in midpoints(n_steps, like).batches(inputs):
            total += _attribution_along(inputs, layer, points)
        return total

    integral = integrate(scores, int(inputs.options["n_steps"]), start, end)
    return TokenScores(
        integral.scores.cpu().numpy(),
        measured=integral.measured,
        notes=integral.notes("Attention attribution has"),
    )


def _layer(inputs: AttributionInput) -> int:
    """The layer chosen, counted from 0."""
    classifier, layer = inputs.classifier, int(inputs.options["layer"])
    if layer >= classifier.n_layers:
        raise MethodError(
            f"Layer {layer} does not exist; the layers are 0 to {classifier.n_layers - 1}, "
            "and -1 is the last."
        )
    return layer if layer >= 0 else classifier.n_layers - 1


def _values_scaled(inputs: AttributionInput, layer: int, factors: Tensor) -> list[float]:
    """F where the layer's weights are multiplied by each factor.  (B,) -> B numbers"""
    recorder = _Scaled(layer, factors)
    with torch.no_grad():
        logits = repeated_logits(inputs, recorder, len(factors))
    inputs.progress(len(factors))
    values: list[float] = inputs.target.value(logits).tolist()
    return values


def _attribution_along(inputs: AttributionInput, layer: int, points: Points) -> Tensor:
    """What some points of the path add to each token's score.  (T,)"""
    recorder = _Scaled(layer, points.places)
    logits = repeated_logits(inputs, recorder, len(points.places))
    if recorder.whole is None or recorder.scaled is None:
        raise MethodError(f"Layer {layer} of this checkpoint does not attend; choose another.")
    value = (inputs.target.value(logits) * points.weights).sum()
    (slopes,) = gradients(inputs.classifier, value, [recorder.scaled])
    inputs.differentiated(len(points.places))
    scores = (recorder.whole * slopes.sum(0)).sum((0, 1))
    return scores[: inputs.reading.encoding.n_tokens]  # a sink is not a token


def _forward_passes(n_words: int, n_layers: int, options: Options) -> float:
    return PASSES_PER_POINT * int(options["n_steps"]) + 2


ATTENTION_ATTRIBUTION = Method(
    name="attattr",
    label="Attention attribution",
    signed=True,
    cost=42,
    description="Gradients added up while the attention of one layer grows from nothing.",
    reference="Hao et al. 2021",
    score=_attention_attribution,
    whole_maps=True,
    requirements=(require_attention,),
    options=(
        Option(
            "layer",
            "Layer",
            -1,
            "The layer whose heads are scaled, counted from 0; -1 is the last.",
            minimum=-1,
        ),
        Option(
            "n_steps",
            "Steps",
            20,
            f"Points on the way; doubled up to {MAX_STEPS} until the scores add up.",
            minimum=1,
            maximum=MAX_STEPS,
        ),
    ),
    estimated_forward_passes=_forward_passes,
)

register_method(ATTENTION_ATTRIBUTION)
