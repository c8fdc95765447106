"""All equations from the ids of the text to the class, and the term that is followed."""

from collections.abc import Hashable, Sequence

import streamlit as st

from viz.app import checkpoints
from viz.app.cache import LRUCache
from viz.app.panels.fragment import fragment
from viz.app.panels.inside import save, sections, trail
from viz.app.panels.inside.equation import equation
from viz.app.panels.text import Texts
from viz.app.unfoldings import unfolding as unfolding_of
from viz.mechanism.unfolding.cell import Cell
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.term import Term
from viz.mechanism.unfolding.unfolding import Unfolding
from viz.widgets.equations import payload
from viz.widgets.equations.component import Event, equations

OPENED = "inside-opened"
"""Key of the session's state: the sections that are open."""
_payloads = LRUCache(8)
"""What was sent last: a click sends what it changes."""


# A click in the equations draws this panel again and leaves the rest of the page alone.
@fragment
def show(source: str, texts: Texts, cell: Cell) -> None:
    """Show the equations of a cell, and beside them the term that is followed.

    Args:
        source: The checkpoint.
        texts: What was read.
        cell: The attention weight.
    """
    whole = unfolding_of(source, texts.text, texts.pair, cell)
    names = payload.Names.of(whole.reading)
    owner = _owner(source, texts, cell)
    trail.restore(whole, owner)
    opened = st.session_state.setdefault(OPENED, sections.begin_open(whole))
    left, right = st.columns([7, 5], gap="medium")

    # Streamlit keeps these: they get the equations from the cache, and don't hold them.
    def begin(event: Event) -> None:
        if event.kind == "section":
            st.session_state[OPENED] = sections.toggle(opened, event.id)
        else:
            trail.begin(unfolding_of(source, texts.text, texts.pair, cell), event.id)

    def follow(event: Event) -> None:
        trail.follow(unfolding_of(source, texts.text, texts.pair, cell), event)

    with left:
        story = _payloads.get_or_compute(
            (owner, opened), lambda: payload.story(sections.sections(whole, names, opened), names)
        )
        equations(story, key="inside-story", on_event=begin)
    with right.container(key="inside-walk-panel"):
        followed = trail.terms(whole)
        step = whole.walk.made_by(followed[-1].id)
        equations(_walk(whole, followed, step, names), key="inside-walk", on_event=follow)
        if step is not None:
            save.offer(whole, step)


def begin_with(source: str, texts: Texts, cell: Cell, term_id: str) -> None:
    """Let the equations of a cell begin with a term that is followed."""
    whole = unfolding_of(source, texts.text, texts.pair, cell)
    trail.begin_with(whole, _owner(source, texts, cell), term_id)


def _owner(source: str, texts: Texts, cell: Cell) -> Hashable:
    """Whose equations and terms these are: others once the checkpoint is written again."""
    return checkpoints.identity(source), texts.text, texts.pair, cell


def _walk(
    whole: Unfolding, followed: Sequence[Term], step: Step | None, names: payload.Names
) -> dict[str, object]:
    term = followed[-1]
    uses = [equation(use, short=True) for use in whole.walk.uses(term.id)]
    origin = None if step is None else equation(step)
    return payload.walk(payload.Walk(term, origin, uses, followed), names)
