"""Where the labels of points go so that none lies on another."""

from collections.abc import Sequence
from dataclasses import dataclass

LINE_HEIGHT = 14
"""Pixels of a label."""
LABEL_GAP = 9
"""Pixels from a point to its label."""


@dataclass(frozen=True, slots=True)
class LabeledPoint:
    """Where a point is, in pixels from the upper left, and how wide its label is."""

    x: float
    y: float
    width: float

    def overlaps(self, other: "LabeledPoint", offset: float, other_offset: float) -> bool:
        """Whether both labels, each moved down by its offset, would overlap."""
        apart = abs((self.y + offset) - (other.y + other_offset))
        left, right = sorted((self, other), key=lambda point: point.x)
        return apart < LINE_HEIGHT and right.x - left.x < left.width + LABEL_GAP

    def hides(self, other: "LabeledPoint", offset: float) -> bool:
        """Whether the label, moved down by its offset, would lie on another point."""
        beside = LABEL_GAP / 2 < other.x - self.x < self.width + LABEL_GAP
        return beside and abs(self.y + offset - other.y) < LINE_HEIGHT * 0.75

    def is_crossed(self, line: float, offset: float) -> bool:
        """Whether a horizontal line would strike the label out, moved down by its offset."""
        return abs(self.y + offset - line) < LINE_HEIGHT / 2


def label_offsets(points: Sequence[LabeledPoint], lines: Sequence[float] = ()) -> list[float]:
    """How far down each label goes, which stands to the right of its point, so that all are free.

    Labels that are free of each other stay so on a wider chart: points move apart, labels do not
    grow.

    Args:
        points: What is labeled.
        lines: Where horizontal lines are that no label may lie on, in pixels from the top.
    """
    placed: dict[int, float] = {}
    steps = [0.0] + [sign * LINE_HEIGHT * step / 2 for step in range(1, 80) for sign in (1, -1)]
    for index in sorted(range(len(points)), key=lambda index: points[index].y):
        own = points[index]
        free = (
            offset
            for offset in steps
            if not any(own.overlaps(points[other], offset, placed[other]) for other in placed)
            and not any(own.hides(point, offset) for point in points if point is not own)
            and not any(own.is_crossed(line, offset) for line in lines)
        )
        # Of hundreds of points in one place, the last labels lie on others.
        placed[index] = next(free, 0.0)
    return [placed[index] for index in range(len(points))]
