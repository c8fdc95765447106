"""What happens in a run, as it happens: one JSON object a line in `events.jsonl`.

Whoever watches a run reads this file; the run knows nothing of them.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import TrainerCallback

from finetune.checkpoint.run_files import EVENTS
from finetune.run.event_schema import END, EPOCH, RESUME, START, STEP, event_time
from finetune.run.progress import epoch_curve

MIN_INTERVAL_SECONDS = 1.0
"""Seconds between two events of steps; reading a loss makes a GPU wait."""

Loss = Callable[..., Tensor]


class Events:
    """The file of events of one run."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / EVENTS

    def add(self, kind: str, **facts: object) -> None:
        """Append an event, which is there for others to read at once."""
        line = json.dumps({"time": event_time(), "kind": kind} | facts, ensure_ascii=False)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


class StepLog(TrainerCallback):  # type: ignore[misc]
    """Writes once a second how far the steps are.

    Args:
        events: Where to.
        texts: Texts of a step, on average.
        kind: What its events are called.
    """

    def __init__(self, events: Events, texts: float, kind: str = STEP) -> None:
        self.events, self.texts, self.kind = events, texts, kind
        self.begun = self.last_event = 0.0
        self.first = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Note from which step on there is something to do, and when."""
        self.begun, self.first = time.monotonic(), state.global_step

    def on_step_end(self, args: Any, state: Any, control: Any, **settings: Any) -> None:
        """Say how far it is, once a second and at the last step."""
        if not self.is_due(state.global_step, state.max_steps):
            return
        self.last_event = now = time.monotonic()
        pace = (now - self.begun) / (state.global_step - self.first)
        self.events.add(
            self.kind,
            step=state.global_step,
            steps=state.max_steps,
            epoch=round(state.epoch, 4),
            **self.more(settings["lr_scheduler"]),
            texts_per_second=round(self.texts / pace, 1),
            seconds_left=round(pace * (state.max_steps - state.global_step), 1),
        )

    def is_due(self, step: int, steps: int) -> bool:
        """Whether a step of so many is told of."""
        return time.monotonic() - self.last_event >= MIN_INTERVAL_SECONDS or step >= steps

    def more(self, schedule: Any) -> dict[str, Any]:
        """What else is told of a step."""
        return {"learning_rate": schedule.get_last_lr()[-1]}


class EventLog(StepLog):
    """Writes the start of the epochs, their steps with the loss, each epoch and the end."""

    loss: Tensor | None = None
    norms: Mapping[str, Tensor] | None = None
    """Of the gradients of the step at hand, where it will be told of."""

    def watched(self, loss: Loss) -> Loss:
        """*loss*, its last value in training kept where it is, for the next event.

        What is kept is the mean over the texts at hand, of which a step may have more or fewer than
        the number that its loss is divided by.
        """

        def compute(
            outputs: Any, labels: Tensor, num_items_in_batch: Tensor | int | None = None
        ) -> Tensor:
            value = loss(outputs, labels, num_items_in_batch)
            if torch.is_grad_enabled():  # an epoch is measured without
                divided_by = labels.numel() if num_items_in_batch is None else num_items_in_batch
                self.loss = value.detach() * divided_by / labels.numel()
            return value

        return compute

    def note_gradients(self, measure: Callable[[], Mapping[str, Tensor]], state: Any) -> None:
        """Take the norms of the gradients, before they are clipped, in a step to be told of."""
        due = super().is_due(state.global_step + 1, state.max_steps)
        self.norms = measure() if due else None

    def is_due(self, step: int, steps: int) -> bool:
        """Whether it is, as was decided when its gradients were there."""
        return self.norms is not None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Say how much there is to do, and from which step on it is done."""
        super().on_train_begin(args, state, control)
        facts = {"pid": os.getpid(), "steps": state.max_steps, "epochs": int(args.num_train_epochs)}
        if self.first:
            self.events.add(RESUME, step=self.first, **facts)
        else:
            self.events.add(START, **facts)

    def more(self, schedule: Any) -> dict[str, Any]:
        """The loss of the step besides, and the norms of its gradients."""
        facts: dict[str, Any] = {} if self.loss is None else {"loss": float(self.loss)}
        norms = {name: float(f"{norm:.4g}") for name, norm in (self.norms or {}).items()}
        return facts | super().more(schedule) | {"gradient_norms": norms}

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Say how the epoch went."""
        self.events.add(EPOCH, **epoch_curve(state.log_history)[-1].to_dict())

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Say that the epochs are over."""
        self.events.add(END)
