"""Ten thousand hostile texts read, explained and viewed: nothing but our own refusals is raised.

    python -m tests.benchmarks.hostile_texts [--count 10000] [--seed 0]

Prints how many texts of each kind were read and how many refused; exits with 1 and the traceback of
the first of each kind of fault where anything else was raised.
"""

import argparse
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

from tests.hostile_texts import hostile_texts, see_all
from tests.tiny_models import tiny_checkpoint
from viz import Classifier
from viz.errors import VizError

METHODS = ("decomposition", "input-x-gradient", "decomposition-path", "grad-attention", "attention")
DRAWN = 199
"""Of so many texts the figures of one are drawn."""


def main() -> None:
    """Read them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as folder:
        classifiers = [
            Classifier.load(tiny_checkpoint(Path(folder) / name, name), device="cpu")
            for name in ("bert", "roberta")
        ]
    read, refused, faults = Counter[str](), Counter[str](), Counter[str]()
    started = time.monotonic()
    for index, (kind, text, pair) in enumerate(hostile_texts(options.count, options.seed)):
        classifier, method = classifiers[index // 16 % 2], METHODS[index // 32 % len(METHODS)]
        try:
            see_all(classifier, text, pair, drawn=index % DRAWN == 0, method=method)
            read[kind] += 1
        except VizError:
            refused[kind] += 1
        except Exception as error:
            if not faults[type(error).__name__]:
                print(f"{kind}, {method}: {text[:200]!r}, {str(pair)[:200]!r}", file=sys.stderr)
                traceback.print_exc()
            faults[type(error).__name__] += 1
    for kind in sorted({*read, *refused}):
        print(f"{kind:24} {read[kind]:6,} read {refused[kind]:6,} refused")
    seconds = time.monotonic() - started
    print(f"{options.count:,} texts in {seconds:.0f} s: {faults.total()} faults {dict(faults)}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
