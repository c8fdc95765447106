"""A step of a pass as a card shows it: formulas, and whether its numbers add up."""

from viz.mechanism.unfolding.latex import equation_latex, numbers_latex
from viz.mechanism.unfolding.recomputation import recomputed_difference
from viz.mechanism.unfolding.step import Step
from viz.widgets.equations.payload import Equation


def equation(step: Step, *, short: bool = False) -> Equation:
    """The equation of a step.

    Args:
        step: What is computed.
        short: Without its numbers.
    """
    gap = None if short else recomputed_difference(step)
    return Equation(step, equation_latex(step), "" if gap is None else numbers_latex(step), gap)
