"""Messages of widgets of a page that the reader has left are dropped.

Between a click on a link and the first message of the page that it leads to, a widget of the page
before may still ask for a run of its fragment: a timer, or a second click on a slow machine.
Streamlit keeps that request until the new page is drawn, and runs it as the page before.  The
fragment is gone by then, so nothing is drawn, and the browser empties the page.  A run of a whole
page can't be told from a link that leads back, and passes.
"""

from dataclasses import dataclass, field

from google.protobuf.message import DecodeError
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

MAX_BYTES = 1 << 16
"""Longer messages of the server draw something, and begin no page."""


@dataclass(slots=True)
class OpenPage:
    """The page of a browser tab, as far as its messages and the server's tell."""

    current: str = ""
    """The hash of its script; empty before the first."""
    left: set[str] = field(default_factory=set)
    """Those of all pages before."""
    is_drawn: bool = True
    """Whether the server has begun to draw it."""

    def accepts(self, request: ClientState) -> bool:
        """Whether a request of the browser is run; what it says of the page is noted."""
        page = request.page_script_hash
        if request.fragment_id:
            return page not in self.left
        if page and page != self.current:
            self._turn_to(page)
            self.is_drawn = False
        return True

    def note_drawn(self, page: str) -> None:
        """Note that the server begins to draw a whole page, by a link or by `st.switch_page`."""
        if page == self.current:
            self.is_drawn = True
        elif self.is_drawn:  # else it is the page before, which had begun before the link
            self._turn_to(page)

    def _turn_to(self, page: str) -> None:
        if self.current:
            self.left.add(self.current)
        self.left.discard(page)
        self.current = page


class LeftPageFilter:
    """Lets an ASGI app hear nothing of the fragments of pages that were left.

    Args:
        app: Streamlit's app.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on but those messages."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        page = OpenPage()

        async def receive_accepted() -> Message:
            while True:
                message = await receive()
                request = _rerun_request(message)
                if request is None or page.accepts(request):
                    return message

        async def send_noted(message: Message) -> None:
            drawn = _drawn_page(message)
            if drawn:
                page.note_drawn(drawn)
            await send(message)

        await self._app(scope, receive_accepted, send_noted)


def _rerun_request(message: Message) -> ClientState | None:
    """The run that a message of the browser asks for; None where it asks for none."""
    try:
        parsed = BackMsg.FromString(message.get("bytes") or b"")
    except DecodeError:  # Streamlit says what is wrong with it
        return None
    return parsed.rerun_script if parsed.HasField("rerun_script") else None


def _drawn_page(message: Message) -> str:
    """The page that a message of the server begins to draw as a whole; else empty.

    It is `st.navigation` that says which page that is; a run of a fragment doesn't call it.
    """
    content = message.get("bytes") or b""
    if len(content) > MAX_BYTES:
        return ""
    return str(ForwardMsg.FromString(content).navigation.page_script_hash)
