"""How products of a layer are written: weights with values, and heads with their projection.

Models write the same product as `matmul`, `bmm`, `linear`, `addmm` or `einsum`, with the axes in an
order of their own.  Here each is brought into one: (H, T, T), (H, T, d) and (I, O).
"""

from typing import Any

import torch
from torch import Tensor

from viz.attribution.mixed_state import HeadOutputs
from viz.model.linear_maps import Linear, einsum_terms


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
    terms = einsum_terms(args)
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
