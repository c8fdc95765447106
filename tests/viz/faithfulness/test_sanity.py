"""Sanity checks: whether a method reacts to the weights, the class and the seed."""

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.shortcut_model import CuedText
from tests.tiny_models import LABELS, tiny_checkpoint, tiny_mpnet
from viz import METHODS, Classifier, Reading, attribute, register_method
from viz.attribution.method import AttributionInput, Method, TokenScores
from viz.errors import MethodError, RecordError, SelectionError, TextError
from viz.faithfulness import sanity_record
from viz.faithfulness.rank_similarity import random_similarity, similarity
from viz.faithfulness.sanity import default_methods, expected_passes, sanity
from viz.faithfulness.sanity_record import (
    FEW_WEIGHTS,
    NO_CLASS,
    NO_WEIGHTS,
    NOT_COMPLETE,
    SanityRecord,
)
from viz.faithfulness.weight_randomization import (
    copy_classifier,
    randomization_stages,
    randomize_weights,
)

TEXT = "Oil prices rise as stocks fall, the market was not good."


def _deaf(task: AttributionInput) -> TokenScores:
    """Scores that depend on the ids of the tokens alone."""
    ids = task.reading.encoding.inputs["input_ids"]
    return TokenScores(np.sin(ids.astype(np.float64)))


def _leaky(task: AttributionInput) -> TokenScores:
    """Scores and a bias that miss a tenth of what they claim to split."""
    scores = METHODS["input-x-gradient"].run(task).scores.astype(np.float64)
    value = float(task.target.value(task.reading.prediction.logits))
    return TokenScores(scores, bias=0.9 * value - float(scores.sum()))


def _half_deaf(task: AttributionInput) -> TokenScores:
    """Scores that depend on the ids of the tokens, and on the network for a part."""
    scores = METHODS["decomposition"].run(task).scores
    return TokenScores(_deaf(task).scores + 1.5 * scores / np.abs(scores).max())


def _flat(task: AttributionInput) -> TokenScores:
    return TokenScores(np.ones(task.reading.encoding.n_tokens))


def _fake(name: str, run: Callable[[AttributionInput], TokenScores]) -> Method:
    return dataclasses.replace(METHODS["decomposition"], name=name, label=name, score=run)


@pytest.fixture
def fakes(own_methods: None) -> None:
    """Methods that do what a method must not do, beside all others."""
    bad = {"deaf": _deaf, "half-deaf": _half_deaf, "leaky": _leaky, "flat": _flat}
    for name, run in bad.items():
        register_method(_fake(name, run))


@pytest.fixture(scope="module")
def readings(shortcut: Classifier, held_out: tuple[CuedText, ...]) -> list[Reading]:
    return [shortcut.read(each.text) for each in held_out[:20]]


def weights(classifier: Classifier) -> dict[str, torch.Tensor]:
    return {name: values.clone() for name, values in classifier.model.state_dict().items()}


def flags(found: SanityRecord) -> dict[str, tuple[str, ...]]:
    return {each.method: found.flags(each) for each in found.methods}


def test_a_method_that_ignores_the_network_is_flagged_and_the_decomposition_is_not(
    shortcut: Classifier, readings: list[Reading], fakes: None
) -> None:
    found = sanity(
        shortcut, readings, ["deaf", "half-deaf", "random", "decomposition", "attention"]
    )
    assert flags(found) == {
        "deaf": (NO_WEIGHTS, NO_CLASS),
        "half-deaf": (FEW_WEIGHTS,),
        "random": (NO_WEIGHTS,),
        "decomposition": (),
        "attention": (),
    }
    deaf, _, _, decomposition, attention = found.methods
    assert deaf.cascade == pytest.approx((1, 1, 1))
    assert (deaf.again, deaf.random_pair) == pytest.approx((1, 1))
    # A random head turns the decomposition's sign, maybe, but not who decides; layers do.
    assert decomposition.cascade[0] is not None
    assert decomposition.cascade[0] > 0.8 > 2 * found.limit - 0.2
    assert decomposition.residual is not None
    assert decomposition.residual < 1e-4
    # No head has a part in where the model looks, and no class either.
    assert attention.cascade[0] == pytest.approx(1)
    assert attention.between_classes is None


def test_the_shared_model_keeps_its_weights_and_its_scores(
    shortcut: Classifier, readings: list[Reading]
) -> None:
    before, scores = weights(shortcut), attribute(shortcut, readings[0]).scores
    sanity(shortcut, readings[:2], ["decomposition"])
    after = weights(shortcut)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    np.testing.assert_array_equal(attribute(shortcut, readings[0]).scores, scores)


def test_the_same_seed_finds_the_same(shortcut: Classifier, readings: list[Reading]) -> None:
    one, again, other = (
        sanity(shortcut, readings[:3], ["decomposition"], seed=seed) for seed in (0, 0, 1)
    )
    assert one == again
    assert one.methods[0].cascade != other.methods[0].cascade


