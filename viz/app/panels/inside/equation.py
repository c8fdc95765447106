"""A step of a pass as a card shows it: formulas, and whether its numbers add up."""

from viz.mechanism.trace.equations import difference, recompute
from viz.mechanism.unfolding.latex import equation_latex, numbers_latex
from viz.mechanism.unfolding.step import Step
from viz.widgets.equations.payload import Equation


def equation(step: Step, *, short: bool = False) -> Equation:
    """The equation of a step.

    Args:
        step: What is computed.
        short: Without its numbers.
    """
    if short:
        return Equation(step, equation_latex(step))
    if step.operation == "opaque":
        return Equation(step, equation_latex(step))
    operands = [operand.values for operand in step.operands]
    gap = difference(recompute(step.operation, operands, step.options), step.result.values)
    return Equation(step, equation_latex(step), numbers_latex(step), gap)
