"""A temperature in config.json: probabilities follow it everywhere, and nothing else does."""

from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from finetune.checkpoint.temperature import TEMPERATURE_KEY, probabilities, stored_temperature
from tests.page_content import page_text
from tests.tiny_models import edit_config, tiny_checkpoint
from viz import Classifier, attribute
from viz.attribution.aopc import aopc
from viz.attribution.target import Target
from viz.errors import CheckpointError
from viz.export.json_record import figure_record
from viz.faithfulness import metrics
from viz.figures.spec import FigureSpec
from viz.model.perturbation import Perturbation

TEXT = "oil prices rise as stocks fall"
WARM = 1.6
MULTI = "multi_label_classification"
ROOT = Path(__file__).resolve().parents[3]


def pair(folder: Path, problem: str | None = None) -> tuple[Classifier, Classifier]:
    """The same weights without a temperature and with one, in double precision."""
    found = []
    for name, entries in (("plain", {}), ("warm", {TEMPERATURE_KEY: WARM})):
        place = tiny_checkpoint(folder / name)
        edit_config(place, problem_type=problem, **entries)
        found.append(Classifier.load(place, dtype=torch.float64, device="cpu"))
    return found[0], found[1]


@pytest.mark.parametrize("problem", [None, MULTI])
def test_probabilities_are_those_of_logits_over_the_temperature(
    problem: str | None, tmp_path: Path
) -> None:
    plain, warm = pair(tmp_path, problem)
    before, after = plain.read(TEXT).prediction, warm.read(TEXT).prediction
    assert plain.temperature is None
    assert warm.temperature == WARM
    np.testing.assert_array_equal(before.logits, after.logits)
    scaled = torch.tensor(after.logits) / WARM
    expected = scaled.sigmoid() if problem else scaled.softmax(-1)
    np.testing.assert_allclose(after.probabilities, expected, rtol=0, atol=1e-12)
    assert np.abs(before.probabilities - after.probabilities).max() > 1e-4
    assert before.label == after.label
    assert set(before.assigned_classes) == set(after.assigned_classes)


def test_explanations_of_logits_stay_as_they_are(tmp_path: Path) -> None:
    plain, warm = pair(tmp_path)
    scores = [
        attribute(classifier, classifier.read(TEXT), "decomposition").scores
        for classifier in (plain, warm)
    ]
    np.testing.assert_array_equal(scores[0], scores[1])


@pytest.mark.parametrize("problem", [None, MULTI])
def test_hiding_words_is_measured_on_the_same_probabilities(
    problem: str | None, tmp_path: Path
) -> None:
    """One word of one: without it, the probability falls by what two readings differ by."""
    _, warm = pair(tmp_path, problem)
    encoding = warm.encode("oil prices")
    versions = Perturbation(warm, encoding)
    whole = warm.read("oil prices").prediction.probabilities
    falls = [
        whole[1] - warm.read(text).prediction.probabilities[1]
        for text in ("[MASK] prices", "[MASK] [MASK]")
    ]
    expected = float(np.mean(falls))
    assert aopc(versions, 1, [0, 1], "mask") == pytest.approx(expected, abs=1e-12)
    measured = metrics.measure(versions, Target(1, 0), np.array([2.0, 1.0]), "mask")
    assert measured["aopc"] == pytest.approx(expected, abs=1e-12)


def test_an_export_holds_the_calibrated_probabilities(tmp_path: Path) -> None:
    _, warm = pair(tmp_path)
    reading = warm.read(TEXT)
    saved = figure_record(FigureSpec(reading, "head", layer=0, head=0))["prediction"]
    expected = probabilities(reading.prediction.logits, multi_label=False, temperature=WARM)
    np.testing.assert_allclose(saved["probabilities"], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("temperature", [1e-3, 0.05, 1.0, 20.0, 1e300])
def test_probabilities_stay_finite_and_in_order(temperature: float) -> None:
    logits = np.array([[800.0, -800.0, 3.0], [0.1, 0.2, 0.3]])
    for several in (False, True):
        share = probabilities(logits, multi_label=several, temperature=temperature)
        assert np.isfinite(share).all()
        assert (np.diff(np.take_along_axis(share, logits.argsort(1), 1), axis=1) >= 0).all()


@pytest.mark.parametrize("several", [False, True])
def test_probabilities_are_a_softmax_or_sigmoids(several: bool) -> None:
    logits = np.random.default_rng(0).normal(size=(9, 5)) * 4
    exponents = np.exp(logits / WARM)
    expected = exponents / (1 + exponents if several else exponents.sum(1, keepdims=True))
    found = probabilities(logits, multi_label=several, temperature=WARM)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("value", [0, -2.0, float("nan"), float("inf"), "hot", True, [1.3]])
def test_a_temperature_that_is_none_is_refused(value: object, tmp_path: Path) -> None:
    place = tiny_checkpoint(tmp_path / "tiny")
    edit_config(place, **{TEMPERATURE_KEY: value})
    with pytest.raises(CheckpointError, match=f"{TEMPERATURE_KEY}.* of 'tiny' is "):
        Classifier.load(place, device="cpu")


def test_a_checkpoint_without_one_computes_as_before(tmp_path: Path) -> None:
    classifier = Classifier.load(tiny_checkpoint(tmp_path / "tiny"), device="cpu")
    assert stored_temperature(classifier.config, "tiny") is None
    made = classifier.read(TEXT).prediction
    expected = torch.tensor(made.logits).softmax(-1).numpy()
    np.testing.assert_array_equal(made.probabilities, expected)
    assert made.probabilities.dtype == np.float32


def test_plain_transformers_gives_the_same_logits(tmp_path: Path) -> None:
    place = tiny_checkpoint(tmp_path / "tiny")
    edit_config(place, **{TEMPERATURE_KEY: WARM})
    model = AutoModelForSequenceClassification.from_pretrained(place).eval()
    inputs = AutoTokenizer.from_pretrained(place)(TEXT, return_tensors="pt")
    with torch.inference_mode():
        logits = model(**inputs).logits[0].numpy()
    made = Classifier.load(place, device="cpu").read(TEXT).prediction
    np.testing.assert_allclose(made.logits, logits, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("entries", "said"), [({TEMPERATURE_KEY: 1.324}, True), ({}, False)])
def test_the_page_says_that_probabilities_are_calibrated(
    entries: dict[str, float], said: bool, tmp_path: Path
) -> None:
    place = tiny_checkpoint(tmp_path / "tiny")
    edit_config(place, **entries)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["checkpoint"] = str(place)
    app.run()
    assert not app.exception
    assert ("calibrated (temperature 1.32)" in page_text(app)) == said
