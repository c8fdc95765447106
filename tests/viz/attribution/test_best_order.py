"""The searched order against all orders of a few words, and what it promises of its budget."""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch

from finetune.checkpoint.arrays import FloatArray
from finetune.checkpoint.temperature import probabilities
from tests.cooperative_games import Game, Rule, play
from tests.tiny_models import tiny_checkpoint
from viz import Classifier, attribute
from viz.attribution.aopc import aopc, bucket_sizes, prefixes
from viz.attribution.best_order import SEARCH
from viz.attribution.decomposition import DECOMPOSITION
from viz.attribution.masking import descending_order
from viz.attribution.method import AttributionInput, TokenScores
from viz.attribution.occlusion import OCCLUSION
from viz.attribution.target import Target
from viz.errors import MethodError
from viz.model.perturbation import OPERATORS, BoolArray, Operator, Perturbation

TEXT = "Oil prices rise as stockss fall, the market was not good!"
OPERATOR = pytest.mark.parametrize("operator", [*OPERATORS, "both"])


@pytest.fixture(scope="module")
def double(checkpoint: Path) -> Classifier:
    return Classifier.load(checkpoint, dtype=torch.float64, device="cpu")


def task(
    classifier: Classifier, shared: Perturbation | None = None, **options: object
) -> AttributionInput:
    reading = classifier.read(TEXT)
    chosen = SEARCH.resolve_options(options)
    return AttributionInput(classifier, reading, Target(1, 3), chosen, shared=shared)


def order_of(words: Perturbation, split: TokenScores) -> list[int]:
    return descending_order(words.to_words(split.scores))


def worth(words: Perturbation, order: list[int], operator: str) -> float:
    operators = [name for name in OPERATORS if operator in (name, "both")]
    return float(np.mean([aopc(words, 1, order, name) for name in operators]))


def tangled(n: int) -> Rule:
    draw = np.random.default_rng(3)
    alone, pairs = draw.normal(size=n), draw.normal(size=(n, n)) / np.sqrt(n)

    def rule(kept: BoolArray) -> FloatArray:
        found: FloatArray = kept @ alone + np.einsum("ij,jk,ik->i", kept, pairs, kept)
        return found

    return rule


def test_sizes_are_rounded_up_and_count_once() -> None:
    assert bucket_sizes(0) == ()
    assert bucket_sizes(1) == (1,)
    assert bucket_sizes(5) == (1, 2, 3, 4, 5)
    assert bucket_sizes(10) == tuple(range(1, 10))
    assert bucket_sizes(37) == (4, 8, 12, 15, 19, 23, 26, 30, 34)
    expected = [[True, True, False], [False, True, False]]
    np.testing.assert_array_equal(prefixes([2, 0, 1], (1, 2)), expected)


@pytest.mark.parametrize("multi_label", [False, True])
def test_probabilities_are_those_of_torch_and_never_overflow(multi_label: bool) -> None:
    logits = np.array([[1.0, -2.0, 0.5], [800.0, -800.0, 0.0]])
    given = torch.tensor(logits)
    expected = given.sigmoid() if multi_label else given.softmax(-1)
    found = probabilities(logits, multi_label=multi_label)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("operator", OPERATORS)
def test_aopc_is_the_mean_fall_of_the_probability(double: Classifier, operator: Operator) -> None:
    words = Perturbation(double, double.encode(TEXT))
    order = [3, 1, 0, 2, *range(4, words.n_words)]
    whole = double.read(TEXT).prediction.probabilities[1]
    falls = []
    for size in bucket_sizes(words.n_words):
        kept = np.ones((1, words.n_words), dtype=bool)
        kept[0, order[:size]] = False
        exponents = np.exp(words.logits(kept, operator)[0])
        falls.append(whole - exponents[1] / exponents.sum())
    assert aopc(words, 1, order, operator) == pytest.approx(float(np.mean(falls)), abs=1e-10)


@pytest.mark.parametrize(("goal", "limit"), [("best", max), ("worst", min)])
def test_the_best_and_the_worst_of_all_orders_of_six_words_are_found(
    classifier: Classifier, goal: str, limit: Callable[[list[float]], float]
) -> None:
    game = Game(classifier, 6, tangled(6))
    expected = limit([aopc(game, 0, order, "mask") for order in permutations(range(6))])
    _, split = play(SEARCH, Game(classifier, 6, tangled(6)), {"goal": goal})
    assert split.measured["aopc"] == pytest.approx(expected, abs=1e-12)
    assert aopc(game, 0, order_of(game, split), "mask") == pytest.approx(expected, abs=1e-12)


