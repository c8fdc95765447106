"""The scale of scores: taken off for training, and put back into any family's head."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from finetune.checkpoint.score_scale import ScoreScale, output_layer
from finetune.errors import ModelError
from tests.families import family_config
from tests.tiny_models import FAMILIES, Family, tiny_checkpoint

SCORES = (1.0, 2.0, 4.5, 1000.0)


def test_standardized_scores_have_mean_0_and_deviation_1() -> None:
    scale = ScoreScale.of(SCORES)
    found = scale.standardized(np.array(SCORES))
    assert (found.mean(), found.std()) == (pytest.approx(0), pytest.approx(1))
    assert scale.destandardize(found) == pytest.approx(np.array(SCORES))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_head_of_any_family_takes_the_scale(family: Family, tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path, family, labels=("score",), problem_type="regression")
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    tokens = torch.tensor([[2, 8, 9, 3], [2, 12, 13, 3]])
    with torch.inference_mode():
        before = model(tokens).logits
        scale = ScoreScale(mean=50.0, deviation=7.0)
        added = scale.unscaled_weights(dict(model.state_dict()), model)
        assert torch.equal(model(tokens).logits, before)
        model.load_state_dict(added)
        after = model(tokens).logits
    assert before[0].item() != pytest.approx(before[1].item())
    torch.testing.assert_close(after, before * 7 + 50)


def test_scores_of_a_head_without_a_bias_are_only_divided() -> None:
    torch.manual_seed(0)
    config = family_config("llama", id2label={0: "score"}, label2id={"score": 0})
    model = AutoModelForSequenceClassification.from_config(config)
    scale = ScoreScale.for_head(SCORES, model)
    assert scale.mean == 0
    assert np.mean(scale.standardized(np.array(SCORES)) ** 2) == pytest.approx(1)
    tokens = torch.tensor([[8, 9, 7, 10]])
    with torch.inference_mode():
        before = model(tokens).logits
        model.load_state_dict(scale.unscaled_weights(dict(model.state_dict()), model))
        torch.testing.assert_close(model(tokens).logits, scale.destandardize(before))


def test_a_head_with_several_logits_is_refused(tmp_path: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(tiny_checkpoint(tmp_path))
    with pytest.raises(ModelError, match="the head of this bert has no single last layer"):
        output_layer(model)
