"""What a CUDA card does that CPUs can't show: one run of at most eight minutes, one report.

    python -m tests.benchmarks.card [--output card] [--minutes 8] [--only training-MiniLM-eager ...]
    python -m tests.benchmarks.card --device cpu  # tries each part with tiny sizes; no figures

It runs the tests that are marked `cuda`, trains random models of real shapes by `finetune` and by
the fair peer (rate, and MFU: the share of the card's bfloat16 peak), and times readings,
predictions, the decomposition and `score` of the shipped checkpoint.  Texts are generated; neither
network nor data set is needed.  Each part is a process with a share of the time: what fails or
takes too long is named in the report, `card.md` and `card.json`, and the rest goes on.  Where there
is no card it says so, and ends well.
"""

import argparse
import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from tests.benchmarks import card_training
from tests.benchmarks.card_peaks import peak_of
from tests.benchmarks.card_report import (
    Figure,
    Launch,
    PartResult,
    SkippedPart,
    as_json,
    as_markdown,
    guarded,
    launch_command,
    run_parts,
)
from tests.benchmarks.card_training import Sizes, save_model, texts_of
from tests.benchmarks.result import Result, timed
from viz import Classifier, attribute, predict
from viz.model.classifier import default_checkpoint

MINUTES, CHECK_MINUTES = 8, 60
NO_CARD = "Skipped card: this machine has no CUDA card."
SHAPES = ("MiniLM", "BERT-base", "ModernBERT-base")
VARIANTS = {"eager": 1.0, "compiled": 2.0, "packed": 1.0}
"""Of training, each with its weight when time is shared out."""
CHECK_SIZES = Sizes(
    rows=48,
    batch_size=8,
    tokens=12,
    side=256,
    lengths=(16,),
    rounds=1,
    scored=8,
    shape={
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    },
)
"""With which a CPU tries the parts."""
ROOT = Path(__file__).resolve().parents[2]

Measure = Callable[[torch.device, Sizes, Path], Iterator[Figure]]


def main() -> None:
    """Write the report, or say that there is no card; exit with 1 where a part failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("card"), help="files without ending")
    parser.add_argument("--minutes", type=float, help="until all has ended; 8 on a card")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), help="parts; all by default")
    parser.add_argument(
        "--device",
        choices=("cuda", "cpu"),
        default="cuda",
        help="cpu tries the parts with tiny sizes, and reports no speeds",
    )
    parser.add_argument("--part", choices=list(PARTS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    device: str = options.device
    if device == "cuda" and not torch.cuda.is_available():
        print(NO_CARD)
        return
    if options.part:
        sizes = Sizes() if device == "cuda" else CHECK_SIZES
        options.output.write_text(json.dumps(asdict(measure_part(options.part, device, sizes))))
        return
    with TemporaryDirectory() as folder:
        launch = partial(_launch, Path(folder), device)
        seconds = 60 * (options.minutes or (MINUTES if device == "cuda" else CHECK_MINUTES))
        results = report(launch, options.output, seconds, options.only, device=device)
    sys.exit(any(each.status == "failed" for each in results))


def measure() -> Iterator[Result]:
    """All figures, as `python -m tests.benchmarks card` shows them; none without a card."""
    if not torch.cuda.is_available():
        print(NO_CARD)
        return
    with TemporaryDirectory() as folder:
        for each in report(partial(_launch, Path(folder), "cuda"), Path("card"), 60 * MINUTES):
            for figure in each.figures:
                yield Result(f"{each.part}: {figure.what}", figure.value, figure.unit)


def report(
    launch: Launch,
    output: Path,
    seconds: float,
    only: list[str] | None = None,
    device: str = "cuda",
) -> list[PartResult]:
    """Run all parts within so many seconds, and write the report after each of them.

    On a CPU it is a check, and says so in the place of values.
    """
    parts = [(name, weight) for name, (weight, _) in PARTS.items() if not only or name in only]
    machine, results = machine_of(torch.device(device)), list[PartResult]()
    for result in run_parts(parts, launch, seconds=seconds):
        print(f"{result.part}: {result.status} {result.seconds:.1f} s {result.reason}", flush=True)
        results.append(result)
        for ending, write in ((".md", as_markdown), (".json", as_json)):
            content = write(machine, results, check=device == "cpu")
            output.with_suffix(ending).write_text(content, encoding="utf-8")
    return results


def measure_part(part: str, device: str, sizes: Sizes) -> PartResult:
    """Measure one part in this process."""
    with TemporaryDirectory() as folder:
        call = partial(PARTS[part][1], torch.device(device), sizes, Path(folder))
        return guarded(part, call)


def machine_of(device: torch.device) -> dict[str, object]:
    """The device, and the versions that numbers depend on."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {
        "device": name,
        "cuda": torch.version.cuda,
        "python": platform.python_version(),
        **{each: version(each) for each in ("torch", "transformers", "accelerate", "numpy")},
    }


