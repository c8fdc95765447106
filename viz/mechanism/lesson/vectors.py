"""Step 2: ids become vectors, of the token, of its position and of its segment."""

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.errors import VizError
from viz.mechanism.lesson.claim import Claim, Value, not_computed
from viz.mechanism.lesson.layer_states import layer_states, with_ids
from viz.mechanism.lesson.lesson_step import LessonStep
from viz.mechanism.lesson.picture import ValuePicture
from viz.mechanism.lesson.subject import LessonSubject
from viz.mechanism.unfolding.step import Step

MOVED = 1e-3
"""A vector is another one where it differs by more than this share of its length; rounding in
single precision makes differences a thousand times smaller."""


NORMALIZATIONS = ("layer_norm", "rms_norm")
MAX_PARTS = 12
"""Equations at most that are followed from the first state of a token back to its id."""


def vectors(subject: LessonSubject) -> LessonStep:
    """The parts of the first vector of the token that looks, and what it depends on."""
    token = _token(subject)
    steps = _embeddings(subject, token)
    position, context = _claims(subject, token)
    values: dict[str, Value] = {"token": subject.token(token), "position": token}
    sentences = ["lookup"]
    if position.holds is not None:
        sentences.append("with_position" if position.holds else "without_position")
    if any(step.name == "segment embedding" for step in steps):
        sentences.append("with_segment")
    sentences += [step.operation for step in steps if step.operation in NORMALIZATIONS]
    pictures: tuple[ValuePicture, ...] = ()
    rows = [step for step in steps if step.operation == "lookup" or step is steps[-1]]
    if rows:
        parts = np.stack([step.result.values for step in rows])
        pictures = (ValuePicture("parts", parts, [step.name for step in rows], terms=True),)
        values["n_dimensions"] = parts.shape[1]
    return LessonStep(
        "vectors",
        tuple(dict.fromkeys(sentences)),
        values,
        (position, context),
        pictures,
        tuple(steps),
        "" if steps else "no_equations",
    )


def _token(subject: LessonSubject) -> int:
    if subject.cell is not None:
        return subject.cell.query
    return subject.reading.deciding_token or 0


def _embeddings(subject: LessonSubject, token: int) -> list[Step]:
    """The equations from the id of a token to its first state, each after those of its operands.

    Followed back from the last one, since a story tells what leads to the token, not each table.
    """
    unfolding = subject.unfolding
    if unfolding is None:
        return []
    own = [
        step
        for step in unfolding.steps
        if step.stage == "embeddings"
        and step.result.token == token
        and step.result.values.ndim == 1
    ]
    widths = [len(step.result.values) for step in own if step.operation == "lookup"]
    last = [step for step in own if len(step.result.values) == max(widths, default=0)][-1:]
    steps: dict[str, Step] = {}

    def visit(step: Step) -> None:
        for term in step.operands:
            made_by = unfolding.walk.made_by(term.id)
            if made_by and term.shape == step.result.shape and len(steps) < MAX_PARTS:
                visit(made_by)
        steps.setdefault(step.result.id, step)

    for step in last:
        visit(step)
    return list(steps.values())


def _claims(subject: LessonSubject, token: int) -> tuple[Claim, Claim]:
    """Whether the first vector depends on the position, and on the words around."""
    inputs = subject.reading.encoding.inputs
    other = _other_position(subject, token)
    if other is None:
        return not_computed("position", "one_token"), not_computed("context", "one_token")
    ids = inputs["input_ids"].tolist()
    exchanged = list(ids)
    exchanged[token], exchanged[other] = ids[other], ids[token]
    replaced = [ids[token] if index == token else ids[other] for index in range(len(ids))]
    try:
        states = layer_states(
            subject.classifier, [inputs, with_ids(inputs, exchanged), with_ids(inputs, replaced)]
        )[:, 0]
    except VizError:
        return not_computed("position", "no_states"), not_computed("context", "no_states")
    moved = _difference(states[0, token], states[1, other])
    changed = _difference(states[0, token], states[2, token])
    name: dict[str, Value] = {"token": subject.token(token), "limit": MOVED}
    return (
        Claim(
            "position",
            moved > MOVED,
            {**name, "position": token, "other": other, "difference": moved},
        ),
        Claim("context", changed <= MOVED, {**name, "difference": changed}),
    )


def _other_position(subject: LessonSubject, token: int) -> int | None:
    """Another position whose token has another id, in the same text of a pair if there is one."""
    encoding = subject.reading.encoding
    ids = encoding.inputs["input_ids"]
    others = [index for index in range(len(ids)) if ids[index] != ids[token]]
    segments = encoding.inputs.get("token_type_ids", np.zeros_like(ids))
    return min(
        others,
        key=lambda index: (segments[index] != segments[token], encoding.tokens[index].special),
        default=None,
    )


def _difference(one: FloatArray, other: FloatArray) -> float:
    """The length of the difference of two vectors, as a share of that of the first."""
    return float(np.linalg.norm(one - other) / (np.linalg.norm(one) or 1.0))
