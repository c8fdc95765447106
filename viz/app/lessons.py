"""Lessons on texts: their steps are computed once, for all sessions and reruns of a page."""

from collections.abc import Callable

from viz.app import background, readings
from viz.app.cache import LRUCache
from viz.app.checkpoints import identity, load_classifier
from viz.app.panels.text import Texts
from viz.app.unfoldings import unfolding_of
from viz.jobs.background import BackgroundJob, ProgressCallback
from viz.mechanism.lesson.lesson import Lesson
from viz.mechanism.lesson.lesson import lesson as make_lesson
from viz.mechanism.lesson.lesson_step import LessonStep
from viz.mechanism.unfolding.cell import Cell
from viz.mechanism.unfolding.unfold import Unfolder
from viz.mechanism.unfolding.unfolding import Unfolding

MAX_LESSONS = 8
SLOW_STEP = "explanation"
"""The step that reads the text many times."""
_lessons = LRUCache(MAX_LESSONS)


def lesson(source: str, texts: Texts, cell: tuple[int, int, int, int] | None) -> Lesson:
    """The lesson on a text as a checkpoint reads it.

    Args:
        source: The checkpoint.
        texts: What is read.
        cell: Layer, head, query and key of the attention weight that it follows.

    Raises:
        VizError: where the text can't be read, or has no such cell.
    """
    place = identity(source)

    def compute() -> Lesson:
        # These very ones, also where the folder holds other weights by the time of a later step.
        classifier = load_classifier(*place)
        reading = readings.read(source, texts.text, texts.pair)

        def unfold(*numbers: int) -> Unfolding:
            layer, head, query, key = numbers
            return unfolding_of(
                (*place, texts.text, texts.pair),
                (layer, head, query, key),
                lambda: Unfolder(classifier, reading),
            )

        return make_lesson(classifier, reading, cell and Cell(*cell), unfold)

    return _lessons.get_or_compute((place, texts, cell), compute)


def step_job(source: str, texts: Texts, taught: Lesson, key: str) -> BackgroundJob[LessonStep]:
    """A step, being computed in the background.

    Args:
        source: The checkpoint.
        texts: What was read.
        taught: The lesson on it.
        key: The step.
    """

    def prepare() -> Callable[[ProgressCallback], LessonStep]:
        return lambda progress: taught.step(key, progress)

    request = ("lesson", identity(source), texts, taught.subject.cell, key)
    return background.submit(request, prepare, taught.passes(key))


def seconds(source: str, texts: Texts, taught: Lesson, key: str) -> float:
    """About how long a step takes here."""
    return taught.passes(key) * readings.seconds_per_pass(source, texts.text, texts.pair)
