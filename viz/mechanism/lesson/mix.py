"""Step 5: the weights mix the values."""

import numpy as np

from viz.mechanism.lesson.claim import Claim, Value, not_computed
from viz.mechanism.lesson.lesson_step import LessonStep
from viz.mechanism.lesson.picture import ValuePicture
from viz.mechanism.lesson.subject import LessonSubject

SHOWN_PARTS = 5
"""Parts of the mix that are drawn, the longest ones."""


def mix(subject: LessonSubject) -> LessonStep:
    """What a head takes from each token: its weight times its value."""
    cell = subject.cell
    if cell is None:
        return LessonStep("mix", (), missing=subject.no_cell)
    step = subject.equation("head output", ndim=1)
    names: dict[str, Value] = {
        "layer": cell.layer,
        "head": cell.head,
        "query": subject.token(cell.query),
    }
    row = subject.reading.attention.weights[cell.layer, cell.head, cell.query]
    values = next(
        (term.values for term in (step.operands if step else ()) if term.values.ndim == 2), None
    )
    if step is None or values is None or len(values) != len(row):
        reason = "no_equations" if step is None else "other_mix"
        return LessonStep("mix", ("sum",), names, equations=(step,) if step else (), missing=reason)
    parts = row[:, None].astype(np.float64) * values
    lengths = np.linalg.norm(parts, axis=1)
    longest, heaviest = int(lengths.argmax()), int(row.argmax())
    numbers: dict[str, Value] = {
        **names,
        "heaviest": subject.token(heaviest),
        "weight": float(row[heaviest]),
        "length": float(lengths[heaviest]),
        "longest": subject.token(longest),
        "longest_weight": float(row[longest]),
        "longest_length": float(lengths[longest]),
        "n_tokens": len(row),
        "output_length": float(np.linalg.norm(parts.sum(0))),
        "sum_of_lengths": float(lengths.sum()),
    }
    claim = (
        Claim("heaviest_is_longest", longest == heaviest, numbers)
        if len(row) > 1
        else not_computed("heaviest_is_longest", "one_token")
    )
    order = np.argsort(-lengths, kind="stable")[:SHOWN_PARTS]
    rows = np.stack([*parts[order], parts.sum(0)])
    labels = [*(f"{row[index]:.2f} × {subject.token(int(index))}" for index in order), "Σ"]
    return LessonStep(
        "mix",
        ("sum", "lengths"),
        numbers,
        (claim,),
        (ValuePicture("parts", rows, labels),),
        (step,),
    )
