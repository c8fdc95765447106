"""Who is still there: browsers that are connected, and runs of a page that go on.

Streamlit ends the run of a page where the page draws something next.  `check_cancelled` ends it in
the middle of a pass too, once this module is imported.
"""

import weakref
from collections import deque
from collections.abc import Callable
from functools import partial

import streamlit as st
from streamlit import runtime
from streamlit.runtime import RuntimeState
from streamlit.runtime.scriptrunner import get_script_run_ctx

from viz.jobs.background import IsPresent, always_present
from viz.jobs.cancellation import CancelledError, cancellation_check, check_all_threads_by

PLACE = "presence"
"""A place in the state of a session where nothing is kept."""
STOPPING = (RuntimeState.STOPPING, RuntimeState.STOPPED)


def browser() -> IsPresent:
    """Whether the browser that this run of a page is for is connected, to be asked at any time.

    A tab in the background is; one that was closed isn't, nor is any once the server stops.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return always_present if context is None else partial(_is_connected, context.session_id)


def download(make: Callable[[], bytes]) -> Callable[[], bytes]:
    """What a download button makes when it is pressed; forgotten when the browser disconnects."""
    _downloads().append(make)
    return while_connected(make)


@st.cache_resource(scope="session", show_spinner=False)
def _downloads() -> deque[Callable[[], bytes]]:
    """What two buttons make, of this run and the one before, whose click may be on its way."""
    return deque(maxlen=4)


def while_connected(make: Callable[[], bytes]) -> Callable[[], bytes]:
    """What a thread of the server makes for the browser of this run: nothing where that goes.

    Whoever asks keeps *make*: Streamlit keeps what is returned, and so would keep all that it
    takes, for a while after the tab is closed.
    """
    lives, wanted = browser(), weakref.ref(make)

    def check() -> None:
        if not lives():
            raise CancelledError

    def body() -> bytes:
        kept = wanted()
        if kept is None:
            return b""  # nobody is there to get it
        try:
            with cancellation_check(check):
                return kept()
        except CancelledError:
            return b""

    return body


def _is_connected(session: str) -> bool:
    if not runtime.exists():  # a page that runs without a server
        return True
    server = runtime.get_instance()
    return server.state not in STOPPING and server.is_active_session(session)


def _check_run() -> None:
    """End the run of a page that is over or starts over, and whatever is made for no run."""
    if get_script_run_ctx(suppress_warning=True) is not None:
        # Streamlit ends a run that must end wherever the state of its session is looked up.
        st.session_state.get(PLACE)
    elif runtime.exists() and runtime.get_instance().state in STOPPING:
        raise CancelledError


check_all_threads_by(_check_run)
