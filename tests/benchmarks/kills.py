"""Training killed by the system at any moment, and what becomes of it.

    python -m tests.benchmarks.kills [--kills 20] [--seed 0] [--precision float32|bfloat16]
                                     [--output report.json]

One run of `python -m finetune train` on made-up texts goes through, on one thread, in float32 or
bfloat16 (one after the other unless `--precision` names one), and with a
snapshot after nearly every step.  The others are the same run, killed by SIGKILL at a moment drawn
from all the time that it takes: start, steps, snapshots, evaluation and the last writing.  After a
kill each snapshot has to open as a checkpoint, and the output folder has to be whole or not there.
Then the run is resumed, and one time in three killed again; in the end it must have made the same
weights and the same epochs.
"""

import argparse
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from finetune.checkpoint.folder import WEIGHTS
from finetune.checkpoint.models import load_checkpoint, quiet_libraries
from finetune.checkpoint.run_files import CHECKPOINTS, EVENTS, SETTINGS
from finetune.errors import FinetuneError
from finetune.run.output_folder import working_path
from finetune.run.record import RunRecord
from finetune.run.snapshot_folders import Snapshots
from tests.benchmarks.result import Result, tell, timed
from tests.finetune.news import news, write_csv
from tests.tiny_models import tiny_checkpoint

PRECISIONS = ("float32", "bfloat16")
ROWS, EPOCHS = 240, 5
LEARNING_RATE, RUN_SEED = 3e-5, 2
"""With these the last epoch is the best: what is saved depends on every step."""
AGAIN = 1 / 3
"""How often a resumed run is killed too."""
BEFORE, DURING, AFTER = "before the first snapshot", "in training", "after the last step"


@dataclass(frozen=True, slots=True)
class Whole:
    """What a run that nothing stops takes and leaves."""

    seconds: float
    files: frozenset[str]
    weights: bytes
    record: RunRecord


@dataclass(frozen=True, slots=True)
class Kill:
    """When a run was killed, and what was found after it."""

    seconds: float
    phase: str
    opened: int
    """Snapshots that open."""
    unopened: tuple[str, ...]
    """What is wrong with those that don't."""
    broken: str
    """What is wrong with the output folder; empty where it is whole or not there."""

    def __str__(self) -> str:
        """All of it in a line."""
        found = f"{self.seconds:.1f} s {self.phase}"
        return "; ".join(filter(None, [found, *self.unopened, self.broken]))


@dataclass(slots=True)
class Story:
    """What one run went through, and what came of it."""

    kills: list[Kill] = field(default_factory=list)
    wrong: str = ""
    """Why it did not end as the whole run did; empty where it did."""


@dataclass(frozen=True, slots=True)
class Room:
    """The base model, the rows and the dice of all runs."""

    folder: Path
    chance: random.Random
    precision: str

    def prepare(self) -> None:
        """Make a small random BERT and texts for it."""
        tiny_checkpoint(self.folder / "base")
        write_csv(self.folder / "news.csv", news(ROWS))

    def train(self, output: Path, *more: str) -> list[str]:
        """The command of a run."""
        options = {
            "data": self.folder / "news.csv", "model": self.folder / "base", "output": output,
            "epochs": EPOCHS, "batch-size": 4, "learning-rate": LEARNING_RATE, "seed": RUN_SEED,
            "save-minutes": 0.001, "precision": self.precision,
        }  # fmt: skip
        given = [f"--{name}={value}" for name, value in options.items()]
        return [*_COMMAND, "train", "--no-baseline", *given, *more]

    def resume(self, output: Path) -> list[str]:
        """One of the two commands that go on with a run; `resume` needs one that has begun."""
        begun = (working_path(output) / SETTINGS).is_file()
        if begun and self.chance.random() < 0.5:
            return [*_COMMAND, "resume", str(output)]
        return self.train(output, "--resume")


_COMMAND = (sys.executable, "-m", "finetune")


