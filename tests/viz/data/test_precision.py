"""bfloat16 is chosen only where no label changes by it, and rows near another label are reread."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny_models import tiny_checkpoint
from viz import Classifier
from viz.data.prediction import precision
from viz.data.prediction.precision import (
    PrecisionChoice,
    choose_precision,
    predict_in,
    require,
)
from viz.data.rows.row_predictions import predict
from viz.errors import SelectionError

WORDS = [
    "oil",
    "prices",
    "rise",
    "as",
    "stocks",
    "fall",
    "the",
    "market",
    "team",
    "wins",
    "game",
    "election",
    "peace",
    "talks",
]
TEXTS = [" ".join(WORDS[(n * k) % len(WORDS)] for k in range(1, 4 + n % 9)) for n in range(80)]

FLOAT32 = PrecisionChoice(precision="float32")
PLAIN = PrecisionChoice(precision="bfloat16")


@pytest.fixture(autouse=True)
def _native_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any processor computes bfloat16, if slowly."""
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)


@pytest.fixture(scope="module", params=[None, "multi_label_classification"])
def wide(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """A head of one class for each text, or of several."""
    folder = tmp_path_factory.mktemp("wide") / "tiny"
    return Classifier.load(tiny_checkpoint(folder, problem_type=request.param), device="cpu")


def decisions(classifier: Classifier, logits: np.ndarray) -> np.ndarray:
    return logits > 0 if classifier.multi_label else logits.argmax(axis=1)


def test_labels_stay_though_numbers_change(wide: Classifier) -> None:
    exact = predict(wide, TEXTS)
    plain = predict_in(PLAIN, wide, TEXTS)
    gaps = precision._gaps(wide, plain.logits)
    choice = PrecisionChoice(precision="bfloat16", margin=float(np.median(gaps)))
    rough = predict_in(choice, wide, TEXTS)
    np.testing.assert_array_equal(decisions(wide, rough.logits), decisions(wide, exact.logits))
    near = gaps <= choice.margin
    assert rough.logits.dtype == np.float32
    # Which texts share a batch moves the last bits only.
    np.testing.assert_allclose(rough.logits[near], exact.logits[near], atol=1e-5)
    np.testing.assert_allclose(rough.probabilities[near], exact.probabilities[near], atol=1e-6)
    assert (np.abs(rough.logits[~near] - exact.logits[~near]).max(axis=1) > 1e-4).all()


def test_the_margin_is_several_times_the_largest_error(
    wide: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "MAX_REREAD_SHARE", 1.0)
    choice = choose_precision(wide, TEXTS)
    assert choice.precision == "bfloat16"
    exact = predict(wide, TEXTS).logits
    rough = predict_in(PLAIN, wide, TEXTS).logits
    if wide.multi_label:
        largest = np.abs(exact - rough).max()
    else:
        pairs = [(a, b) for a in range(4) for b in range(4)]
        largest = max(
            np.abs((exact[:, a] - exact[:, b]) - (rough[:, a] - rough[:, b])).max()
            for a, b in pairs
        )
    assert choice.margin == pytest.approx(precision.SAFETY_FACTOR * largest, rel=1e-4)
    assert f"All {len(TEXTS)} rows of a sample keep their labels" in choice.reason


def test_float32_is_chosen_where_too_many_rows_are_near_another_label(
    wide: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "SAFETY_FACTOR", 1e6)
    choice = choose_precision(wide, TEXTS)
    assert (choice.precision, choice.margin) == ("float32", 0.0)
    assert choice.reason == "In bfloat16 80 of 80 rows of a sample are too near another label."


def test_float32_is_chosen_where_nothing_can_be_compared(
    wide: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert choose_precision(wide, ["", "  "]).precision == "float32"
    folder = tiny_checkpoint(tmp_path, labels=("score",), problem_type="regression")
    scores = Classifier.load(folder, device="cpu")
    assert choose_precision(scores, TEXTS) == FLOAT32
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: False)
    assert choose_precision(wide, TEXTS) == FLOAT32
    with pytest.raises(SelectionError, match=r"^This processor has no bfloat16 .* or auto\.$"):
        require("bfloat16", wide.device)


def test_a_model_that_fails_in_bfloat16_is_read_in_float32(
    wide: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_only(*_: object, **__: object) -> None:
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("expected the mask to have the dtype of the query")

    handle = wide.model.register_forward_pre_hook(half_only, with_kwargs=True)
    try:
        choice = choose_precision(wide, TEXTS)
    finally:
        handle.remove()
    assert choice.reason == "This model can't be read in bfloat16."
    assert choice.precision == "float32"
