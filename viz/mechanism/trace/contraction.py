"""Products of two tensors that are summed over: a linear map, q·k, the mix of values, an einsum."""

import numpy as np

from viz.mechanism.trace.computation import Computation
from viz.mechanism.trace.graph import Graph, Node
from viz.mechanism.trace.movement import Places
from viz.mechanism.trace.selection import Selection, coordinates, flat_places, varying_axes

Letters = tuple[str, str, str]
"""The axes of both factors and of the product, a letter each, as in `einsum`."""


def matmul_letters(a: tuple[int, ...], b: tuple[int, ...]) -> Letters | None:
    """The axes of `a @ b`."""
    if not a or not b:
        return None
    n_lead = max(len(a), len(b)) - 2
    lead = "ABCDEFGH"[: max(0, n_lead)]
    first = "z" if len(a) == 1 else lead[len(lead) - (len(a) - 2) :] + "xz"
    second = "z" if len(b) == 1 else lead[len(lead) - (len(b) - 2) :] + "zy"
    own = ("x" if len(a) > 1 else "") + ("y" if len(b) > 1 else "")
    return first, second, lead + own


def einsum_letters(equation: object, n_operands: int) -> Letters | None:
    """The axes of an einsum of two tensors; None where it is another."""
    if not isinstance(equation, str) or n_operands != 2 or "->" not in equation:
        return None
    bare = equation.replace(" ", "")
    given, result = bare.split("->")
    factors = given.split(",")
    if "." in bare or len(factors) != 2 or len(set(result)) < len(result):
        return None
    first, second = factors
    summed = (set(first) | set(second)) - set(result)
    if any(len(set(each)) < len(each) for each in factors) or not summed <= set(first) & set(
        second
    ):
        return None
    return first, second, result


def contract(
    graph: Graph, node: Node, places: Places, factors: tuple[int, int], letters: Letters
) -> Computation | None:
    """Which numbers of both factors some numbers of their product are sums of.

    Args:
        graph: The pass.
        node: The product.
        places: Some of its numbers.
        factors: Both nodes.
        letters: Their axes.
    """
    *given, result = letters
    if len(result) != len(node.shape):
        return None
    at = dict(zip(result, coordinates(places, node.shape), strict=True))
    summed = [letter for letter in given[0] if letter in given[1] and letter not in result]
    b = graph[factors[1]]
    operation = "linear" if b.learned and not b.follows_text else "matmul"
    is_mix = factors[0] in graph.weights
    operands, subscripts = [], []
    for factor, own in zip(factors, given, strict=True):
        shape = graph[factor].shape
        if len(shape) != len(own):
            return None
        zero = np.zeros((), dtype=np.int64)
        base = flat_places(
            tuple(
                at[letter] * (size > 1) if letter in at else zero
                for letter, size in zip(own, shape, strict=True)
            ),
            shape,
        ) + np.zeros_like(places)
        offsets: Places = zero
        for letter in summed:
            axis = own.index(letter)
            stride = int(np.prod(shape[axis + 1 :], dtype=np.int64))
            offsets = offsets[..., None] + np.arange(shape[axis]) * stride
        offsets = offsets.reshape(-1)
        axes = varying_axes(base)
        names = "".join("abcdef"[axis] for axis in axes)
        base = base[tuple(slice(None) if a in axes else 0 for a in range(base.ndim))]
        if is_mix and factor == factors[1]:
            # Values are shown as the rows that are mixed: tokens by dimensions.
            whole = base[..., None, :] + offsets[:, None] if base.ndim else base + offsets
            operands.append(Selection(factor, whole))
            subscripts.append(f"{names[:-1]}z{names[-1:]}")
        else:
            operands.append(Selection(factor, base[..., None] + offsets))
            subscripts.append(f"{names}z")
    own_axes = "abcdef"[: places.ndim]
    if not set(own_axes) <= set("".join(subscripts)):
        return None
    return Computation(
        "mix" if is_mix else operation,
        tuple(operands),
        {"subscripts": f"{subscripts[0]},{subscripts[1]}->{own_axes}"},
    )
