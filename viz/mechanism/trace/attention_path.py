"""The way from queries and keys to the weights of a layer, as the pass has computed it."""

from dataclasses import dataclass, field

import numpy as np

from viz.mechanism.trace.computation import Computation, Operand
from viz.mechanism.trace.selection import Selection
from viz.mechanism.trace.trace import Trace

CONTRACTIONS = {"linear", "matmul", "mix"}
BOUNDS = {"maximum", "minimum", "clip"}


@dataclass(slots=True)
class AttentionPath:
    """One attention weight, and what it was made of, from the softmax up."""

    weight: Selection
    """()"""
    weights: Selection
    """The row of the softmax.  (K,)"""
    masking: list[Selection] = field(default_factory=list)
    """The numbers between the score and the softmax, last one first.  Each ()"""
    score: Selection | None = None
    """The product after the division.  ()"""
    scaling: list[Selection] = field(default_factory=list)
    """The numbers between the product and the score, last one first, without the score.  Each ()"""
    product: Selection | None = None
    """What sums up the products of query and key; it may be the score itself.  ()"""
    query: Selection | None = None
    """(d,)"""
    key: Selection | None = None
    """(d,)"""


def attention_path(trace: Trace, layer: int, head: int, query: int, key: int) -> AttentionPath:
    """Follow one weight up to its query and its key."""
    node = trace.graph[trace.graph.attention[layer]]
    n_queries, n_keys = node.shape[-2:]
    first = (head * n_queries + query) * n_keys
    path = AttentionPath(
        Selection(node.index, np.array(first + key)),
        Selection(node.index, first + np.arange(n_keys)),
    )
    softmax = trace.computation(path.weight)
    if softmax is None or softmax.operation != "softmax":
        return path
    row = softmax.operands[0]
    assert isinstance(row, Selection)  # a softmax is of a tensor
    current = trace.resolve(Selection(row.node, np.array(row.places[key])))
    while (below := _below_mask(trace, current)) is not None:
        path.masking.append(current)
        current = below
    path.score = current
    while True:
        computed = trace.computation(current)
        if computed is None or computed.operation in CONTRACTIONS or computed.operation == "opaque":
            break
        states = [each for each in computed.operands if trace.is_state(each)]
        if not states or not isinstance(states[0], Selection) or states[0].places.ndim:
            break
        if current is not path.score:
            path.scaling.append(current)
        current = trace.resolve(states[0])
    if computed is None or computed.operation not in CONTRACTIONS or current.places.ndim:
        return path
    path.product = current
    path.query, path.key = (
        each if isinstance(each, Selection) and each.places.ndim == 1 else None
        for each in computed.operands[:2]
    )
    return path


def _below_mask(trace: Trace, selection: Selection) -> Selection | None:
    """The score before a mask or a bound was put on it; None where none was."""
    computed = trace.computation(selection)
    if computed is None or selection.places.ndim:
        return None
    if trace.graph[selection.node].moves:
        return None
    first = computed.operands[0] if computed.operands else None
    if computed.operation == "mask" or computed.operation in BOUNDS:
        return _only_state(trace, computed)
    if computed.operation == "sum":
        return _only_state(trace, computed)
    if computed.operation == "difference" and isinstance(first, Selection):
        # Taking the largest score of a row from all of it does not change the softmax.
        second = computed.operands[1]
        largest = trace.computation(second) if isinstance(second, Selection) else None
        if largest is not None and largest.operation == "largest":
            return trace.resolve(first)
    return None


def _only_state(trace: Trace, computed: Computation) -> Selection | None:
    """The operand that depends on the text, where exactly one does."""
    states: list[Operand] = [each for each in computed.operands if trace.is_state(each)]
    if len(states) != 1 or not isinstance(states[0], Selection):
        return None
    return trace.resolve(states[0])