def _launch(folder: Path, device: str, part: str, seconds: float) -> PartResult:
    result = folder / f"{part}.json"
    command = [sys.executable, "-m", "tests.benchmarks.card", f"--part={part}"]
    options = [f"--device={device}", f"--output={result}"]
    return launch_command([*command, *options], part, seconds, result)


def _tests(device: torch.device, sizes: Sizes, folder: Path) -> Iterator[Figure]:
    """The tests marked `cuda`."""
    if device.type != "cuda":
        raise SkippedPart("the marked tests need a CUDA card")
    command = [sys.executable, "-m", "pytest", "-m", "cuda", "-n", "0", "-q", "tests"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout.strip()[-350:])
    yield Figure(done.stdout.strip().splitlines()[-1].strip("= "), 0, "failed")


def _matmul(device: torch.device, sizes: Sizes, folder: Path) -> Iterator[Figure]:
    """What the card can do, by a measured product and by its data sheet."""
    rate = card_training.matmul_rate(device, sizes.side)
    yield Figure("bfloat16 matrix products", rate / 1e12, "TFLOP/s", f"side {sizes.side}")
    peak = peak_of(device)
    if peak is not None:
        yield Figure("peak that MFU is a share of", peak.tera, "TFLOP/s", peak.source)


def _read(device: torch.device, sizes: Sizes, folder: Path) -> Iterator[Figure]:
    """Readings of the shipped checkpoint and of BERT-base's shape, beside a bare pass."""
    base = save_model("BERT-base", folder / "base", sizes.shape)
    for name, source in (("shipped", default_checkpoint()), ("BERT-base", base)):
        classifier = Classifier.load(source, device=device)
        for n_tokens in sizes.lengths:
            text = _text(n_tokens)
            inputs = classifier.encode(text).inputs
            bare = _median(partial(classifier.logits, [inputs]), sizes.rounds)
            read = _median(partial(classifier.read, text), sizes.rounds)
            what = f"{name}, {n_tokens} tokens"
            yield Figure(f"reading, {what}", 1e3 * read, "ms")
            yield Figure(
                f"reading, {what}", read / bare, "passes", "of a pass that records nothing"
            )


def _predict(device: torch.device, sizes: Sizes, folder: Path) -> Iterator[Figure]:
    """Rows a second of `predict`, with the shipped checkpoint."""
    classifier = Classifier.load(default_checkpoint(), device=device)
    texts = texts_of(sizes.rows, sizes.tokens)
    predict(classifier, texts[: sizes.batch_size])
    seconds, _ = timed(lambda: predict(classifier, texts))
    yield Figure("predict, shipped checkpoint, float32", len(texts) / seconds, "texts/s")


def _decomposition(device: torch.device, sizes: Sizes, folder: Path) -> Iterator[Figure]:
    """The decomposition and the default of the shipped checkpoint."""
    classifier = Classifier.load(default_checkpoint(), device=device)
    for n_tokens in sizes.lengths:
        reading = classifier.read(_text(n_tokens))
        for method in ("decomposition", "decomposition-path"):
            seconds = _median(partial(attribute, classifier, reading, method), sizes.rounds)
            yield Figure(f"{method}, {n_tokens} tokens", 1e3 * seconds, "ms")


def _score(device: torch.device, sizes: Sizes, folder: Path) -> Iterator[Figure]:
    """`score` as it is typed, start included; it takes the card where it sees one."""
    data, texts = folder / "texts.csv", texts_of(sizes.scored, sizes.tokens)
    with data.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in texts)])
    methods = "decomposition,decomposition-path,input-x-gradient"
    options = [f"--data={data}", f"--methods={methods}", f"--output={folder / 'faithfulness.json'}"]
    started = time.perf_counter()
    command = [sys.executable, "-m", "viz", "score", *options]
    seen = os.environ if device.type == "cuda" else os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=ROOT, env=seen, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-350:])
    seconds = time.perf_counter() - started
    yield Figure(f"score, {len(texts)} texts, 3 methods", seconds, "s", "start included")


def _text(n_tokens: int) -> str:
    return " ".join(["oil"] * (n_tokens - 2))


def _median(call: Callable[[], object], rounds: int) -> float:
    """Median seconds of a call, after it was called once; each result is brought to the CPU."""
    call()
    return statistics.median(timed(call)[0] for _ in range(rounds))


PARTS: dict[str, tuple[float, Measure]] = {
    "matmul": (0.5, _matmul),
    "tests": (3, _tests),
    **{
        f"training-{shape}-{variant}": (weight, partial(card_training.measure, shape, variant))
        for variant, weight in VARIANTS.items()
        for shape in SHAPES
    },
    "read": (1, _read),
    "predict": (1, _predict),
    "decomposition": (1, _decomposition),
    "score": (1.5, _score),
}
"""Each part, with its weight when time is shared out."""


if __name__ == "__main__":
    main()
