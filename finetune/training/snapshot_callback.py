"""When a run is kept: now and then, after each epoch, and before it stops."""

import time
from typing import Any

from transformers import TrainerCallback

from finetune.run import processes
from finetune.run.event_schema import SAVED
from finetune.run.events import Events
from finetune.run.graceful_stop import GracefulStop
from finetune.training.trainer import SnapshotTrainer


class SnapshotCallback(TrainerCallback):  # type: ignore[misc]
    """Takes a snapshot every *minutes*, and one before the run stops because it was asked to.

    After the last step of an epoch it waits for the Trainer, which first measures the epoch: a
    snapshot between the two would not know which epoch is the best.
    """

    def __init__(
        self, trainer: SnapshotTrainer, events: Events, stop: GracefulStop, *, minutes: float
    ) -> None:
        self.trainer, self.events, self.stop = trainer, events, stop
        self.pause, self.last = minutes * 60, time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Take up what a stopped run left."""
        self.trainer.restore_loss()

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Put the rows into the order of this epoch."""
        self.trainer.batches.set_epoch(int(state.epoch or 0))

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Keep the run where it is time, or where it is to stop."""
        if state.epoch == int(state.epoch):
            return
        due = self.stop.requested or time.monotonic() - self.last >= self.pause
        if processes.any_true(due):
            self.trainer.take_snapshot()
            self._kept(state.global_step)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The epoch is kept."""
        self._kept(state.global_step)

    def _kept(self, step: int) -> None:
        self.last = time.monotonic()
        if processes.is_first():
            self.events.add(SAVED, step=step, folder=self.trainer.snapshots.path(step).name)
        if processes.any_true(self.stop.requested):
            raise KeyboardInterrupt
