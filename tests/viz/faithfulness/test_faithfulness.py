"""Measures of faithfulness against sums by hand and against what must hold for any order."""

import math
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau, spearmanr
from scipy.stats import t as student

from finetune.checkpoint.temperature import probabilities
from tests.tiny_models import tiny_checkpoint, tiny_mpnet
from viz import METHODS, Classifier, Reading, attribute
from viz.attention.rank_correlation import spearman
from viz.attribution.aopc import aopc
from viz.attribution.method_spec import MethodSpec
from viz.attribution.target import Target
from viz.errors import MethodError, TextError
from viz.faithfulness import metrics
from viz.faithfulness.agreement import kendall, leave_one_out, polarity
from viz.faithfulness.compare import compare, expected_passes
from viz.faithfulness.evidence import Erasure, Evidence, erase_orders, evidence
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
from viz.types import IntArray

TEXT = "Oil prices rise as stocks fall, the market was not good"
FOUR = "team wins good game"


@pytest.fixture(scope="module")
def double(checkpoint: Path) -> Classifier:
    """The tiny BERT, computed in double precision."""
    return Classifier.load(checkpoint, dtype=torch.float64, device="cpu")


@pytest.fixture(scope="module")
def versions(double: Classifier) -> Perturbation:
    return Perturbation(double, double.encode(TEXT))


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
    """12 words: 1, 5, 10, 20, 50 % are 1, 1, 2, 3, 6 of them; 10 to 90 % are 2, 3, ..., 11."""
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


# Agreement


@pytest.mark.parametrize("seed", range(5))
def test_correlations_of_ranks_equal_those_of_scipy(seed: int) -> None:
    draw = np.random.default_rng(seed)
    one, other = draw.integers(0, 6, (2, 15)).astype(float)
    assert kendall(one, other) == pytest.approx(kendalltau(one, other).statistic, abs=1e-12)
    assert spearman(one, other) == pytest.approx(spearmanr(one, other).statistic, abs=1e-12)
    assert math.isnan(kendall(one, np.ones(15)))
    assert math.isnan(spearman(np.ones(15), other))


def test_polarity_is_the_share_of_top_positive_words_that_carry_the_margin() -> None:
    falls = np.array([1.0, -1, 2, -3, 5])
    assert polarity(np.array([9.0, 8, 7, 6, -5]), falls) == pytest.approx(2 / 3)
    assert polarity(np.array([1.0, -8, -7, -6, -5]), falls) == 1
    assert polarity(np.zeros(5), falls) is None


def test_occlusion_agrees_with_itself(double: Classifier, versions: Perturbation) -> None:
    reading = double.read(TEXT)
    found = attribute(double, reading, "occlusion", target_class=1, against=3)
    effects = leave_one_out(versions, TARGET, "mask")
    np.testing.assert_allclose(versions.to_words(found.scores), effects, atol=1e-10)
    row = compare(double, reading, ["occlusion"]).rows[0]
    assert row.tau_occlusion == pytest.approx(1)
    assert row.polarity == 1


# The badge


def erased(value: float) -> Erasure:
    return Erasure(value, 0.0)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (4.0, "better than 95 % of random orders"),
        (1.5, "not distinguishable from random"),
        (-2.0, "worse than 95 % of random orders"),
    ],
)
def test_the_badge_compares_with_the_prediction_limits_of_the_random_orders(
    value: float, sentence: str
) -> None:
    drawn = (0.0, 1.0, 2.0, 1.0, 1.0)
    found = Evidence(9, {"mask": erased(value)}, {"mask": tuple(map(erased, drawn))})
    spread = np.std(drawn, ddof=1) * math.sqrt(1 + 1 / 5)
    low, high = (1 + student.ppf(share, 4) * spread for share in (0.025, 0.975))
    assert found.band == pytest.approx((low, high))
    assert found.sentence == sentence


def test_one_random_order_in_twenty_is_called_better(double: Classifier) -> None:
    """The limits hold what they say: random scores pass the badge in about 5 % of draws."""
    versions = Perturbation(double, double.encode(TEXT))
    n, better = versions.n_words, 0
    for seed in range(200):
        own, *drawn = (
            *random_orders(n, 1, 10_000 + seed),
            *random_orders(n, 10, seed),
        )
        found = erase_orders(versions, TARGET, [own, *drawn], "mask")
        better += Evidence(n, {"mask": found[0]}, {"mask": found[1:]}).better
    assert 1 <= better <= 22  # of 200, 10 expected; more than 22 has a chance of 1 in 5,000


def test_the_badge_of_the_best_order_is_better_than_random(
    classifier: Classifier, reading: Reading
) -> None:
    versions = Perturbation(classifier, reading.encoding)
    shared: list[float] = []
    found = attribute(classifier, reading, "occlusion", shared=versions)
    seen = evidence(classifier, reading, found, shared=versions, progress=shared.append)
    assert set(seen.measures) == set(OPERATORS)
    assert all(len(drawn) == 10 for drawn in seen.random.values())
    means = [one.value for one in seen.measures.values()]
    assert seen.value == pytest.approx(sum(means) / 2)
    assert len(seen.random_values) == 10
    assert seen.band[0] < np.mean(seen.random_values) < seen.band[1]
    assert seen.better == (seen.sentence == "better than 95 % of random orders")
    assert sum(shared) > 0
    again: list[float] = []
    assert evidence(classifier, reading, found, shared=versions, progress=again.append) == seen
    assert again == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("oil", "too short to measure: 1 word"), ("oil prices", "too short to measure: 2 words")],
)
def test_a_text_without_orders_is_too_short(
    classifier: Classifier, text: str, sentence: str
) -> None:
    reading = classifier.read(text)
    seen = evidence(classifier, reading, attribute(classifier, reading))
    assert (seen.measured, seen.better, seen.sentence) == (False, False, sentence)
    assert math.isnan(seen.value)
    with pytest.raises(TextError, match=r"too few orders to measure anything; give one of at"):
        compare(classifier, reading, ["attention"])


