"""Where in the network each tensor of a pass stands, and what it is called there.

Names follow from what an operation does and what is done with its result, not from what the family
calls its modules.  They are labels: no number depends on them.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from viz.mechanism.trace.attention_path import CONTRACTIONS, AttentionPath, attention_path
from viz.mechanism.trace.computation import Computation
from viz.mechanism.trace.graph import Segment, refs
from viz.mechanism.trace.selection import Selection, coordinates
from viz.mechanism.trace.trace import Trace
from viz.mechanism.unfolding.step import Stage

NORMS = {"layer_norm", "rms_norm", "normalize"}
ACTIVATIONS = {
    *("gelu", "gelu_tanh", "relu", "silu", "tanh", "sigmoid", "relu_squared", "softplus", "mish"),
    *("relu6", "hardswish", "softsign", "elu", "leaky_relu", "clip"),
}
SCALINGS = {"product", "quotient"}


MAX_STEPS = 12
"""Operations between a linear map and the product of queries and keys at most."""


class Place(NamedTuple):
    """Where a tensor is computed."""

    stage: Stage
    layer: int | None


class _Part(NamedTuple):
    name: str
    """`query`, `key` or `value`."""
    heads: list[int]
    """The heads that it is of."""


class Structure:
    """Names and places of the nodes of a trace.

    Args:
        trace: The pass.
        n_layers: How many layers have attention weights; a decoder's come behind.
    """

    def __init__(self, trace: Trace, n_layers: int) -> None:
        self.trace = trace
        self.n_layers = n_layers
        self.names: dict[int, str] = {}
        self._mixes: dict[int, int] = {}
        """What sums up values, of each layer."""
        self._projections: dict[int, int] = {}
        """The linear maps that make queries, keys and values, with their layers."""
        self._columns: dict[int, dict[tuple[int, str], np.ndarray]] = {}
        for layer in range(n_layers):
            self._name_layer(layer)
        self._name_ends()

    @cached_property
    def segments(self) -> list[Segment]:
        """The nodes of each layer."""
        attention = self.trace.graph.attention
        segments: list[Segment] = []
        for layer, node in enumerate(attention[: self.n_layers]):
            around = [
                each
                for each in self.trace.graph.segments
                if sum(each.start <= other < each.end for other in attention) == 1
                and each.start <= node < each.end
            ]
            start = segments[-1].end if segments else max(0, node - 1)
            end = attention[layer + 1] if layer + 1 < self.n_layers else node + 1
            segments.append(
                max(around, key=lambda each: each.end - each.start, default=Segment(start, end))
            )
        return segments

    def place(self, node: int) -> Place:
        """The stage and the layer that a node is computed in."""
        for layer, segment in enumerate(self.segments):
            if node < segment.start:
                return Place("embeddings", None) if layer == 0 else Place("attention", layer)
            if node < segment.end:
                behind = self._attention_ends.get(layer, segment.end)
                return Place("attention" if node <= behind else "feed-forward", layer)
        return Place("classifier", None)

    @cached_property
    def _attention_ends(self) -> dict[int, int]:
        """The first residual of each layer, which closes its attention."""
        return {}

    def name(self, selection: Selection) -> str:
        """What some numbers are called."""
        node = self.trace.graph[selection.node]
        if node.parameter:
            return node.parameter
        if node.input:
            return node.input
        part = self._part(selection)
        if part is not None:
            return part.name
        return self.names.get(node.index) or self._name_of_moved(selection)

    def head(self, selection: Selection) -> int | None:
        """The head whose query, key or value some numbers are, if they are one head's."""
        part = self._part(selection)
        heads = [] if part is None else part.heads
        return heads[0] if len(heads) == 1 else None

    def _part(self, selection: Selection) -> "_Part | None":
        """Which of queries, keys and values some numbers of a linear map are."""
        layer = self._projections.get(selection.node)
        if layer is None:
            return None
        if layer not in self._columns:
            self._columns[layer] = self._columns_of_heads(layer)
        shape = self.trace.graph[selection.node].shape
        own = np.unique(coordinates(selection.places, shape)[-1])
        for (node, name), columns in self._columns[layer].items():
            if node == selection.node and np.isin(own, columns).all():
                heads = [head for head, each in enumerate(columns) if np.isin(own, each).all()]
                return _Part(name, heads)
        return None

    def _columns_of_heads(self, layer: int) -> dict[tuple[int, str], np.ndarray]:
        """The columns of linear maps that are the query, the key and the value of each head.

        Returns:
            Of each map and name an array (H, d).
        """
        columns: dict[tuple[int, str], list[np.ndarray]] = {}
        n_heads = self.trace.graph[self.trace.graph.attention[layer]].shape[-3]
        for head in range(self.n_heads(layer) or n_heads):
            for name, part in self._parts(layer, head):
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

    def _parts(self, layer: int, head: int) -> list[tuple[str, Selection | None]]:
        """The query, the key and the value of one weight of a head."""
        graph, trace = self.trace.graph, self.trace
        path = self.path(layer, head)
        mix, value = self._mixes.get(layer), None
        if mix is not None:
            n_queries, width = graph[graph.attention[layer]].shape[-2], graph[mix].shape[-1]
            row = Selection(mix, head * n_queries * width + np.arange(width))
            computed = trace.computation(row)
            if computed is not None and len(computed.operands) > 1:
                values = computed.operands[1]
                if isinstance(values, Selection):
                    value = trace.resolve(Selection(values.node, values.places[0]))
        return [("query", path.query), ("key", path.key), ("value", value)]

    def _name_of_moved(self, selection: Selection) -> str:
        """What some numbers are called that lie elsewhere than where they were computed."""
        if not self.trace.graph[selection.node].moves:
            return self._generic(selection)
        computed = self.trace.computation(selection)
        source = (
            computed.operands[0] if computed is not None and len(computed.operands) == 1 else None
        )
        if not isinstance(source, Selection) or source.node == selection.node:
            whole = self.trace.moved_from(selection)
            source = None if whole is None else whole
        if source is None:
            return self._generic(selection)
        name = self.name(source)
        return "heads" if name == "head output" and selection.places.ndim == 1 else name

    def _generic(self, selection: Selection) -> str:
        computed = self.trace.computation(selection)
        if computed is None:
            return "constant"
        operands = [each for each in computed.operands if isinstance(each, Selection)]
        if (
            computed.operation in SCALINGS
            and len(operands) == 1
            and selection.node > operands[0].node
        ):
            return self.name(operands[0])  # the same, in another unit
        if computed.operation == "concat" and any(
            self.name(each) == "negative" for each in operands
        ):
            return "rotated half"
        return _GENERIC.get(computed.operation, computed.operation.replace("_", " "))

    def _name_layer(self, layer: int) -> None:
        graph = self.trace.graph
        node = graph[graph.attention[layer]]
        segment = self.segments[layer]
        self.names[node.index] = "weights"
        path = self.path(layer)
        for each in path.masking:
            self.names.setdefault(each.node, "masked score")
        if path.product is not None:
            self.names[path.product.node] = "product"
        if path.score is not None:
            self.names[path.score.node] = "score"
        mix = self._consumer(node.index, "mix")
        if mix is not None:
            self.names[mix], self._mixes[layer] = "head output", mix
        self._name_parts(layer)
        output = None if mix is None else self._following(mix, {"linear"}, segment)
        if output is not None:
            self.names.setdefault(output, "attention output")
            residual = self._following(output, {"sum"}, segment, n_states=2)
            end = output if residual is None else residual
            self._attention_ends[layer] = self._closing_norm(end, segment)
        else:
            self._attention_ends[layer] = node.index if mix is None else mix
        self._name_rest(segment)

    def _closing_norm(self, residual: int, segment: Segment) -> int:
        """The normalization of a residual that nothing else reads, or the residual."""
        readers = [each for each, _ in self.trace.consumers(residual) if each < segment.end]
        norms = [each for each in readers if self._operation(each) in NORMS]
        return norms[0] if norms and len(readers) == len(norms) else residual

    def path(self, layer: int, head: int = 0) -> AttentionPath:
        """The way to a weight of a head: where the last token looks most."""
        node = self.trace.graph[self.trace.graph.attention[layer]]
        n_queries = node.shape[-2]
        row = Selection(node.index, (n_queries - 1) * node.shape[-1] + np.arange(node.shape[-1]))
        key = int(self.trace.values(row)[:n_queries].argmax())
        return attention_path(self.trace, layer, head, n_queries - 1, key)

    def _name_parts(self, layer: int) -> None:
        """Name queries, keys and values on the way up to the linear maps that make them."""
        for name, part in self._parts(layer, 0):
            current = part
            for _ in range(MAX_STEPS):
                computed = None if current is None else self.trace.computation(current)
                if current is None or computed is None:
                    break
                if computed.operation in CONTRACTIONS:
                    self._projections[current.node] = layer
                    break
                if not self.trace.graph[current.node].moves:
                    self.names.setdefault(current.node, self._changed(name, computed))
                current = self._first_state(computed)

    def _changed(self, name: str, computed: Computation) -> str:
        """What a query or a key is called that something was done to."""
        if computed.operation in SCALINGS:
            others = [each for each in computed.operands if not self.trace.is_state(each)]
            factor = self.name(others[0]) if others and isinstance(others[0], Selection) else ""
            return f"{name} · {factor}" if factor in {"cos", "sin"} else f"scaled {name}"
        return f"{_PREFIXES.get(computed.operation, 'changed')} {name}"

    def _first_state(self, computed: Computation) -> Selection | None:
        states = [each for each in computed.operands if self.trace.is_state(each)]
        first = states[0] if states else None
        return self.trace.resolve(first) if isinstance(first, Selection) else None

    def _up_to_linear(self, selection: Selection) -> Selection | None:
        """The same numbers where a linear map has made them, before anything else was done."""
        current: Selection | None = self.trace.resolve(selection)
        for _ in range(MAX_STEPS):
            computed = None if current is None else self.trace.computation(current)
            if computed is None or computed.operation in CONTRACTIONS:
                return current
            current = self._first_state(computed)
        return None

    def _name_rest(self, segment: Segment) -> None:
        """Name what stands behind and beside attention in a layer, by what it does."""
        graph = self.trace.graph
        for index in range(segment.start, segment.end):
            node = graph[index]
            if index in self.names or index in self._projections or node.moves or not node.is_state:
                continue
            operation = self._operation(index)
            if operation in NORMS:
                self.names[index] = "normalization"
            elif operation == "linear":
                further = self._following(index, {"linear"}, segment)
                self.names[index] = (
                    "feed-forward output" if further is None else "feed-forward hidden"
                )
            elif operation in ACTIVATIONS:
                self.names[index] = "activation"
            elif operation in {"sum", "product"} and self._n_states(index) == 2:
                self.names[index] = "residual" if operation == "sum" else "gated"
        last = self._output(segment)
        if last is not None:
            self.names[last] = "state"

    def _name_ends(self) -> None:
        """Name the embeddings and what leads from the last state to the class."""
        graph, trace = self.trace.graph, self.trace
        first = self.segments[0].start if self.segments else graph.output
        last = self.segments[-1].end if self.segments else 0
        for node in graph.nodes[:first]:
            if node.name == "embedding" and node.tensor.is_floating_point():
                self.names.setdefault(node.index, self._kind_of_lookup(node.index))
        logits = trace.resolve(_first_row(graph[graph.output].shape, graph.output)).node
        for node in graph.nodes[:first]:
            if node.moves or not node.is_state:
                continue
            if any(each >= first for each, _ in trace.consumers(node.index)):
                self.names[node.index] = "state"
            elif self._operation(node.index) == "sum":
                self.names.setdefault(node.index, "embedding sum")
        for node in graph.nodes[last:logits]:
            if node.moves or not node.is_state or node.index in self.names:
                continue
            operation = self._operation(node.index)
            if operation in NORMS:
                self.names[node.index] = "normalization"
            elif operation == "linear":
                self.names[node.index] = "pooler"
            elif operation in ACTIVATIONS:
                self.names[node.index] = "pooled"
        self.names[logits] = "logits"
        for node in graph.nodes[graph.output + 1 :]:
            operation = node.name
            for name, label in _AFTER.items():
                if operation == name:
                    self.names[node.index] = label

    def _kind_of_lookup(self, index: int) -> str:
        node = self.trace.graph[index]
        ids, table = (self.trace.graph[ref.node] for ref in node.args[:2])
        while ids.moves and not ids.input:
            ids = self.trace.graph[next(refs(ids.args)).node]
        if ids.input == "input_ids":
            return "word embedding"
        is_segment = ids.input == "token_type_ids" or "token_type" in table.parameter
        return "segment embedding" if is_segment else "position embedding"

    def _operation(self, index: int) -> str:
        shape = self.trace.graph[index].shape
        computed = self.trace.computation(_first_row(shape, index))
        return "" if computed is None else computed.operation

    def _n_states(self, index: int) -> int:
        computed = self.trace.computation(_first_row(self.trace.graph[index].shape, index))
        return 0 if computed is None else sum(map(self.trace.is_state, computed.operands))

    def _consumer(self, index: int, operation: str) -> int | None:
        return next(
            (each for each, _ in self.trace.consumers(index) if self._operation(each) == operation),
            None,
        )

    def _following(
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
                operation = self._operation(each)
                if operation in operations and self._n_states(each) >= n_states:
                    return each
                if operation == "sum" and self._n_states(each) > 1 and "sum" not in operations:
                    continue  # the residual: what comes behind it is another part
                pending.append(each)
        return None

    def _output(self, segment: Segment) -> int | None:
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


_AFTER = {
    "div": "scaled logits",
    "softmax": "probabilities",
    "sigmoid": "probabilities",
    "argmax": "class",
}
_PREFIXES = {
    **dict.fromkeys(SCALINGS, "scaled"),
    **dict.fromkeys(NORMS, "normalized"),
    "sum": "rotated",
    "concat": "joined",
}
_GENERIC = {
    "sum": "sum",
    "product": "elementwise product",
    "matmul": "matrix product",
    "linear": "linear map",
    "layer_norm": "normalization",
    "rms_norm": "normalization",
    "lookup": "embedding",
    "concat": "joined",
    "opaque": "result",
}


def _first_row(shape: tuple[int, ...], node: int) -> Selection:
    return Selection(node, np.arange(shape[-1]) if shape else np.array(0))
