"""Where in the network each tensor of a pass stands, and what it is called there.

Names follow from what an operation does and what is done with its result, not from what the family
calls its modules.  They are labels: no number depends on them.
"""

from functools import cached_property
from typing import NamedTuple

from viz.mechanism.trace.attention_path import CONTRACTIONS
from viz.mechanism.trace.computation import Computation
from viz.mechanism.trace.graph import Segment, refs
from viz.mechanism.trace.neighbors import Neighbors, first_row
from viz.mechanism.trace.projections import Projections
from viz.mechanism.trace.selection import Selection
from viz.mechanism.trace.trace import Trace
from viz.mechanism.unfolding.step import Stage

NORMS = {"layer_norm", "rms_norm", "normalize"}
ACTIVATIONS = {
    *("gelu", "gelu_tanh", "relu", "silu", "tanh", "sigmoid", "relu_squared", "softplus", "mish"),
    *("relu6", "hardswish", "softsign", "elu", "leaky_relu", "clip"),
}
SCALINGS = {"product", "quotient"}


class Place(NamedTuple):
    """Where a tensor is computed."""

    stage: Stage
    layer: int | None


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
        self.projections = Projections(trace)
        self._neighbors = Neighbors(trace)
        self._attention_ends: dict[int, int] = {}
        """The residual of each layer, or its normalization, which closes its attention."""
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
        return Place("decoder" if node < self._decoder_end else "classifier", None)

    @cached_property
    def _decoder_end(self) -> int:
        """Where the last layer of a decoder ends; 0 without one."""
        graph = self.trace.graph
        weights = graph.attention[self.n_layers :]
        return max(
            (each.end for each in graph.segments for w in weights if each.start <= w < each.end),
            default=0,
        )

    def name(self, selection: Selection) -> str:
        """What some numbers are called."""
        node = self.trace.graph[selection.node]
        if node.parameter:
            return node.parameter
        if node.input:
            return node.input
        part = self.projections.part(selection)
        if part is not None:
            return part.name
        return self.names.get(node.index) or self._name_of_moved(selection)

    def n_before(self, node: int) -> int:
        """How many tensors of the same name are computed before one in the same place."""
        name, layer = self.names.get(node), self.place(node).layer
        return sum(
            other < node and own == name and self.place(other).layer == layer
            for other, own in self.names.items()
        )

    def head(self, selection: Selection) -> int | None:
        """The head whose query, key or value some numbers are, if they are one head's."""
        part = self.projections.part(selection)
        heads = [] if part is None else part.heads
        return heads[0] if len(heads) == 1 else None

    def _name_of_moved(self, selection: Selection) -> str:
        """What some numbers are called that lie elsewhere than where they were computed."""
        if not self.trace.graph[selection.node].moves:
            return self._generic(selection)
        computed = self.trace.computation(selection)
        source = (
            computed.operands[0] if computed is not None and len(computed.operands) == 1 else None
        )
        if not isinstance(source, Selection) or source.node == selection.node:
            source = self.trace.moved_from(selection)
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
        path = self.projections.path(layer)
        for each in path.masking:
            self.names.setdefault(each.node, "masked score")
        if path.product is not None:
            self.names[path.product.node] = "product"
        if path.score is not None:
            self.names[path.score.node] = "score"
        mix = self._neighbors.consumer(node.index, "mix")
        if mix is not None:
            self.names[mix], self.projections.mixes[layer] = "head output", mix
        self._name_parts(layer)
        output = None if mix is None else self._neighbors.following(mix, {"linear"}, segment)
        if output is not None:
            self.names.setdefault(output, "attention output")
            residual = self._neighbors.following(output, {"sum"}, segment, n_states=2)
            end = output if residual is None else residual
            self._attention_ends[layer] = self._closing_norm(end, segment)
        else:
            self._attention_ends[layer] = node.index if mix is None else mix
        self._name_rest(segment)

    def _closing_norm(self, residual: int, segment: Segment) -> int:
        """The normalization of a residual that nothing else reads, or the residual."""
        readers = [each for each, _ in self.trace.consumers(residual) if each < segment.end]
        norms = [each for each in readers if self._neighbors.operation(each) in NORMS]
        return norms[0] if norms and len(readers) == len(norms) else residual

    def _name_parts(self, layer: int) -> None:
        """Name queries, keys and values on the way up to the linear maps that make them."""
        for name, part in self.projections.parts(layer, 0):
            for current, computed in self.projections.changes(part):
                if computed.operation in CONTRACTIONS:
                    self.projections.layers[current.node] = layer
                    self.projections.roles.setdefault(current.node, set()).add(name)
                elif not self.trace.graph[current.node].moves:
                    self.names.setdefault(current.node, self._changed(name, computed))

    def _changed(self, name: str, computed: Computation) -> str:
        """What a query or a key is called that something was done to."""
        if computed.operation in SCALINGS:
            others = [each for each in computed.operands if not self.trace.is_state(each)]
            factor = self.name(others[0]) if others and isinstance(others[0], Selection) else ""
            return f"{name} · {factor}" if factor in {"cos", "sin"} else f"scaled {name}"
        return f"{_PREFIXES.get(computed.operation, 'changed')} {name}"

    def _name_rest(self, segment: Segment) -> None:
        """Name what stands behind and beside attention in a layer, by what it does."""
        graph = self.trace.graph
        for index in range(segment.start, segment.end):
            node = graph[index]
            if (
                index in self.names
                or index in self.projections.layers
                or node.moves
                or not node.is_state
            ):
                continue
            operation = self._neighbors.operation(index)
            if operation in NORMS:
                self.names[index] = "normalization"
            elif operation == "linear":
                further = self._neighbors.following(index, {"linear"}, segment)
                self.names[index] = (
                    "feed-forward output" if further is None else "feed-forward hidden"
                )
            elif operation in ACTIVATIONS:
                self.names[index] = "activation"
            elif operation in {"sum", "product"} and self._neighbors.n_states(index) == 2:
                self.names[index] = "residual" if operation == "sum" else "gated"
        last = self._neighbors.output(segment)
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
        logits = trace.resolve(first_row(graph[graph.output].shape, graph.output)).node
        for node in graph.nodes[:first]:
            if node.moves or not node.is_state:
                continue
            if any(each >= first for each, _ in trace.consumers(node.index)):
                self.names[node.index] = "state"
            elif self._neighbors.operation(node.index) == "sum":
                self.names.setdefault(node.index, "embedding sum")
        for node in graph.nodes[last:logits]:
            if node.moves or not node.is_state or node.index in self.names:
                continue
            operation = self._neighbors.operation(node.index)
            if operation in NORMS:
                self.names[node.index] = "normalization"
            elif operation == "linear":
                self.names[node.index] = "pooler"
            elif operation in ACTIVATIONS:
                self.names[node.index] = "pooled"
        self.names[logits] = "logits"
        for node in graph.nodes[graph.output + 1 :]:
            if node.name in _AFTER:
                self.names[node.index] = _AFTER[node.name]

    def _kind_of_lookup(self, index: int) -> str:
        node = self.trace.graph[index]
        ids, table = (self.trace.graph[ref.node] for ref in node.args[:2])
        while ids.moves and not ids.input:
            ids = self.trace.graph[next(refs(ids.args)).node]
        if ids.input == "input_ids":
            return "word embedding"
        is_segment = ids.input == "token_type_ids" or "token_type" in table.parameter
        return "segment embedding" if is_segment else "position embedding"


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
