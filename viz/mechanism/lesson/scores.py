"""Step 3: a query and a key make one score."""

import math

import numpy as np

from viz.mechanism.lesson.claim import Claim, Value, not_computed
from viz.mechanism.lesson.lesson_step import LessonStep
from viz.mechanism.lesson.picture import ValuePicture
from viz.mechanism.lesson.subject import LessonSubject
from viz.mechanism.unfolding.step import Step

DIVISOR_TOLERANCE = 1e-3
"""How far, as a share, what a product is divided by may be from sqrt(d)."""
NOT_MUTUAL = 0.01
"""Two weights differ from a hundredth of a row on."""


def scores(subject: LessonSubject) -> LessonStep:
    """The score of the cell: its product of query and key, and what that is divided by."""
    cell = subject.cell
    if cell is None:
        return LessonStep("score", (), missing=subject.no_cell)
    score, product = (subject.equation(name, ndim=0) for name in ("score", "product"))
    names: dict[str, Value] = {
        "layer": cell.layer,
        "head": cell.head,
        "query": subject.token(cell.query),
        "key": subject.token(cell.key),
    }
    mutual = _mutual(subject)
    equations = tuple(step for step in (product, score) if step is not None)
    if score is None or product is None or subject.unfolding is None:
        reason = "no_equations" if score is None else "other_score"
        return LessonStep(
            "score", ("dot_product",), names, (mutual,), equations=equations, missing=reason
        )
    vectors = [term.values for term in product.operands if term.values.ndim == 1]
    size = len(vectors[0]) if vectors else 0
    values: dict[str, float] = {
        "n_dimensions": size,
        "root": math.sqrt(size),
        "product": float(product.result.values),
        "score": subject.unfolding.score,
    }
    divisor = _divisor(score, product, values)
    pictures: tuple[ValuePicture, ...] = ()
    if len(vectors) == 2 and vectors[0].shape == vectors[1].shape:
        rows = np.stack([*vectors, vectors[0] * vectors[1]])
        pictures = (ValuePicture("product", rows, ["query", "key", "query × key"], terms=True),)
    return LessonStep(
        "score",
        ("dot_product", "numbers" if divisor.holds else "other_numbers"),
        names | values,
        (divisor, mutual),
        pictures,
        equations,
    )


def _divisor(score: Step, product: Step, values: dict[str, float]) -> Claim:
    """Whether the product was divided by sqrt(d), where nothing else was done to it."""
    others = [term for term in score.operands if term.id != product.result.id]
    if score.operation not in ("product", "quotient") or len(others) != 1:
        return not_computed("divisor", "other_score")
    if not values["score"] or not values["n_dimensions"]:
        return not_computed("divisor", "score_is_zero")
    divisor = values["product"] / values["score"]
    off = abs(divisor - values["root"]) / values["root"]
    return Claim(
        "divisor",
        off <= DIVISOR_TOLERANCE,
        {**values, "divisor": divisor, "limit": DIVISOR_TOLERANCE},
    )


def _mutual(subject: LessonSubject) -> Claim:
    """Whether the token looked at looks back otherwise."""
    cell = subject.cell
    assert cell is not None  # the caller's
    if cell.query == cell.key:
        return not_computed("mutual", "same_token")
    weights = subject.reading.attention.weights[cell.layer, cell.head]
    forward, back = float(weights[cell.query, cell.key]), float(weights[cell.key, cell.query])
    return Claim(
        "mutual",
        abs(forward - back) > NOT_MUTUAL,
        {
            "forward": forward,
            "back": back,
            "limit": NOT_MUTUAL,
            "query": subject.token(cell.query),
            "key": subject.token(cell.key),
        },
    )
