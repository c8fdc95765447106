"""An equation in words: where it stands in the network, and of which look it tells."""

from viz.attention.rollout import place
from viz.attention.words import spans
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.term import Term
from viz.mechanism.unfolding.unfolding import Unfolding
from viz.types import Reading


def token_labels(reading: Reading) -> tuple[str, ...]:
    """What a reader sees of each token: a piece that goes on with a word begins with `##`."""
    labels = [token.text for token in reading.encoding.tokens]
    for span in spans(reading.encoding, "wordpiece"):
        for position in span.tokens:
            labels[position] = span.label
    return tuple(labels)


def token_name(reading: Reading, position: int) -> str:
    """A token with its position, as in `stocks (5)`."""
    return f"{token_labels(reading)[position]} ({position})"


def cell_name(unfolding: Unfolding) -> str:
    """The look that is unfolded, as in `L3 · H7: stocks (5) looks at oil (3)`."""
    query, key = (
        token_name(unfolding.reading, position) for position in (unfolding.query, unfolding.key)
    )
    return f"{place(unfolding.layer, unfolding.head)}: {query} looks at {key}"


def step_place(unfolding: Unfolding, step: Step) -> str:
    """Where an equation stands: stage, layer, head and token, as far as it belongs to one."""
    result = step.result
    parts: list[str] = [step.stage]
    if step.layer is not None:
        parts.append(f"L{step.layer}")
    if result.head is not None:
        parts.append(f"H{result.head}")
    if result.token is not None:
        parts.append(token_name(unfolding.reading, result.token))
    return " · ".join(parts)


def axis_labels(reading: Reading, term: Term, axis: int) -> tuple[str, ...]:
    """What the numbers along an axis are called: tokens or classes; none for dimensions."""
    size, counted = term.shape[axis], term.axes[axis]
    if counted == "token" and size == reading.encoding.n_tokens:
        return token_labels(reading)
    if counted == "class" and size == len(reading.prediction.labels):
        return reading.prediction.labels
    return ()


def dimensions(term: Term) -> str:
    """The shape of a term, as in `384 × 384`; empty for a number."""
    return " × ".join(str(size) for size in term.shape)


def class_name(reading: Reading, term: Term) -> str:
    """The label of the class whose index a term is; empty for any other term."""
    if term.name != "class" or term.values.ndim:
        return ""
    return reading.prediction.labels[int(term.values)]
