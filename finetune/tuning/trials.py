"""One trial of a search: the epochs of a run, measured on validation; no checkpoint is written."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from optuna import TrialPruned
from optuna.trial import Trial
from transformers import TrainerCallback

from finetune.checkpoint.run_files import CHECKPOINTS
from finetune.run.events import Events
from finetune.run.progress import best_point, epoch_curve
from finetune.run.record import EpochMetrics
from finetune.run.snapshot_folders import Snapshots
from finetune.training.fit import Say, fit, last_step
from finetune.training.prepared_run import PreparedRun
from finetune.training.pretraining import pretrain
from finetune.training.trainer import seconds_until

MIN_SECONDS_OF_PACE = 5.0
"""Seconds of steps from which on their pace says how long the others take."""
HOPELESS = 2.0
"""How many times the time that is left a trial has to need for it to be stopped at once."""


class OutOfTimeError(Exception):
    """The budget is used up, or the trial would need far more than is left of it."""


class TrialWatch(TrainerCallback):  # type: ignore[misc]
    """Tells the search what each epoch came to, and ends a trial that is not worth its time.

    Args:
        trial: Optuna's, which hears of the epochs.
        metric: What they are compared by.
        deadline: When the time is up, by `time.monotonic`; None where there is no limit.
    """

    def __init__(self, trial: Trial, metric: str, deadline: float | None) -> None:
        self.trial, self.metric, self.deadline = trial, metric, deadline
        self.begun, self.first, self.told = 0.0, 0, 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Note when the steps begin, and tell of the epochs before them."""
        self.begun, self.first = time.monotonic(), state.global_step
        self.report(epoch_curve(state.log_history))

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """End the trial where its time is up, or will be long before its last step."""
        if self.deadline is None:
            return
        now = time.monotonic()
        pace = (now - self.begun) / (state.global_step - self.first)
        needed = pace * (state.max_steps - state.global_step)
        hopeless = (
            now - self.begun >= MIN_SECONDS_OF_PACE and now + needed / HOPELESS > self.deadline
        )
        if now >= self.deadline or hopeless:
            raise OutOfTimeError

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Tell of the epoch; one that is behind most trials at the same epoch is the last."""
        epochs = epoch_curve(state.log_history)
        self.report(epochs)
        if len(epochs) < args.num_train_epochs and self.trial.should_prune():
            raise TrialPruned

    def report(self, epochs: tuple[EpochMetrics, ...]) -> None:
        """Tell of the epochs that are new; the best so far counts, as it would be saved."""
        scores = [point.measured[self.metric] for point in epochs]
        for number in range(self.told + 1, len(epochs) + 1):
            self.trial.report(max(scores[:number]), number)
        self.told = max(self.told, len(epochs))


def train_trial(run: PreparedRun, place: Path, watch: TrialWatch, say: Say) -> EpochMetrics:
    """The best epoch of *run*, in the folder *place*, from where it was interrupted, if it was.

    Test rows are not looked at.

    Raises:
        TrialPruned: It is behind the others.
        OutOfTimeError: Its time is up.
        KeyboardInterrupt: Somebody asked to stop; what was done is kept.
    """
    place.mkdir(parents=True, exist_ok=True)
    events = Events(place)
    step = last_step(Snapshots(place / CHECKPOINTS), say)
    if step is None and run.config.pretrain_epochs:
        pretrain(run, place, events, say)
    trainer = fit(run, place, step, events, say, watch=watch)
    epochs = epoch_curve(trainer.state.log_history)
    watch.report(epochs)
    return best_point(epochs, run.best_by)


def seconds_before(place: Path) -> float:
    """How long a trial had taken before it was interrupted, as far as it is kept."""
    snapshots = Snapshots(place / CHECKPOINTS)
    with suppress(OSError, ValueError, KeyError):  # a damaged one is passed over later
        return seconds_until(snapshots.path(snapshots.steps()[-1])) if snapshots.steps() else 0.0
    return 0.0
