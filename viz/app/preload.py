"""Imports that take seconds, made once as the server begins; a page waits for them and says so.

torch and transformers make millions of objects that all stay; searching among them for garbage
takes a fifth of the time that importing them takes, and every later search would go through them.
"""

import gc
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Event, Lock, Thread

import streamlit as st

MODULES = (
    "viz.attribution",
    "viz.figures.plots.score_bars",
    "viz.app.background",
    "viz.app.visitors",
    # What the first page imports: it would be blank meanwhile, its message gone already.
    "viz.app.panels.bertviz",
    "viz.app.panels.explanation",
    "viz.app.panels.evidence",
    "viz.app.panels.heads",
    "viz.app.panels.importance",
    "viz.app.panels.save",
)
STYLE = Path(__file__).parent / "pages/page.css"
"""Of every page, so that the name is where it will be."""
MESSAGE_SECONDS = 0.2
"""In which a message reaches the browser, before imports keep the process busy."""
_importing, _imported = Lock(), Event()


def wait_for_imports() -> None:
    """Import what a page needs, if nobody has, and say meanwhile that it is loading."""
    message = st.empty()  # in every run, so that all that follows keeps its place
    if _imported.is_set():
        return
    with message.container():
        st.html(STYLE)
        with st.container(horizontal=True, vertical_alignment="bottom", key="masthead-alone"):
            st.title("CLSight", anchor=False)
        st.caption(":material/hourglass_top: Loading the libraries, which takes some seconds …")
    if not _imported.wait(MESSAGE_SECONDS):
        import_models()
    message.empty()


def import_in_background() -> None:
    """Import while a browser is being opened, loads the page's scripts and connects.

    That delays the message by some tenths of a second, and the page comes seconds sooner.
    """
    Thread(target=import_models, daemon=True).start()


def import_models() -> None:
    """Import torch, transformers and plotly; a second call meanwhile waits for the first.

    transformers can't be imported by two threads at once.
    """
    with _importing:
        import_once()
        _imported.set()


@cache
def import_once() -> None:
    """The first call does it; no lock keeps others from doing it meanwhile."""
    gc.disable()
    try:
        for module in MODULES:
            import_module(module)
    finally:
        gc.enable()
        gc.freeze()
