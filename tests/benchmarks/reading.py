"""What recording costs: `Classifier.read` against a bare eager forward pass of the same model.

    python -m tests.benchmarks.reading [--checkpoint DIR] [--tokens 32 128 512] [--rounds 30]

Both run on the same weights and the same tokens, turn by turn in one process; the ratio of the
medians is what counts.  `read` starts from the text: tokenizing, the recorded pass, the prediction
and the checked copy of all weights are in its time.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from transformers import AutoModelForSequenceClassification

from viz import Classifier
from viz.model.classifier import default_checkpoint


def main() -> None:
    """Print one line for each text length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", default=str(default_checkpoint()))
    parser.add_argument("--tokens", type=int, nargs="+", default=[32, 128, 512])
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    classifier = Classifier.load(options.checkpoint, device="cpu")
    eager = AutoModelForSequenceClassification.from_pretrained(
        options.checkpoint, attn_implementation="eager", dtype=torch.float32
    ).eval()
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, {classifier.name}")
    for n_tokens in options.tokens:
        print(_line(classifier, eager, n_tokens, options.rounds))


def _line(classifier: Classifier, eager: torch.nn.Module, n_tokens: int, rounds: int) -> str:
    text = "oil " * (n_tokens - classifier.tokenizer.num_special_tokens_to_add())
    inputs = classifier.tokenizer(text, return_tensors="pt")

    def bare() -> None:
        with torch.inference_mode():
            eager(**inputs)

    forward, read = _medians([bare, lambda: classifier.read(text)], rounds)
    return (
        f"{inputs['input_ids'].shape[1]:4d} tokens: eager forward {forward * 1e3:7.1f} ms, "
        f"read {read * 1e3:7.1f} ms, ratio {read / forward:.2f}"
    )


def _medians(calls: list[Callable[[], object]], rounds: int) -> list[float]:
    """Median seconds of each call, taken in turns after three rounds of warming up."""
    times: list[list[float]] = [[] for _ in calls]
    for turn in range(rounds + 3):
        for seconds, call in zip(times, calls, strict=True):
            start = time.perf_counter()
            call()
            if turn >= 3:
                seconds.append(time.perf_counter() - start)
    return [statistics.median(seconds) for seconds in times]


if __name__ == "__main__":
    main()
