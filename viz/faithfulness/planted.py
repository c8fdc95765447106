"""Ground truth: does a method put a word first that was planted for a class?

A checkpoint was trained on texts of which those of one class had a made-up word, and goes by it.
Then the right explanation is known: the word comes first.  Whether it goes by it is tested, by
hiding the word.  Source: viz/faithfulness/README.md 2; Bastings et al. 2022.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from finetune.errors import number_of, quoted
from finetune.evaluation.metrics import wilson_interval
from viz.errors import SelectionError
from viz.faithfulness.bootstrap import mean_interval
from viz.faithfulness.compare import Comparison
from viz.faithfulness.interval import Interval
from viz.faithfulness.operator_scores import OPERATOR_LABELS
from viz.faithfulness.orders import word_order
from viz.faithfulness.planted_scores import (
    PlantedChance,
    PlantedMethod,
    PlantedScores,
    PlantedWord,
)
from viz.model.classifier import Classifier
from viz.model.grouping import word_key
from viz.model.perturbation import BoolArray, Operator, Perturbation

LEAST_CHANGED = 0.8
"""The least share of texts that have to leave the class without the word, by each operator."""
DECIMALS = 6

PlantedRow = Mapping[str, Any]
"""What is known of a row that has planted words; JSON."""


def require_words(words: Sequence[str], classifier: Classifier) -> None:
    """Refuse what can't be a planted word, before anything slow begins.

    Raises:
        SelectionError: for anything but one word each, a word that stands twice, or a regression.
    """
    if words and classifier.regression:
        raise SelectionError(
            "The classifier gives a score; a word can be planted for a class only; leave out "
            "--planted."
        )
    for word in words:
        if len(classifier.encoder.words(word)) != 1:
            raise SelectionError(
                f"--planted {quoted(word)} is not one word: it can't hold a blank or a sign, and "
                "a second word takes a second --planted."
            )
    if len({word_key(word) for word in words}) < len(words):
        raise SelectionError("A word was named twice by --planted; name each once.")


def planted_row(
    words: Sequence[str], comparison: Comparison, versions: Perturbation, seed: int
) -> PlantedRow | None:
    """What is known of a row that has planted words; None of one that has none.

    Args:
        words: The planted words.
        comparison: What was measured of the row.
        versions: The row.
        seed: Of the order of words with equal scores.
    """
    keys = [word_key(span.label) for span in versions.words]
    present = [at for at, word in enumerate(words) if word_key(word) in keys]
    if not present:
        return None
    target = comparison.target.target_class
    whole = np.ones(versions.n_words, dtype=bool)
    # The strongest class of several that may be assigned need not be assigned.
    label = target if _is_put_into(versions, whole, target, versions.operators[0]) else None
    row = {"words": present, "label": label, "n_words": len(keys)}
    if len(present) > 1:
        return row | {"places": [], "changed": {}, "ranks": {}}
    places = [at for at, key in enumerate(keys) if key == word_key(words[present[0]])]
    ranks = {
        one.method: _rank(one.scores, places, seed)
        for one in comparison.rows
        if one.scores is not None
    }
    keep = whole.copy()
    keep[places] = False
    changed = {
        operator: not _is_put_into(versions, keep, target, operator)
        for operator in versions.operators
    }
    return row | {"places": places, "changed": changed, "ranks": ranks}


def _rank(scores: FloatArray, places: Sequence[int], seed: int) -> int:
    """The place of the first of some words, from 1."""
    return 1 + int(np.flatnonzero(np.isin(word_order(scores, seed), places))[0])


def _is_put_into(versions: Perturbation, keep: BoolArray, target: int, operator: Operator) -> bool:
    """Whether the words that stay, (n_words,), are put into a class."""
    classifier, (logits,) = versions.classifier, versions.logits(keep[None], operator)
    if classifier.multi_label:
        return bool(classifier.outcomes(logits)[target] >= 0.5)
    return int(logits.argmax()) == target


def planted_scores(
    words: Sequence[str], labels: Sequence[str], rows: Sequence[PlantedRow], seed: int
) -> PlantedScores | None:
    """How methods find planted words; None where none was named.

    Args:
        words: The words.
        labels: The names of the classes.
        rows: What is known of the rows that have any.
        seed: Of the bootstrap.
    """
    if not words:
        return None
    single = [row for row in rows if len(row["words"]) == 1]
    planted, counted = [], []
    for at, word in enumerate(words):
        own = [row for row in single if at in row["words"]]
        one, texts = _planted_word(word, labels, own)
        planted.append(one)
        counted += texts if one.refused is None else []
    methods = dict.fromkeys(method for row in counted for method in row["ranks"])
    return PlantedScores(
        words=tuple(planted),
        n_several=len(rows) - len(single),
        methods={
            method: _planted_method(
                [row["ranks"][method] for row in counted if method in row["ranks"]], seed
            )
            for method in methods
        },
        random=_chance(counted) if counted else None,
    )


def _planted_word(
    word: str, labels: Sequence[str], rows: Sequence[PlantedRow]
) -> tuple[PlantedWord, list[PlantedRow]]:
    """A word with its control, and the rows that it is judged by."""
    if not rows:
        none = f"No text that was measured has {quoted(word)}, so that no method is judged by it."
        return PlantedWord(word, None, 0, 0, {}, none), []
    counts = Counter(row["label"] for row in rows if row["label"] is not None)
    if not counts:
        unassigned = (
            f"No class is assigned to any text with {quoted(word)}, so that no method is judged by "
            "it."
        )
        return PlantedWord(word, None, 0, len(rows), {}, unassigned), []
    label = max(sorted(counts), key=counts.__getitem__)
    own = [row for row in rows if row["label"] == label]
    leaving = {
        operator: sum(row["changed"][operator] for row in own) for operator in own[0]["changed"]
    }
    changed = {operator: _share(count, len(own)) for operator, count in leaving.items()}
    name, n_other = labels[label], len(rows) - len(own)
    least = min(leaving, key=leaving.__getitem__)
    reason: str | None = None
    if changed[least].mean < LEAST_CHANGED:
        reason = (
            f"The checkpoint doesn't go by {quoted(word)}: of {number_of(len(own), 'text')} with "
            f"it predicted as {quoted(name)}, {leaving[least]:,} leave that class when it is "
            f"hidden by {OPERATOR_LABELS[least]}, and {LEAST_CHANGED:.0%} have to; so no method is "
            "judged by it."
        )
    return PlantedWord(word, name, len(own), n_other, changed, reason), own


def _planted_method(ranks: Sequence[int], seed: int) -> PlantedMethod:
    reciprocal = 1 / np.array(ranks, dtype=np.float64)
    mean, low, high = (float(each[0]) for each in mean_interval(reciprocal[:, None], seed))
    return PlantedMethod(
        n_texts=len(ranks),
        precision=_share(sum(rank == 1 for rank in ranks), len(ranks)),
        reciprocal_rank=_rounded(mean, low, high),
    )


def _chance(rows: Sequence[PlantedRow]) -> PlantedChance:
    """The mean over texts of n words, m of them planted, of m / n, and of 1 / the first place."""
    sizes = [(row["n_words"], len(row["places"])) for row in rows]
    precision = np.mean([m / n for n, m in sizes])
    reciprocal = np.mean([_expected_reciprocal_rank(n, m) for n, m in sizes])
    return PlantedChance(round(float(precision), DECIMALS), round(float(reciprocal), DECIMALS))


def _expected_reciprocal_rank(n: int, m: int) -> float:
    """Of the first of m among n words in random order.

    Of all C(n, m) sets of places, C(n - r, m - 1) have their first one at r.
    """
    places = range(1, n - m + 2)
    return sum(math.comb(n - place, m - 1) / place for place in places) / math.comb(n, m)


def _share(count: int, n: int) -> Interval:
    return _rounded(count / n, *wilson_interval(count, n))


def _rounded(mean: float, low: float, high: float) -> Interval:
    return Interval(*(round(value, DECIMALS) for value in (mean, low, high)))
