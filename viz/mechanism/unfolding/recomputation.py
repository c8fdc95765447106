"""The check of an equation: its right-hand side once more, from the operands that are shown."""

from viz.mechanism.trace.equations import EQUATIONS, difference, recompute
from viz.mechanism.unfolding.step import Step


def recomputed_difference(step: Step) -> float | None:
    """How far the operands, put into the equation again, are from the recorded result.

    The largest difference of any number, relative to the largest number where that exceeds 1.

    Returns:
        None for what has no equation, such as `opaque`.
    """
    if step.operation not in EQUATIONS:
        return None
    operands = [operand.values for operand in step.operands]
    return difference(recompute(step.operation, operands, step.options), step.result.values)


def difference_sentence(step: Step) -> str:
    """The same in words, for a caption."""
    gap = recomputed_difference(step)
    if gap is None:
        return "not recomputed: an operation without an equation"
    return f"recomputed with a largest difference of {gap:.1e}" if gap else "recomputed exactly"
