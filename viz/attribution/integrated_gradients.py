"""Integrated gradients: the class followed along a straight path from a text of hidden words.

Scores split the difference of the explained scalar F between the two ends of the path, up to the
error of the sum that stands for the integral.  That error is measured, and the number of steps
doubled until it is below 1 % of the difference.  Source: viz/attribution/README.md 2.12;
Sundararajan et al. 2017.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from viz.attribution.method import AttributionInput, Method, Option, Options, TokenScores
from viz.attribution.registry import register_method
from viz.attribution.requirements import gradients, require_gradient
from viz.errors import MethodError
from viz.model.batches import batch_size
from viz.model.classifier import Classifier
from viz.model.recording import Leaf, Recorder
from viz.types import Encoding

TOLERANCE = 0.01
"""Largest gap between the scores and the difference they split, relative to it."""
MIN_DIFFERENCE = 0.01
"""A difference that counts as none: gaps below `TOLERANCE` of it are rounding."""
MAX_STEPS = 400
"""Steps are doubled up to this many."""

MAX_ROWS = 8
"""Points of the path differentiated at once; more gain nothing on a CPU."""
MAX_TOKENS = 2048
"""Tokens differentiated at once, so that memory is bounded for long texts."""
PASSES_PER_POINT = 2.0
"""Cost of one point of the path, forward and backward, in plain forward passes."""


@dataclass(frozen=True, slots=True)
class Points:
    """Where on the path from 0 to 1 gradients are taken, and what each counts.  Both (n,)"""

    places: Tensor
    weights: Tensor

    def chunks(self, classifier: Classifier, n_tokens: int) -> Iterator["Points"]:
        """The points in batches whose gradients fit into memory."""
        rows = batch_size(classifier, n_tokens, rows=MAX_ROWS, tokens=MAX_TOKENS)
        for first in range(0, len(self.places), rows):
            some = slice(first, first + rows)
            yield Points(self.places[some], self.weights[some])


@dataclass(frozen=True, slots=True)
class Integral:
    """Scores that split the difference between the two ends of a path."""

    scores: Tensor
    n_steps: int
    start: float
    """F where the path begins."""
    gap: float
    """What the scores miss of the difference, relative to it."""

    @property
    def measured(self) -> dict[str, float]:
        """The steps taken and the completeness gap."""
        return {"n_steps": float(self.n_steps), "convergence_delta": self.gap}

    def notes(self, name: str) -> tuple[str, ...]:
        """A warning where the scores do not add up."""
        if self.gap < TOLERANCE:
            return ()
        return (
            f"{name} not converged: after {self.n_steps} steps the scores miss the difference "
            f"they split by {self.gap:.1%}; read them as rough.",
        )


def gauss_legendre(n_steps: int, like: Tensor) -> Points:
    """The points and weights that integrate polynomials of degree 2n - 1 exactly on (0, 1)."""
    places, weights = np.polynomial.legendre.leggauss(n_steps)
    return Points(like.new_tensor((places + 1) / 2), like.new_tensor(weights / 2))


def midpoints(n_steps: int, like: Tensor) -> Points:
    """(k - 1/2) / n for k = 1 to n, all of weight 1 / n."""
    places = (np.arange(n_steps) + 0.5) / n_steps
    return Points(like.new_tensor(places), like.new_full((n_steps,), 1 / n_steps))


def integrate(scores: Callable[[int], Tensor], n_steps: int, start: float, end: float) -> Integral:
    """Double the steps until the scores add up to `end - start`, or there are `MAX_STEPS`."""
    while True:
        found = scores(n_steps)
        missed = abs(float(found.double().sum()) - (end - start))
        gap = missed / max(abs(end - start), MIN_DIFFERENCE)
        if gap < TOLERANCE or n_steps >= MAX_STEPS:
            return Integral(found, n_steps, start, gap)
        n_steps = min(2 * n_steps, MAX_STEPS)


def repeated_logits(
    classifier: Classifier, encoding: Encoding, recorder: Recorder, n_rows: int
) -> Tensor:
    """The same text `n_rows` times, each row changed by the recorder.  (B, C)"""
    inputs = classifier.pad([encoding.inputs] * n_rows)
    return classifier.run(inputs, recorder)


class _Placed(Recorder):
    """Puts embeddings of our own in the place of those of the words.  (B, T, D)"""

    computes_weights = False

    def __init__(self, embeddings: Tensor) -> None:
        super().__init__("words")
        self.embeddings = embeddings

    def on_leaf(self, name: Leaf, output: Tensor) -> Tensor:
        """Positions and types are still added to what is returned."""
        if name != "words":
            return output
        self.leaf = self.embeddings
        return self.embeddings


def _integrated_gradients(task: AttributionInput) -> TokenScores:
    """IG_k = sum_d (x - x')_kd * mean over a of dF(x' + a (x - x')) / dx_kd.

    x are the word embeddings of the text, x' those of the baseline, in which every token but the
    special ones is hidden; positions and types are added to both.  The mean over a from 0 to 1 is
    taken by Gauss-Legendre.  The scores add up to F(x) - F(x').
    """
    words, baseline = _ends(task)
    start, end = _values_at(task, torch.stack([baseline, words]))

    def scores(n_steps: int) -> Tensor:
        mean = torch.zeros_like(words)
        for points in gauss_legendre(n_steps, words).chunks(task.classifier, len(words)):
            mean += _gradient_along(task, words, baseline, points)
        return ((words - baseline) * mean).sum(-1)

    found = integrate(scores, int(task.options["n_steps"]), start, end)
    return TokenScores(
        found.scores.cpu().numpy(),
        measured={**found.measured, "baseline_value": start},
        notes=found.notes("Integrated gradients have"),
    )


def _ends(task: AttributionInput) -> tuple[Tensor, Tensor]:
    """The word embeddings of the text and of the baseline.  Each (T, D)"""
    encoding, classifier = task.reading.encoding, task.classifier
    embed = classifier.model.get_input_embeddings()
    special = torch.tensor([t.special for t in encoding.tokens], device=classifier.device)
    with torch.no_grad():
        words: Tensor = embed(torch.tensor(encoding.inputs["input_ids"], device=classifier.device))
        hidden = torch.zeros_like(words[0])
        if task.options["baseline"] != "zero":
            token = _hiding_token(classifier, task.options["baseline"])
            hidden = embed(torch.tensor([token], device=classifier.device))[0]
    return words, torch.where(special[:, None], words, hidden)


def _hiding_token(classifier: Classifier, baseline: str) -> int:
    tokenizer = classifier.tokenizer
    token = tokenizer.mask_token_id if baseline == "mask" else tokenizer.pad_token_id
    if token is None:
        raise MethodError(
            f"The tokenizer of this checkpoint has no {baseline} token; choose the baseline zero."
        )
    return int(token)


def _values_at(task: AttributionInput, embeddings: Tensor) -> list[float]:
    """F at each row of word embeddings.  (B, T, D) -> B numbers"""
    recorder = _Placed(embeddings)
    with torch.no_grad():
        logits = repeated_logits(task.classifier, task.reading.encoding, recorder, len(embeddings))
    recorder.required_leaf()
    task.progress(len(embeddings))
    values: list[float] = task.target.value(logits).tolist()
    return values


def _gradient_along(
    task: AttributionInput, words: Tensor, baseline: Tensor, points: Points
) -> Tensor:
    """The weighted sum of the gradients at some points of the path.  (T, D)"""
    places = points.places[:, None, None]
    recorder = _Placed((baseline + places * (words - baseline)).requires_grad_())
    logits = repeated_logits(task.classifier, task.reading.encoding, recorder, len(places))
    value = (task.target.value(logits) * points.weights).sum()
    (slopes,) = gradients(task.classifier, value, [recorder.embeddings])
    task.progress(PASSES_PER_POINT * len(places))
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
            choices=("mask", "pad", "zero"),
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
)

register_method(INTEGRATED_GRADIENTS)
