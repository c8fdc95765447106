"""Accuracy as heads go, on a labeled file: how long it takes, and what it says.

`python -m tests.benchmarks.head_curve --data test.csv`, with the shipped checkpoint by default;
then half of the heads are cut out, to see what that is worth on disk.
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch

from viz import Classifier
from viz.data.rows.audit_rows import open_rows
from viz.export.accuracy_curve import curve_csv, curve_sentence
from viz.mechanism.ablation.measurement import file_curve
from viz.mechanism.pruning import prune
from viz.mechanism.pruning.selection import least_important
from viz.model.classifier import default_checkpoint


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", default=str(default_checkpoint()))
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--random", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    classifier = Classifier.load(arguments.checkpoint, device="cpu")
    rows = open_rows(arguments.data, classifier)
    start, computed = time.perf_counter(), time.process_time()
    measured = file_curve(
        classifier,
        rows.texts,
        rows.pairs,
        rows.gold,
        n_counted=arguments.rows,
        n_random=arguments.random,
    )
    seconds, cpu = time.perf_counter() - start, time.process_time() - computed
    print(f"{seconds:.0f} s ({cpu:.0f} s of computing), {measured.curve.n_rows:,} texts counted")
    print(curve_csv(measured).decode())
    print(curve_sentence(measured))
    heads = least_important(classifier, measured.importance, measured.importance.size // 2)
    with tempfile.TemporaryDirectory() as folder:
        print(prune(classifier, heads, Path(folder) / "half").sentence)


if __name__ == "__main__":
    main()
