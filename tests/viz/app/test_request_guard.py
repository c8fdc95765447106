"""Who the app's server answers: those who come by its names, from its own pages."""

from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from viz.app.request_guard import HEADERS, Guard, is_allowed


async def _answering(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"answered"})


def _asked(
    host: str | None = "localhost:8501",
    origin: str | None = None,
    *,
    kind: str = "http",
    client: str = "127.0.0.1",
    hosts: tuple[str, ...] = (),
    origins: tuple[str, ...] = (),
    is_shared: bool = False,
    is_public: bool = False,
    path: str = "/",
    more: tuple[tuple[bytes, bytes], ...] = (),
) -> list[Message]:
    """What a request was answered with."""
    guard = Guard(
        _answering,
        hosts=lambda: hosts,
        origins=lambda: origins,
        is_shared=lambda: is_shared,
        is_public=lambda: is_public,
    )
    named = {"host": host, "origin": origin}
    headers = [
        (name.encode(), value.encode()) for name, value in named.items() if value is not None
    ]
    scope: dict[str, Any] = {
        "type": kind,
        "path": path,
        "headers": [*headers, *more],
        "client": (client, 1234),
    }
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": f"{kind}.connect"}

    async def send(message: Message) -> None:
        said.append(message)

    # Nothing in it waits, so it ends at once, without a loop: a browser test may have one running.
    with pytest.raises(StopIteration):
        guard(scope, receive, send).send(None)
    return said


def _is_answered(said: list[Message]) -> bool:
    first = said[0]
    if first["type"] == "http.response.start":
        assert first["status"] in (200, 403)
        return bool(first["status"] == 200)
    assert first["type"] in ("websocket.accept", "websocket.close")
    return bool(first["type"] == "websocket.accept")


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8501", "LOCALHOST:1", "127.0.0.1:8501", "[::1]", "[::1]:8501"]
)
def test_this_machine_is_answered_by_each_of_its_names(kind: str, host: str) -> None:
    assert _is_answered(_asked(host, f"http://{host}", kind=kind))
    assert _is_answered(_asked(host, kind=kind))


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8501",
        "localhost.evil.example",
        "evil.localhost",
        "localhost.",
        "localhost@evil.example",
        "evil.example#localhost",
        "localhost/evil",
        "localhost, evil.example",
        "local host",
        "localhost:",
        "localhost:port",
        "::1",
        "[::1",
        "[::2]",
        "127.0.0.2",
        "127.1",
        "2130706433",
        "0.0.0.0",
        "192.168.1.20",
        "l\xf6calhost",
        "",
        None,
    ],
)
def test_any_other_name_is_refused_though_its_origin_agrees(kind: str, host: str | None) -> None:
    assert not _is_answered(_asked(host, f"http://{host}", kind=kind))
    assert not _is_answered(_asked(host, kind=kind))


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_two_hosts_at_once_are_refused(kind: str) -> None:
    assert not _is_answered(_asked(kind=kind, more=((b"host", b"localhost:8501"),)))


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "file://",
        "http://localhost",
        "http://localhost:3000",
        "http://127.0.0.1:8501",
        "http://localhost:8501@evil.example",
        "http://user@localhost:8501",
        "localhost:8501",
        "http://[bad",
        "http://[::1",
    ],
)
def test_a_page_of_another_origin_is_refused(kind: str, origin: str) -> None:
    assert not _is_answered(_asked("localhost:8501", origin, kind=kind))


def test_it_is_shared_by_the_names_that_it_is_given_and_by_no_other() -> None:
    names = ("app.example.com", "192.168.1.20", "[fe80::1]", "*.example.org", "Shouted.Example")
    for host in (*names[:3], "a.example.org", "a.b.example.org", "shouted.example"):
        assert is_allowed(f"{host}:8501", names)
    for host in ("localhost", "example.org", "evilexample.org", "example.com", "192.168.1.2"):
        assert not is_allowed(host, names)
    assert is_allowed("anything.example", ("*",))
    assert not is_allowed("any thing", ("*",))
    assert _is_answered(_asked("192.168.1.20", client="192.168.1.7", hosts=names, is_shared=True))


def test_an_origin_that_it_is_told_of_may_use_it() -> None:
    assert _is_answered(_asked(origin="https://a.example", origins=("https://a.example",)))
    assert not _is_answered(_asked(origin="https://b.example", origins=("https://a.example",)))


@pytest.mark.parametrize(
    "client", ["192.168.1.7", "8.8.8.8", "2001:db8::1", "::ffff:10.0.0.1", "?"]
)
def test_another_machine_is_refused_until_the_app_is_shared(client: str) -> None:
    assert not _is_answered(_asked(client=client))
    assert _is_answered(_asked(client=client, is_shared=True))


@pytest.mark.parametrize("client", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_known_by_each_of_its_addresses(client: str) -> None:
    assert _is_answered(_asked(client=client))


@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_every_answer_says_that_no_other_site_may_frame_it(host: str) -> None:
    start = _asked(host)[0]
    said = {name.decode(): value.decode() for name, value in start["headers"]}
    for name, value in HEADERS.items():
        assert said[name.lower()] == value


def test_a_refusal_is_one_sentence_that_says_what_to_do() -> None:
    refused = _asked("evil.example")
    assert refused[1]["body"] == (
        b"This host name is not allowed; open localhost, or allow the name with "
        b"--server.allowedHosts."
    )
    assert _asked("evil.example", kind="websocket")[0]["code"] == 1008


@pytest.mark.parametrize("path", ["/_stcore/upload_file/a/b", "/demo/_stcore/upload_file/a/b"])
def test_a_public_app_takes_no_files(path: str) -> None:
    assert not _is_answered(_asked(path=path, is_public=True))
    assert _is_answered(_asked(path=path))
    assert _is_answered(_asked(path="/_stcore/health", is_public=True))


def test_a_public_app_may_stand_in_a_frame_of_any_site() -> None:
    (start, *_) = _asked(is_public=True)
    names = {name.decode() for name, _ in start["headers"]}
    assert names == {"referrer-policy"}
    # Another site's scripts are refused all the same.
    assert not _is_answered(_asked(origin="http://evil.example", is_public=True))
