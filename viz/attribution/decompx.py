"""Every state as a sum of one vector for each token, carried forward from layer to layer.

A state E[q] is kept as parts X[q, k] that add up to it, k running over the tokens.  Linear maps act
on each part; attention weights, what normalizations multiply by and the slope act(x) / x of each
activation are held at the values they take for this text (`TokenParts`).  A bias b belongs to no
token, and there are two ways to place it: `by_product` shares it in proportion to |<b, part>|, so
that tokens alone add up to the explained scalar (Modarressi et al. 2023, DecompX, "absdot");
`apart` keeps it in a slot of its own, behind the tokens.  The latter is `decomposition`, found
without any gradient.
Source: viz/attribution/README.md 2.5; Modarressi et al. 2023.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from viz.attribution.layers import RecordedLayer, deciding_queries, recorded_layers, refusal
from viz.attribution.method import AttributionInput, Method, Options, TokenScores
from viz.attribution.operations import SAME_ORDER, SAME_VALUES
from viz.attribution.registry import register_method
from viz.attribution.requirements import require_pooling
from viz.attribution.target import Target
from viz.attribution.token_graph import Node, TokenGraph
from viz.attribution.token_parts import BiasShares, TokenParts
from viz.errors import MethodError
from viz.jobs.background import ProgressCallback
from viz.jobs.cancellation import check_cancelled
from viz.model.classifier import Classifier
from viz.model.linear_maps import MATRIX_PRODUCTS, Linear, linear_map

TOLERANCE = 1e-3
"""Largest gap between parts and whole, relative to the parts, before we refuse to show it."""

CHUNK_BYTES = 2**23
"""Bytes of vectors worked on at once."""

PASSES_PER_TOKEN = 0.8
"""Forward passes that one token costs."""


def by_product(products: Tensor) -> Tensor:
    """Shares in proportion to |<b, part>|; even ones where all are 0.  (..., K)"""
    size = products.abs()
    total = size.sum(-1, keepdim=True)
    even = torch.full_like(size, 1 / size.shape[-1])
    return torch.where(total > 0, size / total, even)


def apart(products: Tensor) -> Tensor:
    """All to the last part.  (..., K)"""
    shares = torch.zeros_like(products)
    shares[..., -1] = 1
    return shares


def propagate(inputs: AttributionInput, bias_shares: BiasShares) -> Tensor:
    """The explained scalar as a sum over tokens, and a slot for biases where they are kept apart.

    Args:
        inputs: What to explain; its `progress` is called after each piece of work.
        bias_shares: Who gets the biases, `by_product` or `apart`.

    Returns:
        (T,) or, with `apart`, (T + 1,).

    Raises:
        MethodError: if layers or head can't be split, or parts don't add up.
    """
    classifier, reading = inputs.classifier, inputs.reading
    graph = TokenGraph()
    with torch.inference_mode():
        layers = recorded_layers(classifier, reading.encoding, graph)
        split = _Split(graph, bias_shares, partial(refusal, classifier.architecture))
        states = _embedding_parts(layers[0].before, slot=bias_shares is apart)
        n_tokens = len(states)
        passes = PASSES_PER_TOKEN * n_tokens / len(layers)
        every = torch.arange(n_tokens, device=states.device)
        read, shares = deciding_queries(inputs)
        for layer in layers:
            # Of the last layer the rows that the head reads are enough.
            queries = read if layer is layers[-1] else every
            states = split.layer(
                layer, states, queries, lambda share: inputs.progress(passes * share)
            )
        logits = split.logits(layers[-1], states, read, shares)
        parts: Tensor = inputs.target.value(logits)
    value = float(inputs.target.value(reading.prediction.logits))
    gap = abs(float(parts.double().sum()) - value)
    if not gap <= TOLERANCE * (float(parts.abs().sum()) + abs(value)):
        raise refusal(
            classifier.architecture, "the parts of their states don't add up to the logits"
        )
    return parts


def _embedding_parts(embeddings: Tensor, *, slot: bool) -> Tensor:
    """Each embedding is all its own token's.  (T, D) -> (T, K, D)"""
    n_tokens, width = embeddings.shape
    states = embeddings.new_zeros(n_tokens, n_tokens + slot, width)
    places = torch.arange(n_tokens, device=embeddings.device)
    states[places, places] = embeddings
    return states


