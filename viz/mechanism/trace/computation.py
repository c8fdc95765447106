"""The right-hand side of an equation: an operation, and which numbers of the pass it takes."""

from collections.abc import Mapping
from typing import NamedTuple

from viz.mechanism.trace.selection import Selection

Operand = Selection | float
"""Numbers of another tensor, or a number in the code of the network."""


class Computation(NamedTuple):
    """What some numbers of a pass were computed by."""

    operation: str
    """A key of `viz.mechanism.trace.equations.EQUATIONS`, or `opaque`."""
    operands: tuple[Operand, ...]
    options: Mapping[str, float | int | str] = {}