def test_scores_that_miss_what_they_split_are_flagged(
    shortcut: Classifier, readings: list[Reading], fakes: None
) -> None:
    found = sanity(shortcut, readings[:4], ["leaky"])
    assert found.methods[0].residual == pytest.approx(0.1, rel=1e-4)
    assert NOT_COMPLETE in found.flags(found.methods[0])


def test_equal_scores_have_no_order_to_compare(
    shortcut: Classifier, readings: list[Reading], fakes: None
) -> None:
    (flat,) = sanity(shortcut, readings[:2], ["flat"]).methods
    assert (flat.cascade, flat.again, flat.between_classes) == ((None,) * 3, None, None)


def test_a_class_is_told_from_its_rival_by_methods_with_a_sign(classifier: Classifier) -> None:
    read = [classifier.read(TEXT), classifier.read("The team wins the game, peace talks stall")]
    found = sanity(classifier, read, ["decomposition", "saliency", "rollout"])
    decomposition, saliency, rollout = (each.between_classes for each in found.methods)
    assert decomposition is not None
    assert saliency is not None
    assert decomposition < 0.9
    assert saliency < 0.999
    assert rollout is None


def test_seeds_are_compared_where_a_method_draws(classifier: Classifier, reading: Reading) -> None:
    found = sanity(classifier, [reading], ["random", "decomposition", "shapley:permutations=4"])
    drawn, exact, sampled = (each.between_seeds for each in found.methods)
    assert drawn is not None
    assert sampled is not None
    assert exact == 1
    assert drawn < 0.9
    assert drawn < sampled < 1


def test_a_gap_that_a_method_measures_is_its_residual(
    classifier: Classifier, reading: Reading
) -> None:
    (found,) = sanity(classifier, [reading], ["attattr"]).methods
    expected = attribute(classifier, reading, "attattr").measured["convergence_delta"]
    assert found.residual == expected


@pytest.mark.usefixtures("_no_pass_adds_up")
def test_a_method_that_no_text_allows_says_why_and_the_others_are_checked(tmp_path: Path) -> None:
    classifier = Classifier.load(tiny_mpnet(tmp_path), device="cpu")
    found = sanity(classifier, [classifier.read(TEXT)], ["decomposition", "saliency"])
    refused, saliency = found.methods
    assert "does not add up" in (refused.refused or "")
    assert (refused.n_texts, refused.cascade) == (0, ())
    assert len(saliency.cascade) == len(found.stages) > 2
    assert all(value is not None for value in saliency.cascade)


def test_passes_are_told_as_they_are_done_and_all_expected(
    classifier: Classifier, reading: Reading
) -> None:
    told: list[float] = []
    methods = ["decomposition", "rollout", "random"]
    sanity(classifier, [reading], methods, progress=told.append)
    assert sum(told) == pytest.approx(expected_passes(classifier, [reading], methods))


