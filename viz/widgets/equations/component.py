"""Equations on the page, and what the reader did with them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast, get_args

import streamlit as st

from viz.widgets.equations.payload import EQUATIONS, formulas
from viz.widgets.shared.component import register

Kind = Literal["follow", "part", "section", "back"]

_mount = register(EQUATIONS)


@dataclass(frozen=True, slots=True)
class Event:
    """What the reader did."""

    kind: Kind
    """`follow` a term, a `part` of the one that is followed, open or close a `section`, or go
    `back` to a place of the trail."""
    id: str = ""
    """Of the term, or of the section."""
    row: int = 0
    """Of the part; for `back`, the place in the trail."""
    column: int | None = None
    """None for a whole row."""


def equations(payload: dict[str, object], *, key: str, on_event: Callable[[Event], None]) -> None:
    """Draw equations.

    Streamlit sets their formulas with its KaTeX, in a place that is not shown, from which the
    picture copies them.

    Args:
        payload: From `story` or `walk` of the payload.
        key: The component's own key.
        on_event: Called before the rerun that a click or a key brings.
    """

    def receive() -> None:
        event = sent_event(key)
        if event is not None:
            on_event(event)

    with st.container(key=f"{key}-formulas"):
        st.markdown("\n\n".join(f"${tex}$" for tex in formulas(payload) if is_plain_math(tex)))
    _mount(data=payload | {"formulas": f"{key}-formulas"}, key=key, on_event_change=receive)


def is_plain_math(tex: str) -> bool:
    """Whether Markdown takes a formula as one: a dollar or a line break would end it."""
    return not set(tex) & set("$`\r\n")


def sent_event(key: str) -> Event | None:
    """What the browser sent; None where it is nothing that the picture sends."""
    state = st.session_state.get(key)
    sent = state.get("event") if isinstance(state, dict) else None
    if not isinstance(sent, dict) or sent.get("kind") not in get_args(Kind):
        return None
    term_id, row, column = sent.get("id", ""), sent.get("row", 0), sent.get("column")
    if not isinstance(term_id, str) or not _is_place(row):
        return None
    if column is not None and not _is_place(column):
        return None
    return Event(cast("Kind", sent["kind"]), term_id, row, column)


def _is_place(sent: object) -> bool:
    return type(sent) is int and sent >= 0
