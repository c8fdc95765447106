"""Equations made by hand: one of each operation, as a pass of some family has it."""

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
    result = vector("z_{5}^{(3)}", 8)
    operands_of = {
        "linear": ((x, weight), (x, weight, bias), (rows, weight), (rows, weight, bias)),
        "lookup": ((vector("E", 40, 8), term("i_{5}", 15768)), (vector("E", 40, 8),)),
        "sum": ((x, y), tuple(vector(f"h_{{{i}}}", 8) for i in range(12))),
        "difference": ((x, y),),
        "product": ((x, y), (number, x), (number, divisor)),
        "quotient": ((number, divisor), (x, divisor)),
        "matmul": ((x, rows), (vector("A", 6), rows), (vector("A", 2, 6), rows)),
        "softmax": ((rows,),),
        "mask": ((number, term(r"-\infty", -np.inf)), (x, term("m", -3.4e38))),
        "concat": ((x, y), tuple(vector(f"o^{{({i})}}", 8) for i in range(12))),
        "mean": ((rows,), (x, y)),
        "power": ((x, term("p", 3)), (x,)),
        "argmax": ((x,),),
        "opaque": ((x, y, rows),),
    }
    functions = "gelu gelu_tanh relu silu tanh sigmoid sqrt cos sin exp log quick_gelu softplus"
    operands_of |= dict.fromkeys((*functions.split(), "erf"), ((x,), (number,)))
    norms = ((x,), (x, gamma), (x, gamma, beta), (rows, gamma, beta))
    operands_of |= dict.fromkeys(("layer_norm", "rms_norm"), norms)
    options: dict[str, dict[str, float | int | str]] = {
        "layer_norm": {"eps": 1e-12},
        "rms_norm": {"eps": 1.5e-6},
        "power": {"exponent": 2},
    }
    return [
        dot_product(),
        softmax([2.5, -np.inf, 0.5, -1]),
        softmax([250, -3.4e38, 249, 248, 0]),
        *(
            Step(result, operation, operands, options.get(operation, {}))
            for operation, forms in operands_of.items()
            for operands in forms
        ),
    ]
