"""The equations between the ids and the class under their headings, in the order of the pass."""

from collections.abc import Sequence
from itertools import groupby

from viz.app.panels.inside.equation import equation
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.unfolding import Unfolding
from viz.widgets.equations.payload import Names, Section

MAX_OPEN = 3
"""Of the other layers: what is open is sent to the browser."""
_MAPS = {"product", "score", "masked score", "weights", "head output"}
"""Results that each head has of its own."""


def story(unfolding: Unfolding) -> list[Step]:
    """The steps that are told, in order.

    Up to the layer of the head, those of the token that looks; above it, those of the token that
    the class is read from.  In the attention of that layer, what leads to the weights of the head
    and to what it mixes, and what the layer makes of all heads.  All others can be walked to.
    """
    attention = _attention(unfolding)
    steps = [step for step in unfolding.steps if _is_told(step, unfolding, attention)]
    # One number first, then the row that it stands in.
    return [
        step
        for _, group in groupby(steps, lambda step: (step.layer, step.stage, step.name))
        for step in sorted(group, key=lambda step: step.result.values.size)
    ]


def _attention(unfolding: Unfolding) -> set[str]:
    """The results in the attention of the head's layer that belong to its story, by their ids."""
    layer, head = unfolding.layer, unfolding.head
    here = {
        step.result.id: step
        for step in unfolding.steps
        if step.layer == layer and step.stage == "attention"
    }
    pending = [step for step in here.values() if step.result.head == head and step.name in _MAPS]
    # From behind, up to where all heads stand side by side.
    pending += [
        step
        for step in unfolding.steps
        if step.layer == layer
        and step.stage == "feed-forward"
        and step.result.token == unfolding.query
    ]
    kept: set[str] = set()
    while pending:
        step = pending.pop()
        if step.result.id in kept:
            continue
        kept.add(step.result.id)
        pending += [
            here[operand.id]
            for operand in step.operands
            if operand.id in here and "head" not in operand.axes
        ]
    return kept


def section_id(step: Step, unfolding: Unfolding) -> str:
    """The section of a step: the layer of the head has one for each stage, any other layer one."""
    return step.stage if step.layer in (None, unfolding.layer) else f"L{step.layer}"


def begin_open(unfolding: Unfolding) -> tuple[str, ...]:
    """The sections that are open to begin with: all but other layers and a decoder."""
    ids = dict.fromkeys(section_id(step, unfolding) for step in unfolding.steps)
    return tuple(one for one in ids if not _is_other_layer(one) and one != "decoder")


def toggle(opened: Sequence[str], section: str) -> tuple[str, ...]:
    """Open a section, or close it; of other layers the one that was opened first closes."""
    if section in opened:
        return tuple(one for one in opened if one != section)
    layers = [one for one in opened if _is_other_layer(one)]
    closing = layers[: max(0, len(layers) + 1 - MAX_OPEN)] if _is_other_layer(section) else []
    return (*(one for one in opened if one not in closing), section)


def sections(unfolding: Unfolding, names: Names, opened: Sequence[str]) -> list[Section]:
    """All sections; the equations of those that are open."""
    shown = []
    for one, group in groupby(story(unfolding), lambda step: section_id(step, unfolding)):
        steps = tuple(group)
        equations = [equation(step) for step in steps] if one in opened else None
        shown.append(Section(one, _title(steps[0], unfolding), equations, _note(steps, names)))
    return shown


def _is_told(step: Step, unfolding: Unfolding, attention: set[str]) -> bool:
    token, layer, query = step.result.token, step.layer, unfolding.query
    if layer is None:
        return step.stage != "embeddings" or token in (query, None)
    if layer == unfolding.layer and step.stage == "attention":
        return step.result.id in attention
    if layer <= unfolding.layer:
        return token in (query, None)
    deciding = unfolding.reading.deciding_token
    return deciding is None or token in (deciding, None)


def _is_other_layer(section: str) -> bool:
    return section.startswith("L")


def _title(step: Step, unfolding: Unfolding) -> str:
    if step.layer is None:
        return step.stage.capitalize()
    if step.layer != unfolding.layer:
        return f"Layer {step.layer}"
    head = f", head {unfolding.head}" if step.stage == "attention" else ""
    return f"Layer {step.layer}: {step.stage}{head}"


def _note(steps: Sequence[Step], names: Names) -> str:
    count = f"{len(steps)} equation{'s' * (len(steps) != 1)}"
    token = steps[-1].result.token
    return count if token is None else f"{names.tokens[token]} ({token}) · {count}"
