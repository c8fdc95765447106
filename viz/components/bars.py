"""The bars: the predicted class in large letters, and the probability of every class below it."""

import numpy as np

from viz.attribution.wording import percent, verdict
from viz.components.registry import register
from viz.types import Prediction

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


def bars(prediction: Prediction, *, key: str) -> None:
    """Show what the text is put into and a bar for each class, the most probable first.

    Args:
        prediction: Its assigned classes are in the accent colour; a multi-label head may have
            several, or none.
        key: The component's own key.
    """
    _mount(data=payload(prediction), key=key)


def payload(prediction: Prediction) -> dict[str, object]:
    """What the browser is sent: rows from the most to the least probable class."""
    shares = [float(share) for share in np.nan_to_num(prediction.probabilities)]
    order = sorted(range(len(shares)), key=lambda index: -shares[index])
    assigned = prediction.assigned_classes
    name, probability = verdict(prediction)
    rows = [
        {
            "label": prediction.labels[index],
            "share": round(shares[index], 4),
            "percent": percent(shares[index]),
            "predicted": index in assigned,
        }
        for index in order
    ]
    return {"name": name, "percent": probability, "rows": rows, "shown": SHOWN}
