"""The confusion matrix: rows are true classes, columns predicted ones, cells are counts."""

from collections.abc import Sequence

from viz.widgets.shared.widget import Widget

N_WIDE = 12
"""Classes up to which cells have room for their share of the row; more of them scroll."""

HTML = """
<div class="root">
  <div class="scroll">
    <table class="matrix" role="grid" data-testid="confusion"></table>
  </div>
  <div class="tip" data-testid="confusion-tip" role="tooltip" hidden></div>
  <div class="legend"><span class="none"></span><span class="ramp"></span
    ><span class="most"></span></div>
</div>
"""

CONFUSION = Widget("confusion", "confusion/confusion", HTML)


def payload(
    counts: Sequence[Sequence[int]],
    labels: Sequence[str],
    *,
    gold: int | None,
    predicted: int | None,
) -> dict[str, object]:
    """What the browser is sent.

    Args:
        counts: `counts[i][j]`: rows of class i that are put into class j.
        labels: The C classes, in the order of the counts.
        gold: The selected row; None where only a column is selected, or nothing.
        predicted: The selected column; None where only a row is selected, or nothing.
    """
    if len(counts) != len(labels) or any(len(row) != len(labels) for row in counts):
        raise ValueError(f"counts are not those of {len(labels)} classes")
    return {
        "labels": list(labels),
        "counts": [list(row) for row in counts],
        "wide": len(labels) <= N_WIDE,
        "gold": gold,
        "predicted": predicted,
    }
