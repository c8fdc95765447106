"""What a lesson is about: one text as one classifier read it, and one of its attention weights."""

from dataclasses import dataclass

from viz.attention.words import Span, spans
from viz.mechanism.lesson.cell import Cell, check_cell, default_cell
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.unfolding import Unfolding
from viz.model.classifier import Classifier
from viz.types import MissingAttention, Reading


@dataclass(frozen=True, eq=False)
class LessonSubject:
    """A reading with the cell that the lesson follows and the equations around it."""

    classifier: Classifier
    reading: Reading
    cell: Cell | None
    """None where the network has no attention map."""
    unfolding: Unfolding | None = None
    """None where the equations can't be had."""
    refusal: str = ""
    """Why they can't, in the sentence of the error."""

    @property
    def pieces(self) -> tuple[Span, ...]:
        """The tokens as a reader sees them."""
        return spans(self.reading.encoding, "wordpiece")

    def token(self, index: int) -> str:
        """A token as a reader sees it."""
        return self.pieces[index].label

    def equation(self, name: str, layer: int | None = None) -> Step | None:
        """The first equation whose result has a name; None where this model has none."""
        if self.unfolding is None:
            return None
        try:
            return self.unfolding.step(name, layer)
        except KeyError:
            return None


def lesson_subject(
    classifier: Classifier, reading: Reading, cell: Cell | None = None
) -> LessonSubject:
    """The subject of a lesson, with the equations where the model allows them.

    Args:
        classifier: The classifier that made the reading.
        reading: What `classifier.read` returned.
        cell: The attention weight to follow; by default where the deciding token looks hardest.

    Raises:
        SelectionError: for a layer, a head or a token that doesn't exist.
    """
    if isinstance(reading.attention, MissingAttention):
        return LessonSubject(classifier, reading, None, refusal=reading.attention.reason)
    chosen = default_cell(reading) if cell is None else check_cell(reading, cell)
    return LessonSubject(classifier, reading, chosen, *_unfolding(classifier, reading, chosen))


def _unfolding(
    classifier: Classifier, reading: Reading, cell: Cell
) -> tuple[Unfolding | None, str]:
    return None, ""
