"""A state of a layer as a sum over what its heads take from each token.

Behind the heads of a layer, and as long as nothing nonlinear but a normalization comes, a state is

    E[q] = s[q] (sum over heads and keys of A[h, q, k] u[h, k]) + residual[q] + bias[q] + rest[q],

u[h, k] = f(v[h, k] W_O[h]) the value of key k behind the output projection and the linear maps f
that followed, s[q] what normalizations multiplied the row of query q by, held at what it was for
this text.  Source: viz/attribution/README.md 1.4.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import torch
from torch import Tensor

Function = Callable[[Tensor], Tensor]
Term = Literal["residual", "bias", "rest"]
"""What is added to what the heads put out; the rest is what a feed-forward part adds."""


@dataclass(frozen=True, slots=True)
class HeadOutputs:
    """What enters the product of a layer's attention weights with its values."""

    weights: Tensor
    """(H, T, T)"""
    values: Tensor
    """The value vectors of each head, biases included.  (H, T, d)"""

    def outputs(self, queries: Tensor) -> Tensor:
        """What the heads put out for some queries.  (H, R, d)"""
        return self.weights[:, queries] @ self.values


class _Map(NamedTuple):
    """A linear map of each row."""

    function: Function


class _Scale(NamedTuple):
    """A number that each row is multiplied by."""

    factor: Tensor
    """(T, 1)"""


class _Sum(NamedTuple):
    term: Term
    added: Tensor
    """(T, D), or what is the same for all rows."""


@dataclass(frozen=True, slots=True)
class MixedState:
    """A state as a sum over what its heads take from each token."""

    value: Tensor
    """The state itself, as the model computed it.  (T, D)"""
    heads: HeadOutputs
    projection: Tensor
    """The output projection of each head.  (H, d, D)"""
    steps: tuple[_Map | _Scale | _Sum, ...] = ()
    """What followed the projection."""

    @property
    def has_residual(self) -> bool:
        """Whether the residual has been added."""
        return any(isinstance(step, _Sum) and step.term == "residual" for step in self.steps)

    def vectors(self) -> Tensor:
        """What a query takes from each key through each head, but for weight and scale.

        (H, T, D)
        """
        vectors = self.heads.values @ self.projection
        for step in self.steps:
            if isinstance(step, _Map):
                vectors = step.function(vectors)
        return vectors

    def weights(self, queries: Tensor) -> Tensor:
        """The weights of some queries, times their scale.  (H, R, T)"""
        weights = self.heads.weights[:, queries]
        for step in self.steps:
            if isinstance(step, _Scale):
                weights = weights * step.factor[queries]
        return weights

    def terms(self, queries: Tensor, *terms: Term) -> Tensor:
        """What some of the terms come to in the rows of some queries.  (R, D)"""
        return self._followed(torch.zeros_like(self.value[queries]), queries, terms)

    def rebuilt(self, queries: Tensor) -> Tensor:
        """The rows of some queries as the sum that they are said to be.  (R, D)"""
        heads = (self.heads.outputs(queries) @ self.projection).sum(0)
        return self._followed(heads, queries, ("residual", "bias", "rest"))

    def mapped(self, value: Tensor, function: Function) -> "MixedState":
        """The state behind a linear map of each row."""
        return replace(self, value=value, steps=(*self.steps, _Map(function)))

    def scaled(self, value: Tensor, factor: Tensor) -> "MixedState":
        """The state with each row multiplied by a number of its own, (T, 1)."""
        return replace(self, value=value, steps=(*self.steps, _Scale(factor)))

    def plus(self, value: Tensor, term: Term, added: Tensor) -> "MixedState":
        """The state with a term added: (T, D), or what is the same for all rows."""
        return replace(self, value=value, steps=(*self.steps, _Sum(term, added)))

    def _followed(self, start: Tensor, queries: Tensor, terms: tuple[Term, ...]) -> Tensor:
        rows = start
        for step in self.steps:
            if isinstance(step, _Map):
                rows = step.function(rows)
            elif isinstance(step, _Scale):
                rows = rows * step.factor[queries]
            elif step.term in terms:
                rows = rows + (step.added[queries] if step.added.dim() > 1 else step.added)
        return rows


def centered(vectors: Tensor) -> Tensor:
    """Vectors less their mean.  (..., D)"""
    return vectors - vectors.mean(-1, keepdim=True)
