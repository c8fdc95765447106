"""Which messages of a browser are passed on: all but those of fragments of a page that was left."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor

from starlette.types import Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from viz.app.left_pages import MAX_BYTES, LeftPageFilter, OpenPage


def link(page: str) -> ClientState:
    """A click on a link to a page, or a run of the whole page that is open."""
    return ClientState(page_script_hash=page)


def fragment(page: str) -> ClientState:
    """A widget of a fragment of a page."""
    return ClientState(page_script_hash=page, fragment_id="one")


def opened(page: str) -> OpenPage:
    """A tab as a link to a page has opened it."""
    tab = OpenPage()
    assert tab.accepts(ClientState(page_name=page))
    tab.note_drawn(page)
    return tab


def test_a_fragment_of_the_page_that_was_left_is_not_run() -> None:
    tab = opened("read")
    assert tab.accepts(fragment("read"))
    assert tab.accepts(link("data"))
    assert not tab.accepts(fragment("read"))
    tab.note_drawn("data")
    assert not tab.accepts(fragment("read"))  # it was on its way
    assert tab.accepts(fragment("data"))


def test_of_two_links_in_a_row_neither_page_before_is_run() -> None:
    tab = opened("read")
    tab.accepts(link("data"))
    tab.accepts(link("train"))
    assert [tab.accepts(fragment(page)) for page in ("read", "data", "train")] == [0, 0, 1]


def test_a_fragment_that_names_no_page_is_run() -> None:
    assert opened("read").accepts(fragment(""))


def test_back_on_a_page_its_fragments_are_run_again() -> None:
    tab = opened("read")
    for page in ("data", "read", "data"):
        tab.accepts(link(page))
        tab.note_drawn(page)
        assert tab.accepts(fragment(page))


def test_a_page_that_the_server_switches_to_is_open_then() -> None:
    tab = opened("read")
    tab.accepts(link("train"))
    tab.note_drawn("train")
    tab.note_drawn("read")  # st.switch_page
    assert tab.accepts(fragment("read"))
    assert not tab.accepts(fragment("train"))


def test_a_page_that_begins_after_the_link_away_from_it_is_not_taken_for_the_open_one() -> None:
    tab = opened("read")
    tab.accepts(link("read"))  # the button Read
    tab.accepts(link("data"))
    tab.note_drawn("read")
    assert not tab.accepts(fragment("read"))
    tab.note_drawn("data")
    assert tab.accepts(fragment("data"))


def test_a_link_to_a_page_that_is_not_there_does_not_silence_the_one_that_is_drawn() -> None:
    tab = opened("data")
    tab.accepts(link("gone"))
    tab.note_drawn("read")
    assert tab.accepts(fragment("read"))


def drawn(page: str) -> Message:
    """What the server says when it begins a page."""
    content = ForwardMsg()
    content.navigation.page_script_hash = page
    return {"type": "websocket.send", "bytes": content.SerializeToString()}


def asked(state: ClientState) -> Message:
    """What a browser sends."""
    content = BackMsg(rerun_script=state).SerializeToString()
    return {"type": "websocket.receive", "bytes": content}


OTHER: list[Message] = [
    {"type": "websocket.connect"},
    {"type": "websocket.receive", "bytes": b"\xff\xff no message of Streamlit"},
    {"type": "websocket.receive", "bytes": BackMsg(stop_script=True).SerializeToString()},
    {"type": "websocket.receive", "text": "a text"},
    {"type": "websocket.disconnect", "code": 1001},
]


def run(call: Coroutine[None, None, None]) -> None:
    """Run a call to its end, in a thread: Playwright's loop may be running in the tests' own."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, call).result()


def test_only_those_messages_are_dropped_and_all_else_passes_as_it_is() -> None:
    large = {"type": "websocket.send", "bytes": b"\xff" * (MAX_BYTES + 1)}
    sent = [drawn("read"), large, {"type": "websocket.close", "code": 1000}]
    passed = [*OTHER, asked(link("data")), asked(fragment("data"))]
    coming = deque([*passed[:-1], asked(fragment("read")), passed[-1]])
    heard: list[Message] = []
    told: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in sent:
            await send(message)
        for _ in passed:
            heard.append(await receive())

    async def receive() -> Message:
        return coming.popleft()

    async def send(message: Message) -> None:
        told.append(message)

    run(LeftPageFilter(app)({"type": "websocket"}, receive, send))
    assert heard == passed
    assert told == sent


def test_requests_of_no_websocket_are_none_of_its_business() -> None:
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert (receive, send) == (get, put)
        scopes.append(scope)

    async def get() -> Message:
        raise AssertionError

    async def put(message: Message) -> None:
        raise AssertionError

    for kind in ("http", "lifespan"):
        run(LeftPageFilter(app)({"type": kind}, get, put))
    assert [scope["type"] for scope in scopes] == ["http", "lifespan"]
