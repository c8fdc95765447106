"""How the app's server begins and ends, and who stands at its door, by Streamlit's own settings."""

import os
import signal
import socket
import threading
import time
import webbrowser
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config

from viz.app.first_paint import FirstPaint
from viz.app.left_pages import LeftPageFilter
from viz.app.preload import import_in_background
from viz.app.request_guard import LOOPBACK, Guard
from viz.jobs.cancellation import exit_process

PATIENCE = 30.0
"""Seconds that the browser waits for the server to listen."""


def _named(option: str) -> Sequence[str]:
    return [str(name).strip() for name in config.get_option(option) or ()]


def _is_shared() -> bool:
    """Whether the server was told to listen to other machines."""
    return (config.get_option("server.address") or "localhost") not in LOOPBACK


MIDDLEWARE = [
    Middleware(
        Guard,
        hosts=lambda: _named("server.allowedHosts"),
        origins=lambda: _named("server.corsAllowedOrigins"),
        is_shared=_is_shared,
    ),
    Middleware(FirstPaint),
    Middleware(LeftPageFilter),
]


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[dict[str, object]]:
    """As the server begins, import what is slow, and open the browser.

    Ctrl-C ends it as SIGTERM does, and both end what goes on.
    """
    asked_by = [signal.SIGTERM]

    def end(*_: object) -> None:
        asked_by[0] = signal.SIGINT
        os.kill(os.getpid(), signal.SIGTERM)

    of_its_own = threading.current_thread() is threading.main_thread()
    if of_its_own:
        # The command line would call Ctrl-C a failure, and wait for whatever goes on.
        signal.signal(signal.SIGINT, end)
    import_in_background()
    if not config.get_option("server.headless"):
        threading.Thread(target=_open_browser, daemon=True).start()
    yield {}
    if of_its_own:
        exit_process(128 + asked_by[0])


def _open_browser() -> None:
    """Open the page once the server listens, which it does after the lifespan has begun."""
    port, until = config.get_option("server.port"), time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            socket.create_connection(("localhost", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            webbrowser.open(_address())
            return


def _address() -> str:
    """Where the app is found on this machine."""
    scheme = "https" if config.get_option("server.sslCertFile") else "http"
    path = str(config.get_option("server.baseUrlPath")).strip("/")
    return f"{scheme}://localhost:{config.get_option('server.port')}/{path}"
