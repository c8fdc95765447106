"""What happened in a run so far, from the events that `python -m finetune` writes as it trains.

A file of events is read on from where it was left, since a page looks at it every second.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from finetune.errors import RecordError
from finetune.run.json_files import open_regular_file
from viz.errors import as_sentence
from viz.runs.events import EVENT, Event, Measured, Pace, Resumed, Started, Stepped

MOST_BYTES = 256 * 2**20
"""The largest file that is read: of a run of two weeks."""
CHUNK = 4 * 2**20
"""Bytes that are read at once; a longer line is no event."""


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
    pace: Pace | None = None
    """The last event of a step since the run was started or resumed."""
    began: str = ""
    """When it was last started or resumed, as its events tell the time; empty where it was not."""
    pretraining: bool = False
    """Whether `pace` is that of further pre-training, before the epochs."""
    unread: int = 0
    """Lines that are no event, which are passed over."""
    damage: str = ""
    """Why the file, or what follows in it, can't be read; else empty."""

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
        return str(getattr(self.latest, key, ""))

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

    What is no event is passed over and counted; a last line without its end is left for later.
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
    pace: Pace | None = None
    began: str = ""
    pretraining: bool = False
    unread: int = 0
    damage: str = ""

    def read_on(self, file: Path) -> bool:
        """Take in what is new; False where the file is not the one read before."""
        self.damage = ""
        try:
            with open_regular_file(file) as lines:
                if lines.read(len(self.first)) != self.first:
                    return False
                lines.seek(self.end)
                while new := lines.read(CHUNK):
                    if not self._take_in(new):
                        break
                    lines.seek(self.end)
        except RecordError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                self.damage = as_sentence(error)
            return self.end == 0
        return True

    def _take_in(self, new: bytes) -> bool:
        """Take in the whole lines of what follows; whether there is more to read."""
        whole = new[: new.rfind(b"\n") + 1]
        if self.end + len(whole) > MOST_BYTES or (not whole and len(new) == CHUNK):
            self.damage = (
                f"The file of events is too large; its first {self.end:,} bytes are drawn."
            )
            return False
        self.first = self.first or whole[: whole.find(b"\n") + 1]
        self.end += len(whole)
        for line in whole.split(b"\n")[:-1]:
            self._take(line)
        return bool(whole)

    def history(self) -> History:
        """What was read so far."""
        courses = (*self.over, self._course())
        return History(
            courses,
            self.planned[0],
            self.latest,
            self.pace,
            self.began,
            self.pretraining,
            self.unread,
            self.damage,
        )

    def _course(self) -> Course:
        epochs = tuple(self.epochs[number] for number in sorted(self.epochs))
        return Course(tuple(self.steps), epochs)

    def _take(self, line: bytes) -> None:
        try:
            event = EVENT.validate_json(line, strict=True)
        except ValidationError:
            self.unread += 1
            return
        match event:
            case Started():
                self._begin(event)
            case Resumed():
                self._go_back(event)
            case Stepped():
                self._add_step(event)
            case Measured():
                self.epochs[event.epoch] = Epoch(event.epoch, event.measured)
            case Pace():
                self._pretrain(event)
            case Event(kind="end"):
                self.is_over = True
        self.latest = event

    def _begin(self, event: Started) -> None:
        self.planned = (event.epochs, event.steps)
        self._begin_course()
        self.pace, self.pretraining = None, False
        self.began = event.time

    def _begin_course(self) -> None:
        if self.is_over:
            self.over.append(self._course())
        self.is_over = False
        self.steps.clear()
        self.epochs.clear()

    def _pretrain(self, event: Pace) -> None:
        if self.is_over:
            self._begin_course()
        self.pace, self.pretraining = event, True

    def _add_step(self, event: Stepped) -> None:
        self._forget_beyond(event.step - 1)
        self.steps.append(Step(event.step, event.epoch, event.loss))
        self.pace = event

    def _go_back(self, event: Resumed) -> None:
        epochs, steps = self.planned
        self._forget_beyond(event.step)
        # Epochs are equally long, so that epoch e ends with step e * steps / epochs.
        for number in [number for number in self.epochs if number * steps > event.step * epochs]:
            del self.epochs[number]
        self.pace, self.is_over = None, False
        self.pretraining = False
        self.began = event.time

    def _forget_beyond(self, step: int) -> None:
        while self.steps and self.steps[-1].step > step:
            self.steps.pop()


_readers: dict[Path, _Reader] = {}
_lock = threading.Lock()
