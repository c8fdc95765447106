"""The confusion matrix on the page, and what was last selected in it."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import streamlit as st

from viz.widgets.confusion.payload import CONFUSION, payload
from viz.widgets.shared.component import register

Selection: TypeAlias = tuple[int | None, int | None]
"""The true class and the predicted one, as places in the matrix; None for any."""

_mount = register(CONFUSION)


def confusion(
    counts: Sequence[Sequence[int]],
    labels: Sequence[str],
    *,
    selected: Selection,
    key: str,
    on_change: Callable[[], None],
) -> None:
    """Draw the matrix with what is selected outlined.

    Args:
        counts: `counts[i][j]`: rows of class i that are put into class j.
        labels: The classes, in the order of the counts.
        selected: A cell, or all of a row or a column; both None for nothing.
        key: Where the state of the picture is kept; see `selected_cell`.
        on_change: Called before the rerun that a click or a key brings.
    """
    gold, predicted = selected
    _mount(
        data=payload(counts, labels, gold=gold, predicted=predicted),
        key=key,
        on_selected_change=on_change,
    )


def selected_cell(key: str) -> Selection:
    """What was last selected in the picture; both None before the first click."""
    state = st.session_state.get(key)
    selected = state.get("selected") if isinstance(state, dict) else None
    if not isinstance(selected, dict):
        return None, None
    gold, predicted = selected.get("gold"), selected.get("predicted")
    return _place(gold), _place(predicted)


def _place(sent: object) -> int | None:
    return sent if type(sent) is int and sent >= 0 else None
