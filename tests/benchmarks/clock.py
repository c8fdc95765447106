"""The seconds that the steps of a Trainer take, and how good its model is on the way."""

import time
from collections.abc import Callable
from math import inf
from typing import Any

import torch
from transformers import PreTrainedModel, TrainerCallback

Exam = Callable[[PreTrainedModel, int | None], float]
"""The share that a model gets right of the first rows, so many or all of them."""

GLANCE_ROWS = 500
"""Rows of an exam on the way."""


class Clock(TrainerCallback):  # type: ignore[misc]
    """Counts the time of steps: batches, forward and backward pass, update, the watchers' work.

    It stands still while the model is examined here or by the Trainer, and between epochs.

    Args:
        exam: What the model has to pass; None for none.
        every: Steps from one exam on the way to the next.
        warm_up: Steps that are not counted.
        limit: Seconds after which the run is stopped.
    """

    def __init__(
        self, exam: Exam | None = None, *, every: int = 0, warm_up: int = 0, limit: float = inf
    ) -> None:
        self.exam, self.every, self.warm_up, self.limit = exam, every, warm_up, limit
        self.seconds, self.steps = 0.0, 0
        self.processor_seconds = 0.0
        """Of all cores, which what else runs lengthens less."""
        self.way: list[tuple[float, float]] = []
        """Seconds and share of right answers at each exam on the way."""
        self.share: float | None = None
        """Of right answers after the last step, of all rows."""
        self._since, self._processor_since = 0.0, 0.0

    def seconds_to(self, share: float) -> float | None:
        """Seconds until the first exam on the way with so great a *share* of right answers."""
        return next((seconds for seconds, right in self.way if right >= share), None)

    @property
    def best(self) -> float:
        """The greatest share of right answers on the way."""
        return max((right for _, right in self.way), default=0.0)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start."""
        self._start()

    def on_step_end(self, args: Any, state: Any, control: Any, **settings: Any) -> None:
        """Count the step, and examine the model where it is time."""
        self._stop()
        self.steps += 1
        if state.global_step == self.warm_up:
            self.seconds, self.processor_seconds, self.steps = 0.0, 0.0, 0
        if self.exam is not None and self.every and state.global_step % self.every == 0:
            self.way.append((self.seconds, self.exam(settings["model"], GLANCE_ROWS)))
        if self.seconds >= self.limit:
            control.should_training_stop = True
        self._start()

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stand still until the next epoch."""
        self._stop()

    def on_train_end(self, args: Any, state: Any, control: Any, **settings: Any) -> None:
        """Examine what came of it."""
        if self.exam is not None:
            self.share = self.exam(settings["model"], None)

    def _start(self) -> None:
        self._since, self._processor_since = time.perf_counter(), time.process_time()

    def _stop(self) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds += time.perf_counter() - self._since
        self.processor_seconds += time.process_time() - self._processor_since
