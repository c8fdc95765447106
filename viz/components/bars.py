"""The bars: the predicted class in large letters, and the probability of every class below it."""

from collections.abc import Sequence

import numpy as np

from viz.components.registry import register
from viz.types import FloatArray

SHOWN = 12
"""Bars that are seen at once; further ones are reached by scrolling."""

HTML = """
<div class="root">
  <p class="predicted">
    <strong class="name" data-testid="class-name" dir="auto"></strong>
    <span class="percent" data-testid="class-percent"></span>
  </p>
  <ul class="bars"></ul>
  <p class="caption" data-testid="class-more"></p>
</div>
"""

_mount = register("bars", HTML)


def bars(labels: Sequence[str], probabilities: FloatArray, *, predicted: int, key: str) -> None:
    """Show the predicted class and a bar for each class, the most probable first.

    Args:
        labels: Names of the classes.
        probabilities: (C,), each from 0 to 1; they need not sum to 1.
        predicted: Index of the class that is shown large and in the accent colour.
        key: The component's own key.
    """
    _mount(data=payload(labels, probabilities, predicted=predicted), key=key)


def payload(
    labels: Sequence[str], probabilities: FloatArray, *, predicted: int
) -> dict[str, object]:
    """What the browser is sent: rows from the most to the least probable class."""
    if probabilities.shape != (len(labels),):
        raise ValueError(f"probabilities have shape {probabilities.shape} for {len(labels)} labels")
    shares = [float(share) for share in np.nan_to_num(probabilities)]
    order = sorted(range(len(labels)), key=lambda index: -shares[index])
    rows = [
        {
            "label": labels[index],
            "share": round(shares[index], 4),
            "percent": percent(shares[index]),
            "predicted": index == predicted,
        }
        for index in order
    ]
    return {
        "name": labels[predicted],
        "percent": percent(shares[predicted]),
        "rows": rows,
        "shown": SHOWN,
    }


def percent(probability: float) -> str:
    """One decimal; what would be rounded to nothing, or to certainty, says so."""
    if 0 < probability < 0.0005:
        return "< 0.1 %"
    if 0.9995 <= probability < 1:
        return "> 99.9 %"
    return f"{probability:.1%}".replace("%", " %")