def test_the_best_order_of_a_sum_is_found_whatever_it_began_with(classifier: Classifier) -> None:
    weights = np.random.default_rng(0).permutation(np.linspace(-0.5, 1, 30))
    game = Game(classifier, 30, lambda kept: kept @ weights)
    best = aopc(game, 0, descending_order(weights), "mask")
    reading = classifier.read(game.encoding.text)
    start = DECOMPOSITION.run(AttributionInput(classifier, reading, Target(0, None)))
    began = aopc(game, 0, descending_order(game.to_words(start.scores)), "mask")
    _, split = play(SEARCH, game, {"rows": 600})
    assert began < 0.8 * best
    assert split.measured["aopc"] > 0.99 * best
    worst = aopc(game, 0, descending_order(-weights), "mask")
    _, split = play(SEARCH, game, {"rows": 600, "goal": "worst"})
    assert split.measured["aopc"] < worst + 0.01 * (best - worst)


@OPERATOR
@pytest.mark.parametrize("rows", [50, 300])
def test_it_tells_what_its_order_is_worth_and_never_ends_below_its_start(
    double: Classifier, operator: str, rows: int
) -> None:
    given = task(double, operator=operator, rows=rows)
    words = given.perturbation
    split = SEARCH.run(given)
    found = worth(words, order_of(words, split), operator)
    assert split.measured["aopc"] == pytest.approx(found, abs=1e-12)
    start = words.to_words(DECOMPOSITION.run(given).scores)
    assert found >= worth(words, descending_order(start), operator) - 1e-12


def test_more_rows_never_find_less(double: Classifier) -> None:
    found = [SEARCH.run(task(double, rows=rows)).measured["aopc"] for rows in (50, 150, 600)]
    assert found == sorted(found)
    assert found[0] < found[-1]


@OPERATOR
@pytest.mark.parametrize("rows", [60, 61, 200])
def test_the_budget_holds(classifier: Classifier, operator: str, rows: int) -> None:
    game = Game(classifier, 20, tangled(20))
    _, split = play(SEARCH, game, {"operator": operator, "rows": rows})
    # The whole text is read for nothing.
    assert split.measured["rows"] <= rows
    assert game.n_read - 2 <= split.measured["rows"]


def test_what_was_read_before_does_not_change_the_order(double: Classifier) -> None:
    alone = SEARCH.run(task(double))
    shared = Perturbation(double, double.encode(TEXT))
    shared.logits(np.random.default_rng(0).random((300, shared.n_words)) < 0.5, "mask")
    np.testing.assert_allclose(SEARCH.run(task(double, shared)).scores, alone.scores)


def test_a_cancelled_search_ends_at_once(double: Classifier) -> None:
    read: list[float] = []

    def stop(rows: float) -> None:
        read.append(rows)
        if sum(read) > 100:
            raise KeyboardInterrupt

    given = task(double)
    with pytest.raises(KeyboardInterrupt):
        SEARCH.run(AttributionInput(double, given.reading, given.target, given.options, stop))
    assert sum(read) < 140


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_few_words_are_no_trouble(classifier: Classifier, n: int) -> None:
    game = Game(classifier, n, lambda kept: kept @ np.arange(1.0, n + 1))
    scores, split = play(SEARCH, game)
    assert sorted(scores) == pytest.approx([(rank + 1) / n for rank in range(n)])
    assert descending_order(scores) == list(range(n))[::-1]
    assert split.measured["rows"] <= 2**n


def test_without_a_mask_token_it_searches_for_deletions(tmp_path: Path) -> None:
    plain = Classifier.load(tiny_checkpoint(tmp_path / "plain"))
    plain.tokenizer.mask_token = None
    found = attribute(plain, plain.read(TEXT), "search", options={"rows": 50})
    assert (found.options["operator"], found.notes) == ("delete", ())
    for operator in ("mask", "both"):
        with pytest.raises(MethodError, match="no mask token; it can be delete"):
            attribute(plain, plain.read(TEXT), "search", options={"operator": operator})


def test_without_a_decomposition_it_begins_with_occlusion(double: Classifier) -> None:
    bend = double.layers[0].register_forward_hook(lambda module, given, output: output.atan())
    try:
        given = task(double, rows=50)
        words = given.perturbation
        split = SEARCH.run(given)
        start = OCCLUSION.run(
            AttributionInput(double, given.reading, given.target, OCCLUSION.resolve_options(None))
        )
        began = aopc(words, 1, descending_order(words.to_words(start.scores)), "mask")
        assert split.measured["aopc"] >= began
    finally:
        bend.remove()
