"""The network made linear at one text, and the proof that it is.

Attention weights and the scale of each LayerNorm are held at the values they take for this text,
and each activation is written as its input times a fixed slope.  Where nothing else of a network is
nonlinear the logits do not change, and what is differentiated adds up at every height:

    sum over tokens <state, gradient> + sum over biases added above <bias, gradient> = scalar

for the input of the first layer and for the output of each layer.  A gate, a normalization or a
softmax that isn't held breaks this, at one height or at all; then nothing is shown. Source:
viz/attribution/README.md 1.3.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor
from torch.overrides import TorchFunctionMode

from finetune.checkpoint.arrays import FloatArray
from viz.errors import MethodError
from viz.model.classifier import Classifier
from viz.model.recording import GraphCut, Recorder, linearized_activation
from viz.types import Inputs

TOLERANCE = 1e-4
"""Largest gap between parts and whole, relative to the parts, before we refuse to show them."""


class LinearizedFunctions(TorchFunctionMode):
    """Runs torch's non-linear functions as linear ones that give the same values.

    The mode holds for the current thread only.  Each constant that is added becomes a leaf of its
    own, so that its share can be read off without touching the shared parameters.

    Args:
        biases: Where these leaves go, in the order in which they are added.
    """

    def __init__(self, biases: list[Tensor] | None = None) -> None:
        super().__init__()
        self.biases: list[Tensor] = [] if biases is None else biases

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
            return linearized_activation(args[0], func(*args, **kwargs))
        if func in _SUMS:
            return func(*self._terms(args), **kwargs)
        return func(*args, **kwargs)

    def _leaf(self, bias: Tensor) -> Tensor:
        self.biases.append(bias.detach().requires_grad_())
        return self.biases[-1]

    def _terms(self, terms: tuple[Any, ...]) -> tuple[Any, ...]:
        """The terms of a sum; a constant beside one that depends on the text is a bias."""
        depends = [isinstance(term, Tensor) and term.requires_grad for term in terms[:2]]
        if depends.count(True) != 1 or not isinstance(constant := terms[not depends[1]], Tensor):
            return terms
        leaf = self._leaf(constant) if constant.is_floating_point() else constant
        return (leaf, *terms[1:]) if depends[1] else (terms[0], leaf, *terms[2:])

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
        centered = value - value.mean(dims, keepdim=True)
        scale = (centered.square().mean(dims, keepdim=True) + eps).rsqrt().detach()
        scaled = centered * scale if weight is None else centered * scale * weight
        return scaled if bias is None else scaled + self._leaf(bias)


_ACTIVATIONS = frozenset({F.gelu, F.silu, F.tanh, torch.tanh, torch.Tensor.tanh})
_SUMS = frozenset(
    {
        *(torch.add, torch.Tensor.add, torch.Tensor.__add__, torch.Tensor.__radd__),
        *(torch.sub, torch.Tensor.sub, torch.Tensor.__sub__),
    }
)


@dataclass(frozen=True, slots=True)
class LinearPass:
    """One pass of the network made linear, which can be split over whatever it is linear in."""

    classifier: Classifier
    logits: Tensor
    """(B, C)"""
    leaf: Tensor
    """The input of the first layer.  (B, T, D)"""
    biases: Sequence[Tensor]
    cuts: Sequence[GraphCut]

    def split_gradients(self, scalar: Callable[[Tensor], Tensor], *of: Tensor) -> "SplitGradients":
        """Differentiate a scalar of each row's logits, and prove that its parts add up.

        Args:
            scalar: From logits (B, C) to (B,).  Where it isn't linear, its own slope at these
                logits is what is split.
            of: What else to differentiate by.

        Raises:
            MethodError: if the parts don't add up, so that the pass was not linear.
        """
        top = self.logits.detach().requires_grad_()
        (outer,) = torch.autograd.grad(scalar(top).sum(), top)
        states = [cut.state for cut in self.cuts]
        gradients = iter(
            torch.autograd.grad(
                self.logits,
                [self.leaf, *states, *self.biases, *of],
                grad_outputs=outer,
                allow_unused=True,
            )
        )
        at_cuts = list(islice(gradients, 1 + len(states)))
        at_biases = islice(gradients, len(self.biases))
        shares = [_product(bias, slope) for bias, slope in zip(self.biases, at_biases, strict=True)]
        value = _product(outer, self.logits)
        cuts = [GraphCut(self.leaf, 0), *self.cuts]
        for (state, n_biases), gradient in zip(cuts, at_cuts, strict=True):
            self._check_complete(_products(state, gradient), shares[n_biases:], value)
        leaf = torch.zeros_like(self.leaf) if at_cuts[0] is None else at_cuts[0]
        others = [
            torch.zeros_like(tensor) if gradient is None else gradient
            for tensor, gradient in zip(of, gradients, strict=True)
        ]
        return SplitGradients(leaf, sum(shares), others)

    def _check_complete(self, tokens: Tensor, biases: Sequence[float], value: float) -> None:
        parts = float(tokens.sum()) + sum(biases)
        size = float(tokens.abs().sum()) + abs(sum(biases)) + abs(value)
        if not abs(parts - value) <= TOLERANCE * size:
            raise MethodError(unavailable(self.classifier))


@dataclass(frozen=True, slots=True)
class SplitGradients:
    """The gradients of a scalar in a pass whose parts were seen to add up."""

    leaf: Tensor
    """(B, T, D)"""
    bias: float
    """What all biases say together, over all rows."""
    others: Sequence[Tensor]
    """In what else was asked for; 0 where it has no say."""


def linear_pass(
    classifier: Classifier,
    rows: Sequence[Inputs],
    recorder: Recorder,
    expected: FloatArray | None = None,
) -> LinearPass:
    """Run the network made linear.

    Args:
        classifier: Whose network.
        rows: The inputs of each row; all of one length.
        recorder: Holds attention, and begins at the input of the first layer.
        expected: The logits that the network gives as it is; NaN where nobody knows.  (B, C)

    Raises:
        MethodError: if attention can't be held, or the logits are other ones.
    """
    require_frozen_attention(classifier)
    with LinearizedFunctions(recorder.biases):
        logits = classifier.run(classifier.pad(rows), recorder)
    if expected is not None and not _near(logits.detach().cpu().numpy(), expected):
        raise MethodError(unavailable(classifier))
    if recorder.leaf is None:
        raise MethodError(unavailable(classifier))
    return LinearPass(classifier, logits, recorder.leaf, recorder.biases, recorder.cuts)


def _near(logits: FloatArray, expected: FloatArray) -> bool:
    known = ~np.isnan(expected)
    gap = np.abs(logits - expected).max(where=known, initial=0)
    return bool(gap <= TOLERANCE * np.abs(expected).max(where=known, initial=1))


def require_frozen_attention(classifier: Classifier) -> None:
    """Refuse an architecture whose attention can't be held fixed."""
    if not classifier.records:
        raise MethodError(unavailable(classifier))


def require_linear(classifier: Classifier) -> None:
    """Refuse an architecture whose network isn't made linear: tried on a few tokens.

    Raises:
        MethodError: as `linear_pass` and `split_gradients`.
    """
    recorder = Recorder("input", freeze=True)
    linear = linear_pass(classifier, [classifier.encoder.probe().inputs], recorder)
    linear.split_gradients(lambda logits: logits @ torch.linspace(1, 2, logits.shape[1]).to(logits))


def unavailable(classifier: Classifier) -> str:
    """Why what needs a linear network can't be shown."""
    return (
        f"The decomposition does not add up for the architecture {classifier.architecture}, "
        "which does more than CLSight can hold fixed; choose another method."
    )


def _products(tensor: Tensor, slope: Tensor | None) -> Tensor:
    """<tensor, slope> of each position, in double precision: hundreds of terms cancel."""
    if slope is None:
        return torch.zeros(1, dtype=torch.float64)
    return (tensor.detach() * slope).double().sum(-1)


def _product(tensor: Tensor, slope: Tensor | None) -> float:
    return float(_products(tensor, slope).detach().sum())
