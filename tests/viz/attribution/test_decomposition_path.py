"""Decompositions on the path to masks, and the budgeted method and the search built on them."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch

from finetune.checkpoint.arrays import FloatArray
from tests.linearized_bert import on_the_path
from viz import Classifier, Reading, attribute
from viz.attribution.aopc import aopc
from viz.attribution.decomposition_path import MaskingPath
from viz.attribution.decomposition_plus import in_order
from viz.attribution.empirical_bayes import ScoreFit, fit_scores
from viz.attribution.local_search import OrderSearch, WordOrder
from viz.attribution.method import AttributionInput
from viz.attribution.target import Target
from viz.errors import MethodError
from viz.model.perturbation import Perturbation

TEXT = "Oil prices rise as stocks fall, the market was not good!"
SHORT = "oil prices rise fall"


@pytest.fixture(scope="module")
def double(checkpoint: Path) -> Classifier:
    return Classifier.load(checkpoint, dtype=torch.float64, device="cpu")


@pytest.fixture(scope="module")
def read(double: Classifier) -> Reading:
    return double.read(TEXT)


def fading(classifier: Classifier, reading: Reading) -> MaskingPath:
    return MaskingPath(AttributionInput(classifier, reading, Target(1, 3)))


def over_words(classifier: Classifier, reading: Reading, scores: FloatArray) -> FloatArray:
    return Perturbation(classifier, reading.encoding).to_words(scores)


def test_the_whole_text_is_decomposed_as_ever(double: Classifier, read: Reading) -> None:
    """Log-odds against all others have the slope of a mean of margins, by their softmax."""
    others = [index for index in range(4) if index != 1]
    shares = np.exp(read.prediction.logits[others])
    expected = sum(
        share * over_words(double, read, attribute(double, read, "decomposition", 1, other).scores)
        for share, other in zip(shares / shares.sum(), others, strict=True)
    )
    found = fading(double, read)
    ones = np.ones((1, found.inputs.perturbation.n_words))
    np.testing.assert_allclose(found.versions(ones)[0], expected, rtol=0, atol=1e-10)


def test_words_move_to_the_mask_token(double: Classifier, read: Reading) -> None:
    """With every word gone, the first layer sees what it sees of a text of masks."""
    found = fading(double, read)
    words = found.inputs.perturbation
    none = np.zeros((1, words.n_words), dtype=bool)
    masked = words._version(none[0], "mask")["input_ids"]
    embed = double.model.get_input_embeddings()
    expected = embed(torch.tensor(masked)).detach().numpy()
    np.testing.assert_array_equal(found.hidden.numpy(), expected)


def test_versions_do_not_feel_their_neighbors(double: Classifier, read: Reading) -> None:
    found = fading(double, read)
    kept = np.random.default_rng(0).random((11, found.inputs.perturbation.n_words))
    kept[3] = kept[3].round()
    alone = np.concatenate([found.versions(row[None]) for row in kept])
    np.testing.assert_allclose(found.versions(kept), alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("share", [10, 30, 60])
def test_a_place_on_the_path_has_the_slope_of_the_held_network(
    double: Classifier, read: Reading, share: int
) -> None:
    found = attribute(double, read, "decomposition-path", 1, options={"share": share})
    expected = on_the_path(double, read, 1, share / 100).numpy()
    np.testing.assert_allclose(
        over_words(double, read, found.scores),
        over_words(double, read, expected),
        rtol=0,
        atol=1e-12,
    )


def test_no_special_token_has_a_share_of_the_path(family_checkpoint: Path) -> None:
    classifier = Classifier.load(family_checkpoint, dtype=torch.float64, device="cpu")
    reading = classifier.read(TEXT)
    found = attribute(classifier, reading, "decomposition-path", options={"share": 40})
    assert np.isfinite(found.scores).all()
    special = [token.special for token in reading.encoding.tokens]
    assert not found.scores[special].any()
    assert np.ptp(found.scores) > 0


def test_an_architecture_that_is_not_linear_is_refused(checkpoint: Path) -> None:
    other = Classifier.load(checkpoint)
    other.layers[0].register_forward_hook(lambda module, inputs, output: output.atan())
    reading = other.read(TEXT)
    for method in ("decomposition-path", "decomposition+"):
        with pytest.raises(MethodError, match="does not add up"):
            attribute(other, reading, method)


def test_a_regression_finds_what_is_additive() -> None:
    rng = np.random.default_rng(1)
    scores = rng.standard_normal(12)
    hidden = rng.random((200, 12)) < 0.5
    operators = np.array(["mask", "delete"] * 100)
    fit = fit_scores(rng.standard_normal(12), hidden, hidden @ scores, operators)
    np.testing.assert_allclose(fit.scores, scores, atol=0.02)


def test_a_regression_with_little_to_go_by_stays_with_what_was_known() -> None:
    known = np.arange(10.0) - 3
    hidden = np.eye(10, dtype=bool)[:3]
    fit = fit_scores(known, hidden, hidden @ (2 * known), np.array(["mask"] * 3))
    np.testing.assert_allclose(fit.scores, 2 * known, atol=1e-3)


def test_errors_fall_as_more_is_read() -> None:
    rng = np.random.default_rng(2)
    scores, hidden = rng.standard_normal(10), rng.random((300, 10)) < 0.5
    lost = hidden @ scores + 0.3 * rng.standard_normal(300)
    operators = np.array(["mask"] * 300)
    few, many = (fit_scores(scores, hidden[:n], lost[:n], operators[:n]) for n in (30, 300))
    assert many.errors.mean() < 0.6 * few.errors.mean()
    assert np.abs(many.scores - scores).max() < 4 * many.errors.max()


def test_scores_in_an_order_they_have_stay_what_they_are() -> None:
    scores, errors = np.array([0.5, -2.0, 1.5]), np.array([0.1, 0.2, 0.3])
    near, spread = in_order(scores, errors, [2, 0, 1])
    np.testing.assert_allclose(near, scores, atol=1e-5)
    np.testing.assert_allclose(spread, errors)


def test_words_that_an_order_contradicts_share_their_mean_by_precision() -> None:
    scores, errors = np.array([1.0, 3.0, -2.0]), np.array([1.0, 0.5, 0.25])
    near, spread = in_order(scores, errors, [0, 1, 2])
    shared = (1 / 1 + 3 / 0.25) / (1 / 1 + 1 / 0.25)
    np.testing.assert_allclose(near, [shared, shared, -2.0], atol=1e-5)
    np.testing.assert_allclose(spread, [5**-0.5, 5**-0.5, 0.25])
    assert near[0] > near[1] > near[2]


def test_scores_of_no_size_and_no_error_stay_nothing() -> None:
    near, spread = in_order(np.zeros(3), np.zeros(3), [1, 0, 2])
    assert not near.any()
    assert (spread < 1e-9).all()


def test_the_order_of_the_budgeted_method_is_that_of_its_search(
    double: Classifier, read: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What exchanges won is not lost to the regression, whose scores are shown."""
    run, found = OrderSearch.run, []

    def watched(self: OrderSearch, best: WordOrder, rng: np.random.Generator) -> WordOrder:
        found.append((self, run(self, best, rng)))
        return found[-1][1]

    monkeypatch.setattr(OrderSearch, "run", watched)
    scores = attribute(double, read, "decomposition+", options={"rows": 150}).scores
    ((search, best),) = found
    order = np.argsort(-over_words(double, read, scores), kind="stable").tolist()
    np.testing.assert_allclose(search.order(order).drops, best.drops, rtol=0, atol=1e-12)


