"""Labels flipped at random: how many of the first in the ranking, and the area under its curve.

    python -m tests.benchmarks.label_errors FILE [--checkpoint FOLDER] [--share 0.05] [--seeds 5]

FILE is a labeled file that the checkpoint was not trained on, such as a validation split.  The peer
is cleanlab, by self-confidence and by the normalized margin, on the classifier's own probabilities.
Rows whose label is wrong already count as misses of either; how many of ours rank as high when
nothing is planted is said, too.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from statistics import mean

import numpy as np
from cleanlab.rank import get_label_quality_scores
from sklearn.metrics import average_precision_score

from finetune.checkpoint.arrays import FloatArray, IntArray
from tests.benchmarks.result import Result, tell
from viz.data.labels.confident_learning import confident_errors, label_loss
from viz.data.labels.label_probabilities import LabelProbabilities, estimate_probabilities
from viz.data.options import AuditOptions
from viz.data.rows.audit_rows import open_rows
from viz.data.rows.row_predictions import predict
from viz.model.classifier import Classifier, default_checkpoint
from viz.types import BoolArray

FIRST = 100
"""Rows of the ranking that somebody may look at."""
PLANTED_GOAL = 80
"""Of the first hundred."""
PEERS = ("self_confidence", "normalized_margin")


def main() -> None:
    """Print the table; write it as JSON where `--output` says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, help="rows with labels")
    parser.add_argument("--checkpoint", default=default_checkpoint(), help="a folder or a Hub id")
    parser.add_argument("--share", type=float, default=0.05, help="of the labels, flipped")
    parser.add_argument("--seeds", type=int, default=5, help="how many times")
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    options = parser.parse_args()
    tell(measure(options.file, options.checkpoint, options.share, options.seeds), options.output)


def measure(file: Path, checkpoint: Path | str, share: float, seeds: int) -> Iterator[Result]:
    """Each number, a mean over the seeds."""
    classifier = Classifier.load(checkpoint)
    rows = open_rows(file, classifier)
    predictions = predict(classifier, rows.texts, rows.pairs, states=True)

    def estimated(gold: IntArray) -> LabelProbabilities:
        held_out = AuditOptions(trained_on="no")
        flipped = replace(rows, gold=gold)
        known = estimate_probabilities(classifier, flipped, predictions, held_out)
        assert isinstance(known, LabelProbabilities)
        return known

    assert rows.gold is not None
    truth = rows.gold.astype(int)
    before = estimated(truth)
    numbers = before.numbers
    own = predictions.probabilities[numbers]
    natural = np.zeros(len(truth), bool)
    natural[numbers[_order(_loss(before))[:FIRST]]] = True
    areas: list[float] = []
    planted: list[float] = []
    others: list[float] = []
    precise: list[float] = []
    complete: list[float] = []
    peers: dict[str, list[tuple[float, float]]] = {name: [] for name in PEERS}
    for seed in range(seeds):
        gold, is_flipped = flip(truth, numbers, classifier.n_classes, share, seed)
        known = estimated(gold)
        flips, loss = is_flipped[numbers], _loss(known)
        first = _order(loss)[:FIRST]
        areas.append(average_precision_score(flips, loss))
        planted.append(100 * flips[first].mean())
        others.append(100 * (natural[numbers[first]] & ~flips[first]).mean())
        (question,) = known.questions
        likely = confident_errors(question.labels, question.log_probabilities)
        precise.append(100 * flips[likely].mean())
        complete.append(100 * likely[flips].mean())
        for name in PEERS:
            doubt = -get_label_quality_scores(gold[numbers], own, method=name)
            first = _order(doubt)[:FIRST]
            area = average_precision_score(flips, doubt)
            peers[name].append((area, 100 * flips[first].mean()))
    library = f"cleanlab {version('cleanlab')}"
    for name in PEERS:
        area = mean(area for area, _ in peers[name])
        method = f"{library}, {name}"
        yield Result("area under precision-recall", mean(areas), "", area, method, 1, more=True)
    least = min(ours - theirs for ours, (theirs, _) in zip(areas, peers[PEERS[0]], strict=True))
    yield Result("least lead over the first peer, any seed", least, "", more=True)
    of_first = f"planted of the first {FIRST}"
    yield Result(of_first, mean(planted), "%", PLANTED_GOAL, "the goal", 1, more=True)
    theirs = mean(first for _, first in peers[PEERS[0]])
    yield Result(of_first, mean(planted), "%", theirs, f"{library}, {PEERS[0]}", more=True)
    yield Result("others that rank as high when nothing is planted", mean(others), "%")
    yield Result("planted of all counted as likely", mean(precise), "%", more=True)
    yield Result("counted as likely of all planted", mean(complete), "%", more=True)


def flip(
    truth: IntArray, numbers: IntArray, n_classes: int, share: float, seed: int
) -> tuple[IntArray, BoolArray]:
    """Labels of which a share is moved to another class at random, and which these are.

    Args:
        truth: The class of each row.  (N,)
        numbers: The rows that may be chosen.
        n_classes: How many classes there are.
        share: Of these rows, how many.
        seed: Of the choice.
    """
    random = np.random.default_rng(seed)
    chosen = random.choice(numbers, round(share * len(numbers)), replace=False)
    labels, flipped = truth.copy(), np.zeros(len(truth), bool)
    labels[chosen] = (truth[chosen] + random.integers(1, n_classes, len(chosen))) % n_classes
    flipped[chosen] = True
    return labels, flipped


def _loss(known: LabelProbabilities) -> FloatArray:
    (question,) = known.questions
    return label_loss(question.labels, question.log_probabilities)


def _order(doubt: FloatArray) -> IntArray:
    order: IntArray = np.argsort(-doubt, kind="stable")
    return order


if __name__ == "__main__":
    main()
