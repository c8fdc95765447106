"""How long the Train page waits for a check: the first one, and those that follow.

    python -m tests.benchmarks.data_check [--rows 400 10000]

The first check starts the process that checks, which imports torch and transformers; the page does
so when it opens.  Then each file is checked with one base model and with another.
"""

import argparse
import csv
import random
import shutil
import tempfile
import time
from pathlib import Path

from viz.model.classifier import default_checkpoint
from viz.runs import data_check

WORDS = tuple(f"{start}{end}" for start in "bcdfglmnprst" for end in ("ar", "el", "in", "ot", "um"))
N_CLASSES = 4


def main() -> None:
    """Print the seconds of each check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[400, 10_000])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        other = Path(shutil.copytree(default_checkpoint(), Path(scratch) / "other"))
        for n_rows in options.rows:
            file = write_rows(Path(scratch) / f"{n_rows}.csv", n_rows)
            for base in (default_checkpoint(), other):
                started = time.perf_counter()
                report = data_check.check([f"--data={file}", f"--model={base}"])
                seconds = time.perf_counter() - started
                print(f"{report.rows['train']:>8,} rows, base {base.name:<16} {seconds:5.2f} s")


def write_rows(file: Path, n_rows: int) -> Path:
    """A file of random texts of 8 to 60 words."""
    chance = random.Random(0)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "label"])
        for _ in range(n_rows):
            text = " ".join(chance.choices(WORDS, k=chance.randint(8, 60)))
            writer.writerow([text, f"class {chance.randrange(N_CLASSES)}"])
    return file


if __name__ == "__main__":
    main()
