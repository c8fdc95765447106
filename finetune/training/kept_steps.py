"""Which steps of a run its history keeps, and what that takes on disk."""

from dataclasses import dataclass
from typing import Any

import torch
from transformers import TrainerCallback

from finetune.run.config_sections import OutputConfig
from finetune.run.disk_space import shown_size
from finetune.run.events import EventLog
from finetune.run.history_format import FrameDescription
from finetune.run.history_writing import HistoryWriter
from finetune.run.progress import epoch_curve
from finetune.run.record import EpochMetrics
from finetune.training.kept_weights import count_learning, kept_weights
from finetune.training.prepared_run import PreparedRun
from finetune.training.results import count_parameters
from finetune.training.trainer import SnapshotTrainer


class HistoryCallback(TrainerCallback):  # type: ignore[misc]
    """Keeps the weights before the first step, at the steps that were asked for, and at the end.

    A step that ends an epoch is kept once the epoch is measured, and before the snapshot of it, so
    that a run that goes on after a snapshot has all that it kept until then.
    """

    def __init__(self, run: PreparedRun, writer: HistoryWriter, log: EventLog) -> None:
        super().__init__()
        self.run, self.writer, self.log = run, writer, log

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Keep the base with its new head; forget what a stopped run kept of later steps."""
        self.writer.forget_after(state.global_step)
        if not state.global_step:
            self._keep(FrameDescription(step=0, epoch=0.0, loss=None))

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Keep a step within an epoch."""
        if state.epoch != int(state.epoch) and self._is_due(state.global_step):
            self._keep(self._description(state))

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Keep the last step of an epoch, with what was measured after it."""
        last = control.should_training_stop or state.global_step >= state.max_steps
        if self.run.config.keep_epochs or self._is_due(state.global_step) or last:
            self._keep(self._description(state, epoch_curve(state.log_history)[-1]))

    def _is_due(self, step: int) -> bool:
        every = self.run.config.keep_steps
        return bool(every) and step % every == 0

    def _description(self, state: Any, point: EpochMetrics | None = None) -> FrameDescription:
        loss = self.log.loss
        return FrameDescription(
            step=state.global_step,
            epoch=float(state.epoch),
            loss=None if loss is None or not torch.isfinite(loss) else float(loss),
            validation={} if point is None else _validation(point),
        )

    def _keep(self, description: FrameDescription) -> None:
        self.writer.write(description, kept_weights(self.run))


def finish_history(run: PreparedRun, trainer: SnapshotTrainer, writer: HistoryWriter) -> None:
    """Mark which step became the checkpoint, once that is saved."""
    evaluations = [entry for entry in trainer.state.log_history if "eval_loss" in entry]
    number = [entry["step"] for entry in evaluations].index(trainer.best_step)
    description = FrameDescription(
        step=trainer.best_step,
        epoch=float(evaluations[number]["epoch"]),
        loss=None,
        validation=_validation(epoch_curve(trainer.state.log_history)[number]),
    )
    writer.finish(description, kept_weights(run))


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryPlan:
    """What the history of a run takes on disk at most."""

    frames: int
    first: int
    """Bytes of the first frame."""
    other: int
    """Bytes of each other frame."""
    histories: int
    """How many histories lie on disk at once."""

    @property
    def bytes(self) -> int:
        """Of all."""
        # The best epoch may be a frame of its own.
        return self.histories * (self.first + self.frames * self.other)

    def describe(self) -> str:
        """The same as a sentence."""
        until = ", until the better of two seeds is known" if self.histories > 1 else ""
        return (
            f"History: {self.frames} frames, the first of {shown_size(self.first)}, the others of"
            f" {shown_size(self.other)} at most; {shown_size(self.bytes)} on disk at most{until}."
        )


def plan_history(run: PreparedRun, steps_of_epoch: int, histories: int) -> HistoryPlan:
    """What the history of *run* will take."""
    config = run.config
    # Matrices that adapters change are kept in float32, as their sum is rounded once.
    size = 4 if config.lora_rank else getattr(torch, config.save_dtype).itemsize
    return HistoryPlan(
        frames=len(planned_steps(config, steps_of_epoch, config.epochs)),
        first=size * count_parameters(run.base),
        other=size * count_learning(run),
        histories=histories,
    )


def planned_steps(config: OutputConfig, steps_of_epoch: int, epochs: int) -> list[int]:
    """The steps that are kept where no run ends early, ascending."""
    last = steps_of_epoch * epochs
    pauses = [steps_of_epoch] * config.keep_epochs + [config.keep_steps] * bool(config.keep_steps)
    return sorted({0, last}.union(*(range(pause, last, pause) for pause in pauses)))


def _validation(point: EpochMetrics) -> dict[str, float]:
    return {"validation_loss": point.validation_loss} | point.measured
