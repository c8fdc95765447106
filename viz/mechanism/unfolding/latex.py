r"""An equation of a pass as LaTeX: in symbols, and with the reader's numbers in their place.

What is written here is set by KaTeX, by matplotlib's mathtext and by LaTeX with `amsmath`.  One
entry of `_RIGHT_SIDES` for each operation that has a form of its own; any other is written as a
function of its operands.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.mechanism.unfolding.latex_values import (
    VECTOR_DIGITS,
    number_latex,
    operand_latex,
    text_latex,
    values_latex,
)
from viz.mechanism.unfolding.step import Step

MAX_OPERANDS = 6
"""Operands of a sum or concatenation that are written out where there are no more; of a longer one
the first three and the last."""
MAX_PRODUCTS = 3
"""Products of a dot product that are written out before the dots."""

RightSide = Callable[[Step, Sequence[str]], str | None]
"""From a step and its operands as LaTeX, symbols or numbers, to what stands right of the equals
sign; None where the form is not made for such operands."""


def equation_latex(step: Step) -> str:
    r"""The equation in symbols, such as `s_{5,3}^{(3,7)} = \frac{q_5 \cdot k_3}{\sqrt{32}}`."""
    symbols = [operand.symbol for operand in step.operands]
    equation = f"{step.result.symbol} = {_right_side(step, symbols)}"
    if step.operation not in _DEFINITIONS:
        return equation
    name, definition = _DEFINITIONS[step.operation]
    return rf"{equation},\quad {name}(x) = {definition}"


def numbers_latex(step: Step) -> str:
    r"""The same equation with numbers in place of the operands, and what they come to.

    Vectors and matrices are abbreviated, their dimensions as an index: `(0.120, \ldots,
    0.310)_{384}`.  A dot product is written as its first products and the last one, a softmax as
    exponentials over their sum, a normalization with the mean and variance that it takes.
    """
    numbers = [operand_latex(operand.values) for operand in step.operands]
    right = _form(_WITH_NUMBERS, step, numbers) or _right_side(step, numbers)
    return f"{step.result.symbol} = {right} = {values_latex(step.result.values)}"


def _right_side(step: Step, operands: Sequence[str]) -> str:
    return _form(_RIGHT_SIDES, step, operands) or _applied(text_latex(step.operation), *operands)


def _form(forms: Mapping[str, RightSide], step: Step, operands: Sequence[str]) -> str | None:
    """A step in the form of its operation; None where it has none, or too few operands for it."""
    write = forms.get(step.operation)
    if write is None or not operands:
        return None
    try:
        return write(step, operands)
    except ValueError:  # of unpacking: the form has more places, or fewer
        return None


def _applied(name: str, *operands: str) -> str:
    """A function of operands; what stands in parentheses gets no second ones."""
    if len(operands) == 1 and operands[0].startswith("("):
        return name + operands[0]
    return rf"{name}\left({', '.join(operands)}\right)"


def _function(name: str) -> RightSide:
    return lambda step, operands: _applied(name, *operands)


def _shortened(parts: Sequence[str]) -> list[str]:
    if len(parts) <= MAX_OPERANDS:
        return list(parts)
    return [*parts[:3], r"\ldots", parts[-1]]


def _sum(step: Step, operands: Sequence[str]) -> str:
    return " + ".join(_shortened(operands))


def _difference(step: Step, operands: Sequence[str]) -> str:
    return " - ".join(operands)


def _product(step: Step, operands: Sequence[str]) -> str:
    vectors = sum(operand.values.ndim > 0 for operand in step.operands)
    return (r" \odot " if vectors > 1 else r" \cdot ").join(operands)


def _quotient(step: Step, operands: Sequence[str]) -> str:
    above, below = map(_bare, operands)
    return rf"\frac{{{above}}}{{{below}}}"


def _bare(operand: str) -> str:
    """A negative number without the parentheses that a line of a fraction doesn't need."""
    return operand[1:-1] if operand.startswith("(-") and operand.endswith(")") else operand


