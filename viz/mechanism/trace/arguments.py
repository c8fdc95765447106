"""What a function of a pass was called with."""

from collections.abc import Callable
from typing import Any

from viz.mechanism.trace.computation import Computation
from viz.mechanism.trace.graph import Graph, Node
from viz.mechanism.trace.movement import Places

Rule = Callable[[Graph, Node, Places], Computation | None]
"""Some numbers that a function gave, to how it made them; None where it was called in a way that
the rule doesn't know."""


def argument(node: Node, place: int, name: str, default: Any = None) -> Any:
    """An argument by place or by name."""
    return node.args[place] if len(node.args) > place else node.kwargs.get(name, default)