# All methods on one text

QUICK = tuple(name for name, method in METHODS.items() if method.cost <= 60)


def test_the_table_holds_what_each_method_is_worth(double: Classifier) -> None:
    reading = double.read(TEXT)
    reported: list[float] = []
    versions = Perturbation(double, reading.encoding)
    found = compare(double, reading, QUICK, shared=versions, progress=reported.append)
    assert [row.method for row in found.rows] == list(QUICK)
    target = found.target
    assert (target.target_class, target.against_class) == (
        reading.prediction.predicted_class,
        reading.prediction.runner_up(target.target_class),
    )
    for row in found.rows:
        scores = versions.to_words(attribute(double, reading, row.method).scores)
        assert row.scores is not None
        np.testing.assert_allclose(row.scores, scores, atol=1e-9)
        for operator in OPERATORS:
            assert row.measures[operator] == measure(versions, target, scores, operator)
            share = found.share(row, operator)
            assert share is not None
            assert share <= 1
            floor, best = found.random_mean(operator), found.best_aopc(operator)
            assert floor + share * (best - floor) == pytest.approx(row.measures[operator]["aopc"])
        assert (row.polarity is None) or METHODS[row.method].signed
        assert row.seconds > 0
    assert any(found.share(row, "mask") == 1 for row in found.rows)
    assert sum(reported) >= versions.n_read
    assert sum(reported) <= expected_passes(double, versions.n_words, QUICK)


def test_methods_agree_with_themselves_and_as_much_with_one_another(double: Classifier) -> None:
    found = compare(double, double.read(TEXT), ["decomposition", "saliency", "occlusion"])
    assert found.agreement.shape == (3, 3)
    np.testing.assert_array_equal(found.agreement, found.agreement.T)
    np.testing.assert_allclose(np.diag(found.agreement), 1)
    one, other = found.rows[0].scores, found.rows[1].scores
    assert found.agreement[0, 1] == pytest.approx(spearmanr(one, other).statistic)


def test_a_method_that_hides_words_is_marked_with_its_operator(double: Classifier) -> None:
    entries = ["decomposition", "occlusion", "occlusion:operator=delete", "decomposition+"]
    rows = compare(double, double.read(TEXT), entries).rows
    assert [row.shares_operator for row in rows] == [None, "mask", "delete", "both"]
    assert [row.method for row in rows] == entries
    assert rows[1].passes == 13  # 12 words, and the text itself


def test_a_method_that_is_refused_is_listed_with_its_sentence(tmp_path: Path) -> None:
    classifier = Classifier.load(tiny_mpnet(tmp_path))
    found = compare(classifier, classifier.read(TEXT), ["decomposition", "attention"])
    refused, measured = found.rows
    assert refused.refused is not None
    assert refused.refused.startswith("The decomposition does not add up")
    assert (refused.measures, refused.scores) == ({}, None)
    assert found.share(refused, "mask") is None
    assert found.measured == (measured,)
    assert found.agreement.shape == (1, 1)


def test_without_a_mask_token_words_are_deleted_only(checkpoint: Path) -> None:
    classifier = Classifier.load(checkpoint)
    classifier.tokenizer.mask_token = None
    reading = classifier.read(TEXT)
    assert set(evidence(classifier, reading, attribute(classifier, reading)).measures) == {"delete"}
    found = compare(classifier, reading, ["attention"])
    assert set(found.rows[0].measures) == set(found.random) == {"delete"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("lime2", r"^Unknown method 'lime2'; known are .*\.$"),
        ("occlusion:delete", r"^'occlusion:delete' can't be understood; write an option as occl"),
        ("occlusion:operator=x", r"^operator of occlusion can't be 'x'; it can be mask, delete\.$"),
        ("random:seed=x", r"^seed of random can't be 'x'; it can be 0 to 1000000\.$"),
        ("random:steps=1", r"^Random has no option 'steps'; it has seed\.$"),
    ],
)
def test_an_entry_that_makes_no_sense_is_one_sentence(entry: str, message: str) -> None:
    with pytest.raises(MethodError, match=message):
        MethodSpec.parse(entry)


def test_options_are_read_from_an_entry() -> None:
    spec = MethodSpec.parse("shapley:permutations=20:operator=delete")
    assert spec.method.name == "shapley"
    assert dict(spec.options) == {"permutations": 20, "operator": "delete", "seed": 0}


def test_the_readme_lists_every_metric_as_the_table_has_it() -> None:
    text = (Path(metrics.__file__).parent / "README.md").read_text("utf-8")
    rows = [f"| `{one.name}` | {one.definition} | {one.better} |" for one in METRICS.values()]
    assert "\n".join(["| metric | definition | better |", "|---|---|---|", *rows, ""]) in text
