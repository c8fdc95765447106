"""LIME and KernelSHAP on values a test knows, and KernelSHAP against exact Shapley values."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from finetune.checkpoint.arrays import FloatArray
from tests.cooperative_games import Game, Rule, play
from tests.tiny_models import tiny_checkpoint
from viz import METHODS, Classifier, attribute
from viz.attribution.descriptions import explained_scalar, scale_ends
from viz.attribution.lime_shap import FEW_PAIRS, KERNEL_SHAP, LIME, lime_rows, ridge, shap_pairs
from viz.attribution.masking import all_subsets, log_odds
from viz.attribution.method import AttributionInput, Method
from viz.attribution.shapley import exact_values
from viz.attribution.target import Target
from viz.model.perturbation import BoolArray

SHORT = "oil prices rise, stockss fall"
BOTH = pytest.mark.parametrize("method", [LIME, KERNEL_SHAP], ids=lambda method: method.name)


@pytest.fixture(scope="module")
def double(checkpoint: Path) -> Classifier:
    return Classifier.load(checkpoint, dtype=torch.float64, device="cpu")


def bent(n: int, seed: int = 0) -> Rule:
    draw = np.random.default_rng(seed)
    alone, pairs = draw.normal(size=n), draw.normal(size=(n, n)) / np.sqrt(n)

    def rule(kept: BoolArray) -> FloatArray:
        rows = kept.astype(float)
        found: FloatArray = np.tanh(rows @ alone) + np.einsum("ij,jk,ik->i", rows, pairs, rows)
        return found

    return rule


@pytest.mark.parametrize("n", [1, 2, 3, 8, 30, 60])
def test_kernel_shap_finds_the_terms_of_a_sum(classifier: Classifier, n: int) -> None:
    weights = np.linspace(-1, 2, n) if n > 1 else np.array([1.5])
    game = Game(classifier, n, lambda kept: kept @ weights)
    scores, split = play(KERNEL_SHAP, game, {"rows": 200})
    np.testing.assert_allclose(scores, weights, rtol=0, atol=1e-9)
    assert FEW_PAIRS not in split.notes
    assert game.n_read <= min(200, 2**n)


@pytest.mark.parametrize("n", [3, 8, 30])
def test_lime_finds_the_terms_of_a_sum_but_for_its_shrinking(
    classifier: Classifier, n: int
) -> None:
    weights = np.linspace(-1, 2, n)
    game = Game(classifier, n, lambda kept: kept @ weights)
    scores, _ = play(LIME, game, {"rows": 20_000})
    np.testing.assert_allclose(scores, weights, rtol=0, atol=0.01)
    assert game.n_read <= min(20_000, 2**n)


@pytest.mark.parametrize("n", [1, 2])
def test_lime_gives_a_word_or_two_their_sign(classifier: Classifier, n: int) -> None:
    """An empty text is far from the whole one, so the ridge shrinks much of what it says."""
    scores, split = play(LIME, Game(classifier, n, lambda kept: kept @ np.array([2.0, -1.0])[:n]))
    assert (np.sign(scores) == [1, -1][:n]).all()
    assert (np.abs(scores) < [2.5, 1.5][:n]).all()
    assert split.measured["rows"] == 2**n


def test_the_ridge_is_that_of_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    kept, values, weights = draw.random((50, 7)) < 0.5, draw.normal(size=50), draw.random(50)
    expected = Ridge(alpha=1).fit(kept, values, sample_weight=weights).coef_
    np.testing.assert_allclose(ridge(kept, values, weights)[0], expected, rtol=0, atol=1e-10)


def test_kernel_shap_over_all_sets_is_exact(double: Classifier) -> None:
    task = AttributionInput(
        double, double.read(SHORT), Target(1, 3), KERNEL_SHAP.resolve_options(None)
    )
    split = KERNEL_SHAP.run(task)
    n = task.perturbation.n_words
    expected = exact_values(log_odds(task, all_subsets(n), "mask"))
    found = task.perturbation.to_words(split.scores)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)
    assert (split.errors, split.measured["rows"]) == (None, 2**n)


@pytest.mark.parametrize("n", [12, 23, 24, 60])
def test_kernel_shap_adds_up_however_few_rows(classifier: Classifier, n: int) -> None:
    rule = bent(n)
    scores, split = play(KERNEL_SHAP, Game(classifier, n, rule), {"rows": 50})
    ends = rule(np.array([[True] * n, [False] * n]))
    assert scores.sum() == pytest.approx(ends[0] - ends[1], abs=1e-9)
    assert (FEW_PAIRS in split.notes) == (split.errors is None) == (n > 23)


def test_the_value_is_the_log_odds_against_all_others(double: Classifier) -> None:
    reading = double.read(SHORT)
    task = AttributionInput(double, reading, Target(1, 3), LIME.resolve_options(None))
    whole = np.ones((1, task.perturbation.n_words), dtype=bool)
    share = float(reading.prediction.probabilities[1])
    assert log_odds(task, whole, "mask")[0] == pytest.approx(math.log(share / (1 - share)))


@pytest.mark.parametrize("name", [name for name in METHODS if METHODS[name].against_all])
def test_what_is_held_against_all_others_says_so(double: Classifier, name: str) -> None:
    reading = double.read(SHORT)
    found = attribute(double, reading, name, 1, 3)
    share = float(reading.prediction.probabilities[1])
    assert found.value == pytest.approx(math.log(share / (1 - share)), abs=1e-5)
    assert found.against_class is None
    assert explained_scalar(reading.prediction, found) == "log-odds Sports"
    assert scale_ends(reading.prediction, found) == ("against Sports", "for Sports")
    assert np.array_equal(found.scores, attribute(double, reading, name, 1, None).scores)


def test_classes_that_do_not_compete_are_explained_by_their_logit(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "m", problem_type="multi_label_classification")
    several = Classifier.load(folder)
    task = AttributionInput(
        several, several.read(SHORT), Target(2, None), LIME.resolve_options(None)
    )
    whole = np.ones((1, task.perturbation.n_words), dtype=bool)
    expected = task.reading.prediction.logits[2]
    assert log_odds(task, whole, "mask")[0] == pytest.approx(float(expected), abs=1e-5)
    assert LIME.run(task).notes == ()


def test_of_two_classes_the_other_is_held_against_one(tmp_path: Path) -> None:
    two = Classifier.load(tiny_checkpoint(tmp_path / "two", labels=("bad", "good")))
    reading = two.read(SHORT)
    task = AttributionInput(two, reading, Target(1, 0), LIME.resolve_options(None))
    whole = np.ones((1, task.perturbation.n_words), dtype=bool)
    margin = float(reading.prediction.logits[1] - reading.prediction.logits[0])
    assert log_odds(task, whole, "mask")[0] == pytest.approx(margin, abs=1e-5)
    found = attribute(two, reading, "lime", 1, None)
    assert (found.against_class, found.against_all) == (0, False)
    assert found.value == pytest.approx(margin, abs=1e-5)


@BOTH
def test_standard_errors_are_the_spread_over_seeds(classifier: Classifier, method: Method) -> None:
    game = Game(classifier, 14, bent(14))
    found, told = [], []
    for seed in range(40):
        scores, split = play(method, game, {"rows": 200, "seed": seed})
        assert split.errors is not None
        found.append(scores)
        told.append(game.to_words(np.square(split.errors)))
    ratio = np.sqrt(np.mean(told, axis=0)) / np.std(found, axis=0, ddof=1)
    assert 0.8 < np.exp(np.log(ratio).mean()) < 1.3


@BOTH
def test_more_rows_than_versions_are_never_asked_for(
    classifier: Classifier, method: Method
) -> None:
    game = Game(classifier, 6, bent(6))
    options = method.resolve_options({"rows": 1000})
    first, split = play(method, game, options)
    assert split.measured["rows"] == method.forward_passes(6, 3, options) == 64
    assert split.errors is None
    np.testing.assert_allclose(play(method, game, {**options, "seed": 5})[0], first)


@BOTH
def test_the_seed_decides_the_rows(classifier: Classifier, method: Method) -> None:
    game = Game(classifier, 20, bent(20))
    first, again, other = (play(method, game, {"seed": seed})[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


@BOTH
def test_without_a_mask_token_words_are_deleted(tmp_path: Path, method: Method) -> None:
    plain = Classifier.load(tiny_checkpoint(tmp_path / "plain"))
    reading = plain.read(SHORT)
    deleted = attribute(plain, reading, method, options={"operator": "delete"})
    plain.tokenizer.mask_token = None
    found = attribute(plain, reading, method)
    assert (found.options["operator"], found.notes) == ("delete", deleted.notes)
    np.testing.assert_array_equal(found.scores, deleted.scores)


def test_lime_hides_as_many_words_as_chance_has_it() -> None:
    kept, counts, drawn = lime_rows(20, LIME.resolve_options({"rows": 4001}))
    assert drawn
    assert kept[0].all()
    assert (counts == 1).all()
    hidden = np.bincount((~kept[1:]).sum(1), minlength=21)
    assert hidden[0] == 0
    assert (np.abs(hidden[1:] - 200) < 5 * math.sqrt(200)).all()


def test_lime_over_all_versions_counts_each_as_often_as_it_is_drawn() -> None:
    kept, counts, drawn = lime_rows(4, LIME.resolve_options({"rows": 101}))
    assert not drawn
    assert kept[0].all()
    assert (counts[0], counts.sum()) == (1, pytest.approx(101))
    sizes = (~kept).sum(1)
    assert [counts[sizes == size].sum() for size in (1, 2, 3, 4)] == pytest.approx([25] * 4)


def test_kernel_shap_keeps_as_many_words_as_its_kernel_has_it() -> None:
    kept, _, drawn = shap_pairs(20, KERNEL_SHAP.resolve_options({"rows": 8002}))
    assert drawn
    found = np.bincount(kept.sum(1), minlength=20)[1:20]
    chances = np.array([1 / (size * (20 - size)) for size in range(1, 20)])
    expected = 4000 * chances / chances.sum()
    assert (np.abs(found - expected) < 5 * np.sqrt(expected)).all()
