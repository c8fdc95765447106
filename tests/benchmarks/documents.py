"""Time and memory of texts beyond the model's limit, by their length.

    python -m tests.benchmarks.documents [--tokens 500 2000 20000] [--checkpoint FOLDER]

Texts of random sentences are read in windows and explained by the decomposition.  Seconds are those
of the processor.  Memory is the most that the process ever had, so lengths come in ascending order.
"""

import argparse
import random
import time
from collections.abc import Sequence

from tests.benchmarks.memory import peak_gigabytes
from viz import Classifier, attribute_document, default_checkpoint, read_document

SENTENCES = (
    "Oil prices rise as stocks fall. ",
    "The team wins the game in the last minute! ",
    "A probe finds ice on the moon, scientists say. ",
    "The minister said on Monday that peace talks will go on. ",
)
COLUMNS = ("tokens", "windows", "s to read", "s to explain", "s / window", "gap", "GB at most")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, nargs="+", default=[500, 2_000, 20_000])
    parser.add_argument("--checkpoint", default=str(default_checkpoint()))
    options = parser.parse_args()
    classifier = Classifier.load(options.checkpoint, device="cpu")
    _print(COLUMNS)
    for n_tokens in sorted(options.tokens):
        _print(measured(classifier, n_tokens))


def measured(classifier: Classifier, n_tokens: int) -> Sequence[str]:
    """A row of the table."""
    text = text_of(classifier, n_tokens)
    started = time.process_time()
    document = read_document(classifier, text)
    read = time.process_time()
    attribution = attribute_document(classifier, document, "decomposition")
    explained = time.process_time()
    assert attribution.bias is not None
    gap = float(attribution.scores.sum()) + attribution.bias - attribution.value
    n_windows = len(document.windows)
    return (
        f"{document.encoding.n_tokens:,}",
        f"{n_windows:,}",
        f"{read - started:.2f}",
        f"{explained - read:.2f}",
        f"{(explained - started) / n_windows:.2f}",
        f"{abs(gap):.1e}",
        f"{peak_gigabytes():.2f}",
    )


def text_of(classifier: Classifier, n_tokens: int) -> str:
    """Random sentences of about so many tokens."""
    chance, sentences, length = random.Random(0), list[str](), 0
    sizes = [len(classifier.tokenizer(each)["input_ids"]) for each in SENTENCES]
    while length < n_tokens:
        number = chance.randrange(len(SENTENCES))
        sentences.append(SENTENCES[number])
        length += sizes[number] - classifier.tokenizer.num_special_tokens_to_add(pair=False)
    return "".join(sentences)


def _print(cells: Sequence[str]) -> None:
    print("  ".join(cell.rjust(12) for cell in cells), flush=True)


if __name__ == "__main__":
    main()
