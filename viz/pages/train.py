"""The Train page: from a file of texts to a classifier that the Read page opens."""

from pathlib import Path

import streamlit as st

from viz import runs, session
from viz.components.theme import follow_theme
from viz.errors import VizError
from viz.pages.markdown import plain
from viz.pages.panels import masthead, new_run, progress, results


def page() -> None:
    """Lay the page out; a VizError ends it with its one sentence, and the widgets stay."""
    st.html(Path(__file__).parent / "page.css")
    masthead.show_masthead()
    st.divider()
    try:
        new_run.offer()
        st.divider()
        known = runs.runs()
        progress.show_unfinished(known)
        results.show(known)
    except VizError as error:
        st.error(plain(str(error)), icon=":material/error:")
    follow_theme(session.THEME)


page()
