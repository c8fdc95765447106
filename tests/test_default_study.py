"""The study of the default measures as `clsight score` does; its candidates are what they say."""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from finetune.checkpoint.arrays import FloatArray
from tests.benchmarks.default_candidates import (
    AttentionRecorder,
    GradientPath,
    lost_without_keys,
    with_gradient,
)
from tests.benchmarks.order_study import (
    RowOrders,
    StudyRows,
    by_method,
    searched_aopc,
    summarized,
)
from viz import Classifier
from viz.attribution import resolve_target
from viz.attribution.decomposition_path import partly_masked_scores
from viz.attribution.method import AttributionInput
from viz.faithfulness.score_row import ScoreConfig, score_row
from viz.faithfulness.summary import summarize
from viz.model.text_files import open_texts

TEXTS = (
    "Oil prices rise as stocks fall",
    "oil prices",
    "team wins the game and the market rise",
    "space probe finds ice on moon, not oil",
    "good bad movie was not very good",
)
METHODS = ("decomposition", "saliency")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "texts.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in TEXTS)])
    return path


@pytest.fixture(scope="module")
def texts(classifier: Classifier, data: Path) -> StudyRows:
    return StudyRows(classifier, data, words=(3, 20))


def test_the_study_finds_what_the_record_says(
    classifier: Classifier, data: Path, texts: StudyRows, tmp_path: Path
) -> None:
    taken = sorted(texts.rows(0, 10), key=lambda row: row.number)
    assert [row.number for row in taken] == [0, 2, 3, 4]  # the second is too short
    rows = texts.measure(tmp_path, taken, {name: by_method(name) for name in METHODS})
    config = ScoreConfig(METHODS)
    results = [score_row(classifier, row, config) for row in taken]
    record = summarize(classifier, open_texts(data), config, results)
    nothing_searched = {row.number: dict.fromkeys(record.random, -1.0) for row in taken}
    found = summarized(rows, record.default, nothing_searched)
    for one in record.methods:
        for operator, under in one.under.items():
            scores = found[operator][one.method]
            assert scores.aopc == pytest.approx(under.means["aopc"], abs=2e-6)
            assert scores.share is not None
            assert under.share is not None
            own = (scores.share.mean, scores.share.low, scores.share.high)
            recorded = (under.share.mean, under.share.low, under.share.high)
            assert own == pytest.approx(recorded, abs=1e-4)
            if one.method == record.default:
                assert scores.minus_reference is None
                continue
            minus = under.minus_default["aopc"]
            assert scores.minus_reference is not None
            difference = (scores.minus_reference.mean, scores.minus_reference.low)
            assert difference == pytest.approx((minus.mean, minus.low), abs=2e-6)
    for operator, means in record.random.items():
        assert found[operator]["random"].aopc == pytest.approx(means["aopc"], abs=2e-6)


def test_rows_that_were_measured_are_read_though_the_last_line_was_cut(
    texts: StudyRows, tmp_path: Path
) -> None:
    scored: list[str] = []

    def scorer(inputs: AttributionInput) -> FloatArray:
        scored.append(inputs.reading.encoding.text)
        return np.arange(inputs.perturbation.n_words, dtype=np.float64)

    rows = texts.rows(0, 3)
    first = texts.measure(tmp_path, rows[:2], {"reading order": scorer})
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-20])
    for _ in range(2):
        again = texts.measure(tmp_path, rows, {"reading order": scorer})
        assert [_aopc(row) for row in again[:2]] == [_aopc(row) for row in first]
        assert scored == [rows[number].text for number in (0, 1, 1, 2)]
    assert all(row.text not in file.read_text(encoding="utf-8") for row in rows)


def _aopc(row: RowOrders) -> tuple[int, object]:
    return row.row, row.aopc


def test_no_order_is_better_than_the_searched_one(
    classifier: Classifier, texts: StudyRows, tmp_path: Path
) -> None:
    rows = texts.rows(0, 1)
    (measured,) = texts.measure(tmp_path, rows, {"decomposition": by_method("decomposition")})
    best = searched_aopc(classifier, rows[0], 60)
    assert set(best) == set(measured.aopc)
    for operator, reached in best.items():
        assert reached >= measured.aopc[operator]["decomposition"] - 1e-6


def test_without_attentions_gradient_a_candidate_is_the_default(classifier: Classifier) -> None:
    reading = classifier.read(TEXTS[0])
    inputs = AttributionInput(
        classifier, reading, resolve_target(reading.prediction, None, "runner-up")
    )
    default = partly_masked_scores(inputs)
    np.testing.assert_allclose(GradientPath(inputs, 0.0).at(0.25), default, rtol=1e-4, atol=1e-7)
    assert np.abs(with_gradient(inputs, 0.5) - default).max() > 1e-3 * np.abs(default).max()


@pytest.mark.parametrize("operator", ["delete", "mask"])
def test_the_leave_one_out_is_exact_in_the_softmax(operator: str) -> None:
    draw = torch.Generator().manual_seed(0)
    query, key, value, mask_key, mask_value, slope = torch.randn(6, 2, 5, 4, generator=draw)

    def attended(key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        weights = (query @ key.transpose(-1, -2) / 2).softmax(-1)
        return weights, weights @ value

    whole, masked = AttentionRecorder(), AttentionRecorder()
    weights, outputs = attended(key, value)
    whole.calls = [SimpleNamespace(query=query[None], key=key[None], value=value[None])]  # type: ignore[list-item]
    whole.outputs, whole.weights_of_calls = [outputs.transpose(0, 1)[None]], [weights[None]]
    if operator == "mask":
        masked.calls = [SimpleNamespace(key=mask_key[None], value=mask_value[None])]  # type: ignore[list-item]
    lost = lost_without_keys(whole, masked, 0, slope.transpose(0, 1)[None])
    for place in range(5):
        if operator == "mask":
            keys, values = key.clone(), value.clone()
            keys[:, place], values[:, place] = mask_key[:, place], mask_value[:, place]
        else:
            rest = [other for other in range(5) if other != place]
            keys, values = key[:, rest], value[:, rest]
        expected = ((outputs - attended(keys, values)[1]) * slope).sum(-1)
        torch.testing.assert_close(lost[..., place], expected, rtol=1e-4, atol=1e-5)
