"""Work in the background: watched, cancelled, forgotten, and what comes of it."""

import gc
import subprocess
import sys
import threading
import time

import pytest

from viz.work import CancelledError, Kept, Tick, Work


def test_work_is_watched_and_its_result_asked_for() -> None:
    go, ticked = threading.Event(), threading.Event()

    def do(tick: Tick) -> str:
        tick(3)
        ticked.set()
        go.wait(10)
        return "done"

    work = Work(do, expected=4)
    assert ticked.wait(10)
    assert (work.share, work.finished) == (0.75, False)
    assert work.seconds_left is not None
    go.set()
    assert work.result() == "done"
    assert (work.share, work.finished, work.cancelled) == (1.0, True, False)


def test_more_passes_than_expected_are_not_more_than_all() -> None:
    go, ticked = threading.Event(), threading.Event()

    def do(tick: Tick) -> None:
        tick(40)
        ticked.set()
        go.wait(10)

    work = Work(do, expected=4)
    assert ticked.wait(10)
    assert work.share == 0.99
    go.set()


def forever(tick: Tick) -> None:
    while True:
        tick(1)
        time.sleep(0.005)


def test_cancelled_work_ends_and_has_no_result() -> None:
    work = Work(forever, expected=10)
    assert not work.wait(0.05)
    work.cancel()
    assert work.wait(10)
    with pytest.raises(CancelledError):
        work.result()


def test_what_ends_the_work_reaches_the_one_who_asks() -> None:
    def fail(tick: Tick) -> None:
        raise ValueError("no such word")

    with pytest.raises(ValueError, match="no such word"):
        Work(fail, expected=1).result()


def test_work_that_is_forgotten_stops() -> None:
    """A browser that closes takes its session along; nobody then waits for what it started."""
    ended = threading.Event()

    def do(tick: Tick) -> None:
        try:
            forever(tick)
        finally:
            ended.set()

    work = Work(do, expected=10)
    assert not work.wait(0.05)
    del work
    gc.collect()
    assert ended.wait(10)


def test_a_program_ends_in_order_while_work_goes_on() -> None:
    """A thread that is inside torch when the interpreter goes takes the process down."""
    program = """
import torch
from viz.work import Work

def do(tick):
    while True:
        torch.ones(300, 300) @ torch.ones(300, 300)
        tick(1)

work = Work(do, 1)
work.wait(0.3)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_of_too_many_results_those_asked_for_longest_ago_go() -> None:
    kept = Kept(2)
    assert [kept.add(name, name.upper()) for name in "ab"] == ["A", "B"]
    assert kept.get("a") == "A"
    kept.add("c", "C")
    assert [kept.get(name) for name in "abc"] == ["A", None, "C"]
