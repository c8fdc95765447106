"""The app's server as a stranger meets it, started as a user may start it."""

import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.network_watch import NetworkWatch, watch_network
from tests.served import Server, running

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Watched(Server):
    """A running app, watched for what it says to other machines."""

    outside: NetworkWatch


@contextmanager
def started(folder: Path, *options: str, host: str = "localhost") -> Iterator[Watched]:
    """The app, started with these options in a folder that isn't its own."""
    elsewhere, hidden = folder / "elsewhere", folder / "outside"
    elsewhere.mkdir()
    hidden.mkdir()
    run = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py")]
    command = [*run, "--server.headless=true", *options]
    with watch_network(hidden) as outside:
        env = outside.env | {"CLSIGHT_RUNS": str(elsewhere / "runs")}
        log = folder / "log.txt"
        with running(command, folder=elsewhere, env=env, log=log, host=host) as server:
            yield Watched(server.process, server.port, log, outside)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The app as the README starts it."""
    with started(tmp_path_factory.mktemp("server")) as running:
        yield running


def test_it_listens_to_its_own_machine_wherever_it_is_started(server: Watched) -> None:
    listening = Path("/proc/net/tcp").read_text() if sys.platform == "linux" else ""
    for line in listening.splitlines()[1:]:
        address, state = line.split()[1], line.split()[3]
        if state == "0A" and address.endswith(f":{server.port:04X}"):
            assert address.startswith("0100007F")


def test_a_page_that_lets_its_own_name_lead_here_is_refused(server: Watched) -> None:
    assert " 403 " in server.asked("/", "Host: evil.example")
    assert " 403 " in server.asked("/_stcore/health", f"Host: evil.example:{server.port}")
    for host in ("evil.example", f"evil.example:{server.port}", "localhost.evil.example"):
        assert " 403 " in server.opened(host, f"http://{host}")
        assert " 403 " in server.opened(host, None)


def test_its_own_pages_are_answered_by_each_name_of_this_machine(server: Watched) -> None:
    for host in ("localhost", "127.0.0.1", "[::1]"):
        assert " 200 " in server.asked("/", f"Host: {host}:{server.port}")
        assert " 101 " in server.opened(f"{host}:{server.port}", f"http://{host}:{server.port}")


def test_a_page_of_another_origin_is_refused_and_nobody_is_asked_of_it(server: Watched) -> None:
    for origin in ("http://evil.example", "https://8.8.8.8", "null", "http://localhost:3000"):
        assert " 403 " in server.opened(f"localhost:{server.port}", origin)
        assert " 403 " in server.asked("/", "Host: localhost", f"Origin: {origin}")
    assert server.outside.calls() == []


def test_no_other_site_may_show_it_in_a_frame(server: Watched) -> None:
    for path in ("/", "/_stcore/health", "/train", "/not/there"):
        head = server.asked(path, "Host: localhost").lower()
        assert "content-security-policy: frame-ancestors 'self'" in head
        assert "x-frame-options: sameorigin" in head


def test_a_link_alone_sends_nothing_and_asks_the_hub_for_nothing(server: Watched) -> None:
    assert "Sci/Tech" in server.page("text=oil+prices+rise")
    said = server.page("checkpoint=someone/some-model&text=oil+prices+rise")
    assert "which is not a folder here" in said
    assert server.outside.calls() == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of Unix")
def test_it_ends_at_once_when_it_is_told_to(server: Watched) -> None:
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(10) in (0, 130, -signal.SIGTERM)
    assert "Traceback" not in server.log.read_text()
    assert server.outside.calls() == []


def test_the_readme_says_how_to_share_it_and_it_is_then_known_by_that_name_alone(
    tmp_path: Path,
) -> None:
    readme = (ROOT / "viz" / "app" / "README.md").read_text("utf-8")
    (command,) = (line for line in readme.splitlines() if "--server.allowedHosts=" in line)
    options = shlex.split(command)[3:]
    with started(tmp_path, *options, host="192.168.1.20") as shared:
        host = f"192.168.1.20:{shared.port}"
        assert " 200 " in shared.asked("/", f"Host: {host}")
        assert " 101 " in shared.opened(host, f"http://{host}")
        assert " 403 " in shared.opened(host, "http://evil.example")
        for other in ("evil.example", "localhost", "192.168.1.21"):
            assert " 403 " in shared.asked("/", f"Host: {other}")
            assert " 403 " in shared.opened(other, f"http://{other}")
        # Streamlit prints where an app is found, and would ask a service outside for it.
        assert shared.outside.calls() == []


def test_a_browser_is_opened_once_the_server_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A browser in the terminal is waited for; a server that waits before it listens never answers.
    seen, script = tmp_path / "seen.txt", tmp_path / "browser.py"
    script.write_text(
        "import pathlib, sys, urllib.request\n"
        "direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))\n"
        "answer = direct.open(sys.argv[1], timeout=5)\n"
        f"pathlib.Path({str(seen)!r}).write_text(str(answer.status))\n"
    )
    monkeypatch.setenv("BROWSER", f"{shlex.join([sys.executable, str(script)])} %s")
    with started(tmp_path, "--server.headless=false"):
        for _ in range(200):
            if seen.exists() and seen.read_text():
                break
            time.sleep(0.1)
        assert seen.exists()
        assert seen.read_text() == "200"
