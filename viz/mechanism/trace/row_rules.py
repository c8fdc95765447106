"""The rules of functions that take whole rows: softmax, normalizations, means and sums."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from viz.mechanism.trace.arguments import Rule, argument
from viz.mechanism.trace.computation import Computation
from viz.mechanism.trace.graph import Graph, Node, Ref, is_number
from viz.mechanism.trace.movement import Places
from viz.mechanism.trace.selection import Selection, coordinates, flat_places, varying_axes


def _rows(
    node: Node, places: Places, dim: int
) -> tuple[Places, Mapping[str, int], NDArray[np.int64]] | None:
    """The whole rows along a dimension that some numbers lie in.

    Returns:
        Their places; which numbers of each row are meant, if not all; and which dimension each of
        the numbers meant has.
    """
    dim %= len(node.shape)
    size = node.shape[dim]
    at = coordinates(places, node.shape)
    axes = varying_axes(at[dim])
    lead, options = places, {}
    own = at[dim]
    if axes:
        last = places.ndim - 1
        others = [each for each in range(len(at)) if each != dim and last in varying_axes(at[each])]
        own = at[dim].reshape(-1, places.shape[-1])[0]
        if axes != (last,) or others or not np.array_equal(own, own[0] + np.arange(len(own))):
            return None
        if len(own) < size:
            options = {"start": int(own[0]), "stop": int(own[-1]) + 1}
        lead = places[..., 0]
        at = tuple(each[..., 0] for each in at)
    elif size > 1 or places.ndim == 0 or places.shape[-1] != 1:
        options = {"index": int(own.reshape(-1)[0])}
        own = own.reshape(-1)[:1].reshape(())
    else:
        lead = places[..., 0]
        at = tuple(each[..., 0] for each in at)
    start = tuple(each * (axis != dim) for axis, each in enumerate(at))
    stride = int(np.prod(node.shape[dim + 1 :], dtype=np.int64))
    rows = (flat_places(start, node.shape) + 0 * lead)[..., None] + np.arange(size) * stride
    return rows, options, own


def _rowwise(operation: str) -> Rule:
    def rule(graph: Graph, node: Node, places: Places) -> Computation | None:
        x, dim = argument(node, 0, "input"), argument(node, 1, "dim", -1)
        rows = _rows(node, places, -1 if dim is None else int(dim))
        if rows is None or not isinstance(x, Ref):
            return None
        return Computation(operation, (Selection(x.node, rows[0]),), rows[1])

    return rule


def _norm(operation: str) -> Rule:
    names = ("weight", "bias", "eps") if operation == "layer_norm" else ("weight", "eps")

    def rule(graph: Graph, node: Node, places: Places) -> Computation | None:
        x, shape = argument(node, 0, "input"), argument(node, 1, "normalized_shape")
        given = {name: argument(node, 2 + place, name) for place, name in enumerate(names)}
        rows = _rows(node, places, -1)
        if rows is None or not isinstance(x, Ref) or len(tuple(shape)) != 1:
            return None
        parameters = [given[name] for name in names if isinstance(given[name], Ref)]
        if operation == "layer_norm" and given["weight"] is None and parameters:
            return None
        eps = given["eps"]
        if eps is None:
            eps = 1e-5 if operation == "layer_norm" else np.finfo(node.tensor.numpy().dtype).eps
        operands = [Selection(x.node, rows[0]), *(Selection(p.node, rows[2]) for p in parameters)]
        return Computation(operation, tuple(operands), {**rows[1], "eps": float(eps)})

    return rule


def _normalize(graph: Graph, node: Node, places: Places) -> Computation | None:
    rows = _rows(node, places, int(argument(node, 2, "dim", 1)))
    if rows is None or not isinstance(node.args[0], Ref):
        return None
    options = {
        "p": float(argument(node, 1, "p", 2.0)),
        "eps": float(argument(node, 3, "eps", 1e-12)),
    }
    return Computation(
        "normalize", (Selection(node.args[0].node, rows[0]),), {**rows[1], **options}
    )


def _reduction(operation: str, options: Mapping[str, float] | None = None) -> Rule:
    def rule(graph: Graph, node: Node, places: Places) -> Computation | None:
        x = argument(node, 0, "input")
        if not isinstance(x, Ref) or node.place not in (None, 0):
            return None
        shape = graph[x.node].shape
        dim = argument(node, 1, "dim", node.kwargs.get("axis"))
        if dim is None:
            dims = tuple(range(len(shape)))
        else:
            dims = tuple(int(each) % len(shape) for each in ((dim,) if is_number(dim) else dim))
        kept = [each for each in range(len(shape)) if each not in dims]
        reduced = tuple(1 if each in dims else size for each, size in enumerate(shape))
        at = coordinates(places, reduced)
        base = flat_places(tuple(at), shape) if kept else np.zeros_like(places)
        offsets = np.zeros((), dtype=np.int64)
        for each in dims:
            stride = int(np.prod(shape[each + 1 :], dtype=np.int64))
            offsets = offsets[..., None] + np.arange(shape[each]) * stride
        rows = (base + 0 * places)[..., None] + offsets.reshape(-1)
        return Computation(operation, (Selection(x.node, rows),), dict(options or {}))

    return rule


def _variance(graph: Graph, node: Node, places: Places) -> Computation | None:
    ddof = node.kwargs.get("correction", int(node.kwargs.get("unbiased", True)))
    return _reduction("variance", {"ddof": ddof})(graph, node, places)


ROW_RULES: Mapping[str, Rule] = {
    "softmax": _rowwise("softmax"),
    "log_softmax": _rowwise("log_softmax"),
    "layer_norm": _norm("layer_norm"),
    "rms_norm": _norm("rms_norm"),
    "normalize": _normalize,
    "mean": _reduction("mean"),
    "sum": _reduction("total"),
    "amax": _reduction("largest"),
    "amin": _reduction("smallest"),
    "max": _reduction("largest"),
    "var": _variance,
    "argmax": _reduction("argmax"),
}
"""The rules by the name of the function."""
