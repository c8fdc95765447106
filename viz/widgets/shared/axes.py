"""The axes of a picture of attention: what each row and each column is called."""

from collections.abc import Sequence

from viz.attention.views import AttentionView
from viz.attention.words import Span
from viz.errors import SelectionError

Axis = dict[str, list[str] | list[int]]


def axes(view: AttentionView) -> dict[str, Axis | None]:
    """The labels of both axes; those of the keys are None where they are the queries themselves.

    Raises:
        SelectionError: where there is no row or no column to draw.
    """
    if not view.spans or not view.keys:
        raise SelectionError("There is no token to draw; show special tokens or choose all.")
    keys = None if view.keys == view.spans else _axis(view.keys)
    return {"queries": _axis(view.spans), "keys": keys}


def _axis(spans: Sequence[Span]) -> Axis:
    special = [index for index, span in enumerate(spans) if span.special]
    return {"labels": [span.label for span in spans], "special": special}
