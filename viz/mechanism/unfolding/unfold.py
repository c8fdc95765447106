"""Unfolds one attention weight into every equation between the ids of a text and its class."""

from collections.abc import Callable, Iterator

import numpy as np

from viz.attention.long_attention import require_all_weights
from viz.attribution import reader_of
from viz.errors import MethodError
from viz.mechanism.trace.attention_path import AttentionPath, attention_path
from viz.mechanism.trace.selection import Selection
from viz.mechanism.trace.structure import Structure
from viz.mechanism.trace.trace import Trace
from viz.mechanism.unfolding.cell import Cell, check_cell
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.term import Term
from viz.mechanism.unfolding.unfolding import Unfolding
from viz.mechanism.unfolding.walk import TraceWalk
from viz.model.classifier import Classifier
from viz.types import MissingAttention, Reading


class Unfolder:
    """One traced pass, of which any attention weight can be unfolded.

    Args:
        classifier: What reads.
        reading: What it has read.

    Raises:
        MethodError: if the network has no maps or no classes, the pass is too large to be kept, or
            the reading is not of these weights.
        LongTextError: where the weights of the text are not kept.
        SelectionError: for a reading of another classifier, or with a head that is off now.
    """

    def __init__(self, classifier: Classifier, reading: Reading) -> None:
        if isinstance(reading.attention, MissingAttention):
            raise MethodError(reading.attention.reason)
        require_all_weights(reading, "Taking an attention weight apart")
        if not reading.prediction.labels:
            raise MethodError(
                f"{reading.checkpoint!r} has no classification head, so no equation leads to a "
                "class; choose a checkpoint that has one."
            )
        self.reading = reading
        self.trace = Trace(reader_of(classifier, reading), reading)
        if len(self.trace.graph.attention) < reading.attention.n_layers:
            raise MethodError(
                "The layers of this model can't be told apart in a pass; choose another checkpoint."
            )
        self.structure = Structure(self.trace, reading.attention.n_layers)

    def unfold(self, layer: int, head: int, query: int, key: int) -> Unfolding:
        """How a head came to look from one token at another.

        Args:
            layer: Counted from 0.
            head: Counted from 0.
            query: Position of the token that looks.
            key: Position of the token looked at.

        Raises:
            SelectionError: if there is no such layer, head or token.
        """
        check_cell(self.reading, Cell(layer, head, query, key))
        walk = TraceWalk(self.trace, self.structure, query)
        path = attention_path(self.trace, layer, head, query, key)
        if path.score is None:
            raise MethodError(
                "What this model's softmax is given can't be followed; choose another checkpoint."
            )
        story = _Story(self.trace, self.structure, walk, path, layer)
        return Unfolding(
            self.reading,
            layer,
            head,
            query,
            key,
            float(self.trace.values(path.score)),
            float(self.trace.values(path.weight)),
            tuple(story.steps(query)),
            walk,
        )


def unfold(
    classifier: Classifier, reading: Reading, layer: int, head: int, query: int, key: int
) -> Unfolding:
    """Unfold one attention weight: every equation between the ids of a text and its class.

    One pass is run in which each operation is kept (`Unfolder`, which unfolds several weights of
    one reading, runs it once).  Each equation is recomputed in numpy from its operands; one that
    does not hold within 1e-5 of the largest number, 1e-12 in double precision, is not given.

    Args:
        classifier: What reads.
        reading: What it has read.
        layer: Counted from 0.
        head: Counted from 0.
        query: Position of the token that looks.
        key: Position of the token looked at.

    Raises:
        MethodError: if the network has no maps, or the pass can't be followed.
        SelectionError: if there is no such layer, head or token, or for a reading of another
            classifier.
    """
    return Unfolder(classifier, reading).unfold(layer, head, query, key)


