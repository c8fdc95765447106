"""What the history of a training takes, on disk and in time, and how soon a frame is read.

    python -m tests.benchmarks.kept_steps --model ENCODER [--data train.csv] [--rows 660]
                                          [--every 3] [--keep FOLDER] [--output report.json]

A run of three epochs keeps its weights every few steps, 20 frames by default. Each frame is read
back and compared, by its SHA-256, with what the model held when it was kept. Against it stands the
same frame as a file of all weights, which is what `save_pretrained` writes.

The gradient norms are those of any run. No row of the data is shown; `--keep` leaves the trained
folder.
"""

import argparse
import hashlib
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from torch import Tensor

from finetune.checkpoint.models import quiet_libraries
from finetune.errors import FinetuneError
from finetune.run.config import TrainConfig
from finetune.run.history import HistoryFrame, frame_weights, open_history
from finetune.training.gradient_norms import GradientNorms
from finetune.training.kept_steps import HistoryCallback
from finetune.training.plain_weights import plain_weights
from finetune.training.train import train
from tests.benchmarks.result import Result, tell, timed
from tests.benchmarks.training import DATA, Settings, sample


class Watch:
    """Keeps the seconds of calls, and what weights were when they were kept."""

    def __init__(self) -> None:
        self.keeping: list[float] = []
        self.norms: list[float] = []
        self.digests: dict[int, str] = {}
        self.bytes = 0

    def keep(self, keep: Callable[..., None]) -> Callable[..., None]:
        """Wrap what keeps a frame."""

        def timed_keep(callback: HistoryCallback, description: Any) -> None:
            seconds, _ = timed(lambda: keep(callback, description))
            self.keeping.append(seconds)
            weights = plain_weights(callback.run.base.model, callback.run.scale)
            self.digests[description.step] = digest(weights)
            self.bytes = sum(tensor.nbytes for tensor in weights.values())

        return timed_keep

    def measure(self, measure: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap what measures the gradients."""

        def timed_measure(norms: GradientNorms) -> Any:
            seconds, measured = timed(lambda: measure(norms))
            self.norms.append(seconds)
            return measured

        return timed_measure


def digest(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 over all bits of *weights*, by their names."""
    total = hashlib.sha256()
    for name in sorted(weights):
        total.update(name.encode())
        total.update(weights[name].detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()


def main() -> None:
    """Print the table, and exit with 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="the folder of an encoder")
    parser.add_argument("--data", type=Path, default=DATA / "train.csv", help="rows to train on")
    parser.add_argument("--rows", type=int, default=660, help="how many of them")
    parser.add_argument("--every", type=int, default=3, help="steps between two frames")
    parser.add_argument("--keep", type=Path, help="where the trained folder is left")
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    options = parser.parse_args()
    quiet_libraries()
    with TemporaryDirectory() as room:
        rows = sample(Settings(data=options.data, rows=options.rows), Path(room, "rows.csv"))
        checkpoint = Path(room, "checkpoint")
        config = TrainConfig(
            data=(str(rows),), model=options.model, output=checkpoint, keep_steps=options.every,
            baseline=False, save_minutes=1e6, data_name="rows", base_name="encoder",
        )  # fmt: skip
        try:
            passed = tell(measure(config), options.output)
        except FinetuneError as error:
            sys.exit(str(error))
        if options.keep:
            shutil.copytree(checkpoint, options.keep)
    sys.exit(not passed)


def measure(config: TrainConfig) -> Iterator[Result]:
    """Train once and read every frame."""
    watch = Watch()
    with (
        patch.object(HistoryCallback, "_keep", watch.keep(HistoryCallback._keep)),
        patch.object(GradientNorms, "measure", watch.measure(GradientNorms.measure)),
    ):
        train(config, say=lambda _: None)
    history = open_history(config.output)
    frames = [frame for frame in history.frames if frame.step in watch.digests]
    yield Result("frames kept", len(frames), "")
    between = [frame.bytes for frame in frames[1:-1]]
    whole = f"all weights, {watch.bytes / 1e6:.1f} MB"
    yield Result(
        "a frame between the first and the last, mean", statistics.mean(between) / 1e6, "MB",
        watch.bytes / 1e6, whole,
    )  # fmt: skip
    yield Result(
        "the whole history", history.bytes / 1e6, "MB", len(frames) * watch.bytes / 1e6, whole
    )
    yield Result("keeping a frame, mean", statistics.mean(watch.keeping[1:]), "s")
    yield from read_results(config.output, frames, watch.digests)
    yield Result(
        "measuring gradient norms, at most once a second",
        1000 * statistics.median(watch.norms),
        "ms",
        at_most=20,
    )


def read_results(
    checkpoint: Path, frames: list[HistoryFrame], digests: Mapping[int, str]
) -> Iterator[Result]:
    """How soon each frame is read, the first time and again, and whether it is what was kept."""
    for what in ("reading a frame the first time, slowest", "reading it again, slowest"):
        seconds = [timed(partial(frame_weights, checkpoint, frame))[0] for frame in frames]
        yield Result(what, max(seconds), "s", at_most=1)
    started = time.process_time()
    for frame in frames:
        frame_weights(checkpoint, frame)
    computing = (time.process_time() - started) / len(frames)
    yield Result("the same, seconds of computing, mean", computing, "s")
    differ = sum(digest(frame_weights(checkpoint, each)) != digests[each.step] for each in frames)
    yield Result("frames that differ from the model in a bit", differ, "", at_most=0)


if __name__ == "__main__":
    main()
