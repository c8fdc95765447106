"""Step 8: the feed-forward part, which works on each token alone."""

import numpy as np

from viz.mechanism.lesson.claim import Claim, Value, not_computed
from viz.mechanism.lesson.lesson_step import LessonStep
from viz.mechanism.lesson.picture import ValuePicture
from viz.mechanism.lesson.subject import LessonSubject

QUIET = 0.1
"""A unit is quiet below this share of the largest."""
MOST_UNITS = 0.5
"""Share of units from which on most of them are quiet."""

FUNCTIONS = {
    "gelu": "GELU",
    "gelu_tanh": "GELU (tanh)",
    "quick_gelu": "GELU (sigmoid)",
    "relu": "ReLU",
    "silu": "SiLU",
}
"""What activations are called; all others by the name of their operation."""


def feed_forward(subject: LessonSubject) -> LessonStep:
    """What the activation lets through, and how much is added, beside what attention added."""
    cell = subject.cell
    if cell is None:
        return LessonStep("feed_forward", (), missing=subject.no_cell)
    names: dict[str, Value] = {"layer": cell.layer, "query": subject.token(cell.query)}
    parts = ("feed-forward hidden", "gate", "activation", "gated", "feed-forward output")
    equations = subject.equations(*parts, stage="feed-forward", ndim=1)
    output = subject.equation("feed-forward output", stage="feed-forward", ndim=1)
    activation = subject.equation("activation", stage="feed-forward", ndim=1)
    attended = subject.equation("attention output", ndim=1)
    gated = any(step.name == "gated" for step in equations)
    if output is None or activation is None:
        reason = "no_equations" if subject.unfolding is None else "other_feed_forward"
        return LessonStep("feed_forward", ("two_maps",), names, equations=equations, missing=reason)
    units = np.abs(activation.result.values).astype(np.float64).ravel()
    largest = float(units.max()) or 1.0
    share = float((units < QUIET * largest).mean())
    values: dict[str, Value] = {
        **names,
        "function": FUNCTIONS.get(activation.operation, activation.operation),
        "n_units": units.size,
    }
    quiet = Claim(
        "quiet",
        share > MOST_UNITS,
        {**values, "share": share, "n_quiet": round(share * units.size), "limit": QUIET},
    )
    added = float(np.linalg.norm(output.result.values))
    if attended is None:
        more = not_computed("more_than_attention", "other_residual")
    else:
        by_attention = float(np.linalg.norm(attended.result.values))
        more = Claim(
            "more_than_attention",
            added > by_attention,
            {
                **names,
                "added": added,
                "by_attention": by_attention,
                "share": added / ((added + by_attention) or 1.0),
            },
        )
    rows = activation.result.values.reshape(1, -1)
    return LessonStep(
        "feed_forward",
        ("two_maps", "units", "gated") if gated else ("two_maps", "units"),
        values,
        (quiet, more),
        (ValuePicture("activation", rows, ["activation"], terms=True),),
        equations,
    )
