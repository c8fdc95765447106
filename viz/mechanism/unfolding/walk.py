"""Any term of a pass as it is shown, and the way from each to what made it and what it makes."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from viz.errors import SelectionError
from viz.mechanism.trace.computation import Computation, Operand
from viz.mechanism.trace.selection import (
    Selection,
    coordinates,
    flat_places,
    no_such_term,
    parse_selection,
    varying_axes,
)
from viz.mechanism.trace.structure import Structure
from viz.mechanism.trace.trace import Trace
from viz.mechanism.unfolding import notation
from viz.mechanism.unfolding.latex_values import number_latex
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.term import Axis, Source, Term

CONSTANT = "c"
"""What the id of a number in the code of a network begins with."""
MAX_USES = 24
"""Equations that are given at most of those a term stands in."""


class TraceWalk:
    """Follows the terms of one trace.

    Args:
        trace: The pass.
        structure: What its tensors are called.
        query: The token whose row is shown where a term is used for every token.
    """

    def __init__(self, trace: Trace, structure: Structure, query: int) -> None:
        self.trace = trace
        self.structure = structure
        self.query = query
        self._n_tokens = trace.reading.encoding.n_tokens
        self._largest = max(node.tensor.numel() for node in trace.graph.nodes)
        self._terms: dict[str, Term] = {}
        self._steps: dict[str, Step | None] = {}

    def term(self, term_id: str) -> Term:
        """The term of an id.

        Raises:
            SelectionError: if the pass has no such term.
        """
        if term_id in self._terms:
            return self._terms[term_id]
        if term_id.startswith(CONSTANT):
            try:
                return self.operand(float(term_id[1:]))
            except ValueError:
                pass
        return self.operand(self._selection(term_id))

    def made_by(self, term_id: str) -> Step | None:
        """The equation whose left-hand side a term is; None for parameters, constants and ids."""
        if term_id.startswith(CONSTANT):
            return None
        if term_id not in self._steps:
            selection = self._selection(term_id)
            computed = self.trace.computation(selection)
            self._steps[term_id] = None if computed is None else self.step(selection, computed)
        return self._steps[term_id]

    def part(self, term_id: str, index: tuple[int, ...]) -> Term:
        """One row or one number of a term.

        Raises:
            SelectionError: if it has none there.
        """
        selection = self._selection(term_id)
        try:
            places = np.asarray(selection.places[index])
        except IndexError as error:
            shape = " x ".join(map(str, selection.places.shape)) or "a single number"
            raise SelectionError(f"There is no part {index} in a term of {shape}.") from error
        return self.operand(self.trace.resolve(Selection(selection.node, places)))

    def uses(self, term_id: str) -> list[Step]:
        """The equations in which a term is an operand, each for the row that shows it best."""
        if term_id.startswith(CONSTANT):
            return []
        selection = self._selection(term_id)
        if self.trace.graph[selection.node].parameter:
            return []
        steps: dict[str, Step] = {}
        for used in self._used(selection):
            step = self.made_by(self.trace.resolve(used).id)
            if step is not None and step.operation != "opaque":
                steps.setdefault(step.result.id, step)
            if len(steps) == MAX_USES:
                break
        return list(steps.values())

    def operand(self, operand: Operand) -> Term:
        """What stands in an equation, as a term."""
        if not isinstance(operand, Selection):
            value = np.array(operand, dtype=np.float64)
            value.setflags(write=False)
            return Term(
                f"{CONSTANT}{operand!r}",
                "constant",
                number_latex(operand, 6),
                value,
                (),
                "constant",
            )
        term_id = operand.id
        if term_id not in self._terms:
            self._terms[term_id] = self._term(operand, term_id)
        return self._terms[term_id]

    def step(self, selection: Selection, computed: Computation) -> Step:
        """The equation of some numbers."""
        place, result = self.structure.place(selection.node), self.operand(selection)
        operands = tuple(
            self._named_for(self.operand(each), result.name, computed.operation)
            for each in computed.operands
        )
        return Step(
            result, computed.operation, operands, computed.options, place.stage, place.layer
        )

    def _named_for(self, operand: Term, result: str, operation: str) -> Term:
        """A parameter with the symbol that it has where something is computed with it."""
        if operand.source != "parameter":
            return operand
        letters = notation.parameter_symbol(operand.name, result, operation, operand.layer)
        selection = self._selection(operand.id)
        shape = self.trace.graph[selection.node].shape
        if operation == "lookup" and operand.shape == tuple(shape[1:]):  # a row of a table
            letters += f"[{int(selection.places.flat[0]) // operand.values.size}]"
        return replace(operand, symbol=letters)

    def _selection(self, term_id: str) -> Selection:
        nodes = self.trace.graph.nodes
        selection = parse_selection(term_id, self._largest)
        if not 0 <= selection.node < len(nodes) or (
            selection.places.size
            and not 0
            <= selection.places.min()
            <= selection.places.max()
            < nodes[selection.node].tensor.numel()
        ):
            raise no_such_term(term_id)
        return selection

    def _term(self, selection: Selection, term_id: str) -> Term:
        node = self.trace.graph[selection.node]
        name = self.structure.name(selection)
        values = self.trace.values(selection)
        dimensions: tuple[Axis, ...] = tuple("dimension" for _ in values.shape)
        if node.parameter:
            layer = self._layer_of_parameter(node.index)
            own = notation.parameter_symbol(name, "", "", layer)
            return Term(term_id, name, own, values, dimensions, "parameter", layer)
        if self.trace.is_end(selection.node):
            source: Source = "input" if node.input else "constant"
            letter = notation.letter(name)
            return Term(term_id, name, letter, values, dimensions, source)
        place = self.structure.place(selection.node)
        token, head, key, axes = self._indexes(selection, name)
        # What has the same name further on, as the second residual of a layer, has a prime.
        letter = notation.letter(name) + "'" * self.structure.n_before(node.index)
        own = notation.symbol(letter, token=token, layer=place.layer, head=head, key=key)
        return Term(term_id, name, own, values, axes, "computed", place.layer, head, token)

    def _indexes(
        self, selection: Selection, name: str
    ) -> tuple[int | None, int | None, int | None, tuple[Axis, ...]]:
        """The token, the head and the key of some numbers, and what their axes count."""
        shape = self.trace.graph[selection.node].shape
        at = coordinates(selection.places, shape)
        kinds = self._dimensions(shape, name)
        fixed: dict[Axis, int] = {}
        axes: list[Axis] = ["dimension"] * selection.places.ndim
        key = None
        for dim, (own, kind) in enumerate(zip(at, kinds, strict=True)):
            if kind is None:
                continue
            moving = varying_axes(own)
            for axis in moving:
                axes[axis] = kind
            if not moving and kind != "dimension":
                value = int(own.reshape(-1)[0])
                if kind == "token" and kind in fixed and dim == len(shape) - 1:
                    key = value
                else:
                    fixed.setdefault(kind, value)
        head = fixed.get("head")
        if head is None:
            head = self.structure.head(selection)
        return fixed.get("token"), head, key, tuple(axes)

    def _dimensions(self, shape: tuple[int, ...], name: str) -> list[Axis | None]:
        """What each dimension of a tensor counts."""
        n_tokens, attention = self._n_tokens, self.trace.graph.attention
        n_heads = self.structure.projections.n_heads(0) if attention else 0
        kinds: list[Axis | None] = ["dimension"] * len(shape)
        if name in {"logits", "scaled logits", "probabilities"}:
            kinds[-1] = "class"
            return kinds
        is_map = name in {"weights", "score", "masked score", "product"} and len(shape) > 2
        if is_map:
            kinds[-2:] = ["token", "token"]
            kinds[-3] = "head"
            return kinds
        if len(shape) >= 4 or (len(shape) == 3 and shape[0] == n_heads > 1):
            if shape[-2] == n_tokens and shape[-3] == n_heads:
                kinds[-2], kinds[-3] = "token", "head"
                return kinds
            if shape[-3] == n_tokens and shape[-2] == n_heads:
                kinds[-3], kinds[-2] = "token", "head"
                return kinds
        leading = [dim for dim, size in enumerate(shape[:-1]) if size == n_tokens]
        if leading:
            kinds[leading[-1]] = "token"
        return kinds

    def _layer_of_parameter(self, node: int) -> int | None:
        """The layer that a parameter is used in; None outside of layers, or in several."""
        users = {each for each, _ in self.trace.consumers(node)}
        users |= set(self.trace.graph.consumers(node))
        layers = {self.structure.place(each).layer for each in users}
        return layers.pop() if len(layers) == 1 else None

    def _used(self, selection: Selection) -> Iterator[Selection]:
        """What is computed with some numbers, as rows of what comes of them."""
        term = self.operand(selection)
        for moved in self._moved(selection):
            graph = self.trace.graph
            for index in graph.consumers(moved.node):
                if not graph[index].moves and graph[index].tensor.is_floating_point():
                    yield self._row_made(term, moved.node, index)

    def _moved(self, selection: Selection) -> list[Selection]:
        """The numbers wherever they were moved to, and where they are."""
        everywhere, pending = [selection], [selection]
        while pending and len(everywhere) < 64:
            current = pending.pop(0)
            for index in self.trace.graph.consumers(current.node):
                whence = self.trace.origin(index) if self.trace.graph[index].moves else None
                if whence is None or current.node not in whence.sources:
                    continue
                which = whence.sources.index(current.node)
                flat = np.flatnonzero(
                    (whence.source == which) & np.isin(whence.place, current.places)
                )
                order: dict[int, int] = {}
                for place in flat:
                    order.setdefault(int(whence.place[place]), int(place))
                if len(order) < current.places.size:
                    continue
                places = np.vectorize(order.__getitem__, otypes=[np.int64])(current.places)
                step = Selection(index, np.asarray(places))
                everywhere.append(step)
                pending.append(step)
        return everywhere

    def _row_made(self, term: Term, given: int, index: int) -> Selection:
        """The row of a tensor that is made with a term, which lies in a node of its operands."""
        shape = self.trace.graph[index].shape
        name = self.structure.name(Selection(index, np.zeros((), dtype=np.int64)))
        kinds = self._dimensions(shape, name)
        tokens = [dim for dim, kind in enumerate(kinds) if kind == "token"]
        # What all tokens look at, or take up, is shown for the one that the walk is about.
        is_second = self._is_second_factor(given, index)
        row = self.query if is_second or term.token is None else term.token
        chosen: dict[int, int] = dict.fromkeys(tokens, row)
        if len(tokens) == 2:
            chosen.pop(tokens[1])
            if is_second and term.token is not None:
                chosen[tokens[1]] = term.token
        for dim, kind in enumerate(kinds):
            if kind == "head":
                chosen[dim] = term.head or 0
        coordinate = tuple(
            np.arange(size)
            if dim == len(shape) - 1 and dim not in chosen
            else np.array(min(chosen.get(dim, 0), size - 1))
            for dim, size in enumerate(shape)
        )
        return Selection(index, flat_places(coordinate, shape))

    def _is_second_factor(self, node: int, product: int) -> bool:
        """Whether a node is what a product of matrices has on the right: keys or values."""
        own = self.trace.graph[product]
        is_product = own.name in {"matmul", "bmm", "__matmul__", "baddbmm", "einsum"}
        last = [each for each in own.args if hasattr(each, "node")][-1:]
        return bool(is_product and last and last[0].node == node)
