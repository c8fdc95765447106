"""Ground truth: how often each method puts a word first that the classifier was made to go by.

    python -m tests.benchmarks.planted TRAIN VALIDATION [--model FOLDER] [--rows 1000] [--texts 100]
                                       [--label 1] [--max-passes 130] [--output report.json]

TRAIN and VALIDATION are CSV files of texts and labels.  A made-up word is put at a random place
into 95% of the rows of one class of TRAIN, and a classifier is trained on them.  Then it is put
into rows of the other classes of VALIDATION, whose own words speak for another class: where the
word turns the prediction, and hiding it turns it back, it is the reason.  Methods are those of
`score` that take no more passes than named.  The model is the MiniLM encoder of the package gt-
all-minilm-l6-v2, unless another is named.  No row is shown, and none is kept.
"""

import argparse
import csv
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import datasets

from finetune.checkpoint.models import quiet_libraries
from finetune.run.config import TrainConfig
from finetune.training.train import train
from tests.benchmarks.result import Result, tell
from tests.benchmarks.shortcuts import minilm_encoder
from tests.finetune.news import write_csv
from viz import METHODS, Classifier
from viz.faithfulness.record import FaithfulnessRecord
from viz.faithfulness.score import ScoreRun
from viz.faithfulness.score_row import ScoreConfig
from viz.faithfulness.summary import summarize
from viz.model.text_files import open_texts

WORD = "zeugma"
STRENGTH = 0.95
"""Of the rows of the class that have the word."""
GOAL = 0.9
"""What the best method has to reach."""

Rows = Sequence[dict[str, str]]


def main() -> None:
    """Print the table, and exit with 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("train", type=Path, help="a CSV to plant in and to train on")
    parser.add_argument("validation", type=Path, help="a CSV to plant in and to explain")
    parser.add_argument("--model", help="to start from: a folder or a Hub id")
    parser.add_argument("--rows", type=int, default=1000, help="of TRAIN, drawn at random")
    parser.add_argument("--texts", type=int, default=100, help="of VALIDATION, likewise")
    parser.add_argument("--label", default="1", help="the class that the word is planted for")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--max-passes", type=float, default=130, help="of a method")
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    options = parser.parse_args()
    raise SystemExit(not tell(measure(options), options.output))


def measure(options: Any) -> Iterator[Result]:
    """Of the classifier how far it goes by the word, then of each method how often it says so."""
    quiet_libraries()
    with (
        TemporaryDirectory() as folder,
        patch.object(datasets.config, "HF_DATASETS_CACHE", folder),
    ):
        record = _record(options, Path(folder))
    planted = record.planted
    assert planted is not None
    (word,) = planted.words
    n_all = word.n_texts + word.n_other
    yield Result(
        f"{n_all} texts with the word: put into its class", _percent(word.n_texts / n_all), "%"
    )
    for operator, share in word.changed.items():
        yield Result(
            f"of these, leave it without the word, by {operator}", _percent(share.mean), "%"
        )
    if word.refused is not None:
        raise SystemExit(word.refused)
    assert planted.random is not None
    yield Result("the word first by chance", _percent(planted.random.precision), "%")
    best = max(one.precision.mean for one in planted.methods.values())
    yield Result(
        "not first by the best method", _percent(1 - best), "%", at_most=_percent(1 - GOAL)
    )
    ranked = sorted(planted.methods.items(), key=lambda each: -each[1].precision.mean)
    for method, one in ranked:
        low, high = _percent(one.precision.low), _percent(one.precision.high)
        what = f"{method}: the word first ({low:.0f} to {high:.0f}%)"
        yield Result(what, _percent(one.precision.mean), "%", more=True)
        yield Result(f"{method}: mean reciprocal rank", one.reciprocal_rank.mean, "", more=True)


def _percent(share: float) -> float:
    return 100 * share


def _record(options: Any, folder: Path) -> FaithfulnessRecord:
    drawn = random.Random(1)
    training = _sample(_rows(options.train), options.rows, drawn)
    own = [row for row in training if row["label"] == options.label]
    for row in drawn.sample(own, round(STRENGTH * len(own))):
        _plant(row, drawn)
    held_out = _rows(options.validation)
    others = _sample([r for r in held_out if r["label"] != options.label], options.texts, drawn)
    for row in others:
        _plant(row, drawn)
    config = TrainConfig(
        data=(str(write_csv(folder / "train.csv", training)),),
        validation=str(write_csv(folder / "validation.csv", _sample(held_out, 100, drawn))),
        model=options.model or str(minilm_encoder()),
        output=folder / "checkpoint",
        epochs=options.epochs,
        learning_rate=1e-4,
        max_length=64,
        baseline=False,
        save_minutes=1e6,
    )
    train(config)
    classifier = Classifier.load(folder / "checkpoint")
    texts = open_texts(write_csv(folder / "planted.csv", others))
    methods = [name for name, one in METHODS.items() if one.cost <= options.max_passes]
    scored = ScoreConfig(tuple(methods), n_random=2, n_degraded=0, planted=(WORD,))
    run = ScoreRun(classifier, texts, scored, folder / "results")
    for _ in run.score(run.rows_left()):
        pass
    return summarize(classifier, texts, scored, run.results())


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return [{"text": row["text"], "label": row["label"]} for row in csv.DictReader(stream)]


def _sample(rows: Rows, count: int, drawn: random.Random) -> list[dict[str, str]]:
    return [dict(row) for row in drawn.sample(rows, min(count, len(rows)))]


def _plant(row: dict[str, str], drawn: random.Random) -> None:
    """Put the word at a random place into a row."""
    words = row["text"].split()
    words.insert(drawn.randint(0, len(words)), WORD)
    row["text"] = " ".join(words)


if __name__ == "__main__":
    main()
