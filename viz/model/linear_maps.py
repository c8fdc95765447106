"""Linear maps as torch is asked for them: `linear`, `addmm`, `matmul`, `bmm` or `einsum`.

Each is brought into one form, rows times a matrix: (R, I) and (I, O).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor

MATRIX_PRODUCTS = frozenset({"__matmul__", "addmm", "bmm", "einsum", "linear", "matmul"})
"""Functions of torch that multiply with a matrix."""


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
        terms = einsum_terms(args)
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


def einsum_terms(args: tuple[Any, ...]) -> tuple[Tensor, Tensor, tuple[str, str, str]] | None:
    """Two operands of an einsum, and the names of their axes and of its own."""
    equation, *operands = args
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = list(operands[0])
    given, arrow, result = str(equation).replace(" ", "").partition("->")
    names = given.split(",")
    if not arrow or len(names) != 2 or len(operands) != 2 or "." in given:
        return None
    return operands[0], operands[1], (names[0], names[1], result)
