"""The default attribution: the network, made linear at this text, split exactly over its tokens.

Attention weights and the scale of each LayerNorm are held at the values they take for this text,
and each activation is written as its input times a fixed slope.  The logits do not change, but
they are now linear in the first layer's input and in the biases, so that

    explained scalar = sum over tokens <input, gradient> + sum over biases <bias, gradient>

holds exactly.  Source: attribution.md 1.5; equal to DecompX (Modarressi et al. 2023) without bias
and to layer-wise relevance propagation with frozen attention (Ali et al. 2022).
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor
from torch.overrides import TorchFunctionMode

from viz.attribution.method import Method, Split, Task
from viz.classifier import Classifier
from viz.errors import MethodError
from viz.recording import Recorder, zero_origin
from viz.types import Reading

TOLERANCE = 1e-4
"""Largest gap between parts and whole, relative to the parts, before we refuse to show it."""


class Linearised(TorchFunctionMode):
    """Runs torch's non-linear functions as linear ones that give the same values.

    The mode holds for the current thread only.  Each bias that is added becomes a leaf of its
    own, so that its share can be read off without touching the shared parameters.
    """

    def __init__(self) -> None:
        super().__init__()
        self.biases: list[Tensor] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Replace the functions that are not linear, pass on all others."""
        kwargs = kwargs or {}
        if func is F.linear:
            return self._linear(*args, **kwargs)
        if func is F.layer_norm:
            return self._layer_norm(*args, **kwargs)
        if func in _ACTIVATIONS:
            return zero_origin(args[0], func(*args, **kwargs))
        return func(*args, **kwargs)

    def _leaf(self, bias: Tensor) -> Tensor:
        self.biases.append(bias.detach().requires_grad_())
        return self.biases[-1]

    def _linear(self, value: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return F.linear(value, weight, None if bias is None else self._leaf(bias))

    def _layer_norm(
        self,
        value: Tensor,
        shape: list[int],
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
    ) -> Tensor:
        dims = tuple(range(-len(shape), 0))
        centred = value - value.mean(dims, keepdim=True)
        scale = (centred.square().mean(dims, keepdim=True) + eps).rsqrt().detach()
        scaled = centred * scale if weight is None else centred * scale * weight
        return scaled if bias is None else scaled + self._leaf(bias)


_ACTIVATIONS = frozenset({F.gelu, F.silu, F.tanh, torch.tanh, torch.Tensor.tanh})


def linear_logits(
    classifier: Classifier, reading: Reading, recorder: Recorder
) -> tuple[Tensor, list[Tensor]]:
    """The logits of a reading, linear in the recorder's leaf and in every bias that was added.

    Raises:
        MethodError: where the architecture's attention can't be held fixed.
    """
    check_linear(classifier)
    linear = Linearised()
    with linear:
        logits = classifier.forward(reading.encoding, recorder)
    return logits, linear.biases


def check_linear(classifier: Classifier) -> None:
    """Refuse an architecture whose attention can't be held fixed."""
    if not classifier.records:
        raise MethodError(_unavailable(classifier))


def _decomposition(task: Task) -> Split:
    classifier = task.classifier
    recorder = Recorder("input", freeze=True)
    logits, biases = linear_logits(classifier, task.reading, recorder)
    value = task.target.of(logits)
    source = recorder.differentiated()
    gradients = torch.autograd.grad(value, [source, *biases], allow_unused=True)
    if gradients[0] is None:
        raise MethodError(_unavailable(classifier))
    scores = (source * gradients[0])[0].detach().double().sum(-1)
    bias = _inner_products(biases, gradients[1:])
    _check_complete(classifier, scores, bias, value.item())
    return Split(scores.to(source.dtype).cpu().numpy(), bias)


def _inner_products(tensors: list[Tensor], gradients: Iterable[Tensor | None]) -> float:
    pairs = zip(tensors, gradients, strict=True)
    # Summed in double precision: hundreds of terms cancel.
    return sum(
        (tensor.detach() * gradient).double().sum().item()
        for tensor, gradient in pairs
        if gradient is not None
    )


def _check_complete(classifier: Classifier, scores: Tensor, bias: float, value: float) -> None:
    gap = abs(float(scores.sum()) + bias - value)
    if not gap <= TOLERANCE * (float(scores.abs().sum()) + abs(bias) + abs(value)):
        raise MethodError(_unavailable(classifier))


def _unavailable(classifier: Classifier) -> str:
    return (
        f"The decomposition does not add up for the architecture {classifier.architecture}; "
        "it is made for BERT, RoBERTa, ELECTRA and DistilBERT layouts: choose another method."
    )


DECOMPOSITION = Method(
    name="decomposition",
    label="Decomposition",
    signed=True,
    cost=1.8,
    description="Split exactly into tokens and bias, attention and normalisation held fixed.",
    reference="Modarressi et al. 2023 (DecompX); Ali et al. 2022",
    run=_decomposition,
)
