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
    return axes_of(view.spans, view.keys)


def axes_of(spans: Sequence[Span], keys: Sequence[Span]) -> dict[str, Axis | None]:
    """As `axes`, of queries and keys."""
    if not spans or not keys:
        raise SelectionError("There is no token to draw; show special tokens or choose all.")
    return {"queries": _axis(spans), "keys": None if keys == spans else _axis(keys)}


def _axis(spans: Sequence[Span]) -> Axis:
    special = [index for index, span in enumerate(spans) if span.special]
    return {"labels": [span.label for span in spans], "special": special}
