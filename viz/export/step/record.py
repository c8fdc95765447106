"""An unfolding as plain values, for JSON."""

from collections.abc import Sequence

import numpy as np

from viz.export.json_record import prediction_values, token_values, without_values
from viz.export.numbers import Values
from viz.mechanism.unfolding.latex import equation_latex, numbers_latex
from viz.mechanism.unfolding.recomputation import recomputed_difference
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.term import Term
from viz.mechanism.unfolding.unfolding import Unfolding

MAX_VALUES = 1_024
"""Numbers of a term that are written; a vector of any usual model has no more, a matrix of weights
does."""


def unfolding_record(unfolding: Unfolding, steps: Sequence[Step]) -> Values:
    """A look with its equations.

    Args:
        unfolding: What is written.
        steps: Those of its equations that are.

    Returns:
        `steps` name their result and operands by id; `terms` holds each once, with its `values`
        or, where there are too many, with the number of those that are `left_out`.
    """
    reading = unfolding.reading
    terms = {term.id: term for step in steps for term in (*step.operands, step.result)}
    return {
        "checkpoint": reading.checkpoint,
        "fingerprint": reading.fingerprint,
        "text": reading.encoding.text,
        "pair": reading.encoding.pair,
        **without_values(reading),
        "tokens": token_values(reading.encoding),
        "prediction": prediction_values(reading.prediction),
        "layer": unfolding.layer,
        "head": unfolding.head,
        "query": unfolding.query,
        "key": unfolding.key,
        "score": _number(unfolding.score),
        "weight": unfolding.weight,
        "steps": [_step_values(step) for step in steps],
        "terms": {term.id: _term_values(term) for term in terms.values()},
    }


def _step_values(step: Step) -> Values:
    return {
        "name": step.name,
        "stage": step.stage,
        "layer": step.layer,
        "operation": step.operation,
        "options": dict(step.options),
        "result": step.result.id,
        "operands": [operand.id for operand in step.operands],
        "equation": equation_latex(step),
        "numbers": numbers_latex(step),
        "difference": recomputed_difference(step),
    }


def _term_values(term: Term) -> Values:
    size = term.values.size
    numbers = {"values": _numbers(term)} if size <= MAX_VALUES else {"left_out": size}
    return {
        "name": term.name,
        "symbol": term.symbol,
        "source": term.source,
        "layer": term.layer,
        "head": term.head,
        "token": term.token,
        "shape": list(term.shape),
        "axes": list(term.axes),
        **numbers,
    }


def _numbers(term: Term) -> object:
    """Nested lists; what JSON has no number for is a text, as `float` reads it."""
    if np.isfinite(term.values).all():
        return term.values.tolist()
    flat = [_number(float(value)) for value in term.values.ravel()]
    nested = np.empty(term.values.size, object)
    nested[:] = flat
    return nested.reshape(term.shape).tolist()


def _number(value: float) -> float | str:
    return value if np.isfinite(value) else str(value)
