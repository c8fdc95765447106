"""The trace of one reading: any number of the pass, what made it, and what it makes."""

from collections.abc import Iterable

import numpy as np
import torch

from finetune.checkpoint.arrays import FloatArray
from viz.errors import MethodError, SelectionError
from viz.mechanism.trace.computation import Computation, Operand
from viz.mechanism.trace.equations import EQUATIONS, difference, recompute
from viz.mechanism.trace.graph import Graph, refs
from viz.mechanism.trace.movement import Origin, origin
from viz.mechanism.trace.patterns import activation, activation_name, root_mean_square
from viz.mechanism.trace.rearrangement import rearrangement
from viz.mechanism.trace.recorder import TraceRecorder
from viz.mechanism.trace.rules import computation, opaque
from viz.mechanism.trace.selection import Selection, is_plain, varying_axes
from viz.model.classifier import Classifier
from viz.types import Reading

TOLERANCE = 1e-5
"""How far both sides of an equation may be apart, relative to the largest number (at least 1)."""
DOUBLE_TOLERANCE = 1e-12
LARGE = 4096
"""Numbers of a matrix of weights that is looked up once for all tokens."""
ARGUMENT_ERRORS = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What a rule can raise for arguments that it was not written for."""


class Trace:
    """The numbers of one pass, each with where it came from.

    Args:
        classifier: Whose pass it is.
        reading: The reading that the pass has to agree with.

    Raises:
        MethodError: if the pass is too large, or the reading is not of this classifier.
    """

    def __init__(self, classifier: Classifier, reading: Reading) -> None:
        self.reading = reading
        self.graph = _graph(classifier, reading)
        self.is_double = classifier.model.dtype == torch.float64
        self.tolerance = DOUBLE_TOLERANCE if self.is_double else TOLERANCE
        self._origins: dict[int, Origin | None] = {}
        self._activations: dict[int, str | None] = {}
        self._computations: dict[str, Computation] = {}
        self._matrices: dict[tuple[int, tuple[int, ...], int, int], Selection] = {}
        self._numbers: dict[int, FloatArray] = {}
        self.graph.attention = [self._computed(node) for node in self.graph.attention]

    @property
    def n_bytes(self) -> int:
        """What its numbers take: parameters, which the classifier has anyway, only where copied."""
        tensors = (node.tensor for node in self.graph.nodes if not node.parameter)
        # Another thread may be looking a matrix up.
        copies = list(self._numbers.values())
        return sum(each.nbytes for each in tensors) + sum(each.nbytes for each in copies)

    def values(self, operand: Operand) -> FloatArray:
        """The numbers of a selection, in its shape."""
        if not isinstance(operand, Selection):
            return np.float64(operand)  # type: ignore[return-value]
        known = self._numbers.get(id(operand))
        if known is not None:
            return known
        tensor = self.graph[operand.node].tensor
        if operand.places.size and int(operand.places.max()) >= tensor.numel():
            raise SelectionError("This reading has no such term; go back to the first equation.")
        places = torch.from_numpy(np.asarray(operand.places)).to(tensor.device)
        with torch.no_grad():
            numbers: FloatArray = torch.take(tensor, places).cpu().numpy()
        if numbers.dtype not in (np.float32, np.float64):
            numbers = numbers.astype(np.float64)
        numbers.setflags(write=False)
        if operand in self._matrices.values():
            self._numbers[id(operand)] = numbers
        return numbers

    def origin(self, node: int) -> Origin | None:
        """Where the numbers of a node were moved from; None where they were computed."""
        if node not in self._origins:
            self._origins[node] = origin(self.graph, self.graph[node])
        return self._origins[node]

    def activation(self, node: int) -> str | None:
        """What a node is called as an activation; None where it is none that has a name."""
        if node not in self._activations:
            self._activations[node] = activation_name(self, node)
        return self._activations[node]

    def moved_from(self, selection: Selection) -> Selection | None:
        """The numbers that some were moved from; None where they were computed, or from several."""
        whence = self.origin(selection.node)
        if whence is None:
            return None
        which = whence.source[selection.places]
        if not which.size or which.min() != which.max() or which.flat[0] < 0:
            return None
        return Selection(whence.sources[int(which.flat[0])], whence.place[selection.places])

    def resolve(self, selection: Selection) -> Selection:
        """The same numbers where they were computed, as far as they keep their shape there."""
        plain = selection
        step: Selection | None = selection
        while step is not None and self.graph[step.node].name != "embedding":
            step = self.moved_from(step)
            if step is not None and is_plain(step.places, self.graph[step.node].shape):
                plain = step
        return plain

    def computation(self, selection: Selection) -> Computation | None:
        """The right-hand side for some numbers; None for parameters, inputs and constants.

        In double precision, what the code of a family computes in single precision is a constant,
        such as the angles of rotary embeddings.  A right-hand side that does not give
        the numbers that were recorded is opaque.
        """
        node = self.graph[selection.node]
        if self.is_end(selection.node):
            return None
        key = selection.id
        if key not in self._computations:
            self._computations[key] = self._proved(selection) or opaque(self.graph, node)
        return self._computations[key]

    def is_end(self, index: int) -> bool:
        """Whether a node is no result of an equation: a parameter, an input or a constant."""
        node = self.graph[index]
        if node.func is None or not any(True for _ in refs(node.args, node.kwargs)):
            return True
        if node.name == "argmax":
            return False
        # What the code of a family rounds to single precision is a constant in a double one.
        kind = node.tensor.dtype
        return not kind.is_floating_point or (self.is_double and kind != torch.float64)

    def _proved(self, selection: Selection) -> Computation | None:
        """The right-hand side by the rules, if it gives what was recorded."""
        try:
            proposed = self._proposed(selection)
            if proposed.operation not in EQUATIONS:
                return None
            result = self._result(proposed)
            if result.shape != selection.places.shape:  # axes of one entry
                result = result.reshape(selection.places.shape)
                shape = "x".join(map(str, selection.places.shape))
                proposed = proposed._replace(options={**proposed.options, "shape": shape})
            if not all(each.has_id for each in proposed.operands if isinstance(each, Selection)):
                return None
        except ARGUMENT_ERRORS:  # a function was called in a way that no rule knows
            return None
        return proposed if self._is_recorded(selection, result) else None

    def _proposed(self, selection: Selection) -> Computation:
        if self.graph[selection.node].moves:
            return self._rearranged(selection)
        for pattern in (activation, root_mean_square):
            folded = pattern(self, selection)
            if folded is not None and self._is_recorded(selection, self._result(folded)):
                return self._resolved(folded)
        shape = self.graph[selection.node].shape
        if not is_plain(selection.places, shape):  # heads that are read as one vector
            laid_out = rearrangement(selection.places, selection, shape)
            return laid_out or opaque(self.graph, self.graph[selection.node])
        # An axis of one entry is put back where the result is laid out.
        single = Selection(selection.node, np.asarray(selection.places.squeeze()))
        return self._resolved(computation(self.graph, single))

    def _resolved(self, proposed: Computation) -> Computation:
        operands = tuple(
            self._shared(self.resolve(each)) if isinstance(each, Selection) else each
            for each in proposed.operands
        )
        return proposed._replace(operands=operands)

    def _shared(self, selection: Selection) -> Selection:
        """The selection itself, or of a matrix of weights the one that other tokens have used."""
        places = selection.places
        if not self.graph[selection.node].parameter or places.size < LARGE:
            return selection
        key = (selection.node, places.shape, int(places.flat[0]), int(places.flat[-1]))
        known = self._matrices.setdefault(key, selection)
        return known if np.array_equal(known.places, places) else selection

    def _is_recorded(self, selection: Selection, result: FloatArray) -> bool:
        """Whether the left-hand side of an equation is what the pass has computed."""
        recorded = self.values(selection)
        same = result.shape == recorded.shape
        return same and difference(result, recorded) <= self.tolerance

    def _result(self, computed: Computation) -> FloatArray:
        with np.errstate(all="ignore"):
            given = [self.values(each) for each in computed.operands]
            return recompute(computed.operation, given, computed.options)

    def _rearranged(self, selection: Selection) -> Computation:
        """Numbers that were moved and have another shape where they were computed."""
        is_lookup = self.graph[selection.node].name == "embedding"
        steps: list[Selection] = []
        step: Selection | None = selection
        while step is not None and (step := self.moved_from(step)) is not None:
            steps.append(step)
            if is_lookup or self.graph[step.node].name == "embedding":
                break
        for step in reversed(steps):
            computed = rearrangement(selection.places, step, self.graph[step.node].shape)
            if computed is not None:
                return computed._replace(operation="lookup") if is_lookup else computed
        return self._joined(selection)

    def _joined(self, selection: Selection) -> Computation:
        """Numbers that were moved from several tensors: stretches of them, end to end."""
        node, whence = self.graph[selection.node], self.origin(selection.node)
        if whence is None or not selection.places.ndim:
            return opaque(self.graph, node)
        which, places = whence.source[selection.places], whence.place[selection.places]
        axes = varying_axes(which)
        if len(axes) > 1:
            return opaque(self.graph, node)
        axis = axes[0] if axes else which.ndim - 1
        first = np.moveaxis(which, axis, -1).reshape(-1, which.shape[axis])[0]
        ends = [*(np.flatnonzero(np.diff(first)) + 1), first.size]
        operands: list[Operand] = []
        for start, end in zip([0, *ends[:-1]], ends, strict=True):
            if first[start] >= 0:
                stretch = np.take(places, range(start, end), axis)
                operands.append(self.resolve(Selection(whence.sources[int(first[start])], stretch)))
            elif selection.places.ndim == 1:  # put there by the function
                operands += [float(each) for each in self.values(selection)[start:end]]
            else:
                return opaque(self.graph, node)
        return Computation("concat", tuple(operands), {"axis": axis})

    def _computed(self, node: int) -> int:
        """The node that the numbers of a whole node were computed in."""
        whence = self.origin(node)
        while whence is not None and len(whence.sources) == 1:
            source = self.graph[whence.sources[0]]
            if source.tensor.numel() != self.graph[node].tensor.numel():
                break
            node = source.index
            whence = self.origin(node)
        return node

    def is_state(self, operand: Operand) -> bool:
        """Whether numbers depend on the text by more than its length."""
        return isinstance(operand, Selection) and self.graph[operand.node].is_state

    def consumers(self, node: int) -> Iterable[tuple[int, list[int]]]:
        """What computes with a node, each with the moves on the way there, first move first."""
        pending: list[tuple[int, list[int]]] = [(node, [])]
        while pending:
            current, moves = pending.pop(0)
            for index in self.graph.consumers(current):
                if self.graph[index].moves:
                    pending.append((index, [*moves, index]))
                else:
                    yield index, moves


def _graph(classifier: Classifier, reading: Reading) -> Graph:
    """The graph of a pass over the text of a reading, to the probabilities of its classes."""
    if reading.fingerprint != classifier.fingerprint:
        raise MethodError(
            f"This reading is one of {reading.checkpoint!r}, not of {classifier.name!r}; read the "
            "text with this classifier first."
        )
    inputs = classifier.pad([reading.encoding.inputs])
    recorder = TraceRecorder(classifier.model, inputs)
    with torch.inference_mode():
        logits = classifier.run(inputs, recorder)
        recorded = logits[0].double().cpu().numpy()
        given = reading.prediction.logits.astype(np.float64)
        if difference(recorded, given) > TOLERANCE:
            raise MethodError(
                "A pass that keeps every number gives other logits than this reading; read the "
                "text again."
            )

        def outcomes(whole: torch.Tensor) -> None:
            if classifier.regression:
                return
            row = whole[0].double()
            scaled = row if classifier.temperature is None else row / classifier.temperature
            probabilities = scaled.sigmoid() if classifier.multi_label else scaled.softmax(-1)
            if not classifier.multi_label:
                probabilities.argmax(-1)

        return recorder.finish(logits, outcomes)
