"""Whether every equation holds: random cells unfolded, each right-hand side recomputed in numpy.

    python -m tests.benchmarks.equations [FAMILY ...] [--cells 1000] [--texts 10]

Of each family a small classifier with random weights is built, once in single and once in double
precision.  Cells are drawn over all layers, heads, queries and keys of some texts; every step from
ids to class is recomputed from the operands that are shown.  Steps without an equation are counted.
"""

import argparse
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from tests.families import LONG_TEXT, family_checkpoint
from viz.mechanism.trace.equations import difference, recompute
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.unfold import Unfolder
from viz.model.classifier import Classifier

FAMILIES = ("bert", "distilbert", "modernbert", "deberta-v2", "gpt2")


def main() -> None:
    """Print one line for each family and precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", nargs="*", default=FAMILIES)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--texts", type=int, default=10)
    options = parser.parse_args()
    for family in options.families:
        for dtype in (torch.float32, torch.float64):
            print(line(family, dtype, options.cells, options.texts), flush=True)


def line(family: str, dtype: torch.dtype, n_cells: int, n_texts: int) -> str:
    """How far the two sides of all equations of a family are apart at most."""
    with tempfile.TemporaryDirectory() as folder:
        classifier = Classifier.load(family_checkpoint(Path(folder) / family, family), dtype=dtype)
    steps, missing, worst, weights = 0, 0, 0.0, 0.0
    for text in texts(n_texts):
        reading = classifier.read(text)
        unfolder = Unfolder(classifier, reading)
        gaps: dict[str, float] = {}  # many cells share what lies below and above them
        for cell in cells(reading.attention.weights.shape, n_cells // n_texts):
            unfolding = unfolder.unfold(*cell)
            weight = reading.attention.weights[cell]
            weights = max(weights, abs(unfolding.weight - float(weight)))
            for step in unfolding.steps:
                steps += 1
                if step.operation == "opaque":
                    missing += 1
                elif step.result.id not in gaps:
                    gaps[step.result.id] = gap(step)
        worst = max([worst, *gaps.values()])
    return (
        f"{family} in {str(dtype).removeprefix('torch.')}: {n_cells} cells, {steps} equations, "
        f"largest difference {worst:.1e}, of a weight {weights:.1e}, without an equation {missing}"
    )


def gap(step: Step) -> float:
    """How far the two sides of an equation are apart."""
    operands = [operand.values for operand in step.operands]
    return difference(recompute(step.operation, operands, step.options), step.result.values)


def texts(count: int) -> Iterator[str]:
    """Words in many orders and numbers."""
    words, order = LONG_TEXT.split(), random.Random(0)
    for _ in range(count):
        yield " ".join(order.sample(words, order.randint(4, 16)))


def cells(shape: Sequence[int], count: int) -> Iterator[tuple[int, int, int, int]]:
    """Random cells of the attention of a text."""
    generator = np.random.default_rng(0)
    for _ in range(count):
        layer, head, query, key = (int(generator.integers(size)) for size in shape)
        yield layer, head, query, key


if __name__ == "__main__":
    main()
