"""How long an audit takes: to the first measures, to all rows, to each part, and again.

    python -m tests.benchmarks.audit --data validation.csv [--reference june.csv]

The data stay where they are; 2,000 rows of about 45 tokens are meant.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from viz.data.audit.parts import PARTS, AuditPart
from viz.data.audit.run import AuditRun
from viz.data.audit.summary import summary
from viz.data.options import AuditOptions
from viz.data.rows.audit_rows import open_rows
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier, default_checkpoint

ALL_ROWS_SECONDS, CELL_SECONDS = 60.0, 30.0
"""Goals: all rows measured, and one cell explained, on two cores."""


def main() -> None:
    """Print a line for each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--counterfactuals", type=int, default=5)
    options = parser.parse_args()
    classifier = Classifier.load(default_checkpoint())
    rows = open_rows(options.data, classifier)
    other = None if options.reference is None else open_rows(options.reference, classifier)
    settings = AuditOptions(n_counterfactuals=options.counterfactuals)
    timed = patch("viz.data.audit.run.PARTS", tuple(map(_timed, PARTS)))
    with tempfile.TemporaryDirectory() as folder, timed:
        for attempt in ("first", "again"):
            run = AuditRun(classifier, rows, settings, reference=other, folder=Path(folder))
            started = time.perf_counter()
            run.run(_first_measures(run, started))
            print(f"{attempt}: all of it {time.perf_counter() - started:.1f} s", flush=True)
        alone = AuditRun(classifier, rows, settings)
        alone.latest = run.latest
        started = time.perf_counter()
        alone.cell(*_largest_cell(run))
        seconds = time.perf_counter() - started
        print(f"one cell {seconds:.1f} s, goal {CELL_SECONDS:.0f}")
    print(*summary(run.latest.record), sep="\n")


def _first_measures(run: AuditRun, started: float) -> ProgressCallback:
    """Prints when the first rows are measured, and when all are."""
    printed: set[str] = set()

    def progress(passes: float) -> None:
        n_read = run.latest.record.n_read
        reached = {"the first rows": n_read > 0, "all rows": n_read == len(run.rows)}
        for name, is_reached in reached.items():
            if is_reached and name not in printed:
                printed.add(name)
                seconds = f"{time.perf_counter() - started:.1f} s, goal {ALL_ROWS_SECONDS:.0f}"
                print(f"{name} ({n_read:,}) measured after {seconds}", flush=True)

    return progress


def _timed(part: AuditPart) -> AuditPart:
    def make(run: AuditRun, progress: ProgressCallback) -> object:
        started = time.perf_counter()
        result = part.make(run, progress)
        print(f"{part.name} {time.perf_counter() - started:.1f} s", flush=True)
        return result

    return replace(part, make=make)


def _largest_cell(run: AuditRun) -> tuple[int, int]:
    cells = run.latest.record.cells
    assert isinstance(cells, tuple)
    labels = run.classifier.labels
    return labels.index(cells[0].gold), labels.index(cells[0].predicted)


if __name__ == "__main__":
    main()