def main() -> None:
    """Print the table, and exit with 1 unless every run ended as if it had not been killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="runs that are killed")
    parser.add_argument("--seed", type=int, default=0, help="chooses the moments")
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="in which runs compute; by default all of them in each",
    )
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    options = parser.parse_args()
    sys.exit(not tell(measure(options.kills, options.seed, options.precision), options.output))


def measure(kills: int = 20, seed: int = 0, precision: str | None = None) -> Iterator[Result]:
    """What became of all runs, in both precisions or in one; each is told of as it ends."""
    for each in PRECISIONS if precision is None else (precision,):
        yield from _measure(kills, seed, each)


def _measure(kills: int, seed: int, precision: str) -> Iterator[Result]:
    quiet_libraries()
    with TemporaryDirectory() as folder:
        room = Room(Path(folder), random.Random(seed), precision)
        room.prepare()
        whole = _whole(room)
        print(f"{kills} runs of {whole.seconds:.1f} s in {precision}, seed {seed}", flush=True)
        stories: list[Story] = []
        while len(stories) < kills:
            story = _story(room, whole)
            if story.kills:  # else it was over before its moment came
                stories.append(story)
                _tell(len(stories), story)
    yield from _results(stories, precision)


def _tell(number: int, story: Story) -> None:
    killed = ", then ".join(map(str, story.kills))
    print(f"{number:4d}  killed at {killed}: {story.wrong or 'the same weights'}", flush=True)


def _results(stories: list[Story], precision: str) -> Iterator[Result]:
    kills = [kill for story in stories for kill in story.kills]
    phases = Counter(kill.phase for kill in kills)
    when = ", ".join(f"{phases[phase]} {phase}" for phase in (BEFORE, DURING, AFTER))
    wrong = sum(bool(story.wrong) for story in stories)
    share = f"of {len(stories)} ({len(kills)} kills: {when})"
    what = f"killed runs in {precision} that end otherwise, {share}"
    yield Result(what, wrong, "runs", at_most=0)
    unopened = sum(len(kill.unopened) for kill in kills)
    found = unopened + sum(kill.opened for kill in kills)
    what = f"snapshots that don't open after a kill, of {found}"
    yield Result(what, unopened, "snapshots", at_most=0)
    broken = sum(bool(kill.broken) for kill in kills)
    yield Result("output folders not whole after a kill", broken, "folders", at_most=0)


def _whole(room: Room) -> Whole:
    """The run without a kill, made twice: the first finds cold files, and both must be the same.

    Raises:
        AssertionError: They are not, or the last epoch is not the best.
    """
    outputs = [room.folder / name for name in ("cold", "whole")]
    seconds = []
    for output in outputs:
        took, done = timed(partial(_run, room.train(output)))
        seconds.append(took)
        if done is None or done.returncode:
            raise AssertionError(f"a run that nothing stops failed: {_last_line(done)}")
    weights = [(output / WEIGHTS).read_bytes() for output in outputs]
    record = RunRecord.load(outputs[-1])
    if weights[0] != weights[1]:
        raise AssertionError("two runs that nothing stops end in different weights")
    if record.best_epoch != EPOCHS:
        raise AssertionError(f"the best epoch is {record.best_epoch}; it has to be the last")
    files = frozenset(path.name for path in outputs[-1].iterdir())
    return Whole(seconds[-1], files, weights[-1], record)


def _story(room: Room, whole: Whole) -> Story:
    """A run that is killed, and resumed until it is over."""
    story, output = Story(), Path(mkdtemp(dir=room.folder)) / "out"
    command, kill = room.train(output), True
    while not output.exists():
        moment = room.chance.uniform(0, whole.seconds) if kill else None
        done = _run(command, moment)
        if moment is not None and done is None:
            story.kills.append(_found(output, whole, moment))
        elif done is None or done.returncode or not output.exists():
            story.wrong = f"{command[3]} ended with: {_last_line(done)}"
            return story
        command, kill = room.resume(output), room.chance.random() < AGAIN
    story.wrong = _difference(output, whole)
    return story


def _run(
    command: list[str], seconds: float | None = None
) -> subprocess.CompletedProcess[str] | None:
    """The command on one thread; None where it had to be killed after so many *seconds*."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    try:
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:  # `run` has killed it by SIGKILL
        return None


def _last_line(done: subprocess.CompletedProcess[str] | None) -> str:
    return (done.stderr if done else "").strip().rpartition("\n")[2]


def _found(output: Path, whole: Whole, seconds: float) -> Kill:
    """What is there after a kill."""
    snapshots = Snapshots(working_path(output) / CHECKPOINTS)
    places = [snapshots.path(step) for step in snapshots.steps()]
    wrong = list(filter(None, map(_unopened, places)))
    return Kill(
        seconds=seconds,
        phase=_phase(output, any_snapshot=bool(places)),
        opened=len(places) - len(wrong),
        unopened=tuple(wrong),
        broken=_difference(output, whole) if output.exists() else "",
    )


def _phase(output: Path, *, any_snapshot: bool) -> str:
    """How far a run had come, by its files."""
    if output.exists() or any(map(_is_last, _events(working_path(output)))):
        return AFTER
    return DURING if any_snapshot else BEFORE


def _events(work: Path) -> Iterator[dict[str, Any]]:
    """What happened since the run was begun or resumed, the newest first."""
    file = work / EVENTS
    for line in reversed(file.read_text("utf-8").splitlines() if file.is_file() else []):
        event = json.loads(line)
        yield event
        if event["kind"] in ("start", "resume"):
            return


def _is_last(event: dict[str, Any]) -> bool:
    """Whether it tells of the last step, or of the end that follows it."""
    kind, at = event["kind"], (event.get("step"), event.get("steps"))
    return bool(kind == "end" or (kind == "step" and at[0] == at[1]))


def _unopened(snapshot: Path) -> str:
    """Why a snapshot doesn't open as a checkpoint; empty where it does."""
    try:
        load_checkpoint(str(snapshot))
    except FinetuneError as error:
        there = ", ".join(sorted(path.name for path in snapshot.iterdir()))
        return f"{snapshot.name} ({there or 'empty'}): {error}"
    return ""


def _difference(output: Path, whole: Whole) -> str:
    """What tells an output folder from that of the whole run; empty where nothing does."""
    files = {path.name for path in output.iterdir()}
    if files != whole.files:
        return f"files that differ: {', '.join(sorted(files ^ whole.files))}"
    if (output / WEIGHTS).read_bytes() != whole.weights:
        return "other weights"
    try:
        load_checkpoint(str(output))
        record = RunRecord.load(output)
    except FinetuneError as error:
        return str(error)
    return "" if record.epochs == whole.record.epochs else "other epochs"


if __name__ == "__main__":
    main()
