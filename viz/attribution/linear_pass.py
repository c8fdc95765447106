"""The network made linear at one text, and the proof that it is.

Attention weights and the scale of each normalization are held at the values they take for this
text, and each activation is written as its input times a fixed slope (`viz.model.linearized`).
Where nothing else of a network is nonlinear the logits do not change, and what is differentiated
adds up at every height:

    sum over tokens <state, gradient> + sum over biases added above <bias, gradient> = scalar

for the input of the first layer and for the output of each layer that hands all it knows to the
next.  A normalization or a function that isn't held breaks this, at one height or at all; then
nothing is shown.  Source: viz/attribution/README.md 1.3.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from finetune.checkpoint.arrays import FloatArray
from viz.errors import MethodError
from viz.model.classifier import FORWARD_ERRORS, Classifier
from viz.model.recording import GraphCut, Recorder
from viz.types import Inputs

TOLERANCE = 1e-4
"""Largest gap between parts and whole, relative to the parts, before we refuse to show them."""


@dataclass(frozen=True, slots=True)
class LinearPass:
    """One pass of the network made linear, which can be split over whatever it is linear in."""

    classifier: Classifier
    logits: Tensor
    """(B, C), or another outcome of the pass that is to be split in their place, as the states that
    classes are read from (B, D)."""
    leaves: Sequence[Tensor]
    """The input of the first layer, and that of a decoder's where there is one.  Each (B, T, D)"""
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
        sources = [*self.leaves, *(cut.state for cut in self.cuts), *self.biases, *of]
        try:
            slopes = torch.autograd.grad(
                self.logits, sources, grad_outputs=outer, allow_unused=True
            )
        except FORWARD_ERRORS as error:  # the architecture's own code cuts the graph, or fails
            raise MethodError(unavailable(self.classifier)) from error
        gradients = iter(slopes)
        at_leaves = [
            torch.zeros_like(leaf) if gradient is None else gradient
            for leaf, gradient in zip(self.leaves, gradients, strict=False)
        ]
        at_cuts = list(islice(gradients, len(self.cuts)))
        at_biases = islice(gradients, len(self.biases))
        shares = [_product(bias, slope) for bias, slope in zip(self.biases, at_biases, strict=True)]
        value = _product(outer, self.logits)
        tokens = self.token_shares(self.leaves, at_leaves)
        beside = self._beside(at_leaves)
        self._check_complete(tokens, [*shares, beside], value)
        for (state, n_biases), gradient in zip(self.cuts, at_cuts, strict=True):
            decoder = sum(map(_product, self.leaves[1:], at_leaves[1:]))
            self._check_complete(_products(state, gradient), [*shares[n_biases:], decoder], value)
        others = [
            torch.zeros_like(tensor) if gradient is None else gradient
            for tensor, gradient in zip(of, gradients, strict=True)
        ]
        return SplitGradients(at_leaves, sum(shares) + beside, others)

    def split_rows(self, contrasts: Tensor, *, maps: Sequence[Tensor] = ()) -> "RowShares":
        """Split a contrast of the logits of each row over its tokens.

        The biases are shared by all rows, so that parts are proved to add up over the batch; each
        row then holds as bias what its tokens leave of its value.  Rows count differently in that
        proof, so that gaps of opposite signs can't cancel.

        Args:
            contrasts: What the logits of each row are weighted with.  (B, C)
            maps: The attention weights of layers, to be split over heads too.  Each (B, H, Q, K)

        Raises:
            MethodError: if the parts don't add up, so that the pass was not linear.
        """
        n_rows = len(contrasts)
        counts = torch.linspace(1, 2, n_rows).to(contrasts) if n_rows > 1 else contrasts.new_ones(1)
        weights = contrasts * counts[:, None]
        slopes = self.split_gradients(lambda logits: (logits * weights).sum(-1), *maps)
        counts = counts.double()
        values = (self.logits.detach() * contrasts).double().sum(-1)
        tokens = self.token_shares(self.leaves, slopes.leaves) / counts[:, None]
        heads = [
            (weights.detach() * slope).double().sum((-2, -1)) / counts[:, None]
            for weights, slope in zip(maps, slopes.others, strict=True)
        ]
        return RowShares(values, tokens, values - tokens.sum(-1), heads)

    @staticmethod
    def token_shares(states: Sequence[Tensor], gradients: Sequence[Tensor]) -> Tensor:
        """<state, gradient> of each token, what a decoder was given of it included.  (B, T)"""
        shares = _products(states[0], gradients[0])
        for state, gradient in zip(states[1:], gradients[1:], strict=True):
            shares[:, :-1] += _products(state, gradient)[:, 1:]
        return shares

    def _beside(self, gradients: Sequence[Tensor]) -> float:
        """The share of the sign with which a decoder begins, which stands for no token."""
        pairs = zip(self.leaves[1:], gradients[1:], strict=True)
        return sum(float(_products(leaf, slope)[:, 0].sum()) for leaf, slope in pairs)

    def _check_complete(self, tokens: Tensor, biases: Sequence[float], value: float) -> None:
        parts = float(tokens.sum()) + sum(biases)
        size = float(tokens.abs().sum()) + abs(sum(biases)) + abs(value)
        size /= len(self.logits)  # a gap in one row of many is not to be hidden by the others
        if not abs(parts - value) <= TOLERANCE * size:
            raise MethodError(unavailable(self.classifier))


@dataclass(frozen=True, slots=True)
class SplitGradients:
    """The gradients of a scalar in a pass whose parts were seen to add up."""

    leaves: Sequence[Tensor]
    """Each (B, T, D)"""
    bias: float
    """What all biases say together, over all rows."""
    others: Sequence[Tensor]
    """In what else was asked for; 0 where it has no say."""


@dataclass(frozen=True, slots=True)
class RowShares:
    """What a scalar of each row is made of; tokens and bias add up to the value."""

    values: Tensor
    """(B,)"""
    tokens: Tensor
    """(B, T)"""
    bias: Tensor
    """(B,)"""
    heads: Sequence[Tensor]
    """What passes through the attention of each head, by layer.  Each (B, H)"""


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
        MethodError: if the logits are other ones.
    """
    logits = classifier.run(classifier.pad(rows), recorder)
    if expected is not None and not _near(logits.detach().cpu().numpy(), expected):
        raise MethodError(unavailable(classifier))
    n_tokens = len(rows[0]["input_ids"])
    if recorder.leaf is None or recorder.leaf.shape[1] != n_tokens:  # as in Perceiver, CANINE
        raise MethodError(unavailable(classifier))
    leaves = [each for each in (recorder.leaf, recorder.decoder_leaf) if each is not None]
    return LinearPass(classifier, logits, leaves, recorder.biases, recorder.cuts)


def _near(logits: FloatArray, expected: FloatArray) -> bool:
    known = ~np.isnan(expected)
    gap = np.abs(logits - expected).max(where=known, initial=0)
    return bool(gap <= TOLERANCE * np.abs(expected).max(where=known, initial=1))


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
