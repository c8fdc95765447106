"""The bars of two predictions: what became of the class, and each class in both readings."""

from viz.attribution.descriptions import percent
from viz.comparison.class_comparison import ClassComparison
from viz.widgets.bars.payload import N_VISIBLE


def payload(compared: ClassComparison) -> dict[str, object]:
    """What the browser is sent: a row for each class, the likeliest of either reading first."""
    rows = []
    for change in compared.changes:
        one, other = (
            {
                "share": round(share or 0.0, 4),
                "percent": "–" if share is None else percent(share),
                "predicted": is_assigned,
            }
            for share, is_assigned in zip(
                (change.first, change.second), change.assigned, strict=True
            )
        )
        rows.append({"label": change.label, **one, "then": other})
    return {
        "name": compared.sentence,
        "percent": "",
        "rows": rows,
        "n_visible": N_VISIBLE // 2,
        "row_height": 2,
    }
