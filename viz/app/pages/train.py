"""The Train page: from a file of texts to a classifier that the Read page opens."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from viz.app import keys
from viz.app.markdown import plain
from viz.app.panels import active_runs, masthead, new_run, results
from viz.errors import VizError
from viz.runs import launch, state
from viz.widgets.theme.component import follow_theme


def page() -> None:
    """Lay the page out; a VizError ends a part of it with its one sentence."""
    st.html(Path(__file__).parent / "page.css")
    with st.container(horizontal=True, vertical_alignment="bottom", key="masthead-alone"):
        masthead.show_masthead()
    st.divider()
    above, below = st.container(), st.container()
    # The runs come first, since a check of new data may take a while.
    with below:
        _try(_show_runs)
    with above:
        _try(new_run.offer)
        st.divider()
    follow_theme(keys.THEME)


def _show_runs() -> None:
    known, answer = state.runs(), st.container()
    wanted = active_runs.show_unfinished(known)
    results.show(known)
    # Only now, so that a refusal hides no run.
    if wanted is not None:
        with answer:
            _try(partial(_resume, wanted))


def _resume(name: str) -> None:
    launch.resume(name)
    st.rerun()


def _try(part: Callable[[], None]) -> None:
    try:
        part()
    except VizError as error:
        st.error(plain(str(error)), icon=":material/error:")


page()
