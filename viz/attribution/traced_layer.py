"""One call of a layer, as it is seen in a pass."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from viz.attribution.mixed_state import HeadOutputs, MixedState


@dataclass(slots=True)
class TracedLayer:
    """One call of a layer."""

    module: nn.Module
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    given: Tensor | None
    """The states it was given, as it was given them."""
    before: Tensor
    """The same.  (T, D)"""
    n_before: int
    """How many layers had been found when it began."""
    result: Tensor
    """The states it put out, as it did."""
    after: Tensor
    """The same.  (T, D)"""
    heads: list[HeadOutputs] = field(default_factory=list)
    """One for each product of weights and values."""
    projected: Tensor | None = None
    """What the output projection put out, as it did."""
    projection_bias: Tensor | None = None
    """What it adds.  (D,)"""
    values: Tensor | None = None
    """The values that weights were multiplied with, as they were."""
    added: MixedState | None = None
    """What the heads add to the residual."""
    attended: MixedState | None = None
    """What the rest of the layer takes up: residual and heads, normalized where the layer does."""
    output: MixedState | None = None
    """What it puts out, where that is still a sum over heads and keys."""


def given_states(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """The states that a layer is given: its first argument that holds numbers with fractions."""
    tensors = (value for value in (*args, *kwargs.values()) if isinstance(value, Tensor))
    return next((tensor for tensor in tensors if tensor.is_floating_point()), None)
