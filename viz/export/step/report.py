"""An unfolding as lines for a terminal: every equation with its numbers, stage by stage."""

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap

from viz.attention.heads import heads_off
from viz.attribution.descriptions import true_minus, verdict
from viz.mechanism.unfolding.description import cell_name, class_name, token_name
from viz.mechanism.unfolding.latex import equation_latex, number_sides
from viz.mechanism.unfolding.latex_values import values_latex
from viz.mechanism.unfolding.plain_text import plain_text
from viz.mechanism.unfolding.recomputation import recomputed_difference
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.unfolding import Unfolding

WIDTH = 80
"""Columns of a terminal."""
NO_EQUATION = "no equation"


def unfolding_report(unfolding: Unfolding, *, all_layers: bool = False) -> list[str]:
    """The story from ids to class; of layers below and above the head's, one line each.

    Args:
        unfolding: What is told.
        all_layers: Whether their equations are printed, too.
    """
    reading = unfolding.reading
    name, probability = verdict(reading.prediction)
    lines = [
        f"{name} {probability}".rstrip() + f" · {reading.checkpoint}",
        cell_name(unfolding),
        true_minus(f"score {unfolding.score:.6g}, weight {unfolding.weight:.6g}"),
        *([f"Read with {heads_off(reading.without)}."] if reading.without else []),
        "At the right: the largest difference when an equation is computed again.",
    ]
    for layer, layer_steps in groupby(unfolding.steps, lambda step: step.layer):
        if layer in (None, unfolding.layer) or all_layers:
            for stage, steps in groupby(layer_steps, lambda step: step.stage):
                heading = stage.capitalize() if layer is None else f"Layer {layer}: {stage}"
                lines += ["", heading, *steps_report(unfolding, list(steps))]
        else:
            lines += [*([] if _is_summary(lines[-1]) else [""]), _summary(list(layer_steps))]
    return lines


def _summary(steps: Sequence[Step]) -> str:
    """A layer in one line: how many equations, how exact, and what it hands on."""
    gaps = [gap for step in steps if (gap := recomputed_difference(step)) is not None]
    count = "1 equation" if len(gaps) == 1 else f"{len(gaps)} equations"
    largest = max(gaps, default=0.0)
    last = steps[-1].result
    left = f"Layer {steps[0].layer}: {count}, {plain_text(last.symbol)}"
    return _beside(f"{left} = {plain_text(values_latex(last.values))}", _written(largest))


def _is_summary(line: str) -> bool:
    return line.startswith("Layer ") and " equation" in line


def steps_report(unfolding: Unfolding, steps: Sequence[Step]) -> Iterator[str]:
    """Two lines for each equation: symbols with the difference, and numbers."""
    token: int | None = None
    for step in steps:
        yield from _equation(unfolding, step, names_token=step.result.token not in (None, token))
        token = step.result.token


def _equation(unfolding: Unfolding, step: Step, *, names_token: bool) -> Iterator[str]:
    place = ""
    if names_token and step.result.token is not None:
        place = f" of {token_name(unfolding.reading, step.result.token)}"
    symbols = plain_text(equation_latex(step).partition(r",\quad")[0])
    name, difference = f"  {step.name}{place}:", _difference(step)
    if _columns(f"{name} {symbols} {difference}") <= WIDTH:
        yield _beside(f"{name} {symbols}", difference)
    else:
        yield _beside(name, difference)
        yield from wrap(
            symbols,
            WIDTH,
            initial_indent=" " * 5,
            subsequent_indent=" " * 9,
            break_on_hyphens=False,
        )
    sides = [f"= {plain_text(side)}" for side in number_sides(step)]
    if label := class_name(unfolding.reading, step.result):
        sides[-1] += f" ({label})"
    if _columns(f"     {' '.join(sides)}") <= WIDTH:
        sides = [" ".join(sides)]
    elif _columns(f"     {sides[0]}") > WIDTH:
        del sides[0]
    yield from (f"     {side}" for side in sides)


def _difference(step: Step) -> str:
    gap = recomputed_difference(step)
    return NO_EQUATION if gap is None else _written(gap)


def _written(gap: float) -> str:
    return f"{gap:.0e}" if gap else "0"


def _beside(left: str, right: str) -> str:
    """Two texts at both ends of a line, or on two where they don't fit."""
    room = WIDTH - len(right) - 1
    while _columns(left) > room:
        left = left.removesuffix("…")[:-1] + "…"
    return f"{left}{' ' * (room - _columns(left))} {right}"


def _columns(text: str) -> int:
    """Columns of a terminal: ideographs and emoji take two, marks none."""
    return sum(
        0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in "WF")
        for sign in text
    )
