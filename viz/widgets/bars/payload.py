"""The bars: the predicted class in large letters, and the probability of every class below it.

A regression has no bars: its score stands in large letters.
"""

from collections.abc import Sequence

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


def payload(prediction: Prediction, order: Sequence[int] | None = None) -> dict[str, object]:
    """What the browser is sent: a row for each class, if there are classes.

    Args:
        prediction: What the classifier says.
        order: The classes from the top; from the most to the least probable one where None.
    """
    shares = [float(share) for share in np.nan_to_num(prediction.probabilities)]
    if order is None:
        order = class_order(prediction)
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


def class_order(prediction: Prediction) -> list[int]:
    """The classes from the most to the least probable one."""
    shares = np.nan_to_num(prediction.probabilities)
    return [int(index) for index in np.argsort(-shares, kind="stable")]
