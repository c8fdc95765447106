"""`clsight predict` against transformers' pipeline, when killed, by two processes; its memory.

    python -m tests.benchmarks.prediction --data ag_news/validation.csv [--rows 20000] [--kills 10]
        [--memory-rows 1000000] [--only speed kills processes memory] [--output report.json]

`speed`: all rows of a file, read with the shipped checkpoint in float32.  The peer is a pipeline of
transformers with batches of 32, padded to their longest text and cut at what the model reads, on
all cores; ours are the same cores, with reading and writing the file in its time.  All labels must
be the same.

`kills`: the command on generated rows with a tiny model, killed by SIGKILL a random moment after a
random number of blocks is kept, and started again; the file must be that of a run that nothing
stops.

`processes`: two processes of torchrun must write the same file, too.

`memory`: the highest memory of a process over many rows of a Parquet file, beyond what it has once
the tiny model is loaded and has read a text.
"""

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from finetune.checkpoint.run_files import partial_name
from tests.benchmarks.result import Result, tell, timed

PARTS = ("speed", "kills", "processes", "memory")
ROOT = Path(__file__).resolve().parents[2]
WORDS = (
    *("oil", "prices", "rise", "as", "stocks", "fall", "the", "market", "team", "wins", "game"),
    *("election", "peace", "talks", "space", "probe", "finds", "ice", "moon", "bad", "movie"),
)
MAX_DELAY_SECONDS = 0.3
"""Between a block that is kept and a kill, so that it comes in any state of another."""
MEMORY_LIMIT = 2.0
"""Gigabytes (10^9 bytes) that a million rows may take beside the model."""


