"""Metrics of faithfulness against sums by hand and against what must hold for any order."""

import math
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
import torch

from finetune.checkpoint.arrays import IntArray
from finetune.checkpoint.temperature import probabilities
from tests.tiny_models import tiny_checkpoint
from viz import Classifier
from viz.attribution.aopc import aopc
from viz.attribution.target import Target
from viz.faithfulness import metrics
from viz.faithfulness.evidence import erase_orders
from viz.faithfulness.metrics import (
    ERASER_PERCENTS,
    METRICS,
    Values,
    measure,
    measure_orders,
    n_versions,
)
from viz.faithfulness.order_effects import word_counts
from viz.faithfulness.orders import random_orders, word_order
from viz.model.perturbation import OPERATORS, Operator, Perturbation

TEXT = "Oil prices rise as stocks fall, the market was not good"
FOUR = "team wins good game"
TARGET = Target(1, 3)


def numbers(values: Values) -> np.ndarray:
    return np.array([values[name] for name in METRICS])


def p(versions: Perturbation, hidden: list[int], operator: Operator) -> float:
    """The probability of class 1 with some words hidden, each version on its own."""
    kept = np.ones((1, versions.n_words), dtype=bool)
    kept[0, hidden] = False
    logits = Perturbation(versions.classifier, versions.encoding).logits(kept, operator)
    return float(probabilities(logits, multi_label=False)[0, 1])


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_measure_equals_the_sum_written_out_by_hand(
    versions: Perturbation, operator: Operator
) -> None:
    """12 words: 1, 5, 10, 20, 50% are 1, 1, 2, 3, 6 of them; 10 to 90% are 2, 3, ..., 11."""
    n = versions.n_words
    assert n == 12
    ranks = np.random.default_rng(3).permutation(n)
    scores = -np.argsort(ranks).astype(float)  # ranks[0] has the highest score
    first = [int(index) for index in ranks]
    whole = p(versions, [], operator)
    found = measure(versions, TARGET, scores, operator)
    without = {k: p(versions, first[:k], operator) for k in range(1, n + 1)}
    alone = {k: p(versions, first[k:], operator) for k in range(n)}
    comprehensiveness = whole - (without[1] + without[2] + without[3] + without[6]) / 4
    assert found["comprehensiveness"] == pytest.approx(comprehensiveness, abs=1e-12)
    sufficiency = whole - (alone[1] + alone[2] + alone[3] + alone[6]) / 4
    assert found["sufficiency"] == pytest.approx(sufficiency, abs=1e-12)
    steps = (2, 3, 4, 5, 6, 8, 9, 10, 11)
    assert found["aopc"] == pytest.approx(whole - sum(without[k] for k in steps) / 9, abs=1e-12)
    least = whole - sum(alone[n - k] for k in steps) / 9
    assert found["aopc_least"] == pytest.approx(least, abs=1e-12)
    assert found["area"] == pytest.approx(found["aopc"] - found["aopc_least"], abs=1e-12)
    short = whole - sum(without[k] for k in (2, 3, 4, 5, 6)) / 5
    assert found["short"] == pytest.approx(short, abs=1e-12)
    assert found["log_odds_20"] == pytest.approx(math.log(without[3] / whole), abs=1e-10)


def test_the_margin_is_measured_as_the_probability_is(versions: Perturbation) -> None:
    scores = np.random.default_rng(4).random(versions.n_words)
    found = measure(versions, TARGET, scores, "mask")
    first = word_order(scores)
    margins = []
    for k in (0, 1, 2, 3, 6):
        kept = np.ones((1, versions.n_words), dtype=bool)
        kept[0, first[:k]] = False
        logits = versions.logits(kept, "mask")[0]
        margins.append(logits[1] - logits[3])
    expected = margins[0] - np.mean(margins[1:])
    assert found["margin_comprehensiveness"] == pytest.approx(expected, abs=1e-12)


