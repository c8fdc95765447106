"""What the reader looks at among all heads."""

from dataclasses import dataclass

from viz.session import Explained
from viz.words import Quadrant, Unit

MEAN = "mean"
"""What a reader picks for the mean over layers or heads."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A layer and a head, None for the mean over them, and how they are shown."""

    layer: int | None
    head: int | None
    unit: Unit
    special: bool
    explained: Explained | None
    """The classes whose contributions are shown; None for attention weights."""
    quadrant: Quadrant = "all"
    """Which text of a pair looks at which."""
