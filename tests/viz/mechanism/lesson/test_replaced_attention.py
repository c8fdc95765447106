"""Maps put in the place of others: compared with a network that looks so by itself."""

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.families import family_checkpoint
from viz import Classifier, Reading
from viz.errors import MethodError
from viz.mechanism.lesson.replaced_attention import (
    logits_with_maps,
    moved_weight,
    shares,
    shuffled_map,
    uniform_map,
)

TEXT = "Oil prices rise as stocks fall, the market was not good."
Edit = Callable[[dict[str, torch.Tensor]], None]


def edited(checkpoint: Path, folder: Path, edit: Edit) -> Classifier:
    """The classifier of a copy of a checkpoint whose weights were changed."""
    copytree(checkpoint, folder)
    weights = load_file(folder / "model.safetensors")
    edit(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return Classifier.load(folder)


def without_queries(layer: int, head: int, size: int = 8) -> Edit:
    """A head without queries has scores of 0, and looks evenly at everything."""

    def edit(weights: dict[str, torch.Tensor]) -> None:
        name = f"bert.encoder.layer.{layer}.attention.self.query"
        weights[f"{name}.weight"][head * size : (head + 1) * size] = 0
        weights[f"{name}.bias"][head * size : (head + 1) * size] = 0

    return edit


def test_a_uniform_map_gives_the_logits_of_a_head_without_queries(
    tmp_path: Path, checkpoint: Path, classifier: Classifier, reading: Reading
) -> None:
    even = edited(checkpoint, tmp_path / "even", without_queries(1, 2))
    expected = even.read(TEXT).prediction.logits
    assert np.abs(expected - reading.prediction.logits).max() > 1e-2
    (logits,) = logits_with_maps(classifier, reading, [{(1, 2): uniform_map(reading, 1)}])
    assert logits == pytest.approx(expected, abs=1e-5)


def test_each_version_stands_alone(classifier: Classifier, reading: Reading) -> None:
    versions = [{(0, 1): uniform_map(reading, 0)}, {}, {(2, 3): uniform_map(reading, 2)}]
    together = logits_with_maps(classifier, reading, versions)
    alone = [logits_with_maps(classifier, reading, [version])[0] for version in versions]
    assert together == pytest.approx(np.stack(alone), abs=1e-5)
    assert together[1] == pytest.approx(reading.prediction.logits, abs=1e-5)


@pytest.mark.parametrize("family", ["gpt2", "deberta-v2", "gpt_oss", "bart"])
def test_own_maps_change_nothing_and_others_do(tmp_path: Path, family: str) -> None:
    classifier = Classifier.load(family_checkpoint(tmp_path / family, family))
    reading = classifier.read(TEXT)
    own = {(0, head): shares(reading, 0, head) for head in range(classifier.n_heads)}
    other = {(0, head): uniform_map(reading, 0) for head in range(classifier.n_heads)}
    logits = logits_with_maps(classifier, reading, [own, other])
    assert logits[0] == pytest.approx(reading.prediction.logits, abs=1e-4)
    assert np.abs(logits[1] - reading.prediction.logits).max() > 1e-3


def test_what_is_masked_stays_so(tmp_path: Path) -> None:
    classifier = Classifier.load(family_checkpoint(tmp_path / "gpt2", "gpt2"))
    reading = classifier.read(TEXT)
    later = np.triu(np.ones((reading.encoding.n_tokens,) * 2, bool), 1)
    for other in (uniform_map(reading, 0), shuffled_map(reading, 0, 1, seed=3)):
        assert not other[later].any()
        assert other.sum(-1) == pytest.approx(1, abs=1e-6)


def test_a_shuffled_map_has_the_same_weights_in_another_order(reading: Reading) -> None:
    own, other = shares(reading, 1, 1), shuffled_map(reading, 1, 1, seed=0)
    assert np.array_equal(np.sort(own), np.sort(other))
    assert not np.array_equal(own, other)
    assert np.array_equal(own, reading.attention.weights[1, 1])  # the reading's own is left alone


def test_moved_weight_is_the_total_variation_distance(reading: Reading) -> None:
    own = shares(reading, 0, 0)
    assert moved_weight(reading, 0, 0, own) == 0
    away = np.zeros_like(own)
    away[np.arange(len(own)), own.argmin(-1)] = 1
    assert moved_weight(reading, 0, 0, away) == pytest.approx(1 - own.min(-1).mean(), abs=1e-6)


def test_a_reading_whose_logits_are_not_those_of_the_pass_is_refused(
    tmp_path: Path, checkpoint: Path, classifier: Classifier
) -> None:
    other = edited(checkpoint, tmp_path / checkpoint.name, without_queries(0, 0))
    with pytest.raises(MethodError, match="can't be replaced"):
        logits_with_maps(classifier, other.read(TEXT), [])
