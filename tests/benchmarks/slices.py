"""A slice made bad: whether it comes first, and how often there is one where nothing is worse.

    python -m tests.benchmarks.slices FILE [--seeds 10] [--rate 0.08] [--bad 0.35]

FILE is a labeled CSV, such as a training split; its first 4,000 rows are read.  A classifier is
made up that is wrong on *rate* of the rows anywhere, and on *bad* of those of one slice: values of
a column, words and a length in turn.  No row is shown.
"""

import argparse
import csv
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from finetune.run.column_names import ColumnNames
from tests.benchmarks.result import Result, tell
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import RowPredictions
from viz.data.slices.slices import Slices, find_slices
from viz.types import BoolArray

MAX_READ = 4_000
FEW, MANY = 40, 1_500
"""Rows of a slice that is made bad."""
WORD = re.compile(r"\w+|[^\w\s]")
Words = list[tuple[str, ...]]
Name = tuple[str, str, str]


def main() -> None:
    """Print the table, and exit with 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, help="a CSV with the columns text and label")
    parser.add_argument("--seeds", type=int, default=10, help="how often each is tried")
    parser.add_argument("--rate", type=float, default=0.08, help="of errors anywhere")
    parser.add_argument("--bad", type=float, default=0.35, help="of more errors in the slice")
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    options = parser.parse_args()
    results = measure(options.file, options.seeds, options.rate, options.bad)
    raise SystemExit(not tell(results, options.output))


def measure(file: Path, seeds: int, rate: float, bad: float) -> Iterator[Result]:
    """How often the planted slice isn't first, of each kind; and how often there is a false one."""
    rows, words = _read(file)
    draw = np.random.default_rng(0)
    seconds, false = 0.0, 0
    for _ in range(10 * seeds):
        started = time.perf_counter()
        false += bool(_slices(rows, words, draw.random(len(rows)) < rate).items)
        seconds += time.perf_counter() - started
    yield Result("seconds for 10,000 rows", seconds / 10 / seeds * 10_000 / len(rows), "s")
    what = f"files with a slice though errors lie anywhere, of {10 * seeds}"
    yield Result(what, 100 * false / (10 * seeds), "%", at_most=5)
    for kind, candidates in _planted(rows, words).items():
        missed = 0
        for _ in range(seeds):
            name, inside = candidates[int(draw.integers(len(candidates)))]
            chance = draw.random(len(rows))
            items = _slices(rows, words, (chance < rate) | (inside & (chance < rate + bad))).items
            first = (items[0].by, items[0].column, items[0].value) if items else None
            missed += first != name
        yield Result(f"planted {kind} not first, of {seeds}", 100 * missed / seeds, "%", at_most=10)


def _read(file: Path) -> tuple[AuditRows, Words]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        table = list(csv.DictReader(stream))[:MAX_READ]
    columns = {name: [row[name] for row in table] for name in table[0]}
    labels = sorted(set(columns["label"]))
    rows = AuditRows(
        name=file.name,
        fingerprint="0" * 64,
        columns=ColumnNames("text", None, "label"),
        texts=(*columns["text"],),
        pairs=None,
        gold=np.array([labels.index(label) for label in columns["label"]]),
        table=columns,
        places=range(len(table)),
    )
    return rows, [tuple(WORD.findall(text.casefold())) for text in columns["text"]]


def _slices(rows: AuditRows, words: Words, wrong: BoolArray) -> Slices:
    gold = np.asarray(rows.gold)
    n_classes = int(gold.max()) + 1
    logits = np.eye(n_classes)[np.where(wrong, (gold + 1) % n_classes, gold)]
    predictions = RowPredictions(
        read=np.ones(len(rows), dtype=bool),
        logits=logits,
        probabilities=logits,
        n_tokens=np.array([len(row) for row in words]),
        n_unseen=np.zeros(len(rows), dtype=int),
        n_windows=np.ones(len(rows), dtype=int),
        states=None,
    )
    slices = find_slices(rows, predictions, words, tuple(map(str, range(n_classes))))
    assert isinstance(slices, Slices)
    return slices


def _planted(rows: AuditRows, words: Words) -> dict[str, list[tuple[Name, BoolArray]]]:
    """Slices to make bad, by their kind."""
    planted: dict[str, list[tuple[Name, BoolArray]]] = {}
    for column in rows.table.keys() - {"text", "label", "label_name"}:
        cells = np.array(rows.table[column])
        planted[f"value of the column {column!r}"] = [
            (("column", column, value), cells == value)
            for value, count in sorted(Counter(cells.tolist()).items())
            if count >= FEW
        ]
    counts = Counter(word for row in words for word in set(row))
    frequent = sorted(word for word, count in counts.items() if FEW <= count <= MANY)
    has = {
        word: np.array([word in row for row in words]) for word in frequent[:: len(frequent) // 60]
    }
    planted["word"] = [(("word", "text", word), inside) for word, inside in has.items()]
    lengths = np.array([len(row) for row in words])
    edge = int(np.quantile(lengths, 0.9, method="inverted_cdf"))
    name = ("length", "tokens", f"{lengths[lengths > edge].min()} to {lengths.max()}")
    planted["length"] = [(name, lengths > edge)]
    return {kind: candidates for kind, candidates in planted.items() if candidates}


if __name__ == "__main__":
    main()
