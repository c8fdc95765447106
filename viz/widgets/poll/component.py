"""A look at the server again after a while, for as long as somebody waits for something."""

import time

from viz.widgets.shared.component import register
from viz.widgets.shared.widget import Widget

_mount = register(Widget("poll", "poll/poll", '<div class="root"></div>'))


def poll(seconds: float, *, key: str) -> None:
    """Run the fragment that this is drawn in once more after so many seconds; draws nothing.

    A fragment with `run_every` goes on until the whole page runs; this ends where it isn't drawn.
    """
    # The browser draws a component again only where its data is new.
    token = str(time.monotonic_ns())
    _mount(data={"seconds": seconds, "token": token}, key=key, on_elapsed_change=lambda: None)
