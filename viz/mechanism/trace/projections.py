"""The queries, keys and values of each head, and the linear maps that make them."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from viz.mechanism.trace.attention_path import CONTRACTIONS, AttentionPath, attention_path
from viz.mechanism.trace.computation import Computation
from viz.mechanism.trace.selection import Selection, coordinates
from viz.mechanism.trace.trace import Trace

MAX_STEPS = 12
"""Operations between a linear map and the product of queries and keys at most."""


class Part(NamedTuple):
    """What some columns of a linear map are."""

    name: str
    """`query`, `key` or `value`."""
    heads: list[int]
    """The heads that it is of: several where they share a key, none where it is of all."""


class Projections:
    """Finds the query, the key and the value of each head of a trace.

    Args:
        trace: The pass.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.mixes: dict[int, int] = {}
        """What sums up values, of each layer."""
        self.layers: dict[int, int] = {}
        """The linear maps that make queries, keys and values, with their layers."""
        self.roles: dict[int, set[str]] = {}
        """Which of the three each makes."""
        self._columns: dict[int, dict[tuple[int, str], NDArray[np.int64]]] = {}

    def part(self, selection: Selection) -> Part | None:
        """Which of queries, keys and values some numbers of a linear map are."""
        layer = self.layers.get(selection.node)
        if layer is None:
            return None
        shape = self.trace.graph[selection.node].shape
        own = np.unique(coordinates(selection.places, shape)[-1])
        roles = sorted(self.roles.get(selection.node, ()))
        if len(roles) == 1 and own.size == shape[-1]:
            return Part(roles[0], [])
        if layer not in self._columns:
            self._columns[layer] = self._columns_of_heads(layer)
        for (node, name), columns in self._columns[layer].items():
            if node == selection.node and np.isin(own, columns).all():
                heads = [head for head, each in enumerate(columns) if np.isin(own, each).all()]
                return Part(name, heads)
        return None

    def _columns_of_heads(self, layer: int) -> dict[tuple[int, str], NDArray[np.int64]]:
        """The columns of linear maps that are the query, the key and the value of each head.

        Returns:
            Of each map and name an array (H, d).
        """
        columns: dict[tuple[int, str], list[NDArray[np.int64]]] = {}
        for head in range(self.n_heads(layer)):
            for name, part in self.parts(layer, head):
                end = None if part is None else self._up_to_linear(part)
                if end is not None:
                    shape = self.trace.graph[end.node].shape
                    own = coordinates(end.places, shape)[-1]
                    columns.setdefault((end.node, name), []).append(own)
        return {
            key: np.stack(own) for key, own in columns.items() if len({len(o) for o in own}) == 1
        }

    def n_heads(self, layer: int) -> int:
        """How many heads a layer has; weights may come as (B * H, T, T)."""
        shape = self.trace.graph[self.trace.graph.attention[layer]].shape
        return int(np.prod(shape[:-2]))

    def parts(self, layer: int, head: int) -> list[tuple[str, Selection | None]]:
        """The query, the key and the value of one weight of a head."""
        graph, trace = self.trace.graph, self.trace
        path = self.path(layer, head)
        mix, value = self.mixes.get(layer), None
        if mix is not None:
            n_queries, width = graph[graph.attention[layer]].shape[-2], graph[mix].shape[-1]
            row = Selection(mix, head * n_queries * width + np.arange(width))
            computed = trace.computation(row)
            if computed is not None and len(computed.operands) > 1:
                values = computed.operands[1]
                if isinstance(values, Selection):
                    value = trace.resolve(Selection(values.node, values.places[0]))
        return [("query", path.query), ("key", path.key), ("value", value)]

    def path(self, layer: int, head: int = 0) -> AttentionPath:
        """The way to a weight of a head: where the last token looks most."""
        node = self.trace.graph[self.trace.graph.attention[layer]]
        n_queries = node.shape[-2]
        row = Selection(node.index, (n_queries - 1) * node.shape[-1] + np.arange(node.shape[-1]))
        key = int(self.trace.values(row)[:n_queries].argmax())
        return attention_path(self.trace, layer, head, n_queries - 1, key)

    def changes(self, part: Selection | None) -> Iterator[tuple[Selection, Computation]]:
        """What was done to a query or a key since a linear map has made it, last one first."""
        current = part
        for _ in range(MAX_STEPS):
            computed = None if current is None else self.trace.computation(current)
            if current is None or computed is None:
                return
            yield current, computed
            if computed.operation in CONTRACTIONS:
                return
            current = self._first_state(computed)

    def _up_to_linear(self, selection: Selection) -> Selection | None:
        """The same numbers where a linear map has made them, before anything else was done."""
        for current, computed in self.changes(self.trace.resolve(selection)):
            if computed.operation in CONTRACTIONS:
                return current
        return None

    def _first_state(self, computed: Computation) -> Selection | None:
        states = [each for each in computed.operands if self.trace.is_state(each)]
        first = states[0] if states else None
        return self.trace.resolve(first) if isinstance(first, Selection) else None
