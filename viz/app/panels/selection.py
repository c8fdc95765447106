"""What the reader looks at among all heads."""

from dataclasses import dataclass

from viz.app.session import Shown

MEAN = "mean"
"""What a reader picks for the mean over layers or heads."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A layer and a head, None for the mean over them, and how all heads are shown."""

    layer: int | None
    head: int | None
    shown: Shown
