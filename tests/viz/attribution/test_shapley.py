"""Shapley values against an enumeration of all orders, captum and their axioms."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from captum.attr import ShapleyValueSampling

from finetune.checkpoint.arrays import FloatArray
from tests.cooperative_games import Game, Rule, play
from viz import Classifier
from viz.attribution.method import AttributionInput
from viz.attribution.shapley import SHAPLEY, exact_values
from viz.attribution.target import Target
from viz.model.perturbation import BoolArray, Perturbation

LONG = "Oil prices rise as stocks fall, the market was not good!"
SHORT = "oil prices rise, stockss fall"


@pytest.fixture(scope="module")
def double(checkpoint: Path) -> Classifier:
    return Classifier.load(checkpoint, dtype=torch.float64, device="cpu")


def over_all_orders(n: int, rule: Rule) -> FloatArray:
    """The definition, word by word and order by order."""
    scores, orders = np.zeros(n), list(permutations(range(n)))
    for order in orders:
        kept = np.zeros((1, n), dtype=bool)
        for word in order:
            before = rule(kept)[0]
            kept[0, word] = True
            scores[word] += rule(kept)[0] - before
    return scores / len(orders)


def tangled(n: int, seed: int = 0, dummy: int | None = None) -> Rule:
    """Words that work in pairs and through a bend."""
    draw = np.random.default_rng(seed)
    alone, pairs = draw.normal(size=n), draw.normal(size=(n, n)) / np.sqrt(n)
    if dummy is not None:
        alone[dummy], pairs[dummy], pairs[:, dummy] = 0, 0, 0

    def rule(kept: BoolArray) -> FloatArray:
        rows = kept.astype(float)
        bent: FloatArray = np.tanh(rows @ alone) + np.einsum("ij,jk,ik->i", rows, pairs, rows)
        return bent

    return rule


def read_by(
    classifier: Classifier, text: str, **options: object
) -> tuple[AttributionInput, FloatArray]:
    task = AttributionInput(
        classifier, classifier.read(text), Target(1, 3), SHAPLEY.resolve_options(options)
    )
    return task, task.perturbation.to_words(SHAPLEY.run(task).scores)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_words_are_exact(classifier: Classifier, n: int) -> None:
    scores, split = play(SHAPLEY, Game(classifier, n, tangled(n)))
    np.testing.assert_allclose(scores, over_all_orders(n, tangled(n)), rtol=0, atol=1e-12)
    assert split.errors is None
    assert split.measured["rows"] == 2**n


def test_a_network_is_split_as_all_orders_say(double: Classifier) -> None:
    task, scores = read_by(double, SHORT)
    words = Perturbation(double, task.reading.encoding)

    def rule(kept: BoolArray) -> FloatArray:
        return task.target.value(words.logits(kept, "mask"))

    np.testing.assert_allclose(scores, over_all_orders(words.n_words, rule), rtol=0, atol=1e-10)


@pytest.mark.parametrize(("text", "operator"), [(SHORT, "delete"), (LONG, "mask")])
def test_scores_add_up_to_what_all_words_add(double: Classifier, text: str, operator: str) -> None:
    task, scores = read_by(double, text, operator=operator)
    ends = np.array([[True], [False]]).repeat(len(scores), axis=1)
    whole, nothing = task.target.value(
        task.perturbation.logits(ends, "mask" if operator == "mask" else "delete")
    )
    assert scores.sum() == pytest.approx(float(whole - nothing), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_drawn_orders_stay_within_four_standard_errors(classifier: Classifier, seed: int) -> None:
    n = 12
    rule = tangled(n, seed)
    exact = exact_values(rule(all_sets(n)))
    game = Game(classifier, n, rule)
    scores, split = play(SHAPLEY, game, {"permutations": 60, "seed": seed})
    assert split.errors is not None
    errors = np.sqrt(game.to_words(np.square(split.errors)))
    assert (np.abs(scores - exact) < 4 * errors).all()
    assert errors.max() < 0.5 * np.abs(exact).max()


def test_standard_errors_are_as_large_as_the_spread_of_seeds(classifier: Classifier) -> None:
    n = 12
    game = Game(classifier, n, tangled(n))
    played = [play(SHAPLEY, game, {"permutations": 20, "seed": seed}) for seed in range(60)]
    spread = np.std([scores for scores, _ in played], axis=0)
    errors = [split.errors for _, split in played if split.errors is not None]
    told = np.mean([np.sqrt(game.to_words(np.square(each))) for each in errors], axis=0)
    assert float(np.mean(told / spread)) == pytest.approx(1, abs=0.2)


def all_sets(n: int) -> BoolArray:
    return np.array([[bool(index >> word & 1) for word in range(n)] for index in range(2**n)])


def test_a_word_that_does_nothing_scores_nothing(classifier: Classifier) -> None:
    for n in (6, 14):
        scores, _ = play(SHAPLEY, Game(classifier, n, tangled(n, dummy=3)))
        assert scores[3] == pytest.approx(0, abs=1e-12)
        assert np.abs(np.delete(scores, 3)).min() > 1e-4


def test_a_sum_is_split_exactly_with_no_error(classifier: Classifier) -> None:
    weights = np.linspace(-1, 1, 13)
    scores, split = play(SHAPLEY, Game(classifier, 13, lambda kept: kept @ weights))
    np.testing.assert_allclose(scores, weights, rtol=0, atol=1e-12)
    assert split.errors == pytest.approx(np.zeros(len(split.scores)), abs=1e-12)


def test_words_in_pairs_need_one_order_and_its_reverse(classifier: Classifier) -> None:
    """What words do two by two has no variance left once each order comes with its reverse."""
    pairs = np.random.default_rng(1).normal(size=(12, 12))

    def rule(kept: BoolArray) -> FloatArray:
        found: FloatArray = np.einsum("ij,jk,ik->i", kept, pairs, kept)
        return found

    _, split = play(SHAPLEY, Game(classifier, 12, rule), {"permutations": 4})
    assert split.errors == pytest.approx(np.zeros(len(split.scores)), abs=1e-10)


def test_captum_finds_the_same_with_enough_orders(double: Classifier) -> None:
    task, scores = read_by(double, SHORT)
    words = task.perturbation

    def forward(switches: torch.Tensor) -> torch.Tensor:
        return torch.tensor(task.target.value(words.logits(switches.numpy() > 0.5, "mask")))

    torch.manual_seed(0)
    found = ShapleyValueSampling(forward).attribute(
        torch.ones(1, words.n_words, dtype=torch.float64), n_samples=400
    )[0]
    assert np.corrcoef(scores, found)[0, 1] > 0.99
    assert np.abs(scores - found.numpy()).max() < 0.15 * np.abs(scores).max()


@pytest.mark.parametrize("permutations_asked", [4, 5, 10])
def test_the_cost_is_the_rows_read(classifier: Classifier, permutations_asked: int) -> None:
    game = Game(classifier, 30, tangled(30))
    options = SHAPLEY.resolve_options({"permutations": permutations_asked})
    _, split = play(SHAPLEY, game, options)
    expected = SHAPLEY.forward_passes(30, 3, options)
    # Two orders may begin with the same words.
    assert 0.95 * expected <= split.measured["rows"] <= expected


def test_the_seed_decides_the_orders(classifier: Classifier) -> None:
    game = Game(classifier, 12, tangled(12))
    first, again, other = (play(SHAPLEY, game, {"seed": seed})[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
