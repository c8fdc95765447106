"""The curves of a run below a film: the loss, and the gradient norm of each layer."""

import math
from collections.abc import Sequence

from viz.comparison.film.film import Film
from viz.runs.history import Epoch, History, Step, thinned

Point = tuple[float, float]
MAX_COLUMNS = 160
"""Of the picture of gradient norms: more than it has pixels for are means of neighbors."""


def run_curves(film: Film, run: History | None) -> dict[str, object]:
    """What the browser is sent: points over epochs.

    Where the events of the run are gone, the losses of the kept steps are drawn.
    """
    steps = tuple(
        Step(step.step, step.epoch, step.loss) for step in film.steps if step.loss is not None
    )
    epochs = tuple(
        Epoch(round(step.epoch), step.validation) for step in film.steps if step.validation
    )
    if run is not None and run.steps:
        steps, epochs = run.steps, run.epochs
    ends = [*(step.epoch for step in film.steps), *(step.epoch for step in steps)]
    return {
        "end": max(ends, default=0.0) or 1.0,
        "training": _points([(step.epoch, step.loss) for step in thinned(steps)]),
        "validation": _points(
            [
                (float(epoch.epoch), epoch.measured["validation_loss"])
                for epoch in epochs
                if "validation_loss" in epoch.measured
            ]
        ),
        "norms": _norms(steps),
    }


def _norms(steps: Sequence[Step]) -> dict[str, object] | None:
    """A row for each part of the network, a column for each step; None where none was recorded."""
    columns = [step for step in thinned(steps, MAX_COLUMNS) if step.gradient_norms]
    parts = list(dict.fromkeys(name for step in columns for name in step.gradient_norms))
    values = [[_finite(step.gradient_norms.get(part)) for step in columns] for part in parts]
    sizes = [value for row in values for value in row if value]
    if not sizes:
        return None
    return {
        "names": [part.replace("layer ", "L") for part in parts],
        "epochs": [round(step.epoch, 4) for step in columns],
        "values": values,
        "least": min(sizes),
        "most": max(sizes),
    }


def _finite(value: float | None) -> float | None:
    """A norm with as many digits as a screen has room for; None for what is not a number."""
    return float(f"{value:.4g}") if value is not None and math.isfinite(value) else None


def _points(points: list[Point]) -> list[Point]:
    """Points with as many digits as a screen has room for; what is not a number is left out."""
    return [(round(x, 4), round(y, 5)) for x, y in points if math.isfinite(y)]
