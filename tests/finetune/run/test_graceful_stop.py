"""Signals: the first is a request, the second stops, and others are left as they were."""

import os
import signal
import threading

import pytest

from finetune.run.graceful_stop import GracefulStop


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_and_the_second_stops(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with GracefulStop().listening() as stop:
        assert not stop.requested
        os.kill(os.getpid(), number)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_another_thread_hears_no_signals_and_does_not_fail() -> None:
    requests: list[bool] = []

    def hear() -> None:
        with GracefulStop().listening() as stop:
            requests.append(stop.requested)

    thread = threading.Thread(target=hear)
    thread.start()
    thread.join()
    assert requests == [False]
