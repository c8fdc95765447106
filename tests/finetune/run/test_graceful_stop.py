"""Signals: the first is a wish, the second stops, and others are left as they were."""

import os
import signal
import threading

import pytest

from finetune.run.graceful_stop import StopWish


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_and_the_second_stops(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with StopWish().heard() as wish:
        assert not wish.made
        os.kill(os.getpid(), number)
        assert wish.made
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_another_thread_hears_no_signals_and_does_not_fail() -> None:
    wishes: list[bool] = []

    def hear() -> None:
        with StopWish().heard() as wish:
            wishes.append(wish.made)

    thread = threading.Thread(target=hear)
    thread.start()
    thread.join()
    assert wishes == [False]
