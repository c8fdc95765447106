"""The checkpoint that the app opens with: whole, small, documented, and sensible."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from transformers import pipeline

from viz import Classifier, attribute
from viz.app.examples import load_examples
from viz.model.classifier import default_checkpoint

FOLDER = default_checkpoint()
CLEAR = {
    "Oil and shares": "Business",
    "A late goal": "Sports",
    "Talks at the border": "World",
    "Ice on the Moon": "Sci/Tech",
}


@pytest.fixture(scope="module")
def shipped() -> Classifier:
    return Classifier.load(FOLDER)


def test_its_weights_are_half_precision_and_below_fifty_megabytes() -> None:
    weights = FOLDER / "model.safetensors"
    assert weights.stat().st_size < 50e6
    with safe_open(str(weights), framework="pt") as tensors:
        kinds = {tensors.get_slice(name).get_dtype() for name in tensors.keys()}  # noqa: SIM118
    assert kinds == {"F16"}


def test_its_record_meets_the_bar_and_its_card_says_the_same() -> None:
    record = json.loads((FOLDER / "run.json").read_text("utf-8"))
    accuracy = record["validation"]["accuracy"]
    assert accuracy >= 0.925
    card = (FOLDER / "README.md").read_text("utf-8")
    assert f"{accuracy:.4f}" in card or f"{100 * accuracy:.2f}" in card
    assert "95%" in card
    assert "non-commercial" in card


def test_nothing_in_it_names_a_place_on_somebodys_machine() -> None:
    for file in FOLDER.glob("*.json"):
        text = file.read_text("utf-8")
        assert "/home/" not in text
        assert "site-packages" not in text
        assert "/tmp/" not in text


@pytest.mark.parametrize("name", CLEAR)
def test_clear_examples_get_the_class_a_person_would_give(shipped: Classifier, name: str) -> None:
    text = next(example.text for example in load_examples() if example.name == name)
    assert shipped.read(text).prediction.label == CLEAR[name]


def test_the_pipeline_of_transformers_gives_the_same_answers(shipped: Classifier) -> None:
    texts = [example.text for example in load_examples()]
    for found, text in zip(pipeline("text-classification", str(FOLDER))(texts), texts, strict=True):
        prediction = shipped.read(text).prediction
        assert found["label"] == prediction.label
        assert found["score"] == pytest.approx(prediction.probability, abs=1e-4)


def test_its_decomposition_adds_up_on_every_example(shipped: Classifier) -> None:
    for example in load_examples():
        found = attribute(shipped, shipped.read(example.text))
        whole = float(found.scores.sum(dtype=np.float64)) + (found.bias or 0)
        assert whole == pytest.approx(found.value, rel=1e-4)
