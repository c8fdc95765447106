"""Equations made by hand: one of each operation, as a pass of some family has it."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.term import Axis, Source, Term

_random = np.random.default_rng(16)


def term(symbol: str, values: ArrayLike, name: str = "state", source: Source = "computed") -> Term:
    """A term of these values, whose id is made of its name."""
    array = np.asarray(values, np.float64)
    axes: list[Axis] = ["dimension"] * array.ndim
    identifier = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in name)
    return Term(identifier, name, symbol, array, tuple(axes), source, layer=3, head=7, token=5)


def vector(symbol: str, *shape: int, name: str = "state") -> Term:
    """A vector or matrix of random numbers."""
    return term(symbol, _random.normal(size=shape), name)


def dot_product(n: int = 32) -> Step:
    """A query times a key."""
    query, key = (
        vector(rf"{letter}_{{{token}}}^{{(3,7)}}", n, name=name)
        for letter, token, name in (("q", 5, "query"), ("k", 3, "key"))
    )
    result = term(r"p_{5,3}^{(3,7)}", query.values @ key.values, "product")
    return Step(result, "matmul", (query, key), layer=3)


def softmax(scores: ArrayLike) -> Step:
    """A row of attention weights."""
    row = np.asarray(scores, np.float64)
    exponentials = np.exp(row - row.max())
    weights = term(r"\alpha_{5}^{(3,7)}", exponentials / exponentials.sum(), "weights")
    return Step(weights, "softmax", (term(r"\tilde{s}_{5}^{(3,7)}", row, "masked score"),))


def steps() -> list[Step]:
    """One equation of each operation, with every number of operands that it may have."""
    x, y = vector("x_{5}^{(3)}", 8), vector("y_{5}^{(3)}", 8)
    rows, weight = vector("X^{(3)}", 6, 8), vector("W_Q^{(3)}", 4, 8)
    gamma, beta, bias = vector(r"\gamma", 8), vector(r"\beta", 8), vector("b", 4)
    number, divisor = term("s_{5,3}^{(3,7)}", -12.3), term(r"\sqrt{d_k}", 32**0.5)
    many = [vector(f"h^{{({i})}}", 8) for i in range(12)]
    mix = vector("A", 6)
    functions = (
        "same split lookup negative reciprocal sqrt rsqrt square abs sign exp exp2 expm1 log log2 "
        "log1p cos sin tanh erf sigmoid logsigmoid softplus softsign relu relu6 relu_squared silu "
        "floor ceil mish gelu gelu_tanh hardsigmoid hardswish elu leaky_relu"
    )
    made_of: list[tuple[str, Sequence[Term], Mapping[str, float | int | str]]] = [
        *((name, (one,), {}) for name in functions.split() for one in (x, number)),
        *(
            (name, (rows,), {})
            for name in (
                "mean",
                "variance",
                "total",
                "length",
                "largest",
                "smallest",
                "argmax",
                "normalize",
            )
        ),
        *(
            (name, operands, {"eps": epsilon} | part)
            for name, epsilon in (("layer_norm", 1e-12), ("rms_norm", 1.5e-6))
            for operands in ((x,), (x, gamma), (x, gamma, beta), (rows, gamma, beta))
            for part in ({}, {"index": 3}, {"start": 2, "stop": 4})
        ),
        *(("linear", (one, weight, *shift), {}) for one in (x, rows) for shift in ((), (bias,))),
        ("linear", (x, weight, bias), {"alpha": 0.5, "beta": -2.0}),
        ("matmul", (x, y), {"alpha": 0.125}),
        ("matmul", (x, rows), {}),
        ("matmul", (rows, weight), {"subscripts": "ab,cb->ca"}),
        ("mix", (mix, rows), {}),
        *(("softmax", (x,), part) for part in ({}, {"index": 3}, {"start": 2, "stop": 4})),
        ("softmax", (rows,), {}),
        ("softmax", (rows,), {"index": 3}),
        ("log_softmax", (x,), {}),
        ("clip", (x,), {"min": -1.0, "max": 1.0}),
        ("take", (rows,), {"indices": "0,3", "axis": 0}),
        ("concat", (rows,), {}),
        ("lookup", (rows, term("i_{5}", 15768)), {}),
        *((name, operands, {}) for name in ("sum", "concat") for operands in ((x, y), many)),
        ("sum", (x, y), {"alpha": 2.0}),
        ("difference", (x, y), {"alpha": -1.5}),
        ("product", (x, y), {}),
        ("product", (number, divisor), {}),
        ("quotient", (number, divisor), {}),
        ("quotient", (x, y), {}),
        ("power", (x, term("p", 3)), {}),
        ("maximum", (x, y), {}),
        ("minimum", (x, y), {}),
        ("mask", (x, term(r"-\infty", -np.inf), y), {}),
        ("mask", (number, term("m", -3.4e38), term("w", 1)), {}),
        ("opaque", (x, y, rows), {}),
        ("unheard_of", (x, y), {}),
        ("sum", (), {}),
    ]
    result = vector("z_{5}^{(3)}", 8)
    return [
        dot_product(),
        softmax([2.5, -np.inf, 0.5, -1]),
        softmax([250, -3.4e38, 249, 248, 0]),
        *(Step(result, name, tuple(operands), options) for name, operands, options in made_of),
    ]
