"""Bars with the time left, quiet where nobody watches."""

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tqdm import tqdm
from transformers import ProgressCallback

from finetune.run.metrics import METRICS, find_metric
from finetune.run.record import EpochMetrics


def progress_bar(steps: Iterable[int], title: str) -> Iterable[int]:
    """*steps* under a bar, which is gone at the end and absent from a log file."""
    watched: Iterable[int] = tqdm(steps, desc=title, leave=False, disable=None)
    return watched


class EpochLines(ProgressCallback):  # type: ignore[misc]
    """One bar over all steps and one line per epoch, in place of raw logs.

    Args:
        say: What takes a line.
        title: How the lines begin, before the number of the epoch.
    """

    def __init__(self, say: Callable[[str], None], title: str = "Epoch") -> None:
        super().__init__()
        self.say, self.title = say, title

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Open the bar; in a log file it moves twice a minute only."""
        pause = 0.2 if sys.stderr.isatty() else 30
        self.training_bar = tqdm(total=state.max_steps, desc="training", mininterval=pause)
        self.current_step = 0

    def on_prediction_step(self, *_: Any, **__: Any) -> None:
        """No second bar for the short evaluation."""

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Raw logs stay unwritten; a loss that isn't finite ends the run."""
        entry = state.log_history[-1]
        if not all(math.isfinite(entry.get(loss, 0.0)) for loss in ("loss", "eval_loss")):
            raise FloatingPointError(
                f"the loss is not a number in epoch {entry['epoch']:.0f}; lower --learning-rate"
                f" (it is {args.learning_rate:g}) or use --precision float32"
            )

    def close(self) -> None:
        """Close the bar of a run that was stopped, so that the next line starts on its own."""
        if self.training_bar is not None:
            self.training_bar.close()
            self.training_bar = None

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Say how the epoch went."""
        point = epoch_curve(state.log_history)[-1]
        with tqdm.external_write_mode():
            self.say(
                f"{self.title} {point.epoch} of {args.num_train_epochs:.0f}:"
                f" {_format_metrics(point)}."
            )


def epoch_curve(history: list[dict[str, float]]) -> tuple[EpochMetrics, ...]:
    """The epochs in the Trainer's log: one entry with the loss and one evaluation for each."""
    losses = [entry["loss"] for entry in history if "loss" in entry]
    evaluations = [entry for entry in history if "eval_loss" in entry]
    return tuple(
        EpochMetrics(
            epoch=number,
            train_loss=loss,
            validation_loss=entry["eval_loss"],
            measured={
                each.name: entry[f"eval_{each.name}"]
                for each in METRICS
                if f"eval_{each.name}" in entry
            },
        )
        for number, (loss, entry) in enumerate(zip(losses, evaluations, strict=True), start=1)
    )


def best_point(epochs: Sequence[EpochMetrics], metric: str) -> EpochMetrics:
    """The best of the epochs by a *metric*; of several the surest, then the first."""
    return max(
        epochs, key=lambda point: (point.measured[metric], -point.validation_loss, -point.epoch)
    )


def _format_metrics(point: EpochMetrics) -> str:
    losses = f"train loss {point.train_loss:.4f}, validation loss {point.validation_loss:.4f}"
    metrics = ((find_metric(name), value) for name, value in point.measured.items())
    return ", ".join([losses, *(f"{each.label} {value:{each.format}}" for each, value in metrics)])