def _linear(step: Step, operands: Sequence[str]) -> str:
    x, weight, *bias = operands
    rows = step.operands[0].values.ndim > 1
    product = rf"{x}\, {{{weight}}}^{{\top}}" if rows else rf"{weight}\, {x}"
    return " + ".join([product, *bias])


def _lookup(step: Step, operands: Sequence[str]) -> str:
    table, *index = operands
    return rf"{table}\left[{', '.join(index)}\right]" if index else table


def _matmul(step: Step, operands: Sequence[str]) -> str:
    return (r" \cdot " if _is_dot_product(step) else r"\, ").join(operands)


def _is_dot_product(step: Step) -> bool:
    return [operand.values.ndim for operand in step.operands] == [1, 1]


def _softmax(step: Step, operands: Sequence[str]) -> str:
    exponential = _applied(r"\exp", operands[0])
    return rf"\frac{{{exponential}}}{{\sum_j {{{exponential}}}_j}}"


def _scaled(step: Step, normalized: str, operands: Sequence[str]) -> str:
    """A normalized vector times its scale, plus its shift, where the step has them."""
    scale, *shift = operands[1:] or [""]
    return " + ".join([rf"{scale} \odot {normalized}" if scale else normalized, *shift])


def _layer_norm(step: Step, operands: Sequence[str]) -> str:
    x = operands[0]
    below = rf"\sqrt{{\mathrm{{Var}}\left({x}\right){_epsilon(step)}}}"
    return _scaled(step, rf"\frac{{{x} - \mathrm{{mean}}\left({x}\right)}}{{{below}}}", operands)


def _rms_norm(step: Step, operands: Sequence[str]) -> str:
    x = operands[0]
    below = rf"\sqrt{{\mathrm{{mean}}\left({{{x}}}^{{2}}\right){_epsilon(step)}}}"
    return _scaled(step, rf"\frac{{{x}}}{{{below}}}", operands)


def _epsilon(step: Step) -> str:
    epsilon = step.options.get("eps")
    if epsilon is None:
        return ""
    mantissa, _, exponent = f"{float(epsilon):e}".partition("e")
    factor = mantissa.rstrip("0").rstrip(".")
    return " + " + ("" if factor == "1" else rf"{factor}{{\cdot}}") + f"10^{{{int(exponent)}}}"


def _mask(step: Step, operands: Sequence[str]) -> str:
    return _applied(r"\mathrm{mask}", *operands)


def _concat(step: Step, operands: Sequence[str]) -> str:
    return r"\left[" + r";\; ".join(_shortened(operands)) + r"\right]"


def _mean(step: Step, operands: Sequence[str]) -> str:
    if len(operands) > 1:
        return rf"\frac{{1}}{{{len(operands)}}}\left({_sum(step, operands)}\right)"
    return _applied(r"\mathrm{mean}", *operands)


def _power(step: Step, operands: Sequence[str]) -> str:
    base, *exponent = operands
    option = step.options.get("exponent", step.options.get("power", "p"))
    raised = exponent[0] if exponent else str(option)
    if not exponent and not isinstance(option, str):
        raised = number_latex(option)
    return rf"\left({base}\right)^{{{raised}}}"


def _sqrt(step: Step, operands: Sequence[str]) -> str:
    (operand,) = operands
    return rf"\sqrt{{{_bare(operand)}}}"


_GELU, _RELU, _SILU = r"\mathrm{GELU}", r"\mathrm{ReLU}", r"\mathrm{SiLU}"
_DEFINITIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "gelu": (_GELU, r"x\, \Phi(x)"),
        "gelu_tanh": (
            _GELU,
            r"\frac{x}{2} \left(1 + \tanh\left(\sqrt{\frac{2}{\pi}}"
            r" \left(x + 0.044715\, x^{3}\right)\right)\right)",
        ),
        "quick_gelu": (_GELU, r"x\, \sigma(1.702\, x)"),
        "relu": (_RELU, r"\max(0, x)"),
        "silu": (_SILU, r"x\, \sigma(x)"),
        "sigmoid": (r"\sigma", r"\frac{1}{1 + e^{-x}}"),
    }
)
r"""The name of a function, and what it is of one number; `\Phi` is the distribution function of the
standard normal distribution, `\sigma` the logistic function."""

