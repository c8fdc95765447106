"""Step 4: mask and softmax turn a row of scores into weights."""

import math

import numpy as np

from viz.mechanism.lesson.claim import Claim, Value, not_computed
from viz.mechanism.lesson.lesson_step import LessonStep
from viz.mechanism.lesson.picture import TokenPicture
from viz.mechanism.lesson.subject import LessonSubject
from viz.types import ROW_TOLERANCE

FEW = 0.25
"""A token looks at few where half of its weight lies on this share of what it can look at."""


def weights(subject: LessonSubject) -> LessonStep:
    """The row of weights of the token that looks, and what one more unit of score would do."""
    cell = subject.cell
    if cell is None:
        return LessonStep("weights", (), missing=subject.no_cell)
    attention = subject.reading.attention
    row = attention.weights[cell.layer, cell.head, cell.query]
    weight = float(row[cell.key])
    impossible = attention.impossible
    n_possible = (
        len(row) if impossible is None else int((~impossible[cell.layer, cell.query]).sum())
    )
    ordered = np.sort(row)[::-1].cumsum(dtype=np.float64)
    n_half = int((ordered < ordered[-1] / 2).sum()) + 1
    values: dict[str, Value] = {
        "query": subject.token(cell.query),
        "key": subject.token(cell.key),
        "weight": weight,
        "weight_of_more": weight * math.e / (1 + weight * (math.e - 1)),
        "n_possible": n_possible,
        "n_tokens": len(row),
        "n_half": n_half,
    }
    few = (
        Claim("few", n_half <= FEW * n_possible, {**values, "limit": FEW})
        if n_possible > 1
        else not_computed("few", "one_token")
    )
    equations = subject.equations("masked score", "weights", ndim=1)
    return LessonStep(
        "weights",
        ("softmax", "one_more"),
        values,
        (_sums(subject), _masked(subject), few),
        (TokenPicture("row", row),),
        equations,
        "" if equations else "no_equations",
    )


def _sums(subject: LessonSubject) -> Claim:
    """Whether each row of each head sums to 1; where a sink takes some, it does not."""
    rows = subject.reading.attention.weights.sum(-1, dtype=np.float64)
    furthest = float(np.abs(rows - 1).max())
    return Claim(
        "sums",
        furthest <= ROW_TOLERANCE,
        {
            "n_rows": rows.size,
            "furthest": furthest,
            "mean": float(rows.mean()),
            "limit": ROW_TOLERANCE,
        },
    )


def _masked(subject: LessonSubject) -> Claim:
    """Whether what a mask forbids has no weight."""
    attention = subject.reading.attention
    if attention.impossible is None:
        return not_computed("masked", "nothing_masked")
    forbidden = np.broadcast_to(attention.impossible[:, None], attention.weights.shape)
    largest = float(attention.weights[forbidden].max())
    return Claim(
        "masked", largest == 0, {"n_masked": int(attention.impossible.sum()), "largest": largest}
    )
