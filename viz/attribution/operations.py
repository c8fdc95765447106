"""Operations of torch by what they do to a row of numbers, under all names that they have."""

from typing import Any

from torch import Tensor

SAME_VALUES = frozenset(
    {"alias", "clone", "contiguous", "detach", "double", "dropout", "float", "to", "type"}
    | {"type_as"}
)
"""Leave every number where it is (a pass that is recorded drops none)."""
SAME_ORDER = frozenset(
    {"__getitem__", "flatten", "movedim", "permute", "reshape", "squeeze", "swapaxes", "transpose"}
    | {"unflatten", "unsqueeze", "view"}
)
"""Only arrange numbers in another way, where they keep all of them."""
NORMS = frozenset({"layer_norm", "rms_norm"})
FACTORS = frozenset({"__imul__", "__mul__", "__rmul__", "mul", "mul_", "multiply"})
DIVISIONS = frozenset({"__itruediv__", "__truediv__", "div", "div_", "true_divide"})
SUMS = frozenset({"__add__", "__iadd__", "__radd__", "add", "add_"})
DIFFERENCES = frozenset({"__isub__", "__sub__", "sub", "sub_"})

_IN_PLACE = frozenset({"__iadd__", "__imul__", "__isub__", "__itruediv__", "__setitem__"})


def overwrites(name: str) -> bool:
    """Whether an operation writes into its first operand."""
    return name in _IN_PLACE or (name.endswith("_") and not name.endswith("__"))


def operands(args: tuple[Any, ...]) -> list[Any]:
    """What an operation computes with: all of its arguments but the equation of an einsum."""
    given = args[1:] if args and isinstance(args[0], str) else args
    return list(given[0]) if given and isinstance(given[0], (list, tuple)) else list(given)


def is_constant(value: Any, width: int) -> bool:
    """Whether it is the same for every row: a number, or one for each dimension."""
    return not isinstance(value, Tensor) or value.numel() == 1 or value.shape == (width,)