def main() -> None:
    """Print the table, and exit with 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="AG News' validation rows, for `speed`")
    parser.add_argument("--rows", type=int, default=20_000, help="for `kills` and `processes`")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="chooses the moments")
    parser.add_argument("--memory-rows", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    options = parser.parse_args()
    if "speed" in options.only and options.data is None:
        parser.error("speed needs --data")
    sys.exit(not tell(_measured(options), options.output))


def _measured(options: argparse.Namespace) -> Iterator[Result]:
    with TemporaryDirectory() as folder:
        room = Path(folder)
        if "speed" in options.only:
            yield from speed(options.data, room)
        _make_tiny_model(room)
        if {"kills", "processes"} & set(options.only):
            yield from same_files(room, options)
        if "memory" in options.only:
            yield memory(room, options.memory_rows)


def speed(data: Path, room: Path) -> Iterator[Result]:
    """Rows a second of both, and the labels that differ."""
    import torch
    import transformers
    from transformers import pipeline

    from finetune.checkpoint.bfloat16 import has_bfloat16
    from finetune.data.tables.reader import read_table
    from finetune.data.tables.stream import open_stream
    from viz import Classifier, default_checkpoint
    from viz.cli.processes import n_cores
    from viz.data.prediction.precision import Precision
    from viz.data.prediction.run import PredictionRun

    checkpoint, cores = default_checkpoint(), n_cores()
    texts = [str(text) for text in read_table(data)["text"]]
    classifier = Classifier.load(checkpoint, device="cpu")
    pipe = pipeline("text-classification", model=str(checkpoint), device="cpu", dtype=torch.float32)

    def theirs() -> list[str]:
        torch.set_num_threads(cores)
        outcomes = pipe(
            texts, batch_size=32, padding=True, truncation=True,
            max_length=classifier.encoder.max_tokens,
        )  # fmt: skip
        return [outcome["label"] for outcome in outcomes]

    def ours(precision: Precision | None) -> list[str]:
        torch.set_num_threads(1)
        output = room / f"{precision or 'auto'}.csv"
        with open_stream(data) as source:
            run = PredictionRun(classifier, source, output, precision=precision, overwrite=True)
            run.predict(run.blocks_left(), run.choose_precision(), n_threads=cores)
            run.finish()
        return [str(label) for label in read_table(output)["prediction"]]

    pipe(texts[:64], batch_size=32, padding=True, truncation=True)
    classifier.read(texts[0])
    seconds, labels = timed(lambda: ours("float32"))
    peer_seconds, peer_labels = timed(theirs)
    name = f"transformers {transformers.__version__} pipeline, batches of 32"
    n_rows = len(texts)
    yield Result(
        f"rows read a second, {n_rows:,} rows", n_rows / seconds, "rows/s", n_rows / peer_seconds,
        name, at_least=1.5, more=True,
    )  # fmt: skip
    yield _difference("float32", labels, peer_labels)
    if has_bfloat16(classifier.device):
        seconds, labels = timed(lambda: ours(None))
        yield Result(
            f"the same with precision auto, {n_rows:,} rows", n_rows / seconds, "rows/s",
            n_rows / peer_seconds, name, more=True,
        )  # fmt: skip
        yield _difference("auto", labels, peer_labels)


def _difference(precision: str, labels: Sequence[str], peer_labels: Sequence[str]) -> Result:
    count = sum(own != peer for own, peer in zip(labels, peer_labels, strict=True))
    return Result(f"labels that differ from the pipeline's, {precision}", count, "rows", at_most=0)


def same_files(room: Path, options: argparse.Namespace) -> Iterator[Result]:
    """Whether runs that are killed, or shared, write what a single one does."""
    from viz.data.prediction.run import CPU_BLOCK_ROWS

    data, whole = room / "rows.csv", room / "whole.csv"
    with data.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "text"], *enumerate(_texts(options.rows))])
    subprocess.run(_command(room, data, whole), check=True, env=_own())
    if "kills" in options.only:
        output, chance = room / "killed.csv", random.Random(options.seed)
        n_blocks = -(-options.rows // CPU_BLOCK_ROWS)
        kills = 0
        while kills < options.kills and not output.exists():
            n_more = chance.randrange(1 + n_blocks // options.kills)
            delay = chance.uniform(0, MAX_DELAY_SECONDS)
            kills += _killed(_command(room, data, output), output, n_more, delay)
        if not output.exists():
            subprocess.run(_command(room, data, output), check=True, env=_own())
        same = output.read_bytes() == whole.read_bytes()
        what = f"{options.rows:,} rows killed {kills} times: files that differ"
        yield Result(what, 1 - same, "files", at_most=0)
    if "processes" in options.only:
        output = room / "two.csv"
        launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        subprocess.run(
            [sys.executable, *launch, *_command(room, data, output)[1:]], check=True, env=_own()
        )
        same = output.read_bytes() == whole.read_bytes()
        yield Result("two processes: files that differ", 1 - same, "files", at_most=0)


def _killed(command: Sequence[str], output: Path, n_more: int, delay: float) -> bool:
    """Kill a run a moment after it kept so many more blocks; False if it was over before."""
    folder = output.with_name(partial_name(output.name))

    def n_kept() -> int:
        return len(list(folder.glob("rows-*")))

    target = n_kept() + n_more
    process = subprocess.Popen(command, env=_own())
    while process.poll() is None and n_kept() < target:
        time.sleep(0.005)
    time.sleep(delay)
    if process.poll() is not None:
        return False
    process.kill()
    process.wait()
    print(f"killed with {n_kept()} blocks kept", flush=True)
    return True


def _command(room: Path, data: Path, output: Path) -> list[str]:
    options = {"data": data, "checkpoint": room / "tiny", "output": output}
    given = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "viz", "predict", *given]


def memory(room: Path, n_rows: int) -> Result:
    """What the rows of a Parquet file take beside the model."""
    data = room / "rows.parquet"
    _write_parquet(data, n_rows)
    call = (
        "from tests.benchmarks import prediction; "
        f"prediction.show_memory({str(room)!r}, {str(data)!r})"
    )
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", call], stdout=subprocess.PIPE, text=True, check=True, env=_own()
    )
    before, most = json.loads(done.stdout.splitlines()[-1])
    what = (
        f"memory of {n_rows:,} rows, {data.stat().st_size / 1e6:.0f} MB of Parquet, beside "
        f"{before:.2f} GB, {time.perf_counter() - started:.0f} s"
    )
    return Result(what, most - before, "GB", at_most=MEMORY_LIMIT)


def show_memory(room: str, data: str) -> None:
    """Predict a file, and print the memory after loading and the highest, in GB, as JSON."""
    from finetune.data.tables.stream import open_stream
    from viz import Classifier, predict
    from viz.cli.processes import n_cores
    from viz.data.prediction.run import PredictionRun

    classifier = Classifier.load(Path(room) / "tiny", device="cpu")
    predict(classifier, _texts(100))
    before = _memory("VmRSS")
    with open_stream(Path(data)) as source:
        run = PredictionRun(classifier, source, Path(room) / "out.parquet", all_classes=True)
        run.predict(run.blocks_left(), run.choose_precision(), n_threads=n_cores())
        run.finish()
    print(json.dumps([before, _memory("VmHWM")]))


def _memory(entry: str) -> float:
    """A line of Linux' own account of this process: of VmRSS, now; of VmHWM, the highest."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    line = next(line for line in lines if line.startswith(f"{entry}:"))
    return int(line.split()[1]) * 1024 / 1e9


def _make_tiny_model(room: Path) -> None:
    from tests.tiny_models import tiny_checkpoint

    tiny_checkpoint(room / "tiny")


def _write_parquet(path: Path, n_rows: int) -> None:
    """Rows piece by piece: what is generated here takes no memory there."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    schema = pa.schema([("id", pa.int64()), ("text", pa.string()), ("note", pa.string())])
    with ParquetWriter(path, schema) as writer:
        for start in range(0, n_rows, 50_000):
            count = min(50_000, n_rows - start)
            columns = [range(start, start + count), _texts(count, start), ["A remark."] * count]
            writer.write_table(pa.table([pa.array(column) for column in columns], schema=schema))


def _texts(count: int, seed: int = 0) -> list[str]:
    chance = random.Random(seed)
    return [" ".join(chance.choices(WORDS, k=chance.randint(2, 14))) for _ in range(count)]


def _own() -> dict[str, str]:
    return os.environ | {
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(ROOT),
        "TOKENIZERS_PARALLELISM": "false",
    }


if __name__ == "__main__":
    main()
