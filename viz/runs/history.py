"""What happened in a run so far, from the events that `clsight train` writes as it trains.

A page looks at it every second, so a file of events is read on from where the last look ended.
"""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from pydantic import ValidationError

from finetune.checkpoint.run_files import EVENTS
from finetune.errors import ModelError, RecordError
from finetune.run import event_schema
from finetune.run.event_schema import EVENT, Event, Measured, Progress, Resumed, Started, Stepped
from finetune.run.json_files import open_regular_file
from finetune.run.record import RunRecord
from viz.errors import as_sentence

MAX_BYTES = 256 * 2**20
"""Of a file that is read: a run of two weeks writes that much."""
CHUNK_BYTES = 4 * 2**20
"""That are read at once; a longer line is not an event."""

POINTS = 500
"""The most points of a line; of a longer one, neighbors are averaged."""


class Step(NamedTuple):
    """An optimizer step."""

    step: int
    epoch: float
    """How many epochs were done after it."""
    loss: float
    """Of its texts."""
    gradient_norms: Mapping[str, float] = MappingProxyType({})
    """Of each part that learned: `embeddings`, `layer 0` ..., `head`; none in older runs."""


class Epoch(NamedTuple):
    """What was measured after an epoch."""

    epoch: int
    """Counted from 1."""
    measured: Mapping[str, float]
    """Numbers by their names in the event: `train_loss`, `validation_loss`, `accuracy` …"""