def test_the_budgeted_method_reads_masks_and_deletions(
    double: Classifier, read: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, seen = OrderSearch.fit, set()

    def watched(self: OrderSearch, prior: FloatArray) -> ScoreFit:
        seen.update(self.operators)
        return fit(self, prior)

    monkeypatch.setattr(OrderSearch, "fit", watched)
    found = attribute(double, read, "decomposition+", options={"rows": 100})
    assert seen == {"mask", "delete"}
    assert found.errors is not None
    assert found.errors.max() > 0


@pytest.mark.parametrize("rows", [2, 10, 24, 60, 150])
def test_a_budget_is_kept(classifier: Classifier, reading: Reading, rows: int) -> None:
    versions = Perturbation(classifier, reading.encoding)
    reported: list[float] = []
    found = attribute(
        classifier,
        reading,
        "decomposition+",
        options={"rows": rows},
        progress=reported.append,
        shared=versions.reporting_to(reported.append),
        shares=False,
    )
    # The whole text itself is known from the reading, and read once more to compare.
    assert sum(reported) <= rows + 2
    assert found.measured["rows"] <= rows


def test_the_same_seed_gives_the_same_scores(classifier: Classifier, reading: Reading) -> None:
    one, two, other = (
        attribute(classifier, reading, "decomposition+", options={"rows": 80, "seed": seed})
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one.scores, two.scores)
    assert one.errors is not None
    assert (one.errors >= 0).all()
    assert np.abs(one.scores - other.scores).max() > 0


def mean_worth(classifier: Classifier, reading: Reading, scores: FloatArray) -> float:
    versions = Perturbation(classifier, reading.encoding)
    order = np.argsort(-versions.to_words(scores), kind="stable").tolist()
    target = reading.prediction.predicted_class
    return float(
        np.mean([aopc(versions, target, order, operator) for operator in versions.operators])
    )


def test_a_larger_budget_is_no_worse_than_the_decompositions_it_chose_among(
    double: Classifier, read: Reading
) -> None:
    worth = [
        mean_worth(
            double, read, attribute(double, read, "decomposition+", options={"rows": rows}).scores
        )
        for rows in (10, 400)
    ]
    assert worth[1] >= worth[0] - 1e-9


@pytest.mark.parametrize("operator", ["mask", "delete", "both"])
def test_a_search_finds_the_best_of_all_orders(double: Classifier, operator: str) -> None:
    reading = double.read(SHORT)
    versions = Perturbation(double, reading.encoding)
    used = versions.operators if operator == "both" else (operator,)
    target = reading.prediction.predicted_class
    best = max(
        float(np.mean([aopc(versions, target, order, o) for o in used]))  # type: ignore[arg-type]
        for order in permutations(range(versions.n_words))
    )
    found = attribute(double, reading, "search", options={"operator": operator, "rows": 400})
    assert found.measured["aopc"] == pytest.approx(best, abs=1e-12)


def test_a_search_is_at_least_as_good_as_where_it_began(double: Classifier, read: Reading) -> None:
    versions = Perturbation(double, read.encoding)
    target = read.prediction.predicted_class
    known = versions.to_words(attribute(double, read, "decomposition").scores)
    start = aopc(versions, target, np.argsort(-known, kind="stable").tolist(), "mask")
    found = [
        attribute(double, read, "search", options={"rows": rows}).measured for rows in (50, 300)
    ]
    assert start - 1e-12 <= found[0]["aopc"] <= found[1]["aopc"] + 1e-12
    assert found[0]["rows"] <= 50 + 3 * 9 + 1


@pytest.mark.parametrize("text", ["oil", "oil prices"])
def test_the_shortest_texts_are_no_trouble(classifier: Classifier, text: str) -> None:
    reading = classifier.read(text)
    for method in ("decomposition-path", "decomposition+", "search"):
        assert np.isfinite(attribute(classifier, reading, method).scores).all()


def test_draws_from_a_fit_are_those_of_a_normal_distribution() -> None:
    """The covariance is taken apart once, not for each draw; the numbers are numpy's."""
    parts = np.random.default_rng(1).normal(size=(30, 6))
    fit = ScoreFit(np.arange(6.0), parts.T @ parts / 30)
    own, other = np.random.default_rng(3), np.random.default_rng(3)
    for _ in range(4):
        expected = other.multivariate_normal(fit.scores, fit.covariance, method="eigh")
        np.testing.assert_allclose(fit.draw(own), expected, rtol=0, atol=1e-12)
