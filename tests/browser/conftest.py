"""The app in headless Chromium: one server, a page that forgives no error and no foreign host."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Request,
    ViewportSize,
    expect,
)

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TWO_FRAMES = """() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"""
"""A script that waits until the browser has painted."""

WINDOW: ViewportSize = {"width": 1280, "height": 720}
FORGET = """() => {
  try {
    sessionStorage.clear();
    localStorage.clear();
  } catch {
    // An empty page has no storage.
  }
}"""
"""A script that leaves a page nothing of what it has stored."""

PATIENCE = 60_000
"""Milliseconds that a busy machine may take to show an element, for a check and for a click."""

expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this room, and skip it where there is no Chromium."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium is installed"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the page showed to the report of a test that failed."""
    report = yield
    if report.when == "call" and report.failed:
        arguments = getattr(item, "funcargs", {})
        page = arguments.get("page") or arguments.get("shared_page")
        if page is not None:
            report.sections.append(("what the page showed", _snapshot(page)))
        if "runs_room" in arguments:
            log = _server_log(arguments["runs_room"]).read_text()
            report.sections.append(("what the server said", log[-4000:]))
    return report


def _snapshot(page: Page) -> str:
    """The elements of a page and whether its script still runs."""
    try:
        state = page.locator("[data-test-script-state]")
        states = [one.get_attribute("data-test-script-state", timeout=5000) for one in state.all()]
        elements = page.locator("body").aria_snapshot(timeout=5000).splitlines()
        return "\n".join([f"script: {states}", *(line[:200] for line in elements)])
    except Error as error:  # it crashed, or a test closed it
        return str(error)


@pytest.fixture
def context(context: BrowserContext) -> BrowserContext:
    """Wait as long before a click as a check waits."""
    context.set_default_timeout(PATIENCE)
    return context


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    """Use the system's Chromium, since Playwright's own is a download."""
    return {"executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture(scope="session")
def _tabs() -> list[Page]:
    """The tab that tests share, or none yet."""
    return []


@pytest.fixture
def shared_page(browser: Browser, _tabs: list[Page]) -> Iterator[Page]:
    """A tab that keeps nothing of the test before but the scripts that it has compiled.

    To open the app in a tab of its own takes a processor more than twice as long: files with many
    short tests have this one in the place of `page`.
    """
    if not _tabs:
        _tabs.append(browser.new_page())
        _tabs[0].set_default_timeout(PATIENCE)
    page = _tabs[0]
    yield page
    try:
        page.evaluate(FORGET)
        page.goto("about:blank")
        page.set_viewport_size(WINDOW)
        page.emulate_media(color_scheme="light")
    except Error:  # it crashed, or a test closed it
        _tabs.clear()
        page.context.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def runs_room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the runs that the app shows."""
    return tmp_path_factory.mktemp("app") / "runs"


def _server_log(runs_room: Path) -> Path:
    return runs_room.with_name("log.txt")


@pytest.fixture(scope="session")
def app_url(runs_room: Path) -> Iterator[str]:
    """A running app; its log is printed where it does not come up."""
    port, log = _free_port(), _server_log(runs_room)
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, "--server.headless=true"],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"HF_HUB_OFFLINE": "1", "CLSIGHT_RUNS": str(runs_room)},
        )
    try:
        _wait_until_healthy(f"http://localhost:{port}", log)
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait(10)


def _wait_until_healthy(url: str, log: Path) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
        else:
            return
    pytest.fail(f"the app did not start:\n{log.read_text()}")


@dataclass
class App:
    """The app in one browser page, opened on one checkpoint."""

    page: Page
    url: str
    checkpoint: Path
    problems: list[str] = field(default_factory=list)

    def open(self, **parameters: str) -> None:
        """Open a link and wait for the page to be drawn."""
        named = {"checkpoint": str(self.checkpoint)} | parameters
        query = "&".join(f"{name}={quote(value)}" for name, value in named.items())
        self.page.goto(f"{self.url}/?{query}")
        self.settle()

    def settle(self) -> None:
        """Wait until the page has been drawn to its end."""
        expect(self.page.locator("[data-test-script-state=notRunning]")).to_be_visible()

    def read(self, text: str) -> None:
        """Paste a text and press Read."""
        self.page.get_by_label("Text", exact=True).fill(text)
        self.page.get_by_role("button", name="Read", exact=True).click()
        self.settle()

    def open_heads(self) -> None:
        """Open the list of heads, and see that it stays open."""
        heads = self.page.get_by_role("combobox", name="Head")
        # A list closes where its page scrolls: the scroll must be over before the click.
        heads.scroll_into_view_if_needed()
        self.page.evaluate(TWO_FRAMES)
        heads.click()
        self.page.wait_for_timeout(300)
        # A picture that came late has moved the page on a busy machine.
        if not self.page.get_by_role("option").first.is_visible():
            heads.click()

    def watch(self) -> None:
        """Note every page error, console error and request to another host."""
        self.page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        self.page.on("console", self._note_message)
        self.page.on("request", self._note_request)

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text}")

    def _note_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "localhost":
            self.problems.append(f"request to {request.url}")


@pytest.fixture
def app(page: Page, app_url: str, checkpoint: Path) -> Iterator[App]:
    """The app on the tiny checkpoint; the test fails on any problem the page had."""
    app = App(page, app_url, checkpoint)
    app.watch()
    yield app
    assert app.problems == []
