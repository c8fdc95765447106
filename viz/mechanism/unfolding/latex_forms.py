r"""What stands right of the equals sign: one form for each operation, as LaTeX.

A form is given the operands as LaTeX, symbols or numbers.  An operation that has no form of its own
is written as a function of its operands.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from viz.mechanism.unfolding.latex_values import MAX_ENTRIES, entry_latex
from viz.mechanism.unfolding.step import Step

MAX_OPERANDS = 6
"""Operands of a sum or concatenation that are written out where there are no more; of a longer one
the first three and the last."""

Form = Callable[[Step, Sequence[str]], str | None]
"""From a step and its operands as LaTeX to the right-hand side; None where the form is not made for
such operands."""


def applied(name: str, *operands: str) -> str:
    """A function of operands; what stands in parentheses gets no second ones."""
    if len(operands) == 1 and operands[0].startswith("("):
        return name + operands[0]
    return rf"{name}\left({', '.join(map(_bare, operands))}\right)"


def _function(name: str) -> Form:
    return lambda step, operands: applied(name, *operands)


def _shortened(parts: Sequence[str]) -> list[str]:
    if len(parts) <= MAX_OPERANDS:
        return list(parts)
    return [*parts[:3], r"\ldots", parts[-1]]


def _sum(step: Step, operands: Sequence[str]) -> str:
    first, *others = operands
    return " + ".join(_shortened([first, *(factor(step, "alpha") + other for other in others)]))


def _difference(step: Step, operands: Sequence[str]) -> str:
    first, second = operands
    return f"{first} - {factor(step, 'alpha')}{second}"


def factor(step: Step, option: str) -> str:
    """The number by which an option of a step multiplies, where it is not 1."""
    value = float(step.options.get(option, 1))
    return "" if value == 1 else rf"{entry_latex(value)}\, "


def _lookup(step: Step, operands: Sequence[str]) -> str:
    """A row of a table: the row itself, or the table with the number of the row."""
    table, *index = operands
    return rf"{table}\left[{', '.join(index)}\right]" if index else table


def _product(step: Step, operands: Sequence[str]) -> str:
    vectors = sum(operand.values.ndim > 0 for operand in step.operands)
    return (r" \odot " if vectors > 1 else r" \cdot ").join(operands)


def _quotient(step: Step, operands: Sequence[str]) -> str:
    above, below = map(_bare, operands)
    return rf"\dfrac{{{above}}}{{{below}}}"


def _bare(operand: str) -> str:
    """A negative number without parentheses, where it stands alone in its place."""
    return operand[1:-1] if operand.startswith("(-") and operand.endswith(")") else operand


def _linear(step: Step, operands: Sequence[str]) -> str:
    """A dot product, a matrix times a vector, rows times a matrix; any other sum by its indices."""
    first, second, *bias = operands
    left, right, result = subscripts(step)
    if left == right and not result:
        product = rf"{first} \cdot {second}"
    elif len(left) == 1 and result + left == right:
        product = rf"{second}\, {first}"
    elif left[-1:] == right[:1] and left[:-1] + right[1:] == result:
        product = rf"{first}\, {second}"
    elif left[-1:] == right[-1:] and left[:-1] + right[:-1] == result:
        product = rf"{first}\, {{{second}}}^{{\top}}"
    else:
        summed = "".join(dict.fromkeys(index for index in left + right if index not in result))
        product = rf"{{{first}}}_{{{left}}}\, {{{second}}}_{{{right}}}"
        product = rf"\sum_{{{summed}}} {product}" if summed else product
    product = factor(step, "alpha") + product
    return " + ".join([product, *(factor(step, "beta") + shift for shift in bias)])


def subscripts(step: Step) -> tuple[str, str, str]:
    """The axes of both arrays and of the result, a letter each, as `numpy.einsum` takes them."""
    written = step.options.get("subscripts")
    if written is None and step.operation == "mix":
        written = "t,td->d"
    if written is not None:
        operands, _, result = str(written).partition("->")
        left, _, right = operands.partition(",")
        return left, right, result
    rows = "r" if step.operands[0].values.ndim == 2 else ""
    columns = "m" if step.operands[1].values.ndim == 2 else ""
    return f"{rows}n", f"{columns}n", f"{rows}{columns}"


def _softmax(step: Step, operands: Sequence[str]) -> str:
    exponential = applied(r"\exp", operands[0])
    above = rf"{{{exponential}}}{_picked(step)}" if _picked(step) else exponential
    return rf"\dfrac{{{above}}}{{\sum_j {{{exponential}}}_j}}"


def _picked(step: Step) -> str:
    """An index for the numbers of a row that are on the left-hand side; none where all are."""
    if "index" in step.options:
        return f"_{{{step.options['index']}}}"
    if "start" in step.options:
        return f"_{{{step.options['start']}:{step.options['stop']}}}"
    return ""


def scaled(step: Step, normalized: str, operands: Sequence[str]) -> str:
    """A normalized vector times its scale, plus its shift, where the step has them."""
    if _picked(step):
        normalized = rf"\left[{normalized}\right]{_picked(step)}"
    scale, *shift = operands[1:] or [""]
    return " + ".join([rf"{scale} \odot {normalized}" if scale else normalized, *shift])


def _layer_norm(step: Step, operands: Sequence[str]) -> str:
    x = operands[0]
    below = rf"\sqrt{{\mathrm{{Var}}\left({x}\right){epsilon(step)}}}"
    return scaled(step, rf"\dfrac{{{x} - \mathrm{{mean}}\left({x}\right)}}{{{below}}}", operands)


def _rms_norm(step: Step, operands: Sequence[str]) -> str:
    x = operands[0]
    square = applied("", x)
    below = rf"\sqrt{{\mathrm{{mean}}\left({square}^{{2}}\right){epsilon(step)}}}"
    return scaled(step, rf"\dfrac{{{x}}}{{{below}}}", operands)


def _normalize(step: Step, operands: Sequence[str]) -> str:
    (x,) = operands
    return rf"\dfrac{{{x}}}{{\left\|{x}\right\|}}{_picked(step)}"


def epsilon(step: Step) -> str:
    """What a normalization adds to the variance, with its sign."""
    value = step.options.get("eps")
    if value is None:
        return ""
    mantissa, _, exponent = f"{float(value):e}".partition("e")
    digits = mantissa.rstrip("0").rstrip(".")
    return " + " + ("" if digits == "1" else rf"{digits}{{\cdot}}") + f"10^{{{int(exponent)}}}"


def _mask(step: Step, operands: Sequence[str]) -> str:
    """Numbers of the first operand, or of the second one where the third is not 0."""
    score, instead, where = map(_bare, operands)
    return rf"\mathrm{{where}}\left({where} \neq 0,\, {instead},\, {score}\right)"


def _take(step: Step, operands: Sequence[str]) -> str:
    """Some rows or columns, by their numbers; of many the first two and the last."""
    (operand,) = operands
    indices = str(step.options["indices"]).split(",")
    if len(indices) > MAX_ENTRIES:
        indices = [*indices[:2], r"\ldots", indices[-1]]
    axis, last = int(step.options["axis"]), step.operands[0].values.ndim - 1
    before = [r"\cdot"] * (axis % (last + 1))
    after = [r"\cdot"] * (last - len(before))
    picked = r",\, ".join([*before, r"\{" + ", ".join(indices) + r"\}", *after])
    return rf"\left[{_bare(operand)}\right]_{{{picked}}}"


def _concat(step: Step, operands: Sequence[str]) -> str:
    if len(operands) == 1:  # the rows of one matrix
        return applied(r"\mathrm{concat}", *operands)
    return r"\left[" + r";\; ".join(_shortened(operands)) + r"\right]"


def _power(step: Step, operands: Sequence[str]) -> str:
    base, exponent = operands
    return rf"\left({base}\right)^{{{exponent}}}"


def _around(before: str, after: str) -> Form:
    """One operand between two pieces of LaTeX."""

    def write(step: Step, operands: Sequence[str]) -> str:
        (operand,) = operands
        return f"{before}{{{_bare(operand)}}}{after}"

    return write


def _sqrt(step: Step, operands: Sequence[str]) -> str:
    (operand,) = operands
    return rf"\sqrt{{{_bare(operand)}}}"


_GELU, _RELU, _SILU = r"\mathrm{GELU}", r"\mathrm{ReLU}", r"\mathrm{SiLU}"
DEFINITIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "gelu": (_GELU, r"x\, \Phi(x)"),
        "gelu_tanh": (
            _GELU,
            r"\dfrac{x}{2} \left(1 + \tanh\left(\sqrt{\frac{2}{\pi}}"
            r" \left(x + 0.044715\, x^{3}\right)\right)\right)",
        ),
        "quick_gelu": (_GELU, r"x\, \sigma(1.702\, x)"),
        "relu": (_RELU, r"\max(0, x)"),
        "silu": (_SILU, r"x\, \sigma(x)"),
        "sigmoid": (r"\sigma", r"\dfrac{1}{1 + e^{-x}}"),
    }
)
r"""The name of a function, and what it is of one number; `\Phi` is the distribution function of the
standard normal distribution, `\sigma` the logistic function."""

RIGHT_SIDES: Mapping[str, Form] = MappingProxyType(
    {
        "linear": _linear,
        "lookup": _lookup,
        "sum": _sum,
        "difference": _difference,
        "product": _product,
        "quotient": _quotient,
        "matmul": _linear,
        "mix": _linear,
        "softmax": _softmax,
        "layer_norm": _layer_norm,
        "rms_norm": _rms_norm,
        "normalize": _normalize,
        "mask": _mask,
        "take": _take,
        "concat": _concat,
        "power": _power,
        "sqrt": _sqrt,
        "rsqrt": _around(r"\dfrac{1}{\sqrt", "}"),
        "reciprocal": _around(r"\dfrac{1}", ""),
        "square": lambda step, operands: rf"{applied('', *operands)}^{{2}}",
        "negative": lambda step, operands: f"-{operands[0]}",
        "same": _around("", ""),
        "abs": _around(r"\left|", r"\right|"),
        "floor": _around(r"\left\lfloor", r"\right\rfloor"),
        "ceil": _around(r"\left\lceil", r"\right\rceil"),
        "length": _around(r"\left\|", r"\right\|"),
        "log_softmax": _function(r"\ln\,\mathrm{softmax}"),
        "mean": _function(r"\mathrm{mean}"),
        "variance": _function(r"\mathrm{Var}"),
        "total": _function(r"\mathrm{sum}"),
        "largest": _function(r"\max"),
        "smallest": _function(r"\min"),
        "maximum": _function(r"\max"),
        "minimum": _function(r"\min"),
        "argmax": _function(r"\mathrm{arg\,max}"),
        "log": _function(r"\ln"),
        "opaque": _function("f"),
        **{name: _function(rf"\{name}") for name in ("tanh", "cos", "sin", "exp")},
        **{operation: _function(name) for operation, (name, _) in DEFINITIONS.items()},
    }
)
