"""How long `clsight score --methods quick` takes, beside what the processor needs for it at least.

    python -m tests.benchmarks.quick_score --data validation.csv [--rows 200] [--output report.json]

The command is run as it is typed, with one process a core: its start, the start of its processes
and its file are in its time.  Rows of 12 to 45 words between blanks are drawn from the file, as
many as are asked for, and explained by the shipped checkpoint.

Two times are the limit's.  One is that of the versions that have to be read: of `SAMPLE` texts
their tokens are counted (padding is not), and from them the operations of the layers' matrices and
of attention, at the rate of a large product of float32 on each core.  The passes of the methods
themselves are left out of it, as are norms, activations and Python.  The other is that of torch as
it is by itself: the same command without oneDNN, on fewer rows, which are scaled up.
"""

import argparse
import csv
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from finetune.checkpoint import onednn
from tests.benchmarks.result import Result, tell, timed
from viz.cli.processes import n_cores
from viz.faithfulness.score import quick_methods
from viz.faithfulness.score_row import ScoreConfig, score_row
from viz.jobs.threads import single_thread
from viz.model.batches import operations
from viz.model.classifier import Classifier, default_checkpoint
from viz.model.text_files import Row

SEED = 7
MIN_WORDS, MAX_WORDS = 12, 45
GOAL_ROWS, GOAL_SECONDS = 200, 300.0
SAMPLE = 5
"""Texts of which the versions are counted: one in five of 200 has degraded explanations too."""
MATRIX = 2048
SCRIPT = """
from finetune.checkpoint import onednn
from viz.__main__ import app

if {without}:
    onednn.is_faster = lambda: False
if __name__ == "__main__":
    app()
"""
"""A file, as the processes that it starts import it again."""


def main() -> None:
    """Print the table, and exit with 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a CSV with a column text")
    parser.add_argument("--rows", type=int, default=GOAL_ROWS, help="texts that are scored")
    parser.add_argument("--peer-rows", type=int, default=40, help="of these, without oneDNN")
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    options = parser.parse_args()
    texts = _texts(options.data, options.rows)
    sys.exit(not tell(measure(texts, min(options.peer_rows, len(texts))), options.output))


def measure(texts: Sequence[str], peer_rows: int) -> Iterator[Result]:
    """All results, one by one."""
    seconds = timed(lambda: _command(texts))[0]
    peer = None
    if peer_rows and onednn.is_faster():
        peer = timed(lambda: _command(texts[:peer_rows], without=True))[0]
        peer *= len(texts) / peer_rows
    yield Result(
        f"score --methods quick, {len(texts)} texts, {n_cores()} cores",
        seconds,
        "s",
        peer,
        "" if peer is None else f"without oneDNN, from {peer_rows} texts",
        at_most=GOAL_SECONDS * len(texts) / GOAL_ROWS,
    )
    with single_thread():
        rate = _rate() * n_cores()
        needed = _operations(texts) * len(texts) / SAMPLE
    yield Result(
        f"share of {rate / 1e9:.0f} Gflop/s, products of {MATRIX} × {MATRIX} in float32",
        100 * needed / rate / seconds,
        "%",
        more=True,
    )


def _texts(file: Path, count: int) -> list[str]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)]
    fitting = [text for text in texts if MIN_WORDS <= len(text.split()) <= MAX_WORDS]
    if not SAMPLE <= count <= len(fitting):
        sys.exit(f"--rows is {count}; it has to be from {SAMPLE} to {len(fitting)}")
    return random.Random(SEED).sample(fitting, count)


def _command(texts: Sequence[str], *, without: bool = False) -> None:
    with TemporaryDirectory() as folder:
        data = Path(folder) / "texts.csv"
        with data.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["text"], *([text] for text in texts)])
        output = Path(folder) / "faithfulness.json"
        words = ["score", "--data", data, "--methods", "quick", "--output", output]
        script = Path(folder) / "run.py"
        script.write_text(SCRIPT.format(without=without), encoding="utf-8")
        command = [sys.executable, script, *words]
        paths = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"PYTHONPATH": paths}
        subprocess.run(
            list(map(str, command)), check=True, stdout=subprocess.DEVNULL, env=environment
        )


def _rate() -> float:
    """Operations a second of a large product, by whichever library a pass takes."""
    one, other = torch.randn(2, MATRIX, MATRIX)
    with torch.inference_mode(), onednn.products(onednn.is_faster()):
        F.linear(one, other)
        seconds = min(timed(lambda: F.linear(one, other))[0] for _ in range(5))
    return 2 * MATRIX**3 / seconds


def _operations(texts: Sequence[str]) -> float:
    """Operations of all versions of some texts, which stand at even distances."""
    classifier, config = Classifier.load(default_checkpoint()), ScoreConfig(quick_methods())
    total, plain = 0.0, Classifier.logits

    def counted(self: Classifier, rows: Sequence[Any]) -> Any:
        nonlocal total
        total += sum(operations(self, len(row["input_ids"])) for row in rows)
        return plain(self, rows)

    with patch.object(Classifier, "logits", counted):
        for at in range(SAMPLE):
            number = at * len(texts) // SAMPLE
            score_row(classifier, Row(number, texts[number], None, None), config)
    return total


if __name__ == "__main__":
    main()
