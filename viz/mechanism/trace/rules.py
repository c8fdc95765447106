"""How some numbers were computed from others: one rule for each kind of function of torch.

The rules know no family of networks.  Each says, for some of the numbers that a function gave,
which numbers it made them of, and by which equation.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from viz.mechanism.trace.arguments import Rule, argument
from viz.mechanism.trace.computation import Computation, Operand
from viz.mechanism.trace.contraction import contract, einsum_letters, matmul_letters
from viz.mechanism.trace.graph import Graph, Node, Ref, is_number
from viz.mechanism.trace.movement import Places
from viz.mechanism.trace.row_rules import ROW_RULES
from viz.mechanism.trace.selection import (
    Selection,
    coordinates,
    flat_places,
    without_constant_axes,
)


def computation(graph: Graph, selection: Selection) -> Computation:
    """What some numbers were made of, by what the function that made them does."""
    node = graph[selection.node]
    name = _canonical(node.name)
    rule = RULES.get(name)
    result = None if rule is None else rule(graph, node, selection.places)
    return result or opaque(graph, node)


def opaque(graph: Graph, node: Node) -> Computation:
    """A function that can't be written down, and all that it was given."""
    operands = [
        Selection(
            ref.node, np.arange(graph[ref.node].tensor.numel()).reshape(graph[ref.node].shape)
        )
        for ref in dict.fromkeys(each for each in node.args if isinstance(each, Ref))
        if graph[ref.node].tensor.numel() <= MAX_OPAQUE
    ]
    return Computation("opaque", tuple(operands), {"function": node.name})


MAX_OPAQUE = 2**20
"""Numbers that are shown of what an opaque function was given."""


def _canonical(name: str) -> str:
    """One name for a function, its operator and its form in place."""
    bare = name.strip("_")
    return _ALIASES.get(bare, bare)


_ALIASES = {
    **{"iadd": "add", "radd": "add", "isub": "sub", "subtract": "sub", "multiply": "mul"},
    **{"imul": "mul", "rmul": "mul", "truediv": "div", "itruediv": "div", "divide": "div"},
    **{"true_divide": "div", "idiv": "div", "negative": "neg", "ipow": "pow", "clip": "clamp"},
    **{"swish": "silu", "max_pool": "opaque", "absolute": "abs", "special_expit": "sigmoid"},
    **{"rdiv": "rtruediv", "group_linear": "linear"},
}


def operand(graph: Graph, value: Any, places: Places, shape: tuple[int, ...]) -> Operand | None:
    """What a function of single numbers was given for some of its output.

    Args:
        graph: The pass.
        value: The argument: a tensor that was broadcast, or a number.
        places: The numbers of the output.
        shape: The shape of the output.
    """
    if is_number(value):
        return float(value)
    if not isinstance(value, Ref):
        return None
    own = graph[value.node].shape
    whole = coordinates(places, shape)[len(shape) - len(own) :]
    fitting = tuple(each * (size > 1) for each, size in zip(whole, own, strict=True))
    return Selection(value.node, without_constant_axes(flat_places(fitting, own) + 0 * places))


def _elementwise(operation: str, n_operands: int, *, swapped: bool = False) -> Rule:
    def rule(graph: Graph, node: Node, places: Places) -> Computation | None:
        given = [*node.args[:n_operands], *_named(node, "input", "other", "exponent", "value")]
        operands = [operand(graph, each, places, node.shape) for each in given[:n_operands]]
        if len(operands) < n_operands or None in operands:
            return None
        if swapped:
            operands.reverse()
        alpha = node.kwargs.get("alpha", 1)
        options = {} if alpha == 1 else {"alpha": float(alpha)}
        return Computation(operation, tuple(operands), options)  # type: ignore[arg-type]

    return rule


def _named(node: Node, *names: str) -> list[Any]:
    return [node.kwargs[name] for name in names if name in node.kwargs]


def _gelu(graph: Graph, node: Node, places: Places) -> Computation | None:
    kind = argument(node, 1, "approximate", "none")
    return _elementwise("gelu" if kind == "none" else "gelu_tanh", 1)(graph, node, places)


def _parametric(operation: str, place: int, name: str, default: float) -> Rule:
    """A function of one number with a number of its own."""

    def rule(graph: Graph, node: Node, places: Places) -> Computation | None:
        plain = _elementwise(operation, 1)(graph, node, places)
        value = argument(node, place, name, default)
        return None if plain is None else plain._replace(options={name: float(value)})

    return rule


def _clamp(graph: Graph, node: Node, places: Places) -> Computation | None:
    x = operand(graph, node.args[0], places, node.shape)
    bounds = {name: argument(node, place, name) for place, name in ((1, "min"), (2, "max"))}
    if x is None or any(isinstance(bound, Ref) for bound in bounds.values()):
        return None
    options = {name: float(bound) for name, bound in bounds.items() if bound is not None}
    return Computation("clip", (x,), options)


def _where(graph: Graph, node: Node, places: Places) -> Computation | None:
    condition, put, kept = [
        argument(node, place, name) for place, name in enumerate(("condition", "input", "other"))
    ]
    return _mask(graph, node, places, (kept, put, condition))


def _where_method(graph: Graph, node: Node, places: Places) -> Computation | None:
    """`x.where(condition, other)` and `torch.where(condition, x, other)` share a name."""
    first = node.args[0] if node.args else None
    if isinstance(first, Ref) and graph[first.node].tensor.is_floating_point():
        put, condition, kept = node.args[0], node.args[1], argument(node, 2, "other", 0.0)
        return _mask(graph, node, places, (kept, put, condition))
    return _where(graph, node, places)


