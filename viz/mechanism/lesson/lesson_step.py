"""One step of the lesson: what is said, what is drawn, and what is claimed, without its words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from viz.mechanism.lesson.claim import Claim, Value
from viz.mechanism.lesson.picture import Picture
from viz.mechanism.unfolding.step import Step


@dataclass(frozen=True, eq=False, slots=True)
class LessonStep:
    """What one step computes on one model and one text; `Language` puts it into words."""

    key: str
    """Names it in links and in the texts of the lesson."""
    sentences: tuple[str, ...]
    """Which of its sentences are said here, in order; those of what a model lacks are left out."""
    values: Mapping[str, Value] = field(default_factory=dict)
    """What fills the placeholders of these sentences."""
    claims: tuple[Claim, ...] = ()
    pictures: tuple[Picture, ...] = ()
    equations: tuple[Step, ...] = ()
    """The equations of this reading that the step is about, what it ends with last; none where it
    is about none, or the model's can't be written down."""
    missing: str = ""
    """Why the numbers of the step can't be had here: the key of a sentence."""

    def __post_init__(self) -> None:
        """Freeze the values."""
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))
