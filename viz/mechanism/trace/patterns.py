"""Several operations that are one in the books: an activation, a root mean square normalization."""

import math
from typing import TYPE_CHECKING

import numpy as np

from viz.mechanism.trace.computation import Computation, Operand
from viz.mechanism.trace.equations import difference, recompute
from viz.mechanism.trace.rules import computation
from viz.mechanism.trace.selection import Selection

if TYPE_CHECKING:
    from viz.mechanism.trace.trace import Trace

ACTIVATIONS = (
    *("gelu", "gelu_tanh", "relu", "silu", "tanh", "sigmoid", "relu_squared", "softplus", "mish"),
    *("relu6", "hardswish", "softsign"),
)
"""The activations that networks write out in other functions."""


def activation(trace: "Trace", selection: Selection) -> Computation | None:
    """An activation as one function, if it is one that has a name."""
    name = trace.activation(selection.node)
    if name is None:
        return None
    given = trace.graph.activations[selection.node]
    return Computation(name, (Selection(given, selection.places),))


def activation_name(trace: "Trace", node: int) -> str | None:
    """What an activation is called: by its own function, else by all of its numbers.

    A few numbers don't tell: far from 0, and near it, several activations give the same.
    """
    given, shape = trace.graph.activations.get(node), trace.graph[node].shape
    if given is None or trace.graph[given].shape != shape:
        return None
    places = np.arange(math.prod(shape)).reshape(shape)
    whole, operand = Selection(node, places), Selection(given, places)
    own = computation(trace.graph, whole)
    if own.operation in ACTIVATIONS and _is_of(own.operands, given):
        return own.operation
    values, recorded = trace.values(operand), trace.values(whole)
    with np.errstate(all="ignore"):
        gaps = {name: difference(recompute(name, [values], {}), recorded) for name in ACTIVATIONS}
    near = [name for name in ACTIVATIONS if gaps[name] <= trace.tolerance]
    return min(near, key=gaps.__getitem__, default=None)


def _is_of(operands: tuple[Operand, ...], node: int) -> bool:
    """Whether a function was given the numbers of a node, and nothing else."""
    (*others, first) = operands
    return not others and isinstance(first, Selection) and first.node == node


def root_mean_square(trace: "Trace", selection: Selection) -> Computation | None:
    """X / sqrt(mean(x²) + eps), times a factor for each dimension, where it was written out."""
    if trace.graph[selection.node].name.strip("_") not in {"mul", "imul", "rmul", "multiply"}:
        return None
    scaled, factor = _parts(trace, selection, "product")
    norm = _root_mean_square(trace, selection)
    if norm is not None:
        return norm
    for inner, own in ((scaled, factor), (factor, scaled)):
        if not isinstance(inner, Selection) or own is None or trace.is_state(own):
            continue
        norm = _root_mean_square(trace, trace.resolve(inner))
        if norm is not None:
            return norm._replace(operands=(*norm.operands, own))
    return None


def _parts(trace: "Trace", selection: Operand | None, operation: str) -> tuple[Operand | None, ...]:
    """Both operands of some numbers that an operation of two has given."""
    if not isinstance(selection, Selection) or trace.graph[selection.node].func is None:
        return None, None
    whole = trace.resolve(selection)
    if trace.graph[whole.node].moves or trace.graph[whole.node].func is None:
        return None, None
    result = computation(trace.graph, whole)
    if result.operation != operation or len(result.operands) != 2:
        return None, None
    return result.operands


def _root_mean_square(trace: "Trace", selection: Selection) -> Computation | None:
    x, scale = _parts(trace, selection, "product")
    for numbers, factor in ((x, scale), (scale, x)):
        if not isinstance(numbers, Selection) or not isinstance(factor, Selection):
            continue
        root = trace.resolve(factor)
        node = trace.graph[root.node]
        if node.name != "rsqrt" or numbers.places.ndim != 1:
            continue
        (inside,) = computation(trace.graph, root).operands
        mean, eps = _parts(trace, inside, "sum")
        if isinstance(mean, float):
            mean, eps = eps, mean
        if not isinstance(mean, Selection) or eps is None:
            continue
        squares = computation(trace.graph, trace.resolve(mean))
        if squares.operation != "mean":
            continue
        row = _row(trace, squares.operands[0])
        own = trace.resolve(numbers)
        if row is None or not np.isin(own.places, row.places).all() or own.node != row.node:
            continue
        options = {"eps": float(trace.values(eps))}
        if own.places.shape != row.places.shape or (own.places != row.places).any():
            start = int(np.flatnonzero(row.places == own.places[0])[0])
            options |= {"start": start, "stop": start + own.places.size}
        return Computation("rms_norm", (row,), options)
    return None


def _row(trace: "Trace", squares: Operand) -> Selection | None:
    """The numbers whose squares some are."""
    if not isinstance(squares, Selection):
        return None
    own = trace.resolve(squares)
    if trace.graph[own.node].func is None or trace.graph[own.node].moves:
        return None
    result = computation(trace.graph, own)
    is_square = result.operation == "square" or (
        result.operation in ("power", "product")
        and (result.operands[1] == 2.0 if isinstance(result.operands[1], float) else False)
    )
    first = result.operands[0] if is_square else None
    return trace.resolve(first) if isinstance(first, Selection) else None