def test_aopc_is_the_one_that_orders_are_searched_by(versions: Perturbation) -> None:
    for seed in range(5):
        (drawn,) = random_orders(versions.n_words, 1, seed)
        for operator in OPERATORS:
            (found,) = measure_orders(versions, TARGET, [drawn], operator)
            searched = aopc(versions, 1, [int(index) for index in drawn], operator)
            assert found["aopc"] == pytest.approx(searched, abs=1e-12)


def test_a_decision_flips_where_the_predicted_class_changes(double: Classifier) -> None:
    seen = set()
    for text in ("team wins the game good movie", "oil prices rise as stocks fall"):
        reading = double.read(text)
        versions = Perturbation(double, reading.encoding)
        predicted = reading.prediction.predicted_class
        for drawn, operator in product(random_orders(versions.n_words, 40), OPERATORS):
            (found,) = measure_orders(versions, TARGET, [drawn], operator)
            for flip, hidden in ((found["flip_10"], 1), (found["flip_20"], 2)):
                kept = np.ones((1, versions.n_words), dtype=bool)
                kept[0, drawn[:hidden]] = False
                changed = versions.logits(kept, operator)[0].argmax() != predicted
                assert flip == float(changed)
                seen.add(flip)
    assert seen == {0.0, 1.0}


@pytest.mark.parametrize("operator", OPERATORS)
def test_flips_are_counted_from_10_to_90_percent_from_either_end(
    versions: Perturbation, operator: Operator
) -> None:
    (drawn,) = random_orders(versions.n_words, 1, seed=5)
    whole = versions.logits(np.ones((1, 12), dtype=bool), operator)[0].argmax()

    def share(words: IntArray) -> float:
        changed = []
        for hidden in (2, 3, 4, 5, 6, 8, 9, 10, 11):
            kept = np.ones((1, 12), dtype=bool)
            kept[0, words[:hidden]] = False
            changed.append(versions.logits(kept, operator)[0].argmax() != whole)
        return float(np.mean(changed))

    (found,) = measure_orders(versions, TARGET, [drawn], operator)
    assert found["flips"] == pytest.approx(share(drawn))
    assert found["flips_least"] == pytest.approx(share(drawn[::-1]))
    assert found["flips"] != found["flips_least"]


def test_with_all_words_comprehensiveness_is_the_whole_fall_and_sufficiency_nothing(
    versions: Perturbation,
) -> None:
    everything = list(range(versions.n_words))
    for operator in OPERATORS:
        order = random_orders(versions.n_words, 1)[0]
        (found,) = erase_orders(versions, TARGET, [order], operator, (100,))
        fall = p(versions, [], operator) - p(versions, everything, operator)
        assert found.comprehensiveness == pytest.approx(fall, abs=1e-12)
        assert found.sufficiency == 0


@pytest.mark.parametrize("relabel", [np.exp, lambda s: 3 * s - 7, lambda s: s**3])
def test_only_ranks_count(versions: Perturbation, relabel: np.ufunc) -> None:
    scores = np.random.default_rng(1).integers(-3, 4, versions.n_words).astype(float)
    assert len(set(scores)) < len(scores)  # ties stay ties
    for operator in OPERATORS:
        assert measure(versions, TARGET, relabel(scores), operator) == measure(
            versions, TARGET, scores, operator
        )


@pytest.mark.parametrize("operator", OPERATORS)
def test_scores_that_are_all_equal_reach_what_random_orders_do(
    double: Classifier, operator: Operator
) -> None:
    """Over seeds their mean is that over all 24 orders of four words, within 4 standard errors."""
    versions = Perturbation(double, double.encode(FOUR))
    every = [np.array(one) for one in permutations(range(4))]
    expected = np.array([numbers(one) for one in measure_orders(versions, TARGET, every, operator)])
    flat = np.zeros(4)
    drawn = np.array(
        [numbers(measure(versions, TARGET, flat, operator, seed)) for seed in range(600)]
    )
    error = expected.std(0) / math.sqrt(len(drawn))
    assert (expected.std(0) > 0).sum() > 8
    assert (np.abs(drawn.mean(0) - expected.mean(0)) <= 4 * error + 1e-12).all()


