"""The axes of a picture of attention: what each row and each column is called."""

from collections.abc import Sequence

from viz.attention.views import AttentionView, Span
from viz.errors import SelectionError

Axis = dict[str, list[str] | list[int]]


def axes(view: AttentionView) -> dict[str, Axis | None]:
    """Labels of both axes; those of the keys are None where they are the queries themselves.

    Raises:
        SelectionError: where there is no row or no column to draw.
    """
    if not view.spans or not view.keys:
        raise SelectionError("There is no token to draw; show special tokens or choose all.")
    same = view.keys == view.spans
    return {"queries": _axis(view.spans), "keys": None if same else _axis(view.keys)}


def _axis(over: Sequence[Span]) -> Axis:
    special = [index for index, span in enumerate(over) if span.special]
    return {"labels": [span.label for span in over], "special": special}
