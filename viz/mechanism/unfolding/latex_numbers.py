r"""Forms that say more with numbers than with symbols: sums of products, exponentials, moments."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.mechanism.unfolding.latex_forms import (
    Form,
    applied,
    epsilon,
    factor,
    scaled,
    subscripts,
)
from viz.mechanism.unfolding.latex_values import entry_latex, number_latex, operand_latex
from viz.mechanism.unfolding.step import Step

MAX_PRODUCTS = 3
"""Products of a dot product that are written out before the dots."""
MAX_EXPONENT = math.log(1e6)
"""A softmax of numbers below it is written without taking the largest one away first."""


def _dot_product_numbers(step: Step, operands: Sequence[str]) -> str | None:
    """The first products of a dot product and the last one; None for a product of matrices."""
    left, right, result = subscripts(step)
    first, second = (operand.values for operand in step.operands[:2])
    if not len(left) == len(right) == first.ndim == second.ndim == 1 or result:
        return None
    pairs = list(zip(first, second, strict=True))
    shown = pairs if len(pairs) <= MAX_PRODUCTS + 1 else [*pairs[:MAX_PRODUCTS], pairs[-1]]
    products = [r" \cdot ".join(entry_latex(value) for value in pair) for pair in shown]
    if len(shown) < len(pairs):
        products.insert(-1, r"\ldots")
    written, alpha = " + ".join(products), factor(step, "alpha")
    return " + ".join([rf"{alpha}\left({written}\right)" if alpha else written, *operands[2:]])


def _softmax_numbers(step: Step, operands: Sequence[str]) -> str | None:
    """Exponentials over their sum; of numbers less the largest one where they would overflow."""
    values = np.asarray(step.operands[0].values, np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values.max()):
        return None
    largest = float(values.max())
    shown = _softmax_row(step, values, operands)
    if abs(largest) < MAX_EXPONENT:
        exponential, total = applied(r"\exp", shown), np.exp(values).sum()
    else:
        less = f"{shown} - {entry_latex(largest)}"
        exponential, total = rf"\exp\left({less}\right)", np.exp(values - largest).sum()
    return rf"\dfrac{{{exponential}}}{{{number_latex(float(total))}}}"


def _softmax_row(step: Step, values: FloatArray, operands: Sequence[str]) -> str:
    """The numbers of a row whose weights are on the left-hand side."""
    if "index" in step.options:
        return operand_latex(values[int(step.options["index"])])
    if "start" in step.options:
        return operand_latex(values[int(step.options["start"]) : int(step.options["stop"])])
    return operands[0]


def _layer_norm_numbers(step: Step, operands: Sequence[str]) -> str | None:
    moments = _moments(step.operands[0].values)
    if moments is None:
        return None
    mean, variance, _ = moments
    below = rf"\sqrt{{{number_latex(variance)}{epsilon(step)}}}"
    minus = f"- {entry_latex(mean)}"
    return scaled(step, rf"\dfrac{{{operands[0]} {minus}}}{{{below}}}", operands)


def _rms_norm_numbers(step: Step, operands: Sequence[str]) -> str | None:
    moments = _moments(step.operands[0].values)
    if moments is None:
        return None
    below = rf"\sqrt{{{number_latex(moments[2])}{epsilon(step)}}}"
    return scaled(step, rf"\dfrac{{{operands[0]}}}{{{below}}}", operands)


def _moments(values: FloatArray) -> tuple[float, float, float] | None:
    """Mean, variance and mean square of a vector; None for a matrix, whose rows have their own."""
    if values.ndim != 1:
        return None
    exact = np.asarray(values, np.float64)
    return float(exact.mean()), float(exact.var()), float((exact**2).mean())


NUMBER_FORMS: Mapping[str, Form] = MappingProxyType(
    {
        **dict.fromkeys(("linear", "matmul", "mix"), _dot_product_numbers),
        "softmax": _softmax_numbers,
        "layer_norm": _layer_norm_numbers,
        "rms_norm": _rms_norm_numbers,
    }
)