class _Split:
    """Carries parts through a network."""

    def __init__(
        self, graph: TokenGraph, bias_shares: BiasShares, refuse: Callable[[str], MethodError]
    ) -> None:
        self._graph = graph
        self._bias_shares = bias_shares
        self._refuse = refuse

    def layer(
        self,
        layer: RecordedLayer,
        states: Tensor,
        queries: Tensor,
        progress: ProgressCallback,
    ) -> Tensor:
        """Some rows of what a layer makes of its states.  (T, K, D) -> (R, K, D)

        `progress` is called with shares of the layer's work.
        """
        given, projected = self._node(layer.traced.given), self._node(layer.traced.projected)
        result = self._node(layer.traced.result)
        outputs = self._attention(layer, given, states, queries, progress)
        # Row by row, so that the wide vectors of the feed-forward part stay within `CHUNK_BYTES`.
        row_bytes = 4 * outputs[0].numel() * outputs.element_size()
        step = max(1, CHUNK_BYTES // row_bytes)
        for first in range(0, len(outputs), step):
            check_cancelled()
            chunk = slice(first, first + step)
            known = {given: states[queries[chunk]], projected: outputs[chunk]}
            outputs[chunk] = self._parts(known, queries[chunk]).parts(result)
            progress(2 / 3 * len(outputs[chunk]) / len(states))
        return outputs

    def logits(
        self, layer: RecordedLayer, states: Tensor, queries: Tensor, shares: Tensor
    ) -> Tensor:
        """What the head makes of the rows that it reads.  (R, K, D) -> (K, C)"""
        known = {self._node(layer.traced.result): states}
        return self._parts(known, queries, shares).parts(self._node(self._graph.logits))[0]

    def _parts(
        self, known: dict[Node, Tensor], queries: Tensor, pooling: Tensor | None = None
    ) -> TokenParts:
        return TokenParts(queries, known, self._bias_shares, self._refuse, pooling)

    def _attention(
        self,
        layer: RecordedLayer,
        given: Node,
        states: Tensor,
        queries: Tensor,
        progress: ProgressCallback,
    ) -> Tensor:
        """What all heads contribute to some rows, head by head so that little is held at once."""
        heads, projection = layer.heads, layer.added.projection
        source, linear, columns = self._values(layer)
        every = torch.arange(len(states), device=states.device)
        known = self._parts({given: states}, every)
        entering = known.parts(source)
        n_tokens, n_parts = entering.shape[:2]
        outputs = states.new_zeros(len(queries) * n_parts, projection.shape[-1])
        bias = linear.weight.new_zeros(1) if linear.bias is None else linear.bias
        bias = bias.expand(linear.weight.shape[1])
        shares = self._bias_shares(entering @ (linear.weight @ bias))
        for weights, own, matrix in zip(heads.weights, columns, projection, strict=True):
            values = entering @ linear.weight[:, own]
            check_cancelled()
            values += shares[..., None] * bias[own]
            mixed = weights[queries] @ values.view(n_tokens, -1)
            check_cancelled()
            outputs.addmm_(mixed.view(-1, len(own)), matrix)
            progress(1 / 3 / len(heads.weights))
        attention = outputs.view(len(queries), n_parts, -1)
        return known.add_bias(attention, layer.projection_bias)

    def _values(self, layer: RecordedLayer) -> tuple[Node, Linear, Tensor]:
        """The linear map to the values, what enters it, and which of its columns each head has.

        (H, d)
        """
        node = self._node(layer.traced.values)
        while node.name in _ARRANGED and len(node.nodes) == 1:
            node = node.nodes[0]
        values = layer.heads.values.transpose(0, 1).flatten(1)
        linear = None
        if node.name in MATRIX_PRODUCTS and len(node.nodes) == 1:
            value = node.nodes[0].value
            linear = linear_map(node.name, node.args, node.kwargs, value, node.value)
        if linear is None or len(linear.output) != len(values):
            raise self._refuse("their values don't come from one linear map")
        columns = (linear.output[0] == values[0][:, None]).float().argmax(1)
        if not torch.equal(linear.output[:, columns], values):
            raise self._refuse("their values don't come from one linear map")
        return node.nodes[0], linear, columns.view(len(layer.heads.values), -1)

    def _node(self, tensor: Tensor | None) -> Node:
        node = self._graph.node(tensor)
        if node is None:
            raise self._refuse("what they compute can't be followed through the pass")
        return node


_ARRANGED = (
    SAME_ORDER
    | SAME_VALUES
    | frozenset(
        {"broadcast_to", "cat", "chunk", "expand", "narrow", "repeat_interleave", "split", "unbind"}
    )
)
"""What may come between the linear map to the values and the heads."""


def _absdot(inputs: AttributionInput) -> TokenScores:
    return TokenScores(propagate(inputs, by_product).cpu().numpy(), bias=0.0)


def _require_parts(classifier: Classifier) -> None:
    """Refuse a network that can't be split: tried on a few tokens."""
    (reading,) = classifier.read_many([classifier.encoder.probe()])
    if reading.pooling is not None:
        propagate(AttributionInput(classifier, reading, Target(0, None)), by_product)


def _forward_passes(n_words: int, n_layers: int, options: Options) -> float:
    # About 1.3 tokens a word, and two special ones.
    return PASSES_PER_TOKEN * (1.3 * n_words + 2)


DECOMPX_ABSDOT = Method(
    name="decompx-absdot",
    label="DecompX, bias spread",
    signed=True,
    cost=PASSES_PER_TOKEN * 54,
    description="The decomposition carried forward, each bias shared out among the tokens, which "
    "then add up to the whole.",
    reference="Modarressi et al. 2023 (DecompX)",
    score=_absdot,
    whole_maps=True,
    requirements=(require_pooling, _require_parts),
    estimated_forward_passes=_forward_passes,
)

register_method(DECOMPX_ABSDOT)
