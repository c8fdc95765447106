"""The bars: the predicted class in large letters, and the probability of every class below it.

A regression has no bars: its score stands in large letters.
"""

import numpy as np

from viz.attribution.descriptions import percent, verdict
from viz.types import Prediction
from viz.widgets.shared.widget import Widget

N_VISIBLE = 12
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

BARS = Widget("bars", "bars/bars", HTML)


def payload(prediction: Prediction) -> dict[str, object]:
    """What the browser is sent: rows from the most to the least probable class, if any."""
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
    return {"name": name, "percent": probability, "rows": rows, "n_visible": N_VISIBLE}
