"""How far probabilities can be taken at their word, and the temperature that mends them.

Logits are divided by one number T before they become probabilities, which changes no decision.
T is the one with the least negative log-likelihood on validation.  Source: Guo et al. 2017, On
Calibration of Modern Neural Networks.
"""

import json
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.checkpoint.temperature import TEMPERATURE_KEY, probabilities
from finetune.run.atomic_files import write_atomically
from finetune.run.measurements import CalibrationMetrics, ReliabilityBin
from finetune.run.record import CalibrationRecord

N_BINS = 15
N_FOLDS = 5
TEMPERATURE_RANGE = (0.05, 20.0)
"""Where a temperature is looked for; one outside would leave nothing of the logits' order."""

NO_ERROR = "every decision on validation is right, which says nothing of overconfidence"
TOO_FEW = "validation has fewer than two rows"
NO_BETTER = "it does not improve the probabilities on held-out rows of validation"

Targets = FloatArray | IntArray


def measure_calibration(
    logits: FloatArray, targets: Targets, temperature: float = 1.0
) -> CalibrationMetrics:
    """Error, likelihood and reliability curve of probabilities at a temperature.

    With one class per row the confidence is the probability of the predicted class and a row is
    right or wrong.  With several, every class of every row counts: its probability, and whether
    the row has it.

    Args:
        logits: (N, C)
        targets: Class numbers (N,), or flags (N, C) if a row has several classes.
        temperature: What logits are divided by.
    """
    given = probabilities(logits, temperature, multi_label=targets.ndim == 2)
    return _metrics(given, targets, _negative_log_likelihood(logits, targets, temperature))


def fit_temperature(logits: FloatArray, targets: Targets) -> float:
    """The temperature with the least negative log-likelihood; 1 where none is better.

    The likelihood has one peak in T, since its logarithm is concave in 1 / T.
    """
    low, high = np.log(TEMPERATURE_RANGE)
    minimum = minimize_scalar(
        lambda log: _negative_log_likelihood(logits, targets, math.exp(log)),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-6},
    )
    temperature = math.exp(float(minimum.x))
    better = _negative_log_likelihood(logits, targets, temperature) < _negative_log_likelihood(
        logits, targets, 1.0
    )
    return temperature if better else 1.0


def calibrate(
    validation: tuple[FloatArray, Targets], test: tuple[FloatArray, Targets] | None
) -> CalibrationRecord:
    """Fit a temperature on validation and measure what it changes on rows it didn't see.

    These are the test rows, or without them validation itself: each fifth at the temperature
    fitted on the others.  Where that makes those fifths no better there is none: few rows may ask
    for any temperature.

    Args:
        validation: Logits and targets.
        test: The same of the test split, where there is one.
    """
    plain, held_out = measure_calibration(*validation), _cross_fitted(*validation)
    reason = _unfit_reason(*validation) or ("" if held_out.nll < plain.nll else NO_BETTER)
    temperature = 1.0 if reason else fit_temperature(*validation)
    if test is not None:
        before, after = (measure_calibration(*test, each) for each in (1.0, temperature))
    else:
        before, after = plain, plain if reason else held_out
    return CalibrationRecord(
        temperature=temperature,
        reason=reason,
        measured_on="validation" if test is None else "test",
        before=before,
        after=after,
    )


def store_temperature(folder: Path, temperature: float) -> None:
    """Write the temperature into config.json of a checkpoint, in one step."""
    path = folder / "config.json"
    values = json.loads(path.read_text(encoding="utf-8")) | {TEMPERATURE_KEY: temperature}
    text = json.dumps(values, indent=2, allow_nan=False)
    write_atomically(path, text + "\n")


def reliability_curve(
    confidence: FloatArray, right: npt.NDArray[np.bool_], bins: int = N_BINS
) -> tuple[ReliabilityBin, ...]:
    """Bins of equal width over 0 to 1, their upper edge inside; empty ones are kept.  (M,) (M,)"""
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    sums = np.bincount(place, confidence, bins), np.bincount(place, right.astype(float), bins)
    means = [total / np.maximum(counts, 1) for total in sums]
    return tuple(
        ReliabilityBin(count=int(count), confidence=float(sure), accuracy=float(share))
        for count, sure, share in zip(counts, *means, strict=True)
    )


def expected_calibration_error(curve: tuple[ReliabilityBin, ...]) -> float:
    """ECE: the mean gap between confidence and accuracy, each bin by its share of the rows."""
    total = sum(part.count for part in curve)
    return sum(part.count * abs(part.confidence - part.accuracy) for part in curve) / total


def _metrics(given: FloatArray, targets: Targets, likelihood: float) -> CalibrationMetrics:
    """The metrics of probabilities (N, C)."""
    if targets.ndim == 2:
        flags = targets.astype(np.float64)
        confidence, right, brier = given.ravel(), flags.ravel(), (given - flags) ** 2
    else:
        confidence, right = given.max(axis=1), given.argmax(axis=1) == targets
        short = given.copy()
        short[np.arange(len(short)), targets.astype(np.int64)] -= 1
        brier = (short**2).sum(axis=1)
    curve = reliability_curve(confidence, right.astype(bool))
    return CalibrationMetrics(
        ece=expected_calibration_error(curve),
        nll=likelihood,
        brier=float(brier.mean()),
        curve=curve,
    )


def _cross_fitted(logits: FloatArray, targets: Targets) -> CalibrationMetrics:
    """Metrics of rows whose temperature was fitted on the other folds, all put together."""
    several = targets.ndim == 2
    given = probabilities(logits, 1.0, multi_label=several)
    lost = 0.0
    order = np.random.default_rng(0).permutation(len(logits))
    for held_out in np.array_split(order, min(N_FOLDS, len(order))):
        rest = np.setdiff1d(order, held_out)
        fits = not _unfit_reason(logits[rest], targets[rest])
        temperature = fit_temperature(logits[rest], targets[rest]) if fits else 1.0
        given[held_out] = probabilities(logits[held_out], temperature, multi_label=several)
        part = _negative_log_likelihood(logits[held_out], targets[held_out], temperature)
        lost += part * len(held_out) / len(order)
    return _metrics(given, targets, lost)


def _unfit_reason(logits: FloatArray, targets: Targets) -> str:
    """Why no temperature can be fitted; empty where one can."""
    if len(logits) < 2:
        return TOO_FEW
    if targets.ndim == 2:
        wrong = (logits > 0) != targets.astype(bool)
    else:
        wrong = logits.argmax(axis=1) != targets
    # Without an error the likelihood grows without end as T goes to 0.
    return "" if wrong.any() else NO_ERROR


def _negative_log_likelihood(logits: FloatArray, targets: Targets, temperature: float) -> float:
    """The mean negative log-likelihood: per row, or per class of a row with several."""
    scaled = logits.astype(np.float64) / temperature
    if targets.ndim == 2:
        signed = np.where(targets.astype(bool), scaled, -scaled)
        return float(np.logaddexp(0, -signed).mean())
    logs = log_softmax(scaled, axis=1)
    return float(-logs[np.arange(len(scaled)), targets.astype(np.int64)].mean())
