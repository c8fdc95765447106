"""Work in the background: watched, cancelled, forgotten, and what comes of it."""

import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable

import pytest

from viz.jobs.background import BackgroundJob, JobRegistry, ProgressCallback
from viz.jobs.cancellation import CancelledError


def test_work_is_watched_and_its_result_asked_for() -> None:
    go, ticked = threading.Event(), threading.Event()

    def do(progress: ProgressCallback) -> str:
        progress(3)
        ticked.set()
        go.wait(10)
        return "done"

    work = BackgroundJob(do, expected=4)
    assert ticked.wait(10)
    assert (work.progress, work.done) == (0.75, False)
    assert work.seconds_left is not None
    go.set()
    assert work.result() == "done"
    assert (work.progress, work.done, work.cancelled) == (1.0, True, False)


def test_more_passes_than_expected_are_not_more_than_all() -> None:
    go, ticked = threading.Event(), threading.Event()

    def do(progress: ProgressCallback) -> None:
        progress(40)
        ticked.set()
        go.wait(10)

    work = BackgroundJob(do, expected=4)
    assert ticked.wait(10)
    assert work.progress == 0.99
    go.set()


def forever(progress: ProgressCallback) -> None:
    while True:
        progress(1)
        time.sleep(0.005)


def test_cancelled_work_ends_and_has_no_result() -> None:
    work = BackgroundJob(forever, expected=10)
    assert not work.wait(0.05)
    work.cancel()
    assert work.wait(10)
    with pytest.raises(CancelledError):
        work.result()


def test_what_ends_the_work_reaches_the_one_who_asks() -> None:
    def fail(progress: ProgressCallback) -> None:
        raise ValueError("no such word")

    with pytest.raises(ValueError, match="no such word"):
        BackgroundJob(fail, expected=1).result()


def test_work_that_is_forgotten_stops() -> None:
    """A browser that closes takes its session along; nobody then waits for what it started."""
    ended = threading.Event()

    def do(progress: ProgressCallback) -> None:
        try:
            forever(progress)
        finally:
            ended.set()

    work = BackgroundJob(do, expected=10)
    assert not work.wait(0.05)
    del work
    gc.collect()
    assert ended.wait(10)


def test_work_whose_watchers_have_all_gone_stops_and_is_freed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Large:
        """What was computed until then."""

    monkeypatch.setattr("viz.jobs.background.PRESENCE_CHECK_SECONDS", 0.0)
    monkeypatch.setattr("viz.jobs.background.ABSENCE_GRACE_SECONDS", 0.0)
    connected = {"one", "other"}
    made: list[weakref.ref[Large]] = []

    def work_on(given: Large) -> Callable[[ProgressCallback], None]:
        def do(progress: ProgressCallback) -> None:
            large = Large()
            made.extend([weakref.ref(given), weakref.ref(large)])
            forever(progress)

        return do

    works = JobRegistry()
    work = works.submit("question", work_on(Large()), 10, lambda: "one" in connected)
    other = works.submit("question", forever, 10, lambda: "other" in connected)
    connected.remove("one")
    assert not other.wait(0.1)
    assert not other.cancelled
    assert len(made) == 2, "both wait for the same"
    connected.remove("other")
    assert other.wait(10)
    assert other.abandoned
    assert work.abandoned
    deadline = time.monotonic() + 10
    while any(large() for large in made) and time.monotonic() < deadline:
        time.sleep(0.01)  # the thread itself has to go first
    assert [large() for large in made] == [None, None]
    again = works.submit("question", forever, 10, lambda: True)
    assert not again.cancelled
    again.cancel()
    assert again.wait(10)


def test_a_connection_may_break_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viz.jobs.background.PRESENCE_CHECK_SECONDS", 0.0)
    checks: list[bool] = []

    def lives() -> bool:
        checks.append(True)
        return len(checks) > 5

    def do(progress: ProgressCallback) -> str:
        for _ in range(10):
            progress(1)
        return "done"

    work = BackgroundJob(do, 10, lives)
    assert work.result() == "done"
    assert not work.cancelled


def test_one_who_cancels_leaves_the_others_their_work() -> None:
    go = threading.Event()

    def do(progress: ProgressCallback) -> str:
        while not go.wait(0.005):
            progress(1)
        return "done"

    works = JobRegistry()
    one, other = (works.submit("question", do, 10, lambda: True) for _ in range(2))
    one.cancel()
    assert one.cancelled
    assert not one.abandoned
    assert not other.cancelled
    go.set()
    assert other.result() == "done"
    assert works.submit("another", lambda progress: "else", 1, lambda: True).result() == "else"


def test_a_program_ends_in_order_while_work_goes_on() -> None:
    """A thread that is inside torch when the interpreter goes takes the process down."""
    program = """
import torch
from viz.jobs.background import BackgroundJob

def do(progress):
    while True:
        torch.ones(300, 300) @ torch.ones(300, 300)
        progress(1)

work = BackgroundJob(do, 1)
work.wait(0.3)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, b"")
