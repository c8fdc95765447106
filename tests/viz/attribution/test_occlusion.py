"""Occlusion against captum, and the random control."""

from pathlib import Path

import numpy as np
import pytest
import torch
from captum.attr import FeatureAblation

from tests.cooperative_games import Game, play
from tests.tiny_models import tiny_checkpoint
from viz import Classifier, attribute
from viz.attribution.method import AttributionInput, Method, TokenScores
from viz.attribution.occlusion import OCCLUSION
from viz.attribution.random_baseline import RANDOM
from viz.attribution.target import Target
from viz.errors import MethodError
from viz.model.perturbation import Perturbation

TEXT = "Oil prices rise as stockss fall, the market was not good!"
PAIR = "The team wins"


@pytest.fixture(scope="module")
def double(family_checkpoint: Path) -> Classifier:
    return Classifier.load(family_checkpoint, dtype=torch.float64, device="cpu")


def run(method: Method, classifier: Classifier, *texts: str, **options: object) -> TokenScores:
    reading = classifier.read(*texts)
    return method.run(
        AttributionInput(classifier, reading, Target(1, 3), method.resolve_options(options))
    )


def test_masking_equals_captum_over_a_switch_for_each_word(double: Classifier) -> None:
    reading = double.read(TEXT, PAIR)
    words = Perturbation(double, reading.encoding)
    inputs = {name: torch.tensor(v)[None] for name, v in reading.encoding.inputs.items()}
    ids = inputs.pop("input_ids")

    def forward(switches: torch.Tensor) -> torch.Tensor:
        given = ids.clone()
        for unit, switch in zip(words.words, switches[0], strict=True):
            if not switch:
                given[0, list(unit.tokens)] = double.tokenizer.mask_token_id
        logits: torch.Tensor = double.model(input_ids=given, **inputs).logits
        return logits[:, 1] - logits[:, 3]

    with torch.no_grad():
        switches = torch.ones(1, words.n_words, dtype=torch.float64)
        expected = FeatureAblation(forward).attribute(switches)[0].numpy()
    found = run(OCCLUSION, double, TEXT, PAIR)
    np.testing.assert_allclose(words.to_words(found.scores), expected, rtol=0, atol=1e-10)
    special = [token.special for token in reading.encoding.tokens]
    assert (found.scores[special] == 0).all()
    assert found.measured["rows"] == words.n_words + 1
    assert found.errors is None


def test_deletion_is_what_the_text_without_the_word_loses(double: Classifier) -> None:
    found = run(OCCLUSION, double, "oil prices rise", operator="delete")
    whole = double.read("oil prices rise").prediction.logits
    left = double.read("oil rise").prediction.logits
    expected = (whole[1] - whole[3]) - (left[1] - left[3])
    assert found.scores[2] == pytest.approx(float(expected), abs=1e-10)


def test_without_a_mask_token_words_are_deleted_and_masks_are_refused(tmp_path: Path) -> None:
    classifier = Classifier.load(tiny_checkpoint(tmp_path / "plain"))
    deleted = run(OCCLUSION, classifier, TEXT, operator="delete")
    classifier.tokenizer.mask_token = None
    found = attribute(classifier, classifier.read(TEXT), "occlusion", 1, 3)
    assert (found.options, found.notes) == ({"operator": "delete"}, ())
    np.testing.assert_allclose(found.scores, deleted.scores, rtol=0, atol=1e-6)
    with pytest.raises(MethodError) as caught:
        attribute(classifier, classifier.read(TEXT), "occlusion", options={"operator": "mask"})
    assert str(caught.value) == (
        "operator of occlusion can't be 'mask', for the tokenizer of this checkpoint has no mask "
        "token; it can be delete."
    )
    with pytest.raises(MethodError, match="has no mask token; hide words by deletion"):
        run(OCCLUSION, classifier, TEXT, operator="mask")


def test_a_text_of_one_word_is_hidden_whole(classifier: Classifier) -> None:
    found = run(OCCLUSION, classifier, "oil")
    masked = classifier.read(str(classifier.tokenizer.mask_token)).prediction.logits
    whole = classifier.read("oil").prediction.logits
    expected = (whole[1] - whole[3]) - (masked[1] - masked[3])
    assert found.scores[1] == pytest.approx(float(expected), abs=1e-5)


def test_a_word_that_says_what_a_mask_says_scores_nothing(tmp_path: Path) -> None:
    classifier = Classifier.load(tiny_checkpoint(tmp_path / "plain"), dtype=torch.float64)
    tokenizer, table = classifier.tokenizer, classifier.model.get_input_embeddings().weight
    with torch.no_grad():
        table[tokenizer.convert_tokens_to_ids("prices")] = table[tokenizer.mask_token_id]
    found = run(OCCLUSION, classifier, "oil prices rise")
    assert found.scores[2] == 0
    assert (found.scores[[1, 3]] != 0).all()


def test_words_that_cover_for_each_other_both_score_nothing(classifier: Classifier) -> None:
    scores, _ = play(OCCLUSION, Game(classifier, 4, lambda kept: 3.0 * (kept[:, 0] | kept[:, 1])))
    assert scores == pytest.approx([0, 0, 0, 0])


def test_the_cost_is_the_rows_read(classifier: Classifier) -> None:
    game = Game(classifier, 12, lambda kept: kept @ np.ones(12))
    _, split = play(OCCLUSION, game)
    assert (
        split.measured["rows"]
        == OCCLUSION.forward_passes(12, 3, OCCLUSION.resolve_options(None))
        == 13
    )


def test_the_control_depends_on_its_seed_alone(classifier: Classifier) -> None:
    first, again = (run(RANDOM, classifier, TEXT).scores for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, run(RANDOM, classifier, TEXT, seed=1).scores)
    assert (first >= 0).all()


def test_the_control_favors_no_place_and_no_long_word(classifier: Classifier) -> None:
    encoding = classifier.encode("oil stockss fall")
    words = Perturbation(classifier, encoding)
    draws = [run(RANDOM, classifier, encoding.text, seed=seed).scores for seed in range(300)]
    firsts = np.bincount([words.to_words(draw).argmax() for draw in draws], minlength=3)
    assert (np.abs(firsts - 100) < 4 * np.sqrt(300 * (1 / 3) * (2 / 3))).all()
