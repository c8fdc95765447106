"""How products of a layer are written: weights with values, and heads with their projection.

Models write the same product as `matmul`, `bmm`, `linear`, `addmm` or `einsum`, with the axes in an
order of their own.  Here each is brought into one: (H, T, T), (H, T, d) and (I, O).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from viz.attribution.mixed_state import HeadOutputs


class Linear(NamedTuple):
    """A linear map as it was applied."""

    input: Tensor
    """(R, I)"""
    weight: Tensor
    """(I, O)"""
    bias: Tensor | None
    output: Tensor
    """(R, O)"""


def rows(states: Tensor) -> Tensor:
    """The states of one text, one row for each token.  (1, T, D), (T, 1, D) or (T, D) -> (T, D)"""
    return states.reshape(-1, states.shape[-1])


def weighted_values(
    name: str, args: tuple[Any, ...], output: Tensor
) -> tuple[HeadOutputs, Tensor] | None:
    """The factors of weights with values, and which entry of (H, T, d) each of `output` is.

    None where it isn't such a product of one text.
    """
    places = torch.arange(output.numel(), device=output.device)
    if name == "einsum":
        return _weighted_by_einsum(args, output, places)
    weights, values = args[0], args[1]
    if weights.dim() not in (3, 4) or values.dim() < 3 or (weights.dim() == 4 and len(weights) > 1):
        return None
    values = values.expand(*weights.shape[:-2], *values.shape[-2:])
    heads = HeadOutputs(
        weights.reshape(-1, *weights.shape[-2:]), values.reshape(-1, *values.shape[-2:])
    )
    return heads, places.view(output.shape)


def _weighted_by_einsum(
    args: tuple[Any, ...], output: Tensor, places: Tensor
) -> tuple[HeadOutputs, Tensor] | None:
    terms = _einsum_terms(args)
    if terms is None:
        return None
    weights, values, (a, b, c) = terms
    shared, own = [axis for axis in b if axis in a], [axis for axis in b if axis not in a]
    if len(a) != 4 or len(own) != 1 or len(weights) != 1:
        return None
    batch, head, query, key = tuple(a)
    size = own[0]
    if set(shared) != {batch, head, key} or set(c) != {batch, head, query, size}:
        return None
    by_head = torch.einsum(f"{b}->{batch}{head}{key}{size}", values)
    order = (batch, head, query, size)
    arranged = places.view([output.shape[c.index(axis)] for axis in order])
    return HeadOutputs(weights[0], by_head[0]), arranged.permute([order.index(axis) for axis in c])


def linear_map(
    name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], value: Tensor, output: Tensor
) -> Linear | None:
    """A product of `value` with a matrix that doesn't depend on the text; None where it isn't one.

    Args:
        name: Of the function of torch.
        args: As it was called.
        kwargs: As it was called.
        value: What stands in the place of the operand that depends on the text, in its shape.
        output: What came out.
    """
    bias: Tensor | None = None
    if len(args) < 2:
        return None
    if name == "linear":
        weight = args[1].T
        bias = args[2] if len(args) > 2 else kwargs.get("bias")
    elif name == "addmm":
        bias, weight = args[0], args[2]
    elif name == "einsum":
        terms = _einsum_terms(args)
        if terms is None:
            return None
        _, weight, (a, b, c) = terms
        kept = "".join(axis for axis in a if axis not in b)
        summed = "".join(axis for axis in a if axis in b)
        new = "".join(axis for axis in b if axis not in a)
        if c != kept + new:
            return None
        value = value.permute([a.index(axis) for axis in kept + summed]).flatten(len(kept))
        weight = weight.permute([b.index(axis) for axis in summed + new])
        weight = weight.flatten(0, len(summed) - 1).flatten(1)
    else:
        weight = args[1]
    if weight.dim() != 2 or value.shape[-1] != len(weight):
        return None
    return Linear(rows(value), weight, bias, output.reshape(-1, weight.shape[1]))


def projection(linear: Linear, heads: HeadOutputs) -> Tensor | None:
    """The part of a linear map that acts on each head.  (H, d, O)

    Args:
        linear: The map; its input says which entry of (H, T, d) each number is.
        heads: Whose outputs they are.

    Returns:
        None where rows aren't tokens, or one that differ in which head stands where.
    """
    n_heads, n_tokens, size = heads.values.shape
    places = linear.input
    if places.shape != (n_tokens, n_heads * size):
        return None
    tokens = torch.arange(n_tokens, device=places.device)[:, None]
    column = places[0] - places[0] // (n_tokens * size) * (n_tokens - 1) * size
    if not torch.equal(places, places[:1] + tokens * size) or not bool((places[0] >= 0).all()):
        return None
    # places[0] = h * T * d + i, hence column = h * d + i.
    order = column.argsort()
    in_order = bool((order == torch.arange(len(order), device=order.device)).all())
    weight = linear.weight if in_order else linear.weight[order]
    return weight.reshape(n_heads, size, -1)


def _einsum_terms(args: tuple[Any, ...]) -> tuple[Tensor, Tensor, tuple[str, str, str]] | None:
    """Two operands of an einsum, and the names of their axes and of its own."""
    equation, *operands = args
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = list(operands[0])
    given, arrow, result = str(equation).replace(" ", "").partition("->")
    names = given.split(",")
    if not arrow or len(names) != 2 or len(operands) != 2 or "." in given:
        return None
    return operands[0], operands[1], (names[0], names[1], result)
