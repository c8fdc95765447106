"""Integrated gradients: the class followed along a straight path from a text of hidden words.

The error of the sum that stands for the integral is measured, and the number of steps doubled until
it is below 1% of what the scores split.  Source: viz/attribution/README.md 2.12;
Sundararajan et al. 2017.
"""

import torch
from torch import Tensor

from viz.attribution.embedding_path import (
    PlacedEmbeddings,
    path_ends,
    repeated_logits,
)
from viz.attribution.masking import lacks_token
from viz.attribution.method import AttributionInput, Method, Option, Options, TokenScores
from viz.attribution.path_integral import MAX_STEPS, Points, gauss_legendre, integrate
from viz.attribution.registry import register_method
from viz.attribution.requirements import gradients, require_gradient
from viz.errors import MethodError


class _PlainEmbeddings(PlacedEmbeddings):
    """Placed embeddings of a pass whose attention weights nobody needs."""

    computes_weights = False


def _integrated_gradients(inputs: AttributionInput) -> TokenScores:
    """IG_k = sum_d (x - x')_kd * mean over a of dF(x' + a (x - x')) / dx_kd.

    x are the word embeddings of the text, x' those of the baseline, in which every token but the
    special ones is hidden; positions and types are added to both.  The mean over a from 0 to 1 is
    taken by Gauss-Legendre.  The scores add up to F(x) - F(x').
    """
    words, baseline = path_ends(inputs, _baseline_token(inputs))
    start, end = _values_at(inputs, torch.stack([baseline, words]))

    def scores(n_steps: int) -> Tensor:
        mean = torch.zeros_like(words)
        for points in gauss_legendre(n_steps, words).batches(inputs):
            mean += _gradient_along(inputs, words, baseline, points)
        return ((words - baseline) * mean).sum(-1)

    integral = integrate(scores, int(inputs.options["n_steps"]), start, end)
    return TokenScores(
        integral.scores.cpu().numpy(),
        measured={**integral.measured, "baseline_value": start},
        notes=integral.notes("Integrated gradients have"),
    )


def _baseline_token(inputs: AttributionInput) -> int | None:
    """The token that stands for each hidden one; None for zeros."""
    baseline, tokenizer = inputs.options["baseline"], inputs.classifier.tokenizer
    if baseline == "zero":
        return None
    token = tokenizer.mask_token_id if baseline == "mask" else tokenizer.pad_token_id
    if token is None:
        raise MethodError(
            f"The tokenizer of this checkpoint has no {baseline} token; choose the baseline zero."
        )
    return int(token)


def _values_at(inputs: AttributionInput, embeddings: Tensor) -> list[float]:
    """F at each row of word embeddings.  (B, T, D) -> B numbers"""
    recorder = _PlainEmbeddings(embeddings)
    with torch.no_grad():
        logits = repeated_logits(inputs, recorder, len(embeddings))
    recorder.required_leaf()
    inputs.progress(len(embeddings))
    values: list[float] = inputs.target.value(logits).tolist()
    return values


def _gradient_along(
    inputs: AttributionInput, words: Tensor, baseline: Tensor, points: Points
) -> Tensor:
    """The weighted sum of the gradients at some points of the path.  (T, D)"""
    places = points.places[:, None, None]
    recorder = _PlainEmbeddings((baseline + places * (words - baseline)).requires_grad_())
    logits = repeated_logits(inputs, recorder, len(places))
    value = (inputs.target.value(logits) * points.weights).sum()
    (slopes,) = gradients(inputs.classifier, value, [recorder.embeddings])
    inputs.differentiated(len(places))
    return slopes.sum(0)


def _forward_passes(n_words: int, n_layers: int, options: Options) -> float:
    """With the doublings that one text in five needs: 142 passes were measured for 50 steps."""
    return 3.0 * int(options["n_steps"])


INTEGRATED_GRADIENTS = Method(
    name="integrated-gradients",
    label="Integrated gradients",
    signed=True,
    cost=150,
    description="Gradients added up on the way from a text of hidden words to this one.",
    reference="Sundararajan et al. 2017",
    score=_integrated_gradients,
    requirements=(require_gradient,),
    options=(
        Option(
            "baseline",
            "Baseline",
            "mask",
            "What stands in the place of every word where the way begins.",
            choices=("mask", "zero", "pad"),
            lacks=lacks_token,
        ),
        Option(
            "n_steps",
            "Steps",
            50,
            f"Points on the way; doubled up to {MAX_STEPS} until the scores add up.",
            minimum=10,
            maximum=MAX_STEPS,
        ),
    ),
    estimated_forward_passes=_forward_passes,
    operator="mask",
    hides_embeddings=True,
)

register_method(INTEGRATED_GRADIENTS)
