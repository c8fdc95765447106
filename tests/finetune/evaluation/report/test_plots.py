"""The pictures: they open, they are not blank, and they grow with what they show."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from finetune.evaluation.calibration import measure_calibration
from finetune.evaluation.metrics import measure_classes, measure_multi_label
from finetune.evaluation.regression import measure_scores
from finetune.evaluation.report.plots import (
    BLUE,
    ORANGE,
    SCATTER_FILE,
    _short,
    _width,
    confusion_plot,
    metrics_plot,
    reliability_plot,
    scatter_plot,
)
from finetune.run.measurements import CalibrationMetrics, Metrics


def metrics_of(labels: tuple[str, ...], *, wrong: float = 0.2) -> Metrics:
    chance = np.random.default_rng(0)
    gold = np.arange(40 * len(labels)) % len(labels)
    other = chance.integers(0, len(labels), len(gold))
    return measure_classes(gold, np.where(chance.random(len(gold)) < wrong, other, gold), labels)


def calibration_of(scale: float) -> CalibrationMetrics:
    chance = np.random.default_rng(0)
    return measure_calibration(chance.normal(size=(300, 3)) * scale, chance.integers(0, 3, 300))


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB")).astype(int)


LABELS = {
    2: ("negative", "positive"),
    6: ("财经新闻", "体育", "娱乐与电影", "科技", "a class with a very long name indeed", "$5 $6"),
    20: tuple(f"comp.sys.hardware.group.{index}" for index in range(20)),
    50: tuple(f"intent {index}" for index in range(50)),
}


@pytest.mark.parametrize("classes", LABELS)
def test_a_confusion_matrix_is_drawn_for_any_number_of_classes(
    classes: int, tmp_path: Path
) -> None:
    path = tmp_path / "confusion.png"
    confusion_plot(metrics_of(LABELS[classes]), path, title="x on 测试")
    drawn = pixels(path)
    height, width, _ = drawn.shape
    assert 300 < width < 2_600
    assert 250 < height < 2_600
    dark = (drawn.sum(2) < 3 * 110) & (drawn[..., 2] > drawn[..., 0] + 60)
    # The diagonal: a cell is 0.22 inch or more at 150 dots.
    assert dark.sum() > classes * (0.2 * 150) ** 2 * 0.6


def test_more_classes_make_a_larger_picture(tmp_path: Path) -> None:
    sizes = []
    for classes, labels in LABELS.items():
        path = tmp_path / f"{classes}.png"
        confusion_plot(metrics_of(labels), path, title="x")
        sizes.append(pixels(path).shape[0])
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("classes", [150, 151, 5_000])
def test_the_picture_of_many_classes_is_bounded(classes: int, tmp_path: Path) -> None:
    path, labels = (
        tmp_path / "confusion.png",
        tuple(f"a class of number {i}" for i in range(classes)),
    )
    gold = np.arange(2 * classes) % classes
    drawn = measure_classes(gold, np.where(gold % 3, gold, (gold + 1) % classes), labels)
    confusion_plot(drawn, path, title="a long name " * 100)
    height, width, _ = pixels(path).shape
    assert 1_500 < width < 4_000
    assert 1_500 < height < 4_000


def test_a_matrix_of_any_size_from_an_older_record_is_bounded(tmp_path: Path) -> None:
    found = metrics_of(tuple(map(str, range(160))))
    assert found.confusion is not None
    whole = replace(found, confused=None, confusion=((1,) * 160,) * 160)
    confusion_plot(whole, tmp_path / "x.png", title="x")
    assert max(pixels(tmp_path / "x.png").shape) < 4_000


def test_a_mistaken_class_darkens_its_cell(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.png", tmp_path / "wrong.png"
    gold = np.array([0, 1] * 20)
    confusion_plot(measure_classes(gold, gold, ("a", "b")), right, title="x")
    confusion_plot(measure_classes(gold, 1 - gold, ("a", "b")), wrong, title="x")
    one, other = pixels(right), pixels(wrong)
    height, width = (min(a, b) for a, b in zip(one.shape[:2], other.shape[:2], strict=True))
    darker = one[:height, :width].sum(2) - other[:height, :width].sum(2)
    assert (darker > 300).sum() > 20_000
    assert (darker < -300).sum() > 20_000


def test_several_classes_per_row_are_refused(tmp_path: Path) -> None:
    flags = np.array([[1, 0], [1, 1]])
    with pytest.raises(ValueError, match="no confusion matrix"):
        confusion_plot(measure_multi_label(flags, flags, ("a", "b")), tmp_path / "x.png", title="x")


def test_an_empty_row_is_drawn_without_a_warning(tmp_path: Path) -> None:
    gold = np.array([0, 0])
    confusion_plot(measure_classes(gold, gold, ("a", "b")), tmp_path / "x.png", title="x")
    assert (tmp_path / "x.png").stat().st_size > 1_000


@pytest.mark.parametrize("curves", [1, 2])
def test_a_reliability_curve_is_drawn_in_its_colors(curves: int, tmp_path: Path) -> None:
    path = tmp_path / "reliability.png"
    named = [("as trained", calibration_of(3.0)), ("calibrated", calibration_of(1.0))]
    reliability_plot(named[-curves:], path, title="a$^$b on test")
    drawn = pixels(path)
    assert 650 < drawn.shape[1] < 950
    assert 650 < drawn.shape[0] < 950
    blue = (np.abs(drawn - ImageColor.getrgb(BLUE)).sum(2) < 20).sum()
    orange = (np.abs(drawn - ImageColor.getrgb(ORANGE)).sum(2) < 20).sum()
    assert blue > 1_000
    assert (orange > 1_000) == (curves == 2)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("World", "World"),
        ("a\n b", "a b"),
        ("$5 off", r"\$5 off"),
        ("comp.sys.ibm.pc.hardware.12", "comp.sys.ibm…hardware.12"),
        ("这是一个非常非常长的中文类别名称", "这是一个非常…文类别名称"),
    ],
)
def test_long_names_lose_their_middle(name: str, shown: str) -> None:
    assert _short(name) == shown
    assert _width(shown) <= 25


@pytest.mark.parametrize("rows", [1, 2, 3_000])
def test_predicted_scores_are_drawn_over_true_ones(rows: int, tmp_path: Path) -> None:
    gold = np.linspace(-5, 5, rows)
    (path,) = metrics_plot(measure_scores(gold, gold * 0.9), tmp_path, title="x on 测试")
    assert path.name == SCATTER_FILE
    assert pixels(path).std() > 5


def test_wrong_scores_lie_elsewhere(tmp_path: Path) -> None:
    gold = np.linspace(1, 5, 50)
    for name, predicted in (("right", gold), ("wrong", gold[::-1])):
        scatter_plot(measure_scores(gold, predicted), tmp_path / f"{name}.png", title="x")
    right, wrong = (pixels(tmp_path / f"{name}.png") for name in ("right", "wrong"))
    assert (right != wrong).any(axis=2).sum() > 1_000


def test_each_kind_of_metrics_has_its_picture(tmp_path: Path) -> None:
    flags = np.array([[1, 0], [0, 1]])
    assert metrics_plot(measure_multi_label(flags, flags, ("a", "b")), tmp_path, title="x") == []
    (path,) = metrics_plot(metrics_of(("a", "b")), tmp_path, title="x")
    assert path.name == "confusion.png"