_RIGHT_SIDES: Mapping[str, RightSide] = MappingProxyType(
    {
        "linear": _linear,
        "lookup": _lookup,
        "sum": _sum,
        "difference": _difference,
        "product": _product,
        "quotient": _quotient,
        "matmul": _matmul,
        "softmax": _softmax,
        "layer_norm": _layer_norm,
        "rms_norm": _rms_norm,
        "mask": _mask,
        "concat": _concat,
        "mean": _mean,
        "power": _power,
        "sqrt": _sqrt,
        "log_softmax": _function(r"\mathrm{log\,softmax}"),
        "argmax": _function(r"\mathrm{arg\,max}"),
        "opaque": _function("f"),
        **{operation: _function(name) for operation, (name, _) in _DEFINITIONS.items()},
        **{name: _function(rf"\{name}") for name in ("tanh", "cos", "sin", "exp", "max", "min")},
        "log": _function(r"\ln"),
    }
)


def _dot_product_numbers(step: Step, operands: Sequence[str]) -> str | None:
    """The first products of a dot product and the last one; None for a product of matrices."""
    if not _is_dot_product(step):
        return None
    pairs = list(zip(*(operand.values for operand in step.operands), strict=True))
    shown = pairs if len(pairs) <= MAX_PRODUCTS + 1 else [*pairs[:MAX_PRODUCTS], pairs[-1]]
    products = [r" \cdot ".join(_entry(value) for value in pair) for pair in shown]
    if len(shown) < len(pairs):
        products.insert(-1, r"\ldots")
    return " + ".join(products)


def _entry(value: float) -> str:
    written = number_latex(value, VECTOR_DIGITS)
    return f"({written})" if value < 0 else written


def _softmax_numbers(step: Step, operands: Sequence[str]) -> str | None:
    """Exponentials over their sum; of numbers less the largest one where they would overflow."""
    values = np.asarray(step.operands[0].values, np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values.max()):
        return None
    largest = float(values.max())
    if abs(largest) < math.log(1e6):
        exponential, total = _applied(r"\exp", operands[0]), np.exp(values).sum()
    else:
        less = f"{operands[0]} - {_entry(largest)}"
        exponential, total = rf"\exp\left({less}\right)", np.exp(values - largest).sum()
    return rf"\frac{{{exponential}}}{{{number_latex(float(total))}}}"


def _layer_norm_numbers(step: Step, operands: Sequence[str]) -> str | None:
    moments = _moments(step.operands[0].values)
    if moments is None:
        return None
    mean, variance, _ = moments
    below = rf"\sqrt{{{number_latex(variance)}{_epsilon(step)}}}"
    minus = f"- {_entry(mean)}"
    return _scaled(step, rf"\frac{{{operands[0]} {minus}}}{{{below}}}", operands)


def _rms_norm_numbers(step: Step, operands: Sequence[str]) -> str | None:
    moments = _moments(step.operands[0].values)
    if moments is None:
        return None
    below = rf"\sqrt{{{number_latex(moments[2])}{_epsilon(step)}}}"
    return _scaled(step, rf"\frac{{{operands[0]}}}{{{below}}}", operands)


def _moments(values: FloatArray) -> tuple[float, float, float] | None:
    """Mean, variance and mean square of a vector; None for a matrix, whose rows have their own."""
    if values.ndim != 1:
        return None
    exact = np.asarray(values, np.float64)
    return float(exact.mean()), float(exact.var()), float((exact**2).mean())


_WITH_NUMBERS: Mapping[str, RightSide] = MappingProxyType(
    {
        "matmul": _dot_product_numbers,
        "softmax": _softmax_numbers,
        "layer_norm": _layer_norm_numbers,
        "rms_norm": _rms_norm_numbers,
    }
)
