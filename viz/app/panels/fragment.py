"""A panel that is drawn again without the rest of its page, and says itself what went wrong."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

from viz.app.markdown import plain
from viz.errors import VizError

Parameters = ParamSpec("Parameters")


def fragment(
    panel: Callable[Parameters, None], *, run_every: float | None = None
) -> Callable[Parameters, None]:
    """`st.fragment` that a VizError ends with its one sentence.

    Streamlit shows a traceback of what leaves a fragment, and the page never sees it.

    Args:
        panel: Draws it.
        run_every: Seconds after which it is drawn again.
    """

    @wraps(panel)
    def draw(*args: Parameters.args, **options: Parameters.kwargs) -> None:
        try:
            panel(*args, **options)
        except VizError as error:
            st.error(plain(str(error)), icon=":material/error:")

    return st.fragment(draw, run_every=run_every)
