"""The bars of two predictions: what became of the class, and each class in both readings."""

from viz.attribution.descriptions import percent
from viz.comparison.class_comparison import ClassComparison
from viz.types import Prediction
from viz.widgets.bars.payload import N_VISIBLE


def payload(compared: ClassComparison, first: Prediction, second: Prediction) -> dict[str, object]:
    """What the browser is sent: a row for each class, the likeliest of either reading first.

    Args:
        compared: Both predictions side by side.
        first: What was predicted in the first reading; its classes have the accent color.
        second: What was predicted in the second.
    """
    assigned = [
        {prediction.labels[index].casefold() for index in prediction.assigned_classes}
        for prediction in (first, second)
    ]
    rows = []
    for change in compared.changes:
        label = change.label.casefold()
        one, other = (
            {
                "share": round(share or 0.0, 4),
                "percent": "–" if share is None else percent(share),
                "predicted": share is not None and label in assigned[side],
            }
            for side, share in enumerate((change.first, change.second))
        )
        rows.append({"label": change.label, **one, "then": other})
    return {
        "name": compared.sentence,
        "percent": "",
        "rows": rows,
        "n_visible": N_VISIBLE // 2,
        "row_height": 2,
    }
