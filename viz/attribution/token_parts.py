"""Each state of some tokens as a sum of parts, through all that treats a token on its own.

Linear maps act on each part.  What a normalization multiplies a row by, and the slope act(x) / x of
an activation, are held at the values that they take for this text.  Of a product of two factors
that both depend on the states (a gate) each takes half, as in the uniform rule of AttnLRP.  A
constant that is added, a bias, is placed by a rule of the caller's.  Source:
viz/attribution/README.md 2.5.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from viz.attribution.mixed_state import centered
from viz.attribution.operations import (
    DIFFERENCES,
    DIVISIONS,
    FACTORS,
    NORMS,
    SAME_ORDER,
    SAME_VALUES,
    SUMS,
)
from viz.attribution.token_graph import Node
from viz.errors import MethodError
from viz.model.linear_maps import MATRIX_PRODUCTS, linear_map, rows

ACTIVATIONS = frozenset(
    {"__pow__", "clamp", "elu", "erf", "exp", "gelu", "hardswish", "hardtanh", "leaky_relu"}
    | {"mish", "neg", "pow", "relu", "relu6", "relu_", "selu", "sigmoid", "silu", "softplus"}
    | {"square", "tanh"}
)
"""Functions of each number alone."""
COLUMNS = SAME_ORDER | {"chunk", "narrow", "split"}

BiasShares = Callable[[Tensor], Tensor]
"""From <b, part> of each part, (..., K), the share of the bias b that each part gets, (..., K)."""


class TokenParts:
    """The parts of nodes of a pass, in the rows of some tokens.

    Args:
        queries: The tokens.  (R,)
        known: The parts of the nodes to begin with, (R, K, D).
        bias_shares: Who gets the biases.
        refuse: The error for what can't be split.
        pooling: How much of each of the tokens a single row is made of.  (R,)
    """

    def __init__(
        self,
        queries: Tensor,
        known: Mapping[Node, Tensor],
        bias_shares: BiasShares,
        refuse: Callable[[str], MethodError],
        pooling: Tensor | None = None,
    ) -> None:
        self._queries = queries
        self._parts = dict(known)
        self._known = frozenset(known)
        self._bias_shares = bias_shares
        self._refuse = refuse
        self._pooling = pooling
        self._n_tokens = len(rows(next(iter(known)).value))

    def parts(self, node: Node) -> Tensor:
        """The parts of a node, which add up to its rows.  (R, K, I)

        Raises:
            MethodError: where something lies on the way that has no rule.
        """
        if node not in self._parts:
            self._parts[node] = self._computed(node)
        return self._parts[node]

    def add_bias(self, parts: Tensor, bias: Tensor | None) -> Tensor:
        """Parts with a constant added, (I,) or (R, I)."""
        if bias is None:
            return parts
        products = (parts @ bias.unsqueeze(-1)).squeeze(-1)
        return parts + self._bias_shares(products)[..., None] * bias.unsqueeze(-2)

    def _computed(self, node: Node) -> Tensor:
        name, nodes = node.name, node.nodes
        if not nodes:
            raise self._refuse("their states depend on more than the states below")
        origin = self._origin(node)
        if _same_values(node):
            return self.parts(nodes[0])
        if origin is not node:
            return self.parts(origin) * self._ratio(node, origin)
        if name in COLUMNS:
            return self._columns(node, nodes[0])
        if name in MATRIX_PRODUCTS:
            return self._linear(node, nodes)
        if name in NORMS:
            return self._norm(node, nodes[0])
        if name == "mean" and node.value.shape[-1] == 1:
            return self.parts(nodes[0]).mean(-1, keepdim=True)
        if name in SUMS | DIFFERENCES:
            return self._sum(node)
        if name in FACTORS | DIVISIONS:
            return self._product(node)
        if len(rows(node.value)) == 1 < len(rows(nodes[0].value)):
            return self._pooled(node, nodes[0])
        raise self._refuse(
            f"no rule tells the parts of what torch's {name or 'own code'!r} puts out"
        )

    def _origin(self, node: Node) -> Node:
        """What a node is a function of, number by number; itself where it is of several."""
        if node in self._known or not node.nodes:
            return node
        origins = {self._origin(each) for each in node.nodes}
        if len(origins) > 1:
            return node
        (origin,) = origins
        if _same_values(node):
            return origin
        if node.value.shape != origin.value.shape:
            return node
        if node.name in ACTIVATIONS | FACTORS | DIVISIONS:
            return origin
        # Within the formula of an activation a constant is part of it; elsewhere it is a bias.
        inside = any(self._is_function(each) for each in node.nodes)
        return origin if node.name in SUMS | DIFFERENCES and inside else node

    def _is_function(self, node: Node) -> bool:
        while _same_values(node) and node not in self._known:
            node = node.nodes[0]
        return self._origin(node) is not node

    def _rows(self, value: Tensor) -> Tensor:
        """The rows of the tokens, or the only one.  (R, I)"""
        flat = rows(value)
        if len(flat) == self._n_tokens:
            return flat[self._queries]
        if len(flat) == 1:
            return flat
        raise self._refuse("their states are not one row for each token")

    def _ratio(self, node: Node, origin: Node) -> Tensor:
        """What a function multiplies each number by; 0 where that is 0.  (R, 1, I)"""
        given, put_out = self._rows(origin.value), self._rows(node.value)
        return torch.where(given == 0, torch.zeros_like(given), put_out / given)[:, None]

    def _columns(self, node: Node, operand: Node) -> Tensor:
        if len(rows(node.value)) != len(rows(operand.value)):
            return self._pooled(node, operand)
        width = operand.value.shape[-1]
        labels = torch.arange(width, device=node.value.device).expand_as(operand.value).contiguous()
        arranged = node.function(labels, *node.args[1:], **node.kwargs)  # type: ignore[misc]
        columns = rows(arranged if node.place is None else arranged[node.place])
        if not bool((columns == columns[0]).all()):
            raise self._refuse("the numbers of a token change places")
        parts = self.parts(operand)
        return parts if torch.equal(columns[0], labels.view(-1)[:width]) else parts[..., columns[0]]

    def _linear(self, node: Node, nodes: list[Node]) -> Tensor:
        value = nodes[0].value
        linear = linear_map(node.name, node.args, node.kwargs, value, node.value)
        if linear is None or len(nodes) > 1:
            raise self._refuse("tokens are multiplied with one another outside of their heads")
        return self.add_bias(self.parts(nodes[0]) @ linear.weight, linear.bias)

    def _norm(self, node: Node, operand: Node) -> Tensor:
        whole, parts = self._rows(operand.value), self.parts(operand)
        layer_norm = node.name == "layer_norm"
        names = ("weight", "bias", "eps") if layer_norm else ("weight", "eps")
        given = {**dict(zip(names, node.args[2:], strict=False)), **node.kwargs}
        weight, eps = given.get("weight"), given.get("eps")
        if eps is None:
            eps = 1e-5 if layer_norm else torch.finfo(whole.dtype).eps
        if layer_norm:
            whole, parts = centered(whole), centered(parts)
        scaled = parts * (whole.square().mean(-1, keepdim=True) + eps).rsqrt()[:, None]
        return self.add_bias(scaled if weight is None else scaled * weight, given.get("bias"))

    def _sum(self, node: Node) -> Tensor:
        left, right = node.operands[:2]
        sign = -1 if node.name in DIFFERENCES else 1
        if node.kwargs.get("alpha", 1) != 1:
            raise self._refuse("a sum has a factor of its own")
        if isinstance(left, Node) and isinstance(right, Node):
            return self.parts(left) + sign * self.parts(right)
        if isinstance(left, Node):
            return self.add_bias(self.parts(left), sign * self._constant(right, node))
        return self.add_bias(sign * self.parts(right), self._constant(left, node))

    def _product(self, node: Node) -> Tensor:
        """Each factor takes half, held at what the other is."""
        left, right = node.operands[:2]
        if isinstance(left, Node) and isinstance(right, Node) and node.name in FACTORS:
            by_left = self.parts(left) * self._rows(right.value)[:, None]
            by_right = self._rows(left.value)[:, None] * self.parts(right)
            return (by_left + by_right) / 2
        if isinstance(left, Node) and not isinstance(right, Node):
            factor = self._constant(right, node)[:, None]
            return self.parts(left) * (1 / factor if node.name in DIVISIONS else factor)
        if isinstance(right, Node) and node.name in FACTORS:
            return self._constant(left, node)[:, None] * self.parts(right)
        raise self._refuse("a state is divided by what depends on it")

    def _constant(self, value: object, node: Node) -> Tensor:
        """What doesn't depend on the states, beside each number of a node.  (R, I)"""
        return self._rows(torch.as_tensor(value).to(node.value).expand_as(node.value))

    def _pooled(self, node: Node, operand: Node) -> Tensor:
        """One row made of those of the tokens."""
        if self._pooling is None or len(rows(node.value)) != 1:
            raise self._refuse("their states are not one row for each token")
        if node.name in ("mean", "sum") and len(self._queries) == self._n_tokens:
            share = 1 / self._n_tokens if node.name == "mean" else 1
            return share * self.parts(operand).sum(0, keepdim=True)
        whole, row = self._pooling.to(node.value) @ self._rows(operand.value), rows(node.value)[0]
        factor = (whole @ row) / (whole @ whole)
        if not torch.allclose(factor * whole, row, rtol=1e-3, atol=1e-3 * float(row.abs().max())):
            raise self._refuse("the row that the class is read from is not a mean of their states")
        pooled = torch.einsum("r,rki->ki", self._pooling.to(node.value), self.parts(operand))
        return factor * pooled[None]


def _same_values(node: Node) -> bool:
    """Whether it is its operand; what an empty cache is put in front of is, too."""
    if node.name == "cat":
        return len(node.nodes) == 1 and node.value.shape == node.nodes[0].value.shape
    return node.name in SAME_VALUES
