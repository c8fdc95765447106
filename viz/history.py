"""What happened in a run so far, from the events that `python -m finetune` writes as it trains.

A file of events is read on from where it was left, since a page looks at it every second.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

Event = Mapping[str, Any]


class Step(NamedTuple):
    """An optimizer step."""

    step: int
    epoch: float
    """How many epochs were done after it."""
    loss: float
    """Of its texts."""


class Epoch(NamedTuple):
    """What was measured after an epoch."""

    epoch: int
    """Counted from 1."""
    measured: Mapping[str, float]
    """Numbers by their names in the event: `train_loss`, `validation_loss`, `accuracy` …"""


class Course(NamedTuple):
    """One training; a run has one for each of its seeds."""

    steps: tuple[Step, ...] = ()
    """About one a second."""
    epochs: tuple[Epoch, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """What happened in a run; of what was run again, only the last time."""

    courses: tuple[Course, ...] = (Course(),)
    """At least one."""
    planned: int = 0
    """Epochs asked for; 0 where the run has not said so yet."""
    latest: Event | None = None
    """The last event of any kind."""
    pace: Event | None = None
    """The last event of a step since the run was started or resumed."""
    began: str = ""
    """When it was last started or resumed, as its events tell the time; empty where it was not."""
    pretraining: bool = False
    """Whether `pace` is that of further pre-training, before the epochs."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the last course."""
        return self.courses[-1].steps

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """The epochs of the last course."""
        return self.courses[-1].epochs

    def text(self, key: str) -> str:
        """What the last event says of *key*; empty where it says nothing."""
        return str((self.latest or {}).get(key, ""))

    def of_best(self, train_loss: float) -> "History":
        """Without the courses of other seeds than the one whose first epoch had that loss."""
        found = [
            course
            for course in self.courses
            if course.epochs and course.epochs[0].measured.get("train_loss") == train_loss
        ]
        return replace(self, courses=(*found[-1:],) or self.courses)


def read_history(file: Path) -> History:
    """The history in a file that may still be written; no file is an empty one.

    What is no event is passed over, and so is a last line without its end.
    """
    with _lock:
        reader = _readers.setdefault(file, _Reader())
        if not reader.read_on(file):
            _readers[file] = reader = _Reader()
            reader.read_on(file)
        return reader.history()


@dataclass(slots=True)
class _Reader:
    """A file as far as it was read."""

    first: bytes = b""
    """Its first line, by which another file of the same name is told."""
    end: int = 0
    over: list[Course] = field(default_factory=list)
    """Those of the seeds before."""
    is_over: bool = False
    """Whether the training told of last came to its end."""
    steps: list[Step] = field(default_factory=list)
    epochs: dict[int, Epoch] = field(default_factory=dict)
    planned: tuple[int, int] = (0, 0)
    """Epochs and steps."""
    latest: Event | None = None
    pace: Event | None = None
    began: str = ""
    pretraining: bool = False

    def read_on(self, file: Path) -> bool:
        """Take in what is new; False where the file is not the one read before."""
        try:
            with file.open("rb") as lines:
                if lines.read(len(self.first)) != self.first:
                    return False
                lines.seek(self.end)
                new = lines.read()
        except OSError:
            return self.end == 0
        whole = new[: new.rfind(b"\n") + 1]
        self.first = self.first or whole[: whole.find(b"\n") + 1]
        self.end += len(whole)
        for line in whole.decode("utf-8", errors="replace").splitlines():
            self._take(line)
        return True

    def history(self) -> History:
        """What was read so far."""
        courses = (*self.over, self._course())
        return History(
            courses, self.planned[0], self.latest, self.pace, self.began, self.pretraining
        )

    def _course(self) -> Course:
        epochs = tuple(self.epochs[number] for number in sorted(self.epochs))
        return Course(tuple(self.steps), epochs)

    def _take(self, line: str) -> None:
        try:
            event = json.loads(line)
            kind = event["kind"]
            if kind in _TAKE:
                _TAKE[kind](self, event)
        except (ValueError, KeyError, TypeError):
            return
        self.latest = event

    def _begin(self, event: Event) -> None:
        self.planned = (int(event["epochs"]), int(event["steps"]))
        self._begin_course()
        self.pace, self.pretraining = None, False
        self.began = str(event.get("time", ""))

    def _begin_course(self) -> None:
        if self.is_over:
            self.over.append(self._course())
        self.is_over = False
        self.steps.clear()
        self.epochs.clear()

    def _finish(self, event: Event) -> None:
        self.is_over = True

    def _pretrain(self, event: Event) -> None:
        if self.is_over:
            self._begin_course()
        self.pace, self.pretraining = event, True

    def _add_step(self, event: Event) -> None:
        step = Step(int(event["step"]), float(event["epoch"]), float(event["loss"]))
        self._forget_beyond(step.step - 1)
        self.steps.append(step)
        self.pace = event

    def _add_epoch(self, event: Event) -> None:
        number = int(event["epoch"])
        numbers = {name: float(x) for name, x in event.items() if isinstance(x, int | float)}
        self.epochs[number] = Epoch(number, numbers)

    def _go_back(self, event: Event) -> None:
        step, (epochs, steps) = int(event["step"]), self.planned
        self._forget_beyond(step)
        # Epochs are equally long, so that epoch e ends with step e * steps / epochs.
        for number in [number for number in self.epochs if number * steps > step * epochs]:
            del self.epochs[number]
        self.pace, self.is_over = None, False
        self.pretraining = False
        self.began = str(event.get("time", ""))

    def _forget_beyond(self, step: int) -> None:
        while self.steps and self.steps[-1].step > step:
            self.steps.pop()


_TAKE = {
    "start": _Reader._begin,
    "pretraining": _Reader._pretrain,
    "step": _Reader._add_step,
    "epoch": _Reader._add_epoch,
    "resume": _Reader._go_back,
    "end": _Reader._finish,
}
_readers: dict[Path, _Reader] = {}
_lock = threading.Lock()
