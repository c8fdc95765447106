"""What was tried in the place of the default method, built on its parts.  Each takes two passes.

Source: viz/faithfulness/README.md 7.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType

import torch
from torch import Tensor

from finetune.checkpoint.arrays import FloatArray
from tests.benchmarks.order_study import WordScorer, by_method
from viz.attribution.decomposition_path import FullTextAttention, MaskingPath, PathRecorder
from viz.attribution.linear_pass import LinearPass
from viz.attribution.masking import against_all_target
from viz.attribution.method import AttributionInput
from viz.model.chunked_attention import AttentionCall
from viz.model.perturbation import Operator
from viz.model.recording import Recorder

DEFAULT = "decomposition-path"
HIGHEST_WEIGHT = 0.98
"""Of attention in the leave-one-out, which grows without a limit as a weight comes near 1."""
HIGHEST_LOG_RATIO = 20.0
"""By how much a mask token's score may exceed that of the word."""


class GradientPath(MaskingPath):
    """The default, with a part of attention's own gradient let through.

    Args:
        inputs: The text and the class.
        part: How much of it: 0 is the default, 1 all of it, which is AttnLRP's rule for attention.
    """

    def __init__(self, inputs: AttributionInput, part: float) -> None:
        super().__init__(inputs, full_text_attention=True)
        self.part = part

    def recorder(self, embeddings: Tensor) -> PathRecorder:
        """Weights as they are held, and a part of the gradient of what they would be."""
        return _GradientRecorder(embeddings, self.full_text_attention, self.part)

    def gradients(self, linear: LinearPass) -> Sequence[Tensor]:
        """Those of the scalar itself: with attention's gradient the parts do not add up."""
        scalar = against_all_target(self.inputs).value(linear.logits).sum()
        return torch.autograd.grad(scalar, list(linear.leaves))


class _GradientRecorder(PathRecorder):
    def __init__(
        self, embeddings: Tensor, full_text_attention: FullTextAttention | None, part: float
    ) -> None:
        super().__init__(embeddings, full_text_attention)
        self.part = part

    def on_weights(self, weights: Tensor) -> Tensor:
        return super().on_weights(weights) + self.part * (weights - weights.detach())


def with_gradient(inputs: AttributionInput, part: float, share: float = 0.25) -> FloatArray:
    """Word scores with so much of attention's gradient, and a share of each word kept.  (n,)"""
    return GradientPath(inputs, part).at(share)


class AttentionRecorder(Recorder):
    """Keeps what each layer's attention was called with, put out and weighed by."""

    def __init__(self) -> None:
        super().__init__("words")
        self.calls: list[AttentionCall] = []
        self.outputs: list[Tensor] = []
        self.weights_of_calls: list[Tensor] = []

    def on_attention(self, call: AttentionCall) -> Tensor:
        outputs, weights = call.attended()
        self.calls.append(call)
        self.outputs.append(outputs)
        self.weights_of_calls.append(weights)
        return outputs


def leave_one_out(inputs: AttributionInput, operator: Operator) -> FloatArray:
    """A first-order leave-one-out that is exact in the softmax, of all heads at once.  (n,)

    Without a key of weight A and value v an output z of a head would change by A / (1 - A) (z - v),
    as the other weights share what is free; masked, the key keeps the weight and the value that the
    mask token has in the text of masks alone.
    """
    classifier, encoding = inputs.classifier, inputs.reading.encoding
    whole = AttentionRecorder()
    logits = classifier.run(classifier.pad([encoding.inputs]), whole)
    scalar = against_all_target(inputs).value(logits).sum()
    slopes = torch.autograd.grad(scalar, whole.outputs)
    masked = AttentionRecorder()
    if operator == "mask":
        ids = encoding.inputs["input_ids"].copy()
        for word in inputs.perturbation.words:
            ids[list(word.tokens)] = classifier.tokenizer.mask_token_id
        with torch.no_grad():
            classifier.run(classifier.pad([{**encoding.inputs, "input_ids": ids}]), masked)
    total = torch.zeros(encoding.n_tokens)
    for layer, slope in enumerate(slopes):
        lost = lost_without_keys(whole, masked, layer, slope)
        total += (lost * (1 - torch.eye(lost.shape[-1]))).sum((0, 1))
    return inputs.perturbation.to_words(total.double().numpy())


@torch.no_grad()
def lost_without_keys(
    whole: AttentionRecorder, masked: AttentionRecorder, layer: int, slope: Tensor
) -> Tensor:
    """What the scalar loses, to first order, without each key.  (H, Q, K)"""
    call = whole.calls[layer]
    outputs, slope = whole.outputs[layer][0].transpose(0, 1), slope[0].transpose(0, 1)
    weights = whole.weights_of_calls[layer][0].clamp(max=HIGHEST_WEIGHT)
    by_value = torch.einsum("hkd,hqd->hqk", call.value[0], slope)
    by_output = (outputs * slope).sum(-1)[..., None]
    if not masked.calls:
        without: Tensor = weights / (1 - weights) * (by_value - by_output)
        return without
    query, scale = call.query[0], call.query.shape[-1] ** 0.5
    key, value = masked.calls[layer].key[0], masked.calls[layer].value[0]
    ratio = (query @ (key - call.key[0]).transpose(-1, -2) / scale).clamp(max=HIGHEST_LOG_RATIO)
    of_mask = weights * ratio.exp()
    by_mask = torch.einsum("hkd,hqd->hqk", value, slope)
    kept = by_output - weights * by_value + of_mask * by_mask
    hidden: Tensor = by_output - kept / (1 - weights + of_mask)
    return hidden


CANDIDATES: Mapping[str, WordScorer] = MappingProxyType(
    {
        DEFAULT: by_method(DEFAULT),
        "the decomposition of the whole text": by_method("decomposition"),
        "a quarter of attention's own gradient let through": partial(with_gradient, part=0.25),
        "half of it": partial(with_gradient, part=0.5),
        "a quarter of it, with 20% of each word kept": partial(with_gradient, part=0.25, share=0.2),
    }
)
"""The default, and what takes as many passes."""
CHOICES = (DEFAULT, *tuple(CANDIDATES)[2:])
"""What is chosen from per checkpoint: the default and those with attention's gradient."""
LEAVE_ONE_OUT: Mapping[str, WordScorer] = MappingProxyType(
    {
        f"leave-one-out that is exact in the softmax, {operator}": partial(
            leave_one_out, operator=operator
        )
        for operator in ("delete", "mask")
    }
)