class _Story:
    """The steps of one unfolding, in order."""

    def __init__(
        self,
        trace: Trace,
        structure: Structure,
        walk: TraceWalk,
        path: AttentionPath,
        layer: int,
    ) -> None:
        self.trace = trace
        self.structure = structure
        self.walk = walk
        self.path = path
        self.layer = layer
        self._steps: dict[str, tuple[int, int, Step]] = {}

    def steps(self, query: int) -> Iterator[Step]:
        """All of them."""
        self._collect(self._logits(), lambda node, token: True)
        for selection in self._head():
            self._collect(selection, self._allowed(query))
        behind = self._behind(query)
        if behind is not None:
            self._collect(behind, self._allowed(query))
        for node, size, step in sorted(self._steps.values(), key=lambda each: each[:2]):
            if not self._is_part_of_another(node, size, step):
                yield step

    def _is_part_of_another(self, node: int, size: int, step: Step) -> bool:
        """Whether a longer step of the same head says it too, as of the halves that are rotated."""
        return step.result.head is not None and any(
            own == node
            and other_size < size
            and other.result.head == step.result.head
            and other.result.token == step.result.token
            and other.result.axes == step.result.axes
            for own, other_size, other in self._steps.values()
        )

    def _logits(self) -> Selection:
        """The last thing that is computed: the class, or for a score the logit."""
        graph = self.trace.graph
        last = graph.nodes[-1]
        return Selection(last.index, np.arange(last.tensor.numel()).reshape(last.shape))

    def _head(self) -> Iterator[Selection]:
        """The numbers of the one head, from the weight up, and what it puts out."""
        path = self.path
        yield path.weights
        for each in (*path.masking, path.score, *path.scaling, path.product):
            if each is not None:
                yield each
        for each in (path.query, path.key):
            if each is not None:
                yield self.trace.resolve(each)
        output = self._head_output()
        if output is not None:
            yield output

    def _head_output(self) -> Selection | None:
        """What the head mixes for the token that looks.  (d,)"""
        graph = self.trace.graph
        node = graph.attention[self.layer]
        n_keys = graph[node].shape[-1]
        row = int(self.path.weights.places[0]) // n_keys
        for index, _ in self.trace.consumers(node):
            if self.structure.names.get(index) == "head output":
                width = graph[index].shape[-1]
                return Selection(index, row * width + np.arange(width))
        return None

    def _behind(self, query: int) -> Selection | None:
        """The state of the token that looks, behind the layer of the head."""
        segment = self.structure.segments[self.layer]
        for index in reversed(range(segment.start, segment.end)):
            node = self.trace.graph[index]
            if self.structure.names.get(index) == "state" and len(node.shape) > 1:
                width = node.shape[-1]
                return Selection(index, query * width + np.arange(width))
        return None

    def _allowed(self, query: int) -> Callable[[int, int | None], bool]:
        """Of the token looked at, nothing is followed below the layer of the head."""
        segment = self.structure.segments[self.layer]
        return lambda node, token: token in (query, None) or node >= segment.start

    def _collect(self, start: Selection, allowed: Callable[[int, int | None], bool]) -> None:
        """Add the equation of some numbers, and those of all operands that are of one token."""
        pending = [start]
        while pending:
            selection = pending.pop()
            key = selection.id
            if key in self._steps:
                continue
            step = self.walk.made_by(key)
            if step is None:
                continue
            self._steps[key] = (selection.node, -selection.places.size, step)
            for term, operand in zip(step.operands, self._operands(selection), strict=True):
                if (
                    isinstance(operand, Selection)
                    and self.trace.graph[operand.node].func is not None
                    and self._is_about_the_text(operand)
                    and self._is_followed(term)
                    and allowed(operand.node, term.token)
                ):
                    pending.append(operand)

    def _is_about_the_text(self, operand: Selection) -> bool:
        """Whether it depends on what the text says, or embeds a token; masks and angles do not."""
        is_lookup = self.trace.graph[operand.node].name == "embedding"
        if is_lookup and self.structure.place(operand.node).stage == "embeddings":
            return True  # the embedding of a position, too
        return self.trace.is_state(operand) or operand.node > self.trace.graph.output

    def _operands(self, selection: Selection) -> tuple[object, ...]:
        computed = self.trace.computation(selection)
        return () if computed is None else computed.operands

    def _is_followed(self, term: Term) -> bool:
        """Whether a term belongs to the story: what many tokens have is made for each of them."""
        if term.values.size > MAX_FOLLOWED:
            return False
        is_weights = term.name in {"weights", "score", "masked score", "product"}
        return is_weights or "token" not in term.axes


MAX_FOLLOWED = 2**20
"""Numbers of a term up to which the story goes on to what made it."""