def test_ties_are_broken_by_the_seed_and_not_by_position() -> None:
    orders = {tuple(word_order(np.zeros(5), seed)) for seed in range(40)}
    assert len(orders) > 20
    assert (word_order(np.zeros(5), 7) == word_order(np.zeros(5), 7)).all()
    firsts = [word_order(np.array([0.0, 2, 0, 2, 0]), seed)[0] for seed in range(200)]
    assert 60 < firsts.count(1) < 140
    assert set(firsts) == {1, 3}


def test_random_orders_come_with_their_reverse_and_each_word_leads_as_often() -> None:
    orders = random_orders(4, 10)
    assert len(orders) == 10
    for one, other in zip(orders[::2], orders[1::2], strict=True):
        assert (one == other[::-1]).all()
    leading = [random_orders(4, 1, seed)[0][0] for seed in range(400)]
    counts = np.bincount(leading, minlength=4)
    assert (np.abs(counts - 100) < 5 * math.sqrt(75)).all()


@pytest.mark.parametrize("n", range(3, 60))
def test_percentages_are_rounded_up_to_whole_words(n: int) -> None:
    found = word_counts(n, ERASER_PERCENTS)
    expected = {math.ceil(percent * n / 100 - 1e-9) for percent in ERASER_PERCENTS}
    assert found == tuple(sorted(expected))
    assert found[0] == 1
    assert n_versions(n) <= 2 * (5 + 9)


def test_the_short_form_is_the_same_of_fewer_versions(double: Classifier) -> None:
    short, full = (Perturbation(double, double.encode(TEXT)) for _ in range(2))
    orders = random_orders(short.n_words, 4)
    for operator in OPERATORS:
        for one, other in zip(
            erase_orders(short, TARGET, orders, operator, ERASER_PERCENTS),
            measure_orders(full, TARGET, orders, operator),
            strict=True,
        ):
            expected = other["comprehensiveness"], other["sufficiency"]
            assert (one.comprehensiveness, one.sufficiency) == pytest.approx(expected)
            assert one.value == one.comprehensiveness - one.sufficiency
    assert short.n_read < full.n_read


def test_all_versions_of_an_order_are_read_in_one_call_and_once(
    double: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = Perturbation(double, double.encode(TEXT))
    calls: list[int] = []
    read = Perturbation.logits

    def counted(self: Perturbation, kept: np.ndarray, operator: Operator) -> np.ndarray:
        calls.append(len(kept))
        return read(self, kept, operator)

    monkeypatch.setattr(Perturbation, "logits", counted)
    scores = np.random.default_rng(0).random(versions.n_words)
    first = measure(versions, TARGET, scores, "mask")
    spent = versions.n_read
    assert (len(calls), spent) == (1, len(versions._known))
    assert measure(versions, TARGET, scores, "mask") == first
    assert versions.n_read == spent


def test_a_multi_label_head_decides_each_class_on_its_own(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "m", problem_type="multi_label_classification")
    classifier = Classifier.load(folder, dtype=torch.float64)
    versions = Perturbation(classifier, classifier.encode(TEXT))
    whole = versions.logits(np.ones((1, versions.n_words), dtype=bool), "mask")[0, 2]
    kept = np.ones((1, versions.n_words), dtype=bool)
    drawn = random_orders(versions.n_words, 1)[0]
    kept[0, drawn[:3]] = False
    logit = versions.logits(kept, "mask")[0, 2]
    (found,) = measure_orders(versions, Target(2, None), [drawn], "mask")
    expected = math.log((1 + math.exp(-whole)) / (1 + math.exp(-logit)))
    assert found["log_odds_20"] == pytest.approx(expected, abs=1e-10)
    assert found["flip_20"] == float((logit > 0) != (whole > 0))


def test_the_readme_lists_every_metric_as_the_table_has_it() -> None:
    text = (Path(metrics.__file__).parent / "README.md").read_text("utf-8")
    rows = [f"| `{one.name}` | {one.definition} | {one.better} |" for one in METRICS.values()]
    assert "\n".join(["| metric | definition | better |", "|---|---|---|", *rows, ""]) in text
