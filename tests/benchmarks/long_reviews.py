"""Long reviews read in windows, or to the limit of the model alone: accuracy, and agreement.

    python -m tests.benchmarks.long_reviews CHECKPOINT DATA [--rows 200] [--explained 60]
                                            [--faithful 6] [--method decomposition-path]

DATA are JSON Lines with `text`, `label_name`, and `spans`: the [start, end) characters that people
marked as the reason for the label.  The same checkpoint reads each text in windows of half its
limit apart, with logits pooled in three ways, and once cut behind its limit.

Three questions, never mixed.  Accuracy: of the class, with its 95% interval.  Plausibility: do the
scores of words for the labeled class rank what people marked above the rest?  It is the area under
the precision-recall curve (average precision) over all words of a text, the mean over texts; a
word that was not read has the score 0.  An order at random reaches the share of marked words.
Faithfulness: what hiding the highest scores costs the predicted class (AOPC), beside random orders
of the same text alone: of a long text sentences are hidden, of the head words.  No row is shown,
and none is kept.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, get_args

import numpy as np
from sklearn.metrics import average_precision_score

from finetune.checkpoint.arrays import FloatArray
from finetune.checkpoint.windows import Pooling, pool_logits
from finetune.evaluation.metrics import wilson_interval
from finetune.run.progress import progress_bar
from tests.benchmarks.result import Result, tell
from viz import Classifier, attribute
from viz.attention.words import merge, spans
from viz.documents.attribute_document import attribute_document
from viz.documents.read_document import read_document
from viz.faithfulness.bootstrap import mean_interval
from viz.faithfulness.compare import Comparison, compare, compare_document
from viz.types import Encoding

HEAD = "head alone"
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)
Row = Mapping[str, Any]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("checkpoint", help="a folder or a Hub id")
    parser.add_argument("data", type=Path, help="JSON Lines of texts with marked spans")
    parser.add_argument("--rows", type=int, help="the first of DATA; by default all")
    parser.add_argument("--explained", type=int, default=60, help="rows with scores of words")
    parser.add_argument("--faithful", type=int, default=6, help="rows with words hidden")
    parser.add_argument("--method", default="decomposition-path")
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    options = parser.parse_args()
    with options.data.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in islice(file, options.rows)]
    tell(measure(Classifier.load(options.checkpoint), rows, options), options.output)


def measure(classifier: Classifier, rows: Sequence[Row], options: Any) -> Iterator[Result]:
    """Accuracy, plausibility and faithfulness, each way of reading beside the head alone."""
    yield from _accuracy(classifier, rows)
    yield from _plausibility(classifier, _spread(rows, options.explained), options.method)
    yield from _faithfulness(classifier, _spread(rows, options.faithful), options.method)


def _spread(rows: Sequence[Row], count: int) -> list[Row]:
    """So many rows, evenly over all."""
    return [rows[i] for i in np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)]


def _accuracy(classifier: Classifier, rows: Sequence[Row]) -> Iterator[Result]:
    right = dict.fromkeys((HEAD, *POOLINGS), 0)
    n_windows, beyond = list[int](), 0
    for number in progress_bar(range(len(rows)), "reading"):
        row = rows[number]
        document = read_document(classifier, row["text"])
        logits = np.stack([window.logits for window in document.windows])
        label = classifier.labels.index(row["label_name"])
        for pooling in POOLINGS:
            pooled = pool_logits(logits, [0] * len(logits), 1, pooling)[0]
            right[pooling] += int(pooled.argmax() == label)
        head = classifier.read(row["text"])
        right[HEAD] += int(head.prediction.logits.argmax() == label)
        n_windows.append(len(logits))
        beyond += bool(head.encoding.n_unseen)
    yield Result("windows of a text, mean", float(np.mean(n_windows)), "windows")
    yield Result("texts longer than the limit", 100 * beyond / len(rows), "%")
    for pooling in POOLINGS:
        low, high = wilson_interval(right[pooling], len(rows))
        yield Result(
            f"accuracy, {pooling} of windows ({low:.1%} to {high:.1%})",
            100 * right[pooling] / len(rows), "%", 100 * right[HEAD] / len(rows), HEAD, more=True,
        )  # fmt: skip


def _plausibility(classifier: Classifier, rows: Sequence[Row], method: str) -> Iterator[Result]:
    areas, chance, unread = list[list[float]](), list[float](), list[float]()
    for number in progress_bar(range(len(rows)), "explaining"):
        row = rows[number]
        label = classifier.labels.index(row["label_name"])
        whole = read_document(classifier, row["text"]).encoding
        marked = _marked(whole, row["spans"])
        if not marked.any():
            continue
        seen, scores = _head_scores(classifier, row["text"], whole, method, label)
        of_row = [_area(whole, marked, scores)]
        for pooling in POOLINGS:
            document = read_document(classifier, row["text"], pooling=pooling)
            found = attribute_document(classifier, document, method, label)
            of_row.append(_area(whole, marked, found.scores))
        areas.append(of_row)
        chance.append(float(marked.mean()))
        unread.append(float(marked[~_read(whole, seen)].sum() / marked.sum()))
    values = np.array(areas)
    random, beyond = 100 * float(np.mean(chance)), 100 * float(np.mean(unread))
    yield Result("marked words, and AUPRC of a random order", random, "%")
    yield Result("marked words that the head alone does not read", beyond, "%")
    head = 100 * float(values[:, 0].mean())
    for column, pooling in enumerate(POOLINGS, 1):
        gain = _interval(values[:, column] - values[:, 0])
        yield Result(
            f"AUPRC, {pooling} of windows, {len(values)} texts ({_interval(values[:, column])}; "
            f"more than the head alone by {gain})",
            100 * float(values[:, column].mean()), "%", head, HEAD, more=True,
        )  # fmt: skip


def _head_scores(
    classifier: Classifier, text: str, whole: Encoding, method: str, label: int
) -> tuple[int, FloatArray]:
    """How many tokens the model reads at once, and the scores of all tokens of the text. (T,)"""
    reading = classifier.read(text)
    tokens, scores = reading.encoding.tokens, np.zeros(whole.n_tokens)
    own = attribute(classifier, reading, method, label).scores
    n_read = sum(not token.special for token in tokens)
    places = [i for i, token in enumerate(whole.tokens) if not token.special][:n_read]
    of_text = [i for i, token in enumerate(tokens) if not token.special]
    for place, i in zip(places, of_text, strict=True):
        assert whole.tokens[place].start == tokens[i].start
        scores[place] = own[i]
    return len(places), scores


def _words(encoding: Encoding) -> list[Any]:
    return [span for span in spans(encoding) if not span.special]


def _marked(encoding: Encoding, places: Sequence[tuple[int, int]]) -> Any:
    """Whether people marked each word, or a part of it.  (n,)"""
    return np.array(
        [any(s < word.end and word.start < e for s, e in places) for word in _words(encoding)]
    )


def _read(encoding: Encoding, n_read: int) -> Any:
    """Whether each word is among the first tokens of the text.  (n,)"""
    last = [i for i, token in enumerate(encoding.tokens) if not token.special][n_read - 1]
    return np.array([word.tokens[0] <= last for word in _words(encoding)])


def _area(encoding: Encoding, marked: Any, scores: FloatArray) -> float:
    words = merge(scores, _words(encoding), np.float64)
    return float(average_precision_score(marked, words))


def _interval(values: FloatArray) -> str:
    """In percent, over texts drawn with replacement."""
    _, low, high = mean_interval(values[:, None])
    return f"{100 * low[0]:.1f} to {100 * high[0]:.1f}"


def _faithfulness(classifier: Classifier, rows: Sequence[Row], method: str) -> Iterator[Result]:
    found: dict[str, list[Comparison]] = {HEAD: [], "mean": []}
    for number in progress_bar(range(len(rows)), "hiding words"):
        text = rows[number]["text"]
        document = read_document(classifier, text, pooling="mean")
        found["mean"].append(compare_document(classifier, document, [method], n_random=2))
        found[HEAD].append(compare(classifier, classifier.read(text), [method], n_random=2))
    for name, comparisons in found.items():
        for operator in comparisons[0].random if comparisons else ():
            own = np.mean([each.rows[0].measures[operator]["aopc"] for each in comparisons])
            chance = np.mean([each.random_mean(operator) for each in comparisons])
            units = np.mean([each.n_words for each in comparisons])
            yield Result(
                f"AOPC, {name}, {operator}, {len(rows)} texts of {units:.0f} units",
                float(own), "", float(chance), "random orders", more=True,
            )  # fmt: skip


if __name__ == "__main__":
    main()
