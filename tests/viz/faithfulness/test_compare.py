"""All methods on one text, and how far their scores agree."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from tests.tiny_models import tiny_mpnet
from viz import METHODS, Classifier, attribute
from viz.attention.rank_correlation import spearman
from viz.attribution.target import Target
from viz.errors import MethodError
from viz.faithfulness.agreement import kendall, leave_one_out, polarity
from viz.faithfulness.compare import compare, expected_passes
from viz.faithfulness.evidence import evidence
from viz.faithfulness.limits import Limits
from viz.faithfulness.metrics import (
    measure,
)
from viz.model.perturbation import OPERATORS, Perturbation

TEXT = "Oil prices rise as stocks fall, the market was not good"
TARGET = Target(1, 3)


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


def test_a_reversed_order_may_be_the_best_and_a_worst_one_the_best_to_a_judge(
    double: Classifier,
) -> None:
    found = compare(double, double.read(TEXT), ["attention", "saliency"], n_random=2)
    for high, low in (("aopc", "aopc_least"), ("aopc_least", "aopc")):
        for at in range(4):  # each order in turn is the best one, and its reverse the worst
            numbers = [{high: 0.1, low: 0.0} for _ in range(4)]
            numbers[at] = {high: 0.9, low: -0.5}
            rows = tuple(
                replace(row, measures={"mask": own})
                for row, own in zip(found.rows, numbers[:2], strict=True)
            )
            one = replace(found, rows=rows, random={"mask": tuple(numbers[2:])})
            assert (one.best_aopc("mask"), one.worst_aopc("mask")) == (0.9, -0.5)
            assert all((one.share(row, "mask") or 0) <= 1 for row in one.rows)
    for worst, best in ((-0.6, 0.95), (0.95, -0.6)):
        searched = replace(one, limits={"mask": Limits(worst, best, (0, 1), (1, 0))})
        assert (searched.best_aopc("mask"), searched.worst_aopc("mask")) == (0.95, -0.6)


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


@pytest.mark.usefixtures("_no_pass_adds_up")
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
    # One random order alone, and its reverse, are both limits.
    alone = compare(classifier, classifier.read(TEXT), ["decomposition"], n_random=1)
    (values,) = alone.random["mask"]
    assert alone.best_aopc("mask") == max(values["aopc"], values["aopc_least"])
    assert alone.worst_aopc("mask") == min(values["aopc"], values["aopc_least"])


def test_without_a_mask_token_words_are_deleted_only(checkpoint: Path) -> None:
    classifier = Classifier.load(checkpoint)
    classifier.tokenizer.mask_token = None
    reading = classifier.read(TEXT)
    assert set(evidence(classifier, reading, attribute(classifier, reading)).measures) == {"delete"}
    entries = ["attention", "decomposition-path", "integrated-gradients:n_steps=10", "occlusion"]
    found = compare(classifier, reading, entries)
    assert set(found.rows[0].measures) == set(found.random) == {"delete"}
    assert [row.shares_operator for row in found.rows] == [None, None, None, "delete"]
    assert [dict(row.options).get("operator") for row in found.rows] == [None, None, None, "delete"]
    with pytest.raises(MethodError, match="no mask token; it can be delete"):
        compare(classifier, reading, ["occlusion:operator=mask"])
