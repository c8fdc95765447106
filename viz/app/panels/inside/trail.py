"""The terms that a reader followed one after the other, up and down the pass."""

from collections.abc import Hashable
from contextlib import suppress

import streamlit as st

from viz.app import keys, link
from viz.errors import SelectionError
from viz.mechanism.unfolding.term import Term
from viz.mechanism.unfolding.unfolding import Unfolding
from viz.widgets.equations.component import Event
from viz.widgets.equations.term_picture import indices_of

TRAIL, OWNER = "inside-trail", "inside-trail-owner"
"""Keys of the session's state: ids of terms, and the cell they belong to."""
MAX_LENGTH = 30
FIRST = "score"
"""The name of the term that is followed to begin with."""


def restore(unfolding: Unfolding, owner: Hashable) -> None:
    """Begin again where another cell is shown: with the term that the link names, or the score."""
    before = st.session_state.get(OWNER)
    if before == owner and not link.is_revisited():
        return
    st.session_state[OWNER] = owner
    is_named = before is None or link.is_revisited()
    linked = st.query_params.get(keys.TERM) if is_named else None
    way: list[str] = st.session_state.get(TRAIL, []) if before == owner else []
    st.session_state[TRAIL] = [_first(unfolding)]
    if linked:
        with suppress(SelectionError):
            st.session_state[TRAIL] = _way_to(unfolding.walk.term(linked).id, way)
    _keep_in_link(unfolding)


def begin_with(unfolding: Unfolding, owner: Hashable, term_id: str) -> None:
    """Begin again with a term, whatever was followed before."""
    st.session_state[OWNER], st.session_state[TRAIL] = owner, [term_id]
    _keep_in_link(unfolding)


def begin(unfolding: Unfolding, term_id: str) -> None:
    """Follow a term of the story; none where the browser names no such one."""
    with suppress(SelectionError):
        st.session_state[TRAIL] = [unfolding.walk.term(term_id).id]
    _keep_in_link(unfolding)


def follow(unfolding: Unfolding, event: Event) -> None:
    """Go on from the term that is followed, or back; nowhere where there is no such term."""
    trail: list[str] = st.session_state[TRAIL]
    if event.kind == "back":
        st.session_state[TRAIL] = trail[: event.row + 1] or trail[:1]
        _keep_in_link(unfolding)
        return
    try:
        term = unfolding.walk.term(event.id)
        if event.kind == "part":
            term = unfolding.walk.part(term.id, _index(term, event))
    except SelectionError:
        return
    st.session_state[TRAIL] = _way_to(term.id, trail)
    _keep_in_link(unfolding)


def terms(unfolding: Unfolding) -> list[Term]:
    """The terms of the way, the one that is followed last."""
    return [unfolding.walk.term(one) for one in st.session_state[TRAIL]]


def _way_to(term_id: str, trail: list[str]) -> list[str]:
    """A trail that ends with a term: whoever comes back to it is on the way that led there."""
    before = trail[: trail.index(term_id)] if term_id in trail else trail
    return [*before, term_id][-MAX_LENGTH:]


def _index(term: Term, event: Event) -> tuple[int, ...]:
    whole = indices_of(term.shape, event.row, event.column or 0)
    return whole if event.column is not None else whole[:-1]


def _first(unfolding: Unfolding) -> str:
    """The score of the cell, one number; the class where a family calls it by another name."""
    layer, head = unfolding.layer, unfolding.head
    for step in unfolding.steps:
        result = step.result
        if (step.layer, step.name, result.head, result.shape) == (layer, FIRST, head, ()):
            return result.id
    return unfolding.steps[-1].result.id


def _keep_in_link(unfolding: Unfolding) -> None:
    followed = st.session_state[TRAIL]
    link.keep({keys.TERM: followed[-1] if followed != [_first(unfolding)] else None})
