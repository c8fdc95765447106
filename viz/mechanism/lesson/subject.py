"""What a lesson is about: one text as one classifier read it, and one of its attention weights."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from viz.attention.long_attention import LongAttention, require_all_weights
from viz.attention.words import Span, spans
from viz.attribution import reader_of
from viz.errors import LongTextError, VizError
from viz.mechanism.unfolding.cell import Cell, check_cell, default_cell
from viz.mechanism.unfolding.step import Stage, Step
from viz.mechanism.unfolding.unfold import Unfolder
from viz.mechanism.unfolding.unfolding import Unfolding
from viz.model.classifier import Classifier
from viz.types import MissingAttention, Reading

Unfold = Callable[[int, int, int, int], Unfolding]
"""From layer, head, query and key to the equations around that weight."""


@dataclass(frozen=True, eq=False)
class LessonSubject:
    """A reading with the cell that the lesson follows and the equations around it."""

    classifier: Classifier
    reading: Reading
    cell: Cell | None
    """None where the network has no attention map, or the maps of a long text are not kept."""
    unfold: Callable[[], Unfolding] | None = None
    """What gives the equations around the cell; None where they can't be had."""
    refusal: str = ""
    """Why they can't, in the sentence of the error."""

    @property
    def unfolding(self) -> Unfolding | None:
        """The equations around the cell; None where they can't be had.

        Not kept here: each holds all numbers of a pass, and whoever unfolds bounds how many stay.
        """
        return None if self.unfold is None else self.unfold()

    @property
    def no_cell(self) -> str:
        """Why there is no weight to follow, where there is none: the key of a sentence."""
        return "long_text" if isinstance(self.reading.attention, LongAttention) else "no_maps"

    @property
    def pieces(self) -> tuple[Span, ...]:
        """The tokens as a reader sees them."""
        return spans(self.reading.encoding, "wordpiece")

    def token(self, index: int) -> str:
        """A token as a reader sees it."""
        return self.pieces[index].label

    def equation(
        self, name: str, *, stage: Stage = "attention", ndim: int | None = None
    ) -> Step | None:
        """The equation whose result has a name, of the cell's head and of the token that looks.

        Args:
            name: What is computed.
            stage: The part of the network; in the layer of the cell, if it is a part of a layer.
            ndim: How many axes the result has: 0 for a number, 1 for a vector.

        Returns:
            The first one; None where this model has none.
        """
        if self.unfolding is None or self.cell is None:
            return None
        in_layer = stage in ("attention", "feed-forward")
        layer = self.cell.layer if in_layer else None
        for step in self.unfolding.steps:
            result = step.result
            if (
                (step.name, step.stage, step.layer) == (name, stage, layer)
                and result.head in (None, self.cell.head)
                # The story tells the deciding token beside the one that looks.
                and (not in_layer or result.token in (None, self.cell.query))
                and (ndim is None or result.values.ndim == ndim)
            ):
                return step
        return None

    def equations(
        self, *names: str, stage: Stage = "attention", ndim: int | None = None
    ) -> tuple[Step, ...]:
        """Those of several names that this model has."""
        steps = (self.equation(name, stage=stage, ndim=ndim) for name in names)
        return tuple(step for step in steps if step is not None)


def lesson_subject(
    classifier: Classifier,
    reading: Reading,
    cell: Cell | None = None,
    unfold: Unfold | None = None,
) -> LessonSubject:
    """The subject of a lesson, with the equations where the model allows them.

    Args:
        classifier: The classifier that made the reading.
        reading: What `classifier.read` returned.
        cell: The attention weight to follow; by default where the deciding token looks hardest.
        unfold: What unfolds a weight of the reading; by default it is read once more for that.

    Raises:
        SelectionError: for a layer, a head or a token that doesn't exist, or a reading of another
            classifier.
    """
    classifier = reader_of(classifier, reading)
    if isinstance(reading.attention, MissingAttention):
        return LessonSubject(classifier, reading, None, refusal=reading.attention.reason)
    try:
        require_all_weights(reading, "A lesson")
    except LongTextError as error:
        return LessonSubject(classifier, reading, None, refusal=str(error))
    chosen = default_cell(reading) if cell is None else check_cell(reading, cell)
    try:
        again = partial(unfold or cache(Unfolder(classifier, reading).unfold), *chosen)
        again()
    except VizError as error:
        return LessonSubject(classifier, reading, chosen, refusal=str(error))
    return LessonSubject(classifier, reading, chosen, again)
