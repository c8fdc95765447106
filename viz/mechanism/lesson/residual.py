"""Step 7: what the heads found is projected and added to the state; how far a layer moves it."""

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.errors import VizError
from viz.mechanism.lesson.claim import Claim, Value, not_computed
from viz.mechanism.lesson.layer_states import layer_states
from viz.mechanism.lesson.lesson_step import LessonStep
from viz.mechanism.lesson.picture import ValuePicture
from viz.mechanism.lesson.subject import LessonSubject

SMALL_STEP = 0.5
"""A layer keeps what a state points at where the cosine of input and output is above this."""


def residual(subject: LessonSubject) -> LessonStep:
    """What attention adds to the state of the token that looks, and how far each layer moves it."""
    cell = subject.cell
    if cell is None:
        return LessonStep("residual", (), missing=subject.no_cell)
    names: dict[str, Value] = {"layer": cell.layer, "query": subject.token(cell.query)}
    equations = subject.equations("attention output", "residual", "normalization", ndim=1)
    lengths = _lengths(subject)
    adds_less = (
        not_computed("adds_less", "other_residual" if equations else "no_equations")
        if lengths is None
        else Claim("adds_less", lengths["added"] < lengths["before"], {**names, **lengths})
    )
    keeps, pictures = _keeps(subject)
    return LessonStep(
        "residual",
        ("added", "numbers") if lengths else ("added",),
        {**names, **(lengths or {})},
        (adds_less, keeps),
        pictures,
        equations,
        "" if equations else "no_equations",
    )


def _lengths(subject: LessonSubject) -> dict[str, float] | None:
    """Lengths of what attention adds and of the state it is added to; None where not to be had."""
    step = subject.equation("residual", ndim=1)
    added = subject.equation("attention output", ndim=1)
    if step is None or added is None:
        return None
    others = [
        term.values
        for term in step.operands
        if term.id != added.result.id and term.shape == step.result.shape
    ]
    if len(others) != 1:
        return None
    before = float(np.linalg.norm(others[0]))
    length = float(np.linalg.norm(added.result.values))
    return {"before": before, "added": length, "ratio": length / (before or 1.0)}


def _keeps(subject: LessonSubject) -> tuple[Claim, tuple[ValuePicture, ...]]:
    """Whether each layer leaves the state of the token pointing where it did."""
    cell = subject.cell
    assert cell is not None  # the caller's
    try:
        states = layer_states(subject.classifier, [subject.reading.encoding.inputs])[0]
    except VizError:
        return not_computed("keeps", "no_states"), ()
    cosines = cosines_of_layers(states)
    own = cosines[:, cell.query]
    lowest = int(own.argmin())
    values: dict[str, Value] = {
        "query": subject.token(cell.query),
        "n_small": int((own > SMALL_STEP).sum()),
        "n_layers": len(own),
        "lowest": float(own[lowest]),
        "lowest_layer": lowest,
        "cosine": float(own[cell.layer]),
        "layer": cell.layer,
        "limit": SMALL_STEP,
    }
    layers = [f"L{layer}" for layer in range(len(own))]
    labels = [span.label for span in subject.pieces]
    picture = ValuePicture("cosines", cosines, layers, labels)
    return Claim("keeps", bool((own > SMALL_STEP).all()), values), (picture,)


def cosines_of_layers(states: FloatArray) -> FloatArray:
    """Cosine of what each layer is given and puts out, of each token.  (L + 1, T, D) -> (L, T)"""
    sizes = np.linalg.norm(states, axis=-1)
    products = (states[:-1] * states[1:]).sum(-1)
    scales = sizes[:-1] * sizes[1:]
    cosines: FloatArray = np.divide(products, scales, out=np.zeros_like(products), where=scales > 0)
    return cosines
