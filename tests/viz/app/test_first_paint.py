"""The name of the app in Streamlit's empty page, before any script."""

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from viz.app.first_paint import FIRST_PAINT, FirstPaint, with_first_paint

PAGE = Path(streamlit.__file__).parent / "static/index.html"
HTML = "text/html"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def client() -> TestClient:
    page = PAGE.read_bytes()
    answers: dict[str, Callable[[Request], Response]] = {
        "/": lambda _: FileResponse(PAGE),
        "/parts": lambda _: StreamingResponse(iter([page[:3000], page[3000:]]), media_type=HTML),
        "/other": lambda _: HTMLResponse("<p>other</p>"),
        "/missing": lambda _: HTMLResponse(page, 404),
        "/media/report": lambda _: FileResponse(PAGE, media_type=HTML),
        "/data": lambda _: Response(page, media_type="application/json"),
    }
    routes = [Route(path, answer) for path, answer in answers.items()]
    middleware = [Middleware(FirstPaint), Middleware(GZipMiddleware, minimum_size=100)]
    return TestClient(Starlette(routes=routes, middleware=middleware))


@pytest.mark.parametrize("path", ["/", "/parts"])
def test_a_browser_that_opens_a_page_is_sent_the_name_with_it(path: str) -> None:
    answer = client().get(path, headers=BROWSER)
    assert answer.text.count(FIRST_PAINT) == 1
    assert answer.text.count("<title>CLSight</title>") == 1
    assert answer.text.replace(FIRST_PAINT, "").replace("CLSight", "Streamlit") == (
        PAGE.read_text("utf-8")
    )
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "content-encoding" not in answer.headers
    assert "Accept" in answer.headers["vary"]


def test_a_browser_never_keeps_a_name_of_another_version() -> None:
    """Streamlit tells its page by its own file, which stays the same when this text changes."""
    with client() as asking:
        unchanged = asking.get("/").headers
        answer = asking.get("/", headers=BROWSER | {"If-None-Match": unchanged["etag"]})
        assert answer.status_code == 200
        assert {"etag", "last-modified"}.isdisjoint(answer.headers)
        part = asking.get("/", headers=BROWSER | {"Range": "bytes=0-9"})
        assert (part.status_code, FIRST_PAINT in part.text) == (200, True)


@pytest.mark.parametrize("path", ["/other", "/missing", "/data", "/media/report"])
def test_every_other_answer_stays_as_it_is(path: str) -> None:
    with client() as asking:
        assert FIRST_PAINT not in asking.get(path, headers=BROWSER).text
        assert FIRST_PAINT not in asking.get("/", headers={"Accept": "*/*"}).text
        assert "etag" in asking.head("/", headers=BROWSER).headers
        part = asking.get("/media/report", headers=BROWSER | {"Range": "bytes=0-9"})
        assert (part.status_code, len(part.content)) == (206, 10)


def test_a_page_that_is_not_empty_is_left_alone() -> None:
    twice = b'<div id="root"></div><div id="root"></div>'
    assert with_first_paint(twice) == twice
