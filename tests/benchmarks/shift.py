"""Shifts planted in AG News: whether they give an alarm, and what is said to have caused them.

    python -m tests.benchmarks.shift [--data validation.csv] [--cache FOLDER] [--output report.json]

Every text is predicted once, as it is and with 10% and 30% of its words misspelled; FOLDER keeps
the predictions.  Files are then drawn at random: a reference with labels, another without.
Planted are a class prior from a flat Dirichlet distribution, a change of topics within each class
(clusters of k-means over words, 85% of which are in one file, with as many rows of each class in
both), and misspelled words.  Ten files each are drawn, and a hundred pairs without a shift.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from tests.benchmarks.result import Result, tell
from viz import Classifier
from viz.data.missing import Missing
from viz.data.options import AuditOptions
from viz.data.rows.audit_rows import AuditRows, open_rows, rows_from
from viz.data.rows.row_predictions import RowPredictions, predict
from viz.data.shift.shift import Shift, measure_shift
from viz.model.classifier import default_checkpoint

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "ag_news" / "validation.csv"
SEEDS = 10
WITHOUT_SHIFT = 100
MISSPELLED = (0.1, 0.3)
MAX_WRONG, MAX_ALARMS, MAX_ERROR = 1, 5, 2.0
TOPICS = 4
"""Clusters of each class; half of them are more frequent in one file."""
TOPIC_SHARE = 0.85
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Pool:
    """Rows to draw files from."""

    texts: tuple[str, ...]
    gold: np.ndarray
    predictions: RowPredictions

    def rows(self, indices: np.ndarray, classifier: Classifier, *, labels: bool) -> AuditRows:
        """Some of them as a file."""
        records: list[dict[str, str]] = [{"text": self.texts[index]} for index in indices.tolist()]
        if labels:
            for record, number in zip(records, self.gold[indices].tolist(), strict=True):
                record["label"] = classifier.labels[number]
        return rows_from(records, classifier)

    def predicted(self, indices: np.ndarray) -> RowPredictions:
        """What is predicted of them."""
        of = self.predictions
        assert of.states is not None
        return RowPredictions(
            read=of.read[indices],
            logits=of.logits[indices],
            probabilities=of.probabilities[indices],
            n_tokens=of.n_tokens[indices],
            n_unseen=of.n_unseen[indices],
            n_windows=of.n_windows[indices],
            states=of.states[indices],
        )


@dataclass(frozen=True, slots=True)
class Drawn:
    """A reference and another file, by numbers of rows."""

    reference: np.ndarray
    rows: np.ndarray
    pool: str
    """Which pool the other file comes from."""


def measure(data: Path = DATA, cache: Path | None = None) -> Iterator[Result]:
    """All results, one by one."""
    classifier = Classifier.load(default_checkpoint())
    pools = _pools(data, classifier, cache)
    plain = pools["plain"]
    topics = _topics(plain)
    planted: dict[str, Callable[[int], Drawn]] = {
        "class prior": partial(_class_prior, plain),
        "topic": partial(_topic, plain, topics),
    }
    for rate in MISSPELLED:
        planted[f"typing errors, {rate:.0%} of words"] = partial(_halves, plain, f"{rate}")
    for name, draw in planted.items():
        right, errors, inside = 0, [], 0
        for seed in range(SEEDS):
            drawn = draw(seed)
            shift = _measured(classifier, pools, drawn, seed)
            first = shift.causes[0].cause if shift.causes else "none"
            right += name.startswith(first)
            other = pools[drawn.pool]
            truth = float(
                (other.predictions.predicted[drawn.rows] == other.gold[drawn.rows]).mean()
            )
            assert not isinstance(shift.estimated_accuracy, Missing)
            errors.append(100 * abs(shift.estimated_accuracy.mean - truth))
            inside += shift.estimated_accuracy.low <= truth <= shift.estimated_accuracy.high
        yield Result(f"{name}: another cause first", SEEDS - right, "files", at_most=MAX_WRONG)
        mean = float(np.mean(errors))
        yield Result(f"{name}: error of the accuracy", mean, "points", at_most=MAX_ERROR)
        yield Result(f"{name}: the largest of these", max(errors), "points")
        yield Result(f"{name}: truth outside of the interval", SEEDS - inside, "files")
    alarms = sum(
        _measured(classifier, pools, _halves(plain, "plain", seed), seed).alarm
        for seed in range(WITHOUT_SHIFT)
    )
    yield Result("alarms without a shift, of 100", alarms, "files", at_most=MAX_ALARMS)


def misspell(text: str, rate: float, draw: np.random.Generator) -> str:
    """Some of the words of three letters and more with two letters swapped, one lost or wrong."""
    words = text.split(" ")
    for number, word in enumerate(words):
        if len(word) < 3 or not word.isalpha() or draw.random() >= rate:
            continue
        place = int(draw.integers(len(word) - 1))
        before, letter, after = word[:place], word[place], word[place + 1 :]
        match int(draw.integers(3)):
            case 0:
                words[number] = before + after[0] + letter + after[1:]
            case 1:
                words[number] = before + after
            case _:
                words[number] = before + LETTERS[int(draw.integers(26))] + after
    return " ".join(words)


def _measured(classifier: Classifier, pools: dict[str, Pool], drawn: Drawn, seed: int) -> Shift:
    reference, other = pools["plain"], pools[drawn.pool]
    shift = measure_shift(
        classifier,
        reference.rows(drawn.reference, classifier, labels=True),
        reference.predicted(drawn.reference),
        other.rows(drawn.rows, classifier, labels=False),
        other.predicted(drawn.rows),
        AuditOptions(seed=seed, max_explained=2),  # words are none of what is counted
    )
    assert isinstance(shift, Shift)
    return shift


def _halves(pool: Pool, other: str, seed: int) -> Drawn:
    order = np.random.default_rng(seed).permutation(len(pool.texts))
    half = len(order) // 2
    return Drawn(order[:half], order[half:], other)


def _class_prior(pool: Pool, seed: int) -> Drawn:
    """As many rows of each class as Dirichlet says, none of them twice."""
    drawn = _halves(pool, "plain", seed)
    draw = np.random.default_rng(seed)
    shares = draw.dirichlet(np.ones(pool.gold.max() + 1))
    shares /= shares.max()
    gold = pool.gold[drawn.rows]
    chosen = [
        drawn.rows[gold == number][: int(share * (gold == number).sum())]
        for number, share in enumerate(shares)
    ]
    return Drawn(drawn.reference, np.concatenate(chosen), "plain")


def _topic(pool: Pool, topics: np.ndarray, seed: int) -> Drawn:
    """Half of the topics of each class are in one file for the most part."""
    draw = np.random.default_rng(seed)
    first, second = [], []
    for number in np.unique(pool.gold):
        own = draw.permutation(np.flatnonzero(pool.gold == number))
        chosen = np.isin(topics[own], draw.permutation(TOPICS)[: TOPICS // 2])
        in_second = draw.random(len(own)) < np.where(chosen, TOPIC_SHARE, 1 - TOPIC_SHARE)
        n = min(int(in_second.sum()), int((~in_second).sum()))
        first.append(own[~in_second][:n])
        second.append(own[in_second][:n])
    return Drawn(np.concatenate(first), np.concatenate(second), "plain")


def _topics(pool: Pool) -> np.ndarray:
    """A cluster of words within its class, of each row.  (N,)"""
    words = TfidfVectorizer(stop_words="english", min_df=3, sublinear_tf=True)
    matrix = words.fit_transform(pool.texts)
    topics = np.zeros(len(pool.texts), dtype=int)
    for number in np.unique(pool.gold):
        own = np.flatnonzero(pool.gold == number)
        components = normalize(TruncatedSVD(20, random_state=0).fit_transform(matrix[own]))
        topics[own] = KMeans(TOPICS, random_state=0, n_init=4).fit_predict(components)
    return topics


def _pools(data: Path, classifier: Classifier, cache: Path | None) -> dict[str, Pool]:
    rows = open_rows(data, classifier)
    assert rows.gold is not None
    gold = rows.gold.astype(int)
    pools = {"plain": _pool("plain", rows.texts, gold, classifier, cache)}
    for rate in MISSPELLED:
        draw = np.random.default_rng(0)
        texts = tuple(misspell(text, rate, draw) for text in rows.texts)
        pools[f"{rate}"] = _pool(f"{rate}", texts, gold, classifier, cache)
    return pools


def _pool(
    name: str, texts: tuple[str, ...], gold: np.ndarray, classifier: Classifier, cache: Path | None
) -> Pool:
    fields = ("read", "logits", "probabilities", "n_tokens", "n_unseen", "states")
    path = None if cache is None else cache / f"{name}.npz"
    if path is not None and path.exists():
        with np.load(path) as stored:
            return Pool(texts, gold, RowPredictions(**{field: stored[field] for field in fields}))
    predictions = predict(classifier, texts, states=True)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **{field: getattr(predictions, field) for field in fields})
    return Pool(texts, gold, predictions)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="AG News' validation.csv")
    parser.add_argument("--cache", type=Path, help="a folder to keep predictions in")
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    options = parser.parse_args()
    tell(measure(options.data, options.cache), options.output)
