"""Tokens by their words, and equations by their names."""

from viz.attention.words import spans
from viz.errors import SelectionError
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.unfolding import Unfolding
from viz.types import Reading


def token_position(reading: Reading, named: str) -> int:
    """The position of a token that is named by it, or by the word or token that stands there.

    Of a word that occurs several times it is the first one, of one in several pieces the first.  A
    number is a position where there is one; only beyond the last one it is a word.

    Raises:
        SelectionError: where the text has no such token.
    """
    tokens = reading.encoding.tokens
    if named.strip().isdecimal() and int(named) < len(tokens):
        return int(named)
    for name in (named, named.casefold()):
        for unit in ("word", "wordpiece"):
            for span in spans(reading.encoding, unit):
                label = span.label if name is named else span.label.casefold()
                if label == name:
                    return span.tokens[0]
        for position, token in enumerate(tokens):
            if token.text == name:
                return position
    raise SelectionError(
        f"{named!r} is not a word of this text; name one, or a position from 0 to "
        f"{len(tokens) - 1}."
    )


def step_named(unfolding: Unfolding, name: str) -> Step:
    """The step of a name that is closest to what is unfolded: of its layer, head and query.

    Raises:
        SelectionError: where there is none; it lists those there are.
    """
    steps = [step for step in unfolding.steps if step.name == name]
    if not steps:
        names = ", ".join(dict.fromkeys(step.name for step in unfolding.steps))
        raise SelectionError(f"There is no step {name!r}; there are: {names}.")

    def distance(step: Step) -> tuple[bool, bool, bool, int]:
        result = step.result
        return (
            step.layer != unfolding.layer,
            result.head not in (None, unfolding.head),
            result.token not in (None, unfolding.query),
            result.values.size,
        )

    return min(steps, key=distance)
