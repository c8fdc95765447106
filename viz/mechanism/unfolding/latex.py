r"""An equation of a pass as LaTeX: in symbols, and with the reader's numbers in their place.

What is written here is set by KaTeX, by matplotlib's mathtext and by LaTeX with `amsmath`.
"""

from collections.abc import Mapping, Sequence

from viz.mechanism.unfolding.latex_forms import DEFINITIONS, RIGHT_SIDES, Form, applied
from viz.mechanism.unfolding.latex_numbers import NUMBER_FORMS
from viz.mechanism.unfolding.latex_values import (
    number_latex,
    operand_latex,
    text_latex,
    values_latex,
)
from viz.mechanism.unfolding.step import Step


def equation_latex(step: Step) -> str:
    r"""The equation in symbols, such as `s_{5,3}^{(3,7)} = \dfrac{q_5 \cdot k_3}{\sqrt{32}}`."""
    symbols = [operand.symbol for operand in step.operands]
    equation = f"{step.result.symbol} = {_right_side(step, symbols)}"
    if step.operation not in DEFINITIONS:
        return equation
    name, definition = DEFINITIONS[step.operation]
    return rf"{equation},\quad {name}(x) = {definition}"


def numbers_latex(step: Step) -> str:
    r"""The same equation with numbers in place of the operands, and what they come to.

    Vectors and matrices are abbreviated, their dimensions as an index: `(0.120, \ldots,
    0.310)_{384}`.  A dot product is written as its first products and the last one, a softmax as
    exponentials over their sum, a normalization with the mean and variance that it takes.
    """
    return " = ".join((step.result.symbol, *number_sides(step)))


def number_sides(step: Step) -> tuple[str, ...]:
    """Of that line the operands as the equation puts them together, and what they come to.

    A row that is looked up is both, and stands once.
    """
    numbers = [operand_latex(operand.values) for operand in step.operands]
    right = _form(NUMBER_FORMS, step, numbers) or _right_side(step, numbers)
    return tuple(dict.fromkeys((right, values_latex(step.result.values))))


def _right_side(step: Step, operands: Sequence[str]) -> str:
    return _form(RIGHT_SIDES, step, operands) or _named_function(step, operands)


def _named_function(step: Step, operands: Sequence[str]) -> str:
    """An operation by its name, with the numbers that are no operands."""
    options = []
    for name, value in step.options.items():
        written = text_latex(value) if isinstance(value, str) else number_latex(value)
        options.append(f"{text_latex(name)} = {written}")
    if not options:
        return applied(text_latex(step.operation), *operands)
    inside = r";\; ".join([", ".join(operands), *options])
    return rf"{text_latex(step.operation)}\left({inside}\right)"


def _form(forms: Mapping[str, Form], step: Step, operands: Sequence[str]) -> str | None:
    """A step in the form of its operation; None where it has none, or too few operands for it."""
    write = forms.get(step.operation)
    if write is None or not operands:
        return None
    try:
        return write(step, operands)
    except ValueError:  # of unpacking: the form has more places, or fewer
        return None
