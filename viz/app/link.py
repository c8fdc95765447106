"""The link to a page, which is its URL: what it says of the page's state, and what is put into it.

Widgets that are bound to the URL by Streamlit do both themselves; this is for all other state.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

NAMES_SOMETHING = "link-names-something"
"""Key of the session's state: whether the link had a parameter when the page began to run."""
UNSENT = "link-unsent"
"""Key of the session's state, there while a page runs: whether the URL has to change after it."""
STEPS = "link-steps"
"""Key of the session's state: how often the reader went back or forward."""
MAX_DIGITS = 9
"""Of a number in a link."""


@contextmanager
def one_step() -> Iterator[None]:
    """Note what the link is, and send all that a page puts into it once the page has run.

    The browser makes a step of its history of each URL that it is sent, and what changed together
    is one step back.
    """
    st.session_state[NAMES_SOMETHING] = bool(st.query_params)
    st.session_state[UNSENT] = False
    st.session_state[STEPS] = st.session_state.get(STEPS, 0) + is_revisited()
    try:
        yield
    finally:
        if st.session_state.pop(UNSENT):
            st.query_params.update()


def is_revisited() -> bool:
    """Whether the reader went back or forward: the URL is that of what was shown before.

    A page that was opened by its link in the masthead names nothing yet, and so changes nothing.
    """
    context = get_script_run_ctx(suppress_warning=True)
    is_named = bool(st.session_state.get(NAMES_SOMETHING))
    return context is not None and context.is_history_navigation and is_named


def decides(key: str) -> bool:
    """Whether a part of the session's state, by its key, shall be what the link says of it.

    So it is as long as nothing was chosen, and where the reader goes back or forward.
    """
    return key not in st.session_state or is_revisited()


def key_of_step(key: str) -> str:
    """The key of an element that shows what the link says after a step back or forward too.

    An element of the same key keeps what the reader selected in it, whatever it is given.
    """
    n_steps = st.session_state.get(STEPS, 0)
    return f"{key}-{n_steps}" if n_steps else key


def number(name: str) -> int | None:
    """The whole number, not negative, that the link names; None where it names no such number."""
    written = st.query_params.get(name, "")
    return int(written) if is_number(written) else None


def is_number(written: str) -> bool:
    """Whether a part of a link is a whole number that counts something."""
    return written.isdecimal() and len(written) <= MAX_DIGITS


def keep(written: Mapping[str, str | None]) -> None:
    """Put parameters into the URL; those that a page puts there in one run are one step back.

    Args:
        written: Parameters by their names; None where the page begins so without one.
    """
    linked = st.query_params
    named = {name: value for name, value in written.items() if value is not None}
    gone = [name for name in written if name not in named and name in linked]
    context = get_script_run_ctx(suppress_warning=True)
    if context is None or not (named or gone):
        return
    with context.session_state.query_params() as parameters:
        for name in gone:
            parameters.discard_param_no_forward_msg(name)
        for name, value in named.items():
            parameters.set_with_no_forward_msg(name, value)
        # With this URL the page begins again where it says so itself, before it has run.
        context.query_string = urlencode(parameters._query_params, doseq=True)
    # What is there already is sent once more: two steps back in a row leave the browser with the
    # URL of the first, which came when it had gone on to the second.
    if UNSENT in st.session_state:
        st.session_state[UNSENT] = True
    else:  # a part of the page runs alone
        linked.update()


def keep_choice(name: str, chosen: str, first: str) -> None:
    """Put a choice into the URL, unless it is the one that the page begins with."""
    keep({name: chosen if chosen != first else None})
