"""What stands behind a tensor of a pass, by the operations that it goes through."""

import numpy as np

from viz.mechanism.trace.computation import Computation
from viz.mechanism.trace.graph import Segment
from viz.mechanism.trace.rules import computation
from viz.mechanism.trace.selection import Selection
from viz.mechanism.trace.trace import Trace

PLAIN = {"linear", "addmm", "matmul", "bmm", "layer_norm", "softmax"}
"""Functions that are one operation, whatever they are given."""


class Neighbors:
    """Operations of the nodes of a trace, each told by its first row.

    Args:
        trace: The pass.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._computations: dict[int, Computation | None] = {}

    def operation(self, index: int) -> str:
        """The operation of a node; empty where it was not computed."""
        computed = self._computation(index)
        return "" if computed is None else computed.operation

    def n_states(self, index: int) -> int:
        """How many of its operands depend on the text."""
        computed = self._computation(index)
        return 0 if computed is None else sum(map(self.trace.is_state, computed.operands))

    def _computation(self, index: int) -> Computation | None:
        """How the first row of a node was computed."""
        if index not in self._computations:
            self._computations[index] = self._by_its_function(index)
        return self._computations[index]

    def _by_its_function(self, index: int) -> Computation | None:
        row = first_row(self.trace.graph[index].shape, index)
        if self.trace.graph[index].name in PLAIN:  # a name needs no proof
            return computation(self.trace.graph, row)
        return self.trace.computation(row)

    def consumer(self, index: int, operation: str) -> int | None:
        """The first node of an operation that reads another."""
        return next(
            (each for each, _ in self.trace.consumers(index) if self.operation(each) == operation),
            None,
        )

    def following(
        self, index: int, operations: set[str], segment: Segment, n_states: int = 1
    ) -> int | None:
        """The first node behind another that is one of some operations, within a layer."""
        pending, seen = [index], {index}
        while pending:
            pending.sort()
            current = pending.pop(0)
            for each, _ in self.trace.consumers(current):
                if each in seen or not segment.start <= each < segment.end:
                    continue
                seen.add(each)
                operation = self.operation(each)
                if operation in operations and self.n_states(each) >= n_states:
                    return each
                if operation == "sum" and self.n_states(each) > 1 and "sum" not in operations:
                    continue  # the residual: what comes behind it is another part
                pending.append(each)
        return None

    def output(self, segment: Segment) -> int | None:
        """The node of a layer that what comes behind it reads."""
        for index in reversed(range(segment.start, segment.end)):
            node = self.trace.graph[index]
            if (
                node.is_state
                and not node.moves
                and any(each >= segment.end for each, _ in self.trace.consumers(index))
            ):
                return index
        return None


def first_row(shape: tuple[int, ...], node: int) -> Selection:
    """The first row of a node of a shape."""
    return Selection(node, np.arange(shape[-1]) if shape else np.array(0))
