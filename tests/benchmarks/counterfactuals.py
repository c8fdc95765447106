"""Rows that are flipped by few words: how many, and what finding the words takes.

    python -m tests.benchmarks.counterfactuals FILE [--checkpoint FOLDER] [--rows 20] [--sets 600]
                                               [--known 400] [--masked-model FOLDER]

FILE has labels.  Half of the rows are the most confident errors among the first ones, the others
are drawn at random.  Each flip is checked by reading the text that it names as any text is read.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.benchmarks.result import Result, tell
from viz.data.counterfactuals.counterfactuals import (
    Counterfactual,
    RowCounterfactuals,
    find_counterfactuals,
)
from viz.data.counterfactuals.replacements import data_vocabulary
from viz.data.rows.audit_rows import open_rows
from viz.data.rows.row_predictions import predict
from viz.model.classifier import Classifier, default_checkpoint
from viz.model.masked_language_model import MaskedLanguageModel

FEW = 3
"""Words that count as few."""


def main() -> None:
    """Print the table; write it as JSON where `--output` says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, help="rows with labels")
    parser.add_argument("--checkpoint", default=default_checkpoint(), help="a folder or a Hub id")
    parser.add_argument("--rows", type=int, default=20, help="how many are flipped")
    parser.add_argument("--sets", type=int, help="how many sets of edits of a kind may be tried")
    parser.add_argument("--known", type=int, default=400, help="rows that are read first")
    parser.add_argument("--masked-model", type=Path, help="a folder of a masked language model")
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    tell(measure(options := parser.parse_args()), options.output)


def measure(options: argparse.Namespace) -> Iterator[Result]:
    """Shares of rows, and means over rows."""
    classifier = Classifier.load(options.checkpoint)
    rows = open_rows(options.file, classifier, limit=options.known)
    predictions = predict(classifier, rows.texts, rows.pairs)
    vocabulary = data_vocabulary(classifier, rows, predictions)
    masked_model = options.masked_model and MaskedLanguageModel.load(options.masked_model)
    confidence = predictions.probabilities.max(axis=1)
    wrong = np.flatnonzero(predictions.read & (predictions.predicted != rows.gold))
    errors = wrong[np.argsort(-confidence[wrong], kind="stable")][: options.rows // 2]
    others = np.setdiff1d(np.flatnonzero(predictions.read), errors)
    draw = np.random.default_rng(0)
    random = draw.choice(others, min(len(others), options.rows - len(errors)), replace=False)
    passes: list[float] = []
    flips: dict[str, list[Counterfactual]] = defaultdict(list)
    n_verified = n_flips = 0
    start = time.perf_counter()
    for row in (*errors.tolist(), *random.tolist()):
        result = find_counterfactuals(
            classifier,
            rows,
            predictions,
            row,
            passes.append,
            vocabulary=vocabulary,
            masked_model=masked_model,
            max_sets=options.sets,
        )
        if not isinstance(result, RowCounterfactuals):
            continue
        for item in result.items:
            flips[item.kind].append(item)
            n_flips += 1
            label = classifier.read(item.text, item.pair).prediction.label
            n_verified += label == item.label != result.label
    seconds = time.perf_counter() - start
    n_rows = len(errors) + len(random)
    for kind in ("mask", "delete", "replace"):
        few = [item for item in flips[kind] if len(item.edits) <= FEW]
        for what, items in (
            (f"up to {FEW} words", few),
            ("any number of words", flips[kind]),
            ("and no smaller set does", [item for item in flips[kind] if item.smallest]),
        ):
            yield Result(f"{kind}: flipped by {what}", 100 * len(items) / n_rows, "%", more=True)
    yield Result("flips that are none when read again", n_flips - n_verified, "", at_most=0)
    yield Result("passes for a row", sum(passes) / n_rows, "")
    yield Result("time for a row", seconds / n_rows, "s")


if __name__ == "__main__":
    main()