def test_whatever_a_tick_raises_ends_the_work(classifier: Classifier, reading: Reading) -> None:
    def stop(passes: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sanity(classifier, [reading], ["rollout"], progress=stop)


def test_by_default_no_costly_method_is_checked() -> None:
    assert "decomposition" in default_methods()
    assert "shapley" not in default_methods()


@pytest.mark.parametrize(
    ("texts", "methods", "error", "message"),
    [
        (["Oil rises"], ["rollout"], TextError, "Of 1 text none has 3 words"),
        ([TEXT], ["lemon"], MethodError, "Unknown method 'lemon'"),
        ([TEXT], ["rollout:seed=1"], MethodError, "has no option 'seed'"),
    ],
)
def test_what_cannot_be_checked_is_one_sentence(
    classifier: Classifier, texts: list[str], methods: list[str], error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        sanity(classifier, [classifier.read(text) for text in texts], methods)


def test_a_reading_of_another_classifier_is_refused(shortcut: Classifier, reading: Reading) -> None:
    with pytest.raises(SelectionError, match="was made by"):
        sanity(shortcut, [reading], ["rollout"])


# The copy and its random weights.


def test_a_copy_reads_and_is_recorded_like_its_model(family_checkpoint: Path) -> None:
    classifier = Classifier.load(family_checkpoint, device="cpu")
    other = copy_classifier(classifier)
    reading = classifier.read(TEXT)
    again = other.read(TEXT)
    np.testing.assert_allclose(again.attention.weights, reading.attention.weights, atol=1e-6)
    for name in ("decomposition", "grad-attention", "input-x-gradient", "value-zeroing"):
        expected = attribute(classifier, reading, name).scores
        found = attribute(other, again, name).scores
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_weights_turn_random_from_the_top_down_and_embeddings_stay(
    family_checkpoint: Path,
) -> None:
    classifier = Classifier.load(family_checkpoint, device="cpu")
    other = copy_classifier(classifier)
    before = weights(classifier)
    touched: list[set[str]] = []
    for _ in randomize_weights(other):
        now = other.model.state_dict()
        done = set().union(*touched)
        touched.append({n for n in now if not torch.equal(now[n], before[n])} - done)
    assert randomization_stages(classifier) == ("head", "layer 2", "layer 1", "layer 0")
    assert all("classifier" in name or "pooler" in name for name in touched[0])
    for height, names in zip((2, 1, 0), touched[1:], strict=True):
        assert names == {name for name in before if f"layer.{height}." in name}
    left = before.keys() - set().union(*touched)
    assert left == {name for name in before if "embeddings" in name}


def test_random_weights_are_as_wide_as_the_configuration_says(shortcut: Classifier) -> None:
    other = copy_classifier(shortcut)
    assert list(randomize_weights(other, seed=3)) == list(randomization_stages(shortcut))
    after = other.model.state_dict()
    layer = "bert.encoder.layer.1"
    dense = after[f"{layer}.intermediate.dense.weight"]
    assert float(dense.std()) == pytest.approx(0.1, rel=0.05)
    assert (after[f"{layer}.intermediate.dense.bias"] == 0).all()
    assert (after[f"{layer}.output.LayerNorm.weight"] == 1).all()


# What chance reaches.


def test_the_reference_is_that_of_random_orders_where_texts_share_no_word() -> None:
    """For 3 words |Spearman| is 1 for two of six orders, and 1/2 for the other four."""
    mean, limit = random_similarity([range(3 * at, 3 * at + 3) for at in range(40)])
    assert mean == pytest.approx(2 / 3, abs=0.01)
    assert limit == pytest.approx(2 / 3 + 1.645 * math.sqrt(1 / 18 / 40), abs=0.02)


def test_texts_that_share_their_words_leave_chance_more_room() -> None:
    apart = random_similarity([range(8 * at, 8 * at + 8) for at in range(20)])
    same = random_similarity([range(8)] * 20)
    assert same[1] > 0.6 > 0.5 > apart[1]
    assert same[0] == pytest.approx(apart[0], abs=0.03)


def test_similarity_is_a_mean_over_the_texts_that_have_an_order() -> None:
    up, down, flat = np.arange(4.0), -np.arange(4.0), np.zeros(4)
    assert similarity([up, up, flat, None], [up, up, up, up]) == 1
    assert similarity([up, down], [up, up]) == 0
    assert similarity([up, down], [up, up], absolute=True) == 1
    assert similarity([flat, None], [up, up]) is None


# What is kept.


def test_what_is_saved_is_read_back(
    shortcut: Classifier, readings: list[Reading], tmp_path: Path
) -> None:
    found = sanity(shortcut, readings[:2], ["random", "decomposition"]).with_data("a.csv", "ff")
    file = tmp_path / sanity_record.FILE
    file.write_text(found.to_json(), "utf-8")
    again = sanity_record.load(file)
    assert again.to_json() == found.to_json()
    assert (again.data, again.stages) == ("a.csv", found.stages)
    assert flags(again) == flags(found)
    written = json.loads(file.read_text("utf-8"))
    assert written["methods"][0]["flags"] == [NO_WEIGHTS]
    assert again.methods[1].cascade == pytest.approx(found.methods[1].cascade, rel=1e-5)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "methods": 3}']
)
def test_a_file_of_something_else_is_one_sentence(tmp_path: Path, content: str) -> None:
    file = tmp_path / "sanity.json"
    file.write_text(content, "utf-8")
    with pytest.raises(RecordError, match=r"^'sanity.json' .* `clsight sanity`\.$"):
        sanity_record.load(file)


def test_a_file_of_another_version_says_so(tmp_path: Path) -> None:
    file = tmp_path / "sanity.json"
    file.write_text('{"format": 9}', "utf-8")
    with pytest.raises(RecordError, match="has format 9, and this version of CLSight reads 1"):
        sanity_record.load(file)


# Every method, twice.


@pytest.fixture(scope="module")
def pair_readings(classifier: Classifier) -> tuple[Classifier, Reading]:
    return classifier, classifier.read(TEXT, "The team wins")


@pytest.mark.parametrize("name", METHODS)
def test_the_same_question_gets_the_same_numbers(
    pair_readings: tuple[Classifier, Reading], name: str
) -> None:
    own, read = pair_readings
    one, again = (attribute(own, read, name) for _ in range(2))
    np.testing.assert_array_equal(one.scores, again.scores)
    assert (one.value, one.bias, dict(one.measured)) == (
        again.value,
        again.bias,
        dict(again.measured),
    )


def test_a_multi_label_head_is_checked_too(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "m", problem_type="multi_label_classification")
    classifier = Classifier.load(folder, device="cpu")
    assert classifier.labels == LABELS
    (found,) = sanity(classifier, [classifier.read(TEXT)], ["decomposition"]).methods
    assert found.between_classes is not None
    assert found.residual is not None
    assert found.residual < 1e-4
