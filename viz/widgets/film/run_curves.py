"""The curves of a run below a film: the loss, and the gradient norm of each layer."""

import math

from viz.comparison.film.film import Film
from viz.runs.history import Epoch, History, Step, thinned

Point = tuple[float, float]


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
    }


def _points(points: list[Point]) -> list[Point]:
    """Points with as many digits as a screen has room for; what is not a number is left out."""
    return [(round(x, 4), round(y, 5)) for x, y in points if math.isfinite(y)]
