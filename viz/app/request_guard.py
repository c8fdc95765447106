"""The door of the app's server: who may ask it anything, and which pages may show it in a frame.

Any page in the reader's browser can reach a server on the reader's machine.  It can come by a name
of its own that it lets lead here (DNS rebinding), from its own origin, or by a click that it
borrows (a frame).  So whatever does not come by a name that this server is known under, and from
its own pages, is refused before Streamlit sees it.

A public app has nothing to lose to a borrowed click, so any site may frame it, as hosts of demos
do; it takes no uploads, whatever page asks.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from viz.runs.public import is_public

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""The names of this machine for itself."""
HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
"""A Host header: a name or an address, and a port."""
PUBLIC_HEADERS = {
    # A link holds the text that is read; no other site is told it.
    "Referrer-Policy": "same-origin",
}
"""What every answer says."""
HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
    **PUBLIC_HEADERS,
}
"""What every answer says of an app that isn't public: only our own pages may frame it."""
UPLOADS = "/_stcore/upload_file"
"""Where Streamlit takes files, whether a page asks for them or not."""

Names = Callable[[], Sequence[str]]


class Guard:
    """Lets an ASGI app answer only those who come in by its names, from its pages.

    Args:
        app: What is guarded.
        hosts: The names it is shared under, as in Streamlit's `server.allowedHosts`; where there
            are none, those of this machine for itself.
        origins: Other origins whose pages may use it, as in `server.corsAllowedOrigins`.
        is_shared: Whether other machines may reach it at all.
        is_public: Whether anybody may use it, to read texts alone.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Names,
        origins: Names,
        is_shared: Callable[[], bool],
        is_public: Callable[[], bool] = is_public,
    ) -> None:
        self._app, self._hosts, self._origins = app, hosts, origins
        self._is_shared, self._is_public = is_shared, is_public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse: 403, of a websocket before it opens."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        reason = self._refusal(scope)
        send = _with_headers(send, PUBLIC_HEADERS if self._is_public() else HEADERS)
        if not reason:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
        else:
            answer = PlainTextResponse(reason, 403)
            await answer(scope, receive, send)

    def _refusal(self, scope: Scope) -> str:
        """Why a request is refused, in one sentence; empty where it isn't."""
        headers = Headers(scope=scope)
        host = ",".join(headers.getlist("host"))
        if not is_allowed(host, self._hosts() or LOOPBACK):
            return (
                "This host name is not allowed; open localhost, or allow the name with "
                "--server.allowedHosts."
            )
        if scope.get("client") and not self._is_shared() and not _is_here(scope["client"][0]):
            return (
                "This server only accepts requests from this machine; to share it, use "
                "--server.address."
            )
        for origin in headers.getlist("origin"):
            if _place_in(origin) != host and origin not in self._origins():
                return (
                    "This server only accepts requests from its own pages, not from another site."
                )
        if self._is_public() and UPLOADS in scope["path"]:
            return "This app is public and takes no files."
        return ""


def is_allowed(host: str, names: Sequence[str]) -> bool:
    """Whether a Host header is one of these names, `*.example.com` for all below, `*` for any."""
    match = HOST.fullmatch(host)
    if match is None:
        return False
    name = match[1].strip("[]").lower()
    patterns = [pattern.strip().strip("[]").lower() for pattern in names]
    return any(
        pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:]))
        for pattern in patterns
    )


def _place_in(origin: str) -> str | None:
    """The host and port in an Origin header; None where it is not an address at all."""
    try:
        return urlsplit(origin).netloc
    except ValueError:  # a bracket without its other
        return None


def _is_here(address: str) -> bool:
    """Whether an address is one of this machine for itself."""
    try:
        known = ip_address(address)
    except ValueError:
        return False
    if isinstance(known, IPv6Address):
        known = known.ipv4_mapped or known
    return known.is_loopback


def _with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(headers)
        await send(message)

    return answer
