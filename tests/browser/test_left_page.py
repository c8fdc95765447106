"""A page that a link leads to stays, whatever the page before still asks of a slow server."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.benchmarks.server import Server, running_server
from tests.browser.conftest import App


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as running:
        yield running


@contextmanager
def paused(server: Server) -> Iterator[None]:
    """Have the server hear nothing for a while, as on a machine that has much to do."""
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process.pid, signal.SIGCONT)


@pytest.mark.timeout(180)
def test_a_click_on_the_page_that_was_left_does_not_empty_the_next_one(
    page: Page, server: Server, checkpoint: Path
) -> None:
    app = App(page, server.url, checkpoint)
    app.watch()
    app.open(text="the team wins the game")
    shapes = page.get_by_role("radiogroup", name="Picture of the head")
    expect(shapes).to_be_visible()
    expect(page.get_by_text("measuring …")).to_have_count(0)
    with paused(server):
        page.get_by_role("link", name="Data").click()
        shapes.get_by_text("arcs").click()
        page.wait_for_timeout(500)  # both are on their way
    expect(page.get_by_text("Audit a data set")).to_be_visible()
    app.settle()
    page.wait_for_timeout(1000)  # a run of the fragment would come now
    expect(page.get_by_text("Audit a data set")).to_be_visible()
    expect(page.locator("input[type=file]")).to_be_attached()
    # Widgets of the new page, and of the one before when it is open again, are heard.
    page.get_by_role("link", name="Read").click()
    expect(shapes).to_be_visible()
    shapes.get_by_text("on the text").click()
    expect(page).to_have_url(re.compile("view=on"))
    assert app.problems == []