def _masked_fill(graph: Graph, node: Node, places: Places) -> Computation | None:
    given = (node.args[0], argument(node, 2, "value"), argument(node, 1, "mask"))
    return _mask(graph, node, places, given)


def _mask(
    graph: Graph, node: Node, places: Places, given: tuple[Any, Any, Any]
) -> Computation | None:
    operands = [operand(graph, each, places, node.shape) for each in given]
    return None if None in operands else Computation("mask", tuple(operands))  # type: ignore[arg-type]


def _linear(graph: Graph, node: Node, places: Places) -> Computation | None:
    x, weight = argument(node, 0, "input"), argument(node, 1, "weight")
    bias = argument(node, 2, "bias")
    if not (isinstance(x, Ref) and isinstance(weight, Ref)):
        return None
    lead = "ABCDEFGH"[: len(node.shape) - 1]
    letters = f"{lead}z", "yz", f"{lead}y"
    product = contract(graph, node, places, (x.node, weight.node), letters)
    return _with_bias(graph, node, places, product, bias, {})


def _with_bias(
    graph: Graph,
    node: Node,
    places: Places,
    product: Computation | None,
    bias: Any,
    options: Mapping[str, float],
) -> Computation | None:
    if product is None:
        return None
    added = None if bias is None else operand(graph, bias, places, node.shape)
    operands = product.operands if added is None else (*product.operands, added)
    return Computation(product.operation, operands, {**product.options, **options})


def _addmm(graph: Graph, node: Node, places: Places) -> Computation | None:
    bias = argument(node, 0, "input")
    a = argument(node, 1, "mat1", node.kwargs.get("batch1"))
    b = argument(node, 2, "mat2", node.kwargs.get("batch2"))
    if not (isinstance(a, Ref) and isinstance(b, Ref)):
        return None
    letters = matmul_letters(graph[a.node].shape, graph[b.node].shape)
    product = letters and contract(graph, node, places, (a.node, b.node), letters)
    scales = {
        name: float(node.kwargs[name])
        for name in ("alpha", "beta")
        if node.kwargs.get(name, 1) != 1
    }
    return _with_bias(graph, node, places, product, bias, scales)


def _matmul(graph: Graph, node: Node, places: Places) -> Computation | None:
    a, b = argument(node, 0, "input"), argument(node, 1, "other", argument(node, 1, "mat2"))
    if not (isinstance(a, Ref) and isinstance(b, Ref)):
        return None
    if node.name == "__rmatmul__":
        a, b = b, a
    letters = matmul_letters(graph[a.node].shape, graph[b.node].shape)
    return letters and contract(graph, node, places, (a.node, b.node), letters)


def _einsum(graph: Graph, node: Node, places: Places) -> Computation | None:
    equation, *given = node.args
    is_list = len(given) == 1 and isinstance(given[0], (tuple, list))
    operands = list(given[0]) if is_list and not isinstance(given[0], Ref) else given
    if len(operands) == 1 and isinstance(operands[0], Ref):
        return _permuted(graph, node, places, str(equation), operands[0])
    letters = einsum_letters(equation, len(operands))
    if letters is None or not all(isinstance(each, Ref) for each in operands):
        return None
    a, b = operands
    return contract(graph, node, places, (a.node, b.node), letters)


def _permuted(
    graph: Graph, node: Node, places: Places, equation: str, x: Ref
) -> Computation | None:
    """An einsum of one tensor, which puts its axes in another order."""
    before, after = equation.replace(" ", "").split("->")
    if sorted(before) != sorted(after) or len(set(before)) < len(before):
        return None
    at = dict(zip(after, coordinates(places, node.shape), strict=True))
    source = flat_places(tuple(at[letter] for letter in before), graph[x.node].shape)
    return Computation("same", (Selection(x.node, source),))


FUNCTIONS = (
    *("reciprocal", "sqrt", "rsqrt", "square", "abs", "exp", "exp2", "expm1", "log", "log2"),
    *("log1p", "cos", "sin", "tanh", "erf", "sigmoid", "relu", "relu6", "silu", "mish", "sign"),
    *("logsigmoid", "softsign", "floor", "ceil", "hardsigmoid", "hardswish", "softplus"),
)
"""Those of one number, which have the same name in torch and in the equations."""

RULES: Mapping[str, Rule] = {
    "add": _elementwise("sum", 2),
    "sub": _elementwise("difference", 2),
    "rsub": _elementwise("difference", 2, swapped=True),
    "mul": _elementwise("product", 2),
    "div": _elementwise("quotient", 2),
    "rtruediv": _elementwise("quotient", 2, swapped=True),
    "pow": _elementwise("power", 2),
    "rpow": _elementwise("power", 2, swapped=True),
    "maximum": _elementwise("maximum", 2),
    "minimum": _elementwise("minimum", 2),
    "neg": _elementwise("negative", 1),
    **{name: _elementwise(name, 1) for name in FUNCTIONS},
    "gelu": _gelu,
    "elu": _parametric("elu", 1, "alpha", 1.0),
    "leaky_relu": _parametric("leaky_relu", 1, "negative_slope", 0.01),
    "clamp": _clamp,
    "where": _where_method,
    "masked_fill": _masked_fill,
    "linear": _linear,
    "addmm": _addmm,
    "baddbmm": _addmm,
    "matmul": _matmul,
    "rmatmul": _matmul,
    "bmm": _matmul,
    "mm": _matmul,
    "einsum": _einsum,
    **ROW_RULES,
}
"""The rules by the name of the function."""