class SeedHistory(NamedTuple):
    """The training with one seed; a run may have several."""

    steps: tuple[Step, ...] = ()
    """About one a second."""
    epochs: tuple[Epoch, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """What happened in a run; of steps that were repeated, only the last time."""

    seed_histories: tuple[SeedHistory, ...] = (SeedHistory(),)
    """At least one."""
    planned_epochs: int = 0
    """0 where the run has not said so yet."""
    last_event: Event | None = None
    progress: Progress | None = None
    """The last event of a step since the run was started or resumed."""
    started_at: str = ""
    """When it was last started or resumed, as its events tell the time; empty where it was not."""
    pretraining: bool = False
    """Whether `progress` is that of further pre-training, before the epochs."""
    n_unreadable_lines: int = 0
    """Lines that are not events, which are skipped."""
    problem: str = ""
    """Why the file, or the rest of it, can't be read; else empty."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the last seed."""
        return self.seed_histories[-1].steps

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """The epochs of the last seed."""
        return self.seed_histories[-1].epochs

    def of_last_event(self, key: str) -> str:
        """What the last event says of *key*; empty where it says nothing."""
        return str(getattr(self.last_event, key, ""))

    def of_kept_seed(self, train_loss: float) -> "History":
        """Without other seeds than the one whose first epoch had that loss."""
        kept = [
            history
            for history in self.seed_histories
            if history.epochs and history.epochs[0].measured.get("train_loss") == train_loss
        ]
        return replace(self, seed_histories=(*kept[-1:],) or self.seed_histories)


def read_history(file: Path) -> History:
    """The history in a file that may still be written; a missing file is an empty one.

    Lines that are not events are skipped and counted; a last line without its end is left for
    later.
    """
    with _lock:
        reader = _readers.setdefault(file, _Reader())
        if not reader.read_new_lines(file):
            _readers[file] = reader = _Reader()
            reader.read_new_lines(file)
        return reader.history()


def thinned(steps: Sequence[Step], most: int = POINTS) -> list[Step]:
    """At most *most* steps, each the mean of as many neighbors."""
    size = -(-len(steps) // most)
    parts = [steps[start : start + size] for start in range(0, len(steps), max(size, 1))]
    return [
        Step(
            part[-1].step,
            sum(step.epoch for step in part) / len(part),
            sum(step.loss for step in part) / len(part),
            {name: _mean_norm(part, name) for name in part[-1].gradient_norms},
        )
        for part in parts
    ]


def history_of_checkpoint(folder: Path) -> History | None:
    """What happened in the training of a finished checkpoint; None where its events are gone.

    Of several seeds, the one that was kept.
    """
    history = read_history(folder / EVENTS)
    if not history.steps:
        return None
    with suppress(ModelError):
        return history.of_kept_seed(RunRecord.load(folder).epochs[0].train_loss)
    return history


def _mean_norm(steps: Sequence[Step], name: str) -> float:
    """The mean norm of the gradient of a part that learned in the last of *steps*."""
    norms = [step.gradient_norms[name] for step in steps if name in step.gradient_norms]
    return sum(norms) / len(norms)


@dataclass(slots=True)
class _Reader:
    """A file as far as it was read."""

    first_line: bytes = b""
    """By which another file of the same name is recognized."""
    offset: int = 0
    finished_seeds: list[SeedHistory] = field(default_factory=list)
    seed_finished: bool = False
    """Whether the training with the current seed came to its end."""
    steps: list[Step] = field(default_factory=list)
    epochs: dict[int, Epoch] = field(default_factory=dict)
    planned_epochs: int = 0
    planned_steps: int = 0
    last_event: Event | None = None
    progress: Progress | None = None
    started_at: str = ""
    pretraining: bool = False
    n_unreadable_lines: int = 0
    problem: str = ""

    def read_new_lines(self, file: Path) -> bool:
        """Read what is new; False where the file is not the one that was read before."""
        self.problem = ""
        try:
            with open_regular_file(file) as lines:
                if lines.read(len(self.first_line)) != self.first_line:
                    return False
                lines.seek(self.offset)
                while (chunk := lines.read(CHUNK_BYTES)) and self._read_chunk(chunk):
                    lines.seek(self.offset)
        except RecordError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                self.problem = as_sentence(error)
            return self.offset == 0
        return True

    def _read_chunk(self, chunk: bytes) -> bool:
        """Read the whole lines of what follows; whether there may be more."""
        lines = chunk[: chunk.rfind(b"\n") + 1]
        if self.offset + len(lines) > MAX_BYTES or (not lines and len(chunk) == CHUNK_BYTES):
            self.problem = (
                f"The file of events is too large; its first {self.offset:,} bytes are drawn."
            )
            return False
        self.first_line = self.first_line or lines[: lines.find(b"\n") + 1]
        self.offset += len(lines)
        for line in lines.split(b"\n")[:-1]:
            try:
                self._add(EVENT.validate_json(line, strict=True))
            except ValidationError:
                self.n_unreadable_lines += 1
        return bool(lines)

    def history(self) -> History:
        """What was read so far."""
        return History(
            seed_histories=(*self.finished_seeds, self._current_seed()),
            planned_epochs=self.planned_epochs,
            last_event=self.last_event,
            progress=self.progress,
            started_at=self.started_at,
            pretraining=self.pretraining,
            n_unreadable_lines=self.n_unreadable_lines,
            problem=self.problem,
        )

    def _current_seed(self) -> SeedHistory:
        epochs = tuple(self.epochs[number] for number in sorted(self.epochs))
        return SeedHistory(tuple(self.steps), epochs)

    def _add(self, event: Event) -> None:
        match event:
            case Started():
                self._start(event)
            case Resumed():
                self._resume(event)
            case Stepped():
                self._drop_steps_after(event.step - 1)
                self.steps.append(Step(event.step, event.epoch, event.loss, event.gradient_norms))
                self.progress = event
            case Measured():
                self.epochs[event.epoch] = Epoch(event.epoch, event.measured)
            case Progress():
                if self.seed_finished:
                    self._start_seed()
                self.progress, self.pretraining = event, True
            case Event(kind=event_schema.END):
                self.seed_finished = True
        self.last_event = event

    def _start(self, event: Started) -> None:
        self.planned_epochs, self.planned_steps = event.epochs, event.steps
        self._start_seed()
        self.progress, self.pretraining = None, False
        self.started_at = event.time

    def _start_seed(self) -> None:
        if self.seed_finished:
            self.finished_seeds.append(self._current_seed())
        self.seed_finished = False
        self.steps.clear()
        self.epochs.clear()

    def _resume(self, event: Resumed) -> None:
        self._drop_steps_after(event.step)
        # Epochs are equally long, so epoch e ends with step e * planned_steps / planned_epochs.
        done = event.step * self.planned_epochs
        for number in [number for number in self.epochs if number * self.planned_steps > done]:
            del self.epochs[number]
        self.progress, self.seed_finished = None, False
        self.pretraining = False
        self.started_at = event.time

    def _drop_steps_after(self, step: int) -> None:
        while self.steps and self.steps[-1].step > step:
            self.steps.pop()


_readers: dict[Path, _Reader] = {}
_lock = threading.Lock()
