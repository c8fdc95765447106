"""The classifier at a step of its training: other weights, the same network."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from finetune.run.history import open_history
from tests.conftest import TEXT
from tests.histories import damage_frame, tiny_history, write_frame
from tests.tiny_models import FAMILIES, Family
from viz import Classifier, attribute
from viz.comparison.film.frame_classifier import frame_classifier
from viz.errors import CheckpointError


@pytest.mark.parametrize("family", FAMILIES)
def test_the_last_frame_is_the_finished_checkpoint_bit_for_bit(
    tmp_path: Path, family: Family
) -> None:
    folder = tiny_history(tmp_path, 2, family)
    classifier = Classifier.load(folder)
    base, last = open_history(folder).frames
    finished = classifier.read(TEXT)
    reading = frame_classifier(classifier, folder, last).read(TEXT)
    np.testing.assert_array_equal(reading.prediction.logits, finished.prediction.logits)
    np.testing.assert_array_equal(reading.attention.weights, finished.attention.weights)
    assert (reading.checkpoint, reading.fingerprint) == (finished.checkpoint, finished.fingerprint)
    # The base is what loading its own folder says, and reading it changes no finished number.
    expected = Classifier.load(tmp_path / "base").read(TEXT)
    first = frame_classifier(classifier, folder, base)
    np.testing.assert_array_equal(first.read(TEXT).prediction.logits, expected.prediction.logits)
    again = classifier.read(TEXT)
    np.testing.assert_array_equal(again.prediction.logits, finished.prediction.logits)


def test_methods_explain_a_frame_and_captions_name_its_step(tmp_path: Path) -> None:
    folder = tiny_history(tmp_path, 3)
    classifier = Classifier.load(folder)
    middle = frame_classifier(classifier, folder, open_history(folder).frames[1])
    reading = middle.read(TEXT)
    assert (reading.checkpoint, reading.fingerprint) == ("checkpoint at step 10", "")
    attribution = attribute(middle, reading)
    assert attribution.bias is not None
    parts = float(attribution.scores.sum()) + attribution.bias
    assert parts == pytest.approx(attribution.value, abs=1e-4)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda weights: weights.pop("classifier.bias"), "classifier.bias is missing"),
        (
            lambda weights: weights.update({"classifier.bias": torch.zeros(7)}),
            r"classifier.bias has the shape \(7,\), not \(4,\)",
        ),
    ],
)
def test_weights_of_another_model_are_refused(tmp_path, damage, sentence) -> None:  # type: ignore[no-untyped-def]
    folder = tiny_history(tmp_path, 2)
    classifier, frame = Classifier.load(folder), open_history(folder).frames[0]
    weights = load_file(folder / "model.safetensors")
    damage(weights)
    write_frame(folder, 0, 2, weights)
    with pytest.raises(CheckpointError, match=f"step 0 are not those of 'checkpoint': {sentence}"):
        frame_classifier(classifier, folder, frame)


def test_weights_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    folder = tiny_history(tmp_path, 3)
    classifier, frame = Classifier.load(folder), open_history(folder).frames[1]
    damage_frame(folder, 1)
    with pytest.raises(CheckpointError, match="in step-000010 is not what was written"):
        frame_classifier(classifier, folder, frame)
