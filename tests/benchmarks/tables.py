"""Rows a second and peak memory of reading a file in pieces and writing it with two more columns.

    python -m tests.benchmarks.tables [--rows 1000000] [--suffixes .csv .tsv .jsonl .json .parquet]

Each kind of file is read and written in a process of its own, to the same kind, and JSON to JSON
Lines; what counts is the most memory that process ever had, the libraries included.  Every tenth
text of CSV has two lines, so that all that is decided over the whole file is decided.
"""

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.memory import peak_gigabytes
from tests.benchmarks.result import Result, tell

SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
LIMIT = 2.0
"""Gigabytes (10^9 bytes) that a process may take."""
BATCH_ROWS = 4_096
WORDS = ("oil", "prices", "rise", '"as"', "stocks", "fall,", "team", "wins", "peace", "talks")


def main() -> None:
    """Print the table, and exit with 1 where a process took too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--suffixes", nargs="+", default=list(SUFFIXES))
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    options = parser.parse_args()
    sys.exit(not tell(measure(options.rows, options.suffixes), options.output))


def measure(n_rows: int, suffixes: list[str]) -> Iterator[Result]:
    """Seconds and peak of each kind of file."""
    with tempfile.TemporaryDirectory() as room:
        for suffix in suffixes:
            path = write_rows(Path(room) / f"rows{suffix}", n_rows)
            call = f"from tests.benchmarks import tables; tables.copy({str(path)!r})"
            run = subprocess.run(
                [sys.executable, "-c", call], stdout=subprocess.PIPE, text=True, check=True
            )
            took = json.loads(run.stdout.splitlines()[-1])
            what = f"{n_rows:,} rows of {suffix}, {path.stat().st_size / 1e6:.0f} MB"
            for step in ("check", "write", "finish"):
                yield Result(f"{what}: {step}", took[step], "s")
            yield Result(f"{what}: memory", took["peak"], "GB", at_most=LIMIT)
            path.unlink()


def write_rows(path: Path, n_rows: int) -> Path:
    """A file of random texts."""
    chance = random.Random(0)
    rows = (
        ((" " if row % 10 else "\n").join(chance.choices(WORDS, k=30)), f"class {row % 4}")
        for row in range(n_rows)
    )
    if path.suffix == ".parquet":
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        schema = pa.schema({"text": pa.string(), "label": pa.string()})
        with ParquetWriter(path, schema) as writer:
            for _ in range(0, n_rows, 100_000):
                texts, labels = zip(*(next(rows) for _ in range(min(n_rows, 100_000))), strict=True)
                writer.write_table(pa.table({"text": texts, "label": labels}, schema))
        return path
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix in (".csv", ".tsv"):
            sheet = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
            sheet.writerow(("text", "label"))
            sheet.writerows(rows)
            return path
        listed = path.suffix == ".json"
        file.write("[" if listed else "")
        for number, (text, label) in enumerate(rows):
            file.write(
                ("," if number and listed else "") + json.dumps({"text": text, "label": label})
            )
            file.write("" if listed else "\n")
        file.write("]" if listed else "")
    return path


def copy(path: str) -> None:
    """Write a file with two more columns, and print the seconds and the peak as JSON."""
    from finetune.data.tables.stream import open_stream
    from finetune.data.writing.new_columns import ColumnValues, NewColumn
    from finetune.data.writing.row_writer import RowWriter

    source = Path(path)
    suffix = ".jsonl" if source.suffix == ".json" else source.suffix
    output = source.with_name(f"copy{suffix}")
    columns = [
        NewColumn(name="prediction", kind="text"),
        NewColumn(name="probability", kind="number"),
    ]
    took, started = {}, time.perf_counter()
    with open_stream(source) as stream:
        writer = RowWriter(output, stream, columns)
        took["check"], started = time.perf_counter() - started, time.perf_counter()
        start = 0
        for table in stream.batches(BATCH_ROWS):
            size = len(table)
            values: ColumnValues = {"prediction": ["class 1"] * size, "probability": [0.25] * size}
            writer.write(table, start, values)
            start += size
        took["write"], started = time.perf_counter() - started, time.perf_counter()
        writer.finish()
        took["finish"] = time.perf_counter() - started
    output.unlink()
    print(json.dumps({**took, "peak": peak_gigabytes()}))


if __name__ == "__main__":
    main()
