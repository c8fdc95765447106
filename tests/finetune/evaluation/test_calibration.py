"""Calibration against numbers worked out by hand, brute force, and a temperature that is known."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from transformers import AutoConfig

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.checkpoint.temperature import TEMPERATURE_KEY, probabilities, stored_temperature
from finetune.errors import ModelError
from finetune.evaluation.calibration import (
    NO_BETTER,
    NO_ERROR,
    calibrate,
    expected_calibration_error,
    fit_temperature,
    measure_calibration,
    reliability_curve,
    store_temperature,
)
from tests.tiny_models import tiny_checkpoint


def drawn(rows: int, temperature: float, *, several: bool, seed: int = 0) -> Any:
    """Logits that are *temperature* times too large for the targets drawn from them."""
    chance = np.random.default_rng(seed)
    logits = chance.normal(size=(rows, 4)) * 2
    given = probabilities(logits, 1.0, multi_label=several)
    if several:
        return logits * temperature, (chance.random(given.shape) < given).astype(np.float32)
    steps = given.cumsum(axis=1)
    return logits * temperature, (chance.random((rows, 1)) > steps).sum(axis=1).clip(0, 3)


def brute_force_ece(given: FloatArray, gold: IntArray, bins: int = 15) -> float:
    total = 0.0
    for low in range(bins):
        held = [
            (row.max(), row.argmax() == target)
            for row, target in zip(given, gold, strict=True)
            if low / bins < row.max() <= (low + 1) / bins
        ]
        if held:
            sure, right = np.mean([a for a, _ in held]), np.mean([b for _, b in held])
            total += len(held) / len(gold) * abs(sure - right)
    return float(total)


def test_the_error_of_a_small_example_by_hand() -> None:
    confidence = np.array([0.95, 0.95, 0.85, 0.65, 0.5])
    right = np.array([True, False, True, True, False])
    curve = reliability_curve(confidence, right, bins=10)
    assert [part.count for part in curve] == [0, 0, 0, 0, 1, 0, 1, 0, 1, 2]
    assert curve[9].confidence == pytest.approx(0.95)
    assert curve[9].accuracy == 0.5
    by_hand = (2 * 0.45 + 0.15 + 0.35 + 0.5) / 5
    assert expected_calibration_error(curve) == pytest.approx(by_hand, abs=1e-12)


def test_likelihood_and_brier_by_hand() -> None:
    logits = np.log(np.array([[0.8, 0.2], [0.4, 0.6]]))
    found = measure_calibration(logits, np.array([0, 0]))
    assert found.nll == pytest.approx(-(np.log(0.8) + np.log(0.4)) / 2, abs=1e-12)
    assert found.brier == pytest.approx((2 * 0.2**2 + 2 * 0.6**2) / 2, abs=1e-12)
    assert found.ece == pytest.approx((0.2 + 0.6) / 2, abs=1e-12)


def test_several_classes_pool_every_decision() -> None:
    logits = np.array([[0.0, np.log(3)], [-np.log(3), 0.0]])
    flags = np.array([[1, 1], [0, 0]])
    found = measure_calibration(logits, flags)
    assert [(part.count, part.accuracy) for part in found.curve if part.count] == [
        (1, 0.0), (2, 0.5), (1, 1.0)
    ]  # fmt: skip
    assert found.ece == pytest.approx((0.25 + 0 + 0.25) / 4, abs=1e-12)
    assert found.nll == pytest.approx(-(2 * np.log(0.5) + 2 * np.log(0.75)) / 4, abs=1e-12)
    assert found.brier == pytest.approx((2 * 0.25 + 2 * 0.0625) / 4, abs=1e-12)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_error_equals_brute_force(temperature: float) -> None:
    logits, gold = drawn(500, 2.0, several=False)
    given = probabilities(logits, temperature, multi_label=False)
    found = measure_calibration(logits, gold, temperature)
    assert found.ece == pytest.approx(brute_force_ece(given, gold), abs=1e-12)
    assert sum(part.count for part in found.curve) == 500


@pytest.mark.parametrize("edge", [0.0, 1.0])
def test_the_ends_of_the_scale_are_inside_a_bin(edge: float) -> None:
    curve = reliability_curve(np.array([edge]), np.array([edge == 1]))
    assert sum(part.count for part in curve) == 1
    assert expected_calibration_error(curve) == 0


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_a_known_temperature_is_found(temperature: float, several: bool) -> None:
    found = fit_temperature(*drawn(20_000, temperature, several=several))
    assert found == pytest.approx(temperature, rel=0.04)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_likelihood_is_never_worse_and_no_decision_changes(seed: int, several: bool) -> None:
    logits, targets = drawn(30, 0.3 + seed, several=several, seed=seed)
    temperature = fit_temperature(logits, targets)
    before, after = (
        measure_calibration(logits, targets),
        measure_calibration(logits, targets, temperature),
    )
    assert after.nll <= before.nll
    for other in np.geomspace(0.06, 19, 200):
        assert after.nll <= measure_calibration(logits, targets, other).nll + 1e-9
    shares = [probabilities(logits, t, multi_label=several) for t in (1.0, temperature)]
    assert (shares[0].argmax(axis=1) == shares[1].argmax(axis=1)).all()
    if several:
        assert ((shares[0] > 0.5) == (shares[1] > 0.5)).all()


def test_probabilities_of_huge_logits_stay_finite() -> None:
    huge = np.array([[1e4, -1e4, 0.0]])
    for several in (False, True):
        shares = probabilities(huge, 0.05, multi_label=several)
        assert np.isfinite(shares).all()
    assert np.isfinite(measure_calibration(huge, np.array([1]), 0.05).nll)


def test_the_test_split_is_measured_at_the_temperature_of_validation() -> None:
    validation, test = drawn(2_000, 3.0, several=False), drawn(2_000, 3.0, several=False, seed=1)
    made = calibrate(validation, test)
    assert made.temperature == fit_temperature(*validation)
    assert (made.measured_on, made.reason) == ("test", "")
    assert made.before == measure_calibration(*test)
    assert made.after == measure_calibration(test[0], test[1], made.temperature)
    assert made.after.ece < made.before.ece / 3


def test_without_a_test_split_each_fifth_is_held_out() -> None:
    logits, targets = drawn(2_000, 3.0, several=False)
    made = calibrate((logits, targets), None)
    assert made.measured_on == "validation"
    assert made.before == measure_calibration(logits, targets)
    in_sample = measure_calibration(logits, targets, made.temperature)
    assert made.after.nll > in_sample.nll
    assert made.after.nll == pytest.approx(in_sample.nll, rel=0.01)
    assert made.after.ece < made.before.ece / 3


@pytest.mark.parametrize("targets", [np.array([0, 1, 0]), np.array([[1, 0], [0, 1], [1, 0]])])
def test_rows_without_an_error_give_no_temperature(targets: IntArray) -> None:
    logits = np.array([[2.0, -1], [-1, 2.0], [3.0, -2]])
    made = calibrate((logits, targets), None)
    assert (made.temperature, made.reason) == (1.0, NO_ERROR)
    assert made.before.ece == pytest.approx(made.after.ece)


def test_a_temperature_that_helps_no_row_it_was_not_fitted_on_is_none() -> None:
    logits = np.array([[0.1, -0.1], [0.2, 0.1], [-0.1, 0.1], [0.1, 0.2], [0.3, 0.1], [0.0, 0.1]])
    targets = np.array([0, 0, 1, 1, 1, 0])
    assert fit_temperature(logits, targets) != pytest.approx(1, abs=0.1)
    made = calibrate((logits, targets), None)
    assert (made.temperature, made.reason) == (1.0, NO_BETTER)
    assert made.after == made.before


def test_a_single_row_gives_no_temperature() -> None:
    made = calibrate((np.array([[1.0, 2.0]]), np.array([0])), None)
    assert made.temperature == 1.0
    assert "fewer than two" in made.reason


def test_the_temperature_is_stored_for_plain_transformers(tmp_path: Path) -> None:
    labels = tuple(f"class {number}" for number in range(12))
    checkpoint = tiny_checkpoint(tmp_path / "tiny", labels=labels)
    before = json.loads((checkpoint / "config.json").read_text("utf-8"))
    store_temperature(checkpoint, 1.25)
    assert json.loads((checkpoint / "config.json").read_text("utf-8")) == before | {
        TEMPERATURE_KEY: 1.25
    }
    settings = json.loads((checkpoint / "config.json").read_text("utf-8"))
    assert tuple(settings["id2label"].values()) == labels  # others read them in this order
    assert not list(checkpoint.glob("*.partial"))
    config = AutoConfig.from_pretrained(checkpoint)
    assert stored_temperature(config, "tiny") == 1.25
    other = AutoConfig.from_pretrained(tiny_checkpoint(tmp_path / "b"))
    assert stored_temperature(other, "b") is None


@pytest.mark.parametrize("value", [0, -1.5, float("nan"), float("inf"), "warm", True, [1.0]])
def test_a_temperature_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(ModelError, match=f"{TEMPERATURE_KEY} in config.json of 'x' is .* above 0"):
        stored_temperature(SimpleNamespace(**{TEMPERATURE_KEY: value}), "'x'")
