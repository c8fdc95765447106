"""The lesson: its steps in the order of the chapter, each computed when it is wanted."""

from collections.abc import Callable, Iterator
from functools import partial
from types import MappingProxyType

from viz.attribution.method import no_progress
from viz.errors import SelectionError
from viz.jobs.background import ProgressCallback
from viz.mechanism.lesson.decision import decision
from viz.mechanism.lesson.explanation import explanation, explanation_passes
from viz.mechanism.lesson.feed_forward import feed_forward
from viz.mechanism.lesson.heads import heads
from viz.mechanism.lesson.lesson_step import LessonStep
from viz.mechanism.lesson.mix import mix
from viz.mechanism.lesson.residual import residual
from viz.mechanism.lesson.scores import scores
from viz.mechanism.lesson.subject import LessonSubject, Unfold, lesson_subject
from viz.mechanism.lesson.token_ids import token_ids
from viz.mechanism.lesson.vectors import vectors
from viz.mechanism.lesson.weights import weights
from viz.mechanism.unfolding.cell import Cell
from viz.model.classifier import Classifier
from viz.types import Reading

BUILDERS: MappingProxyType[str, Callable[[LessonSubject], LessonStep]] = MappingProxyType(
    {
        "words": token_ids,
        "vectors": vectors,
        "score": scores,
        "weights": weights,
        "mix": mix,
        "heads": heads,
        "residual": residual,
        "feed_forward": feed_forward,
        "class": decision,
        "explanation": explanation,
    }
)
"""What computes each step, by its key, in the order of the chapter."""
STEP_KEYS: tuple[str, ...] = tuple(BUILDERS)


class Lesson:
    """Ten steps from words to class on one reading.

    Args:
        subject: What it is about; `lesson` makes it of a reading.
    """

    def __init__(self, subject: LessonSubject) -> None:
        self.subject = subject
        self._steps: dict[str, LessonStep] = {}

    def step(self, key: str, progress: ProgressCallback = no_progress) -> LessonStep:
        """One step, computed once.

        Raises:
            SelectionError: for a step that doesn't exist.
        """
        if key not in BUILDERS:
            raise SelectionError(
                f"The lesson has no step {key!r}; its steps are {', '.join(STEP_KEYS)}."
            )
        if key not in self._steps:
            build = BUILDERS[key]
            if build is explanation:
                build = partial(explanation, progress=progress)
            self._steps[key] = build(self.subject)
        return self._steps[key]

    def has(self, key: str) -> bool:
        """Whether a step is there already."""
        return key in self._steps

    def __iter__(self) -> Iterator[LessonStep]:
        """All steps in order."""
        return map(self.step, STEP_KEYS)

    def passes(self, key: str) -> int:
        """About how many forward passes a step takes that is not there yet."""
        return explanation_passes(self.subject) if BUILDERS[key] is explanation else 3


def lesson(
    classifier: Classifier,
    reading: Reading,
    cell: Cell | None = None,
    unfold: Unfold | None = None,
) -> Lesson:
    """The lesson on a text as a classifier read it.

    Args:
        classifier: The classifier that made the reading.
        reading: What `classifier.read` returned.
        cell: The attention weight that it follows; by default the one with which the deciding
            token looks hardest at a word.
        unfold: What unfolds a weight of the reading; by default it is read once more for that.

    Raises:
        SelectionError: for a layer, a head or a token that doesn't exist.
    """
    return Lesson(lesson_subject(classifier, reading, cell, unfold))
