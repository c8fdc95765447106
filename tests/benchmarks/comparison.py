"""How long a comparison of two long texts takes, and of two models with other heads.

    python -m tests.benchmarks.comparison [--words 600] [--checkpoint A] [--with-checkpoint B]

Texts as long as the shipped checkpoint reads are compared part by part.
"""

import argparse
import random
import time
from collections.abc import Callable
from typing import TypeVar

from viz.comparison.alignment import align_words
from viz.comparison.compare import attribute_both, open_model
from viz.comparison.distance_statistics import DistanceStatistics
from viz.comparison.readings import compare_readings
from viz.comparison.shared_classes import share_classes
from viz.model.classifier import default_checkpoint
from viz.widgets.atlas.payload import payload

Result = TypeVar("Result")
TEXT = (
    "the company said oil prices rose on monday but analysts were not sure why and markets fell "
    "while traders in london waited for news of a deal between two banks"
)


def measure(what: str, run: Callable[[], Result]) -> Result:
    """Print what the fastest of three runs takes."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - started)
    print(f"{what}: {min(times):.2f} s", flush=True)
    return result


def main() -> None:
    """Print the seconds of each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=600)
    parser.add_argument("--checkpoint", default=str(default_checkpoint()))
    parser.add_argument("--with-checkpoint")
    options = parser.parse_args()
    draw = random.Random(0)
    words = draw.choices(TEXT.split(), k=options.words)
    other = [word if draw.random() > 0.1 else draw.choice(words) for word in words]
    classifier = open_model(options.checkpoint)
    readings = classifier.read(" ".join(words)), classifier.read(" ".join(other))
    encodings = readings[0].encoding, readings[1].encoding
    alignment = measure("which words belong together", lambda: align_words(*encodings))
    print(f"{len(alignment.edits)} edits, {len(alignment.changed)} of them changes")
    classes = share_classes(readings[0].prediction, readings[1].prediction)
    pair = (classifier, classifier)
    measure("scores of both texts", lambda: attribute_both(pair, readings, classes))
    compared = measure("distances of all heads", lambda: compare_readings(*readings))
    differences = measure("differences of all heads", compared.differences)
    statistics = DistanceStatistics.of(compared.require_heads())
    measure("what the browser is sent of them", lambda: payload(differences, statistics))
    if options.with_checkpoint:
        second = open_model(options.with_checkpoint).read(" ".join(words))
        nearest = measure(
            "nearest heads of another model",
            lambda: compare_readings(readings[0], second, matching="nearest"),
        )
        print(f"searched by {nearest.require_heads().n_searched} rows")


if __name__ == "__main__":
    main()
