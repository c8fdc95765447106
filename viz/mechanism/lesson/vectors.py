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


def vectors(subject: LessonSubject) -> LessonStep:
    """The parts of the first vector of the token that looks, and what it depends on."""
    token = _token(subject)
    picture, sentences, values = _parts(subject, token)
    steps = _embeddings(subject, token)
    lookups = [step for step in steps if step.operation == "lookup"]
    equations = (*lookups, *[step for step in steps if step.operation != "lookup"][-2:])
    return LessonStep(
        "vectors",
        sentences,
        {"token": subject.token(token), "position": token, **values},
        _claims(subject, token),
        () if picture is None else (picture,),
        equations,
        "" if equations else "no_equations",
    )


def _token(subject: LessonSubject) -> int:
    if subject.cell is not None:
        return subject.cell.query
    return subject.reading.deciding_token or 0


def _parts(
    subject: LessonSubject, token: int
) -> tuple[ValuePicture | None, tuple[str, ...], dict[str, Value]]:
    """The vectors that make up the first state of a token, one row each."""
    rows = [step for step in _embeddings(subject, token) if step.operation != "sum"]
    if not rows:
        return None, ("lookup",), {}
    names = [step.name for step in rows]
    sentences = [
        "with_position" if "position embedding" in names else "without_position",
        *(["with_segment"] if "segment embedding" in names else []),
        *(step.operation for step in rows if step.operation in ("layer_norm", "rms_norm")),
    ]
    vectors = np.stack([step.result.values for step in rows])
    picture = ValuePicture("parts", vectors, names, terms=True)
    return picture, ("lookup", *dict.fromkeys(sentences)), {"n_dimensions": vectors.shape[1]}


def _embeddings(subject: LessonSubject, token: int) -> list[Step]:
    """The equations that make the first state of a token, each of a vector as wide as that."""
    if subject.unfolding is None:
        return []
    steps = [
        step
        for step in subject.unfolding.steps
        if step.stage == "embeddings"
        and step.result.token in (token, None)
        and step.result.values.ndim == 1
    ]
    widths = {len(step.result.values) for step in steps if step.operation == "lookup"}
    width = max(widths, default=0)
    return [step for step in steps if len(step.result.values) == width]


def _claims(subject: LessonSubject, token: int) -> tuple[Claim, ...]:
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
