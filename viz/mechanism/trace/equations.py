"""What each operation computes, in numpy: the right-hand sides of all equations.

Every rule takes its operands in the order of `Step.operands` and gives the left-hand side.  They
are written from the definitions, not with torch, so that what was recorded is proved by another
hand.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from finetune.checkpoint.arrays import FloatArray

Options = Mapping[str, float | int | str]
Numbers = NDArray[np.float64]
Equation = Callable[[Sequence[Numbers], Options], Numbers]


def recompute(operation: str, operands: Sequence[FloatArray], options: Options) -> Numbers:
    """The left-hand side of an equation, from its right-hand side.

    Args:
        operation: A key of `EQUATIONS`.
        operands: What the operation is given, in order.
        options: Its numbers that are no operands.

    Returns:
        In double precision.

    Raises:
        KeyError: for an operation that can't be written down, such as `opaque`.
    """
    numbers = [np.asarray(each, dtype=np.float64) for each in operands]
    result: Numbers = np.asarray(EQUATIONS[operation](numbers, options), dtype=np.float64)
    shape = options.get("shape")
    return result if shape is None else result.reshape([int(n) for n in str(shape).split("x")])


def difference(recomputed: FloatArray, recorded: FloatArray) -> float:
    """How far two sides of an equation are apart, relative to the largest number (at least 1)."""
    left, right = np.asarray(recorded, np.float64), np.asarray(recomputed, np.float64)
    if np.asarray(recorded).dtype == np.float32:  # two masks are more than it can hold
        with np.errstate(over="ignore"):
            right = np.where(np.abs(right) < _LARGEST, right, right.astype(np.float32))
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    if same.all():
        return 0.0
    gap = np.where(same, 0, np.abs(left - right))
    finite = left[np.isfinite(left) & (np.abs(left) < _LARGEST)]
    # What a mask put there is as large as a number can be; the others are judged by themselves.
    scale = max(1.0, float(np.abs(finite).max(initial=0)))
    masked = ~np.isfinite(left) | (np.abs(left) >= _LARGEST)
    gap = np.where(masked, gap / np.maximum(np.abs(left), 1), gap / scale)
    return float(np.nan_to_num(gap, nan=np.inf).max())


_LARGEST = 1e9


def _product_of_arrays(operands: Sequence[Numbers], options: Options) -> Numbers:
    """Sum over products of two arrays, plus a bias: `linear` and `matmul`."""
    a, b, *bias = operands
    subscripts = str(options.get("subscripts") or _usual_subscripts(a, b))
    product: Numbers = np.einsum(subscripts, a, b) * float(options.get("alpha", 1))
    return product + float(options.get("beta", 1)) * bias[0] if bias else product


def _usual_subscripts(a: Numbers, b: Numbers) -> str:
    """Of a vector or rows with a vector or a matrix (m, n)."""
    rows = "r" if a.ndim == 2 else ""
    columns = "m" if b.ndim == 2 else ""
    return f"{rows}n,{columns}n->{rows}{columns}"


def _mix(operands: Sequence[Numbers], options: Options) -> Numbers:
    weights, values = operands
    mixed: Numbers = np.einsum(str(options.get("subscripts", "t,td->d")), weights, values)
    return mixed


def _picked(row: Numbers, options: Options) -> Numbers:
    """Of the numbers of a row those that are on the left-hand side."""
    if "index" in options:
        return np.asarray(row[..., int(options["index"])])
    if "start" in options:
        return row[..., int(options["start"]) : int(options["stop"])]
    return row


def _softmax(operands: Sequence[Numbers], options: Options) -> Numbers:
    return _picked(special.softmax(operands[0], axis=-1), options)


def _log_softmax(operands: Sequence[Numbers], options: Options) -> Numbers:
    return _picked(special.log_softmax(operands[0], axis=-1), options)


def _layer_norm(operands: Sequence[Numbers], options: Options) -> Numbers:
    x = operands[0]
    centered = x - x.mean(-1, keepdims=True)
    scaled = centered / np.sqrt((centered**2).mean(-1, keepdims=True) + float(options["eps"]))
    return _affine(scaled, operands[1:], options)


def _rms_norm(operands: Sequence[Numbers], options: Options) -> Numbers:
    x = operands[0]
    scaled = x / np.sqrt((x**2).mean(-1, keepdims=True) + float(options["eps"]))
    return _affine(scaled, operands[1:], options)


def _affine(scaled: Numbers, parameters: Sequence[Numbers], options: Options) -> Numbers:
    """Times a factor and plus a bias for each dimension; these are those of the numbers picked."""
    scaled = _picked(scaled, options)
    if parameters:
        scaled = scaled * parameters[0]
    return scaled + parameters[1] if len(parameters) > 1 else scaled


def _normalize(operands: Sequence[Numbers], options: Options) -> Numbers:
    x = operands[0]
    length = np.linalg.norm(x, ord=float(options.get("p", 2)), axis=-1, keepdims=True)
    return _picked(x / np.maximum(length, float(options.get("eps", 1e-12))), options)


def _mask(operands: Sequence[Numbers], options: Options) -> Numbers:
    """The first operand, or the second one where the third is not 0."""
    kept, put, where = operands
    return np.where(where != 0, put, kept)


def _concat(operands: Sequence[Numbers], options: Options) -> Numbers:
    """Operands laid end to end; the rows of one matrix, too."""
    if operands[0].ndim > 1 and "axis" in options:
        return np.concatenate(operands, axis=int(options["axis"]))
    return np.concatenate([np.ravel(each) for each in operands])


def _split(operands: Sequence[Numbers], options: Options) -> Numbers:
    """Rows laid out as rows of heads, and axes in another order."""
    x = operands[0]
    if "sizes" not in options:
        return x
    whole = x.reshape([int(size) for size in str(options["sizes"]).split("x")])
    laid_out = whole.transpose([int(axis) for axis in str(options["order"]).split(",")])
    backwards = tuple(int(axis) for axis in str(options.get("flip", "")).split(",") if axis)
    return np.flip(laid_out, backwards)


def _sum(operands: Sequence[Numbers], options: Options) -> Numbers:
    first, *others = operands
    whole = first
    for other in others:
        whole = whole + float(options.get("alpha", 1)) * other
    return np.asarray(whole)


def _gelu_tanh(x: Numbers) -> Numbers:
    cubic = x + 0.044715 * x**3
    result: Numbers = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * cubic))
    return result


def _elementwise(function: Callable[..., Any]) -> Equation:
    return lambda operands, options: np.asarray(function(*operands))


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "lookup": lambda row: row,
    "same": lambda x: x,
    "product": lambda *factors: np.prod(np.broadcast_arrays(*factors), axis=0),
    "quotient": lambda a, b: a / b,
    "negative": lambda x: -x,
    "reciprocal": lambda x: 1 / x,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "square": np.square,
    "abs": np.abs,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log1p": np.log1p,
    "cos": np.cos,
    "sin": np.sin,
    "tanh": np.tanh,
    "erf": special.erf,
    "sigmoid": special.expit,
    "relu": lambda x: np.maximum(x, 0),
    "relu_squared": lambda x: np.maximum(x, 0) ** 2,
    "relu6": lambda x: np.clip(x, 0, 6),
    "silu": lambda x: x * special.expit(x),
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "gelu": lambda x: x * special.ndtr(x),
    "gelu_tanh": _gelu_tanh,
    "softplus": lambda x: np.logaddexp(0, x),
    "logsigmoid": lambda x: -np.logaddexp(0, -x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "power": lambda x, exponent: x**exponent,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "hardsigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hardswish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
}

EQUATIONS: Mapping[str, Equation] = {
    **{name: _elementwise(function) for name, function in _FUNCTIONS.items()},
    "linear": _product_of_arrays,
    "matmul": _product_of_arrays,
    "mix": _mix,
    "sum": _sum,
    "difference": lambda operands, options: (
        operands[0] - float(options.get("alpha", 1)) * operands[1]
    ),
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "normalize": _normalize,
    "mask": _mask,
    "split": _split,
    "take": lambda operands, options: np.take(
        operands[0],
        [int(index) for index in str(options["indices"]).split(",")],
        axis=int(options["axis"]) if "axis" in options else None,
    ),
    "concat": _concat,
    "mean": lambda operands, options: operands[0].mean(-1),
    "total": lambda operands, options: operands[0].sum(-1),
    "largest": lambda operands, options: operands[0].max(-1),
    "smallest": lambda operands, options: operands[0].min(-1),
    "length": lambda operands, options: np.linalg.norm(operands[0], axis=-1),
    "variance": lambda operands, options: operands[0].var(-1, ddof=int(options.get("ddof", 0))),
    "clip": lambda operands, options: np.clip(
        operands[0], float(options.get("min", -np.inf)), float(options.get("max", np.inf))
    ),
    "argmax": lambda operands, options: np.asarray(operands[0].argmax(-1)),
    "elu": lambda operands, options: np.where(
        operands[0] > 0,
        operands[0],
        float(options.get("alpha", 1)) * np.expm1(np.minimum(operands[0], 0)),
    ),
    "leaky_relu": lambda operands, options: np.where(
        operands[0] > 0, operands[0], float(options.get("negative_slope", 0.01)) * operands[0]
    ),
}
"""The operations by name.  `linear`, `matmul` and `mix` may name the axes of their two arrays in
the option `subscripts`, as `numpy.einsum` takes them; a softmax or a normalization of which one
number or a stretch is on the left-hand side says which (`index`, or `start` and `stop`)."""
