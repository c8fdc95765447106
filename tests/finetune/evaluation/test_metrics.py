"""Metrics against numbers worked out by hand and against scikit-learn."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix, f1_score

from finetune.evaluation.metrics import (
    measure_classes,
    measure_logits,
    measure_multi_label,
    wilson_interval,
)
from finetune.evaluation.report.abbreviate import top_confusions

LABELS = ("a", "b", "c")
GOLD = np.array([0, 0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 0, 1])


def test_metrics_of_a_small_example_by_hand() -> None:
    metrics = measure_classes(GOLD, PREDICTED, LABELS)
    assert metrics.confusion == ((3, 1, 0), (1, 1, 0), (0, 1, 0))
    assert metrics.rows == 7
    assert metrics.accuracy == pytest.approx(4 / 7)
    assert metrics.micro_f1 == pytest.approx(4 / 7)
    a, b, c = metrics.classes
    assert (a.label, a.support, a.precision, a.recall) == ("a", 4, 3 / 4, 3 / 4)
    assert (b.label, b.support, b.precision, b.recall) == ("b", 2, 1 / 3, 1 / 2)
    assert (c.label, c.support, c.f1) == ("c", 1, 0.0)
    assert metrics.macro_f1 == pytest.approx((3 / 4 + 2 / 5 + 0) / 3)


def test_metrics_equal_those_of_scikit_learn() -> None:
    chance = np.random.default_rng(0)
    gold, predicted = chance.integers(0, 3, 200), chance.integers(0, 3, 200)
    metrics = measure_classes(gold, predicted, LABELS)
    report = classification_report(gold, predicted, target_names=LABELS, output_dict=True)
    assert metrics.accuracy == pytest.approx(accuracy_score(gold, predicted))
    assert metrics.macro_f1 == pytest.approx(f1_score(gold, predicted, average="macro"))
    assert np.array(metrics.confusion).tolist() == confusion_matrix(gold, predicted).tolist()
    for row in metrics.classes:
        expected = report[row.label]
        assert row.precision == pytest.approx(expected["precision"])
        assert row.recall == pytest.approx(expected["recall"])
        assert row.f1 == pytest.approx(expected["f1-score"])
        assert row.support == expected["support"]


def test_a_class_that_neither_occurs_nor_is_predicted_leaves_macro_f1_alone() -> None:
    two = measure_classes(GOLD[:6], PREDICTED[:6], LABELS[:2])
    three = measure_classes(GOLD[:6], PREDICTED[:6], LABELS)
    assert three.macro_f1 == pytest.approx(two.macro_f1)
    assert [len(row) for row in three.confusion or ()] == [3, 3, 3]


def test_flags_count_a_row_as_right_when_all_of_them_are() -> None:
    gold = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 1, 0]])
    predicted = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 0], [0, 1, 0]])
    metrics = measure_multi_label(gold, predicted, LABELS)
    assert metrics.accuracy == 0.5
    assert metrics.confusion is None
    assert metrics.macro_f1 == pytest.approx(f1_score(gold, predicted, average="macro"))
    assert metrics.micro_f1 == pytest.approx(f1_score(gold, predicted, average="micro"))
    assert [row.support for row in metrics.classes] == [2, 2, 1]


def test_flags_of_one_class_are_measured_on_the_rows_that_have_it() -> None:
    gold, predicted = np.array([[1], [1], [1], [0], [0]]), np.array([[1], [0], [0], [1], [0]])
    metrics = measure_multi_label(gold, predicted, ("spam",))
    (spam,) = metrics.classes
    assert (spam.precision, spam.support) == (1 / 2, 3)
    assert spam.recall == pytest.approx(1 / 3)
    assert metrics.macro_f1 == metrics.micro_f1 == spam.f1 == pytest.approx(2 / 5)
    never = measure_multi_label(gold, np.zeros_like(gold), ("spam",))
    assert (never.macro_f1, never.micro_f1, never.classes[0].support) == (0, 0, 3)
    (absent,) = measure_multi_label(np.zeros_like(gold), np.zeros_like(gold), ("spam",)).classes
    assert (absent.f1, absent.support) == (0, 0)


def test_logits_are_read_by_their_highest_or_by_their_sign() -> None:
    logits = np.array([[2.0, 0.1, -0.1], [-3.0, -2.0, -1.0]])
    single = measure_logits(logits, np.array([0, 2]), LABELS)
    several = measure_logits(logits, np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]), LABELS)
    assert single.accuracy == several.accuracy == 1.0


@pytest.mark.parametrize(("right", "rows"), [(0, 1), (8, 10), (0, 20), (20, 20), (1860, 2000)])
def test_wilson_interval_equals_that_of_scipy(right: int, rows: int) -> None:
    expected = binomtest(right, rows).proportion_ci(method="wilson")
    assert wilson_interval(right, rows) == pytest.approx((expected.low, expected.high))


def test_of_many_classes_those_most_taken_for_each_other_are_in_the_matrix() -> None:
    labels = tuple(f"class {i}" for i in range(5_000))
    gold = np.arange(10_000) % 5_000
    predicted = gold.copy()
    predicted[[7, 5_007, 4_000]] = 4_321, 4_321, 4_001  # 7 twice for 4321, 4000 once for 4001
    predicted[4_321] = 7
    found = measure_classes(gold, predicted, labels)
    assert found.confused is not None
    assert found.confusion is not None
    assert len(found.confused) == len(found.confusion) == 50
    assert {7, 4_321, 4_000, 4_001} < set(found.confused)
    assert list(found.confused) == sorted(found.confused)
    assert found.confusion_labels[-1] == "class 4321"
    place = {number: index for index, number in enumerate(found.confused)}
    assert found.confusion[place[7]][place[4_321]] == 2
    assert found.confusion[place[4_321]][place[7]] == 1
    assert found.confusion[place[4_000]][place[4_001]] == 1
    assert sum(map(sum, found.confusion)) == 2 * 50
    assert len(found.classes) == 5_000
    assert found.accuracy == pytest.approx(1 - 4 / 10_000)


def test_of_many_classes_the_most_frequent_confusion_is_in_the_matrix() -> None:
    """One way it is more frequent than any other; both ways together 25 pairs are."""
    pairs = [(2 * i, 2 * i + 1) for i in range(25)]
    both = [pair for one in pairs for pair in (one, one[::-1])]
    gold, predicted = np.array([*both * 6, *[(190, 180)] * 11]).T
    found = measure_classes(gold, predicted, tuple(map(str, range(200))))
    assert len(found.confused or ()) == 50
    assert top_confusions(found)[0] == ("190", "180", 11)


def test_up_to_150_classes_all_are_in_the_matrix() -> None:
    gold = np.arange(300) % 150
    found = measure_classes(gold, (gold + 1) % 150, tuple(map(str, range(150))))
    assert found.confused is None
    assert np.array(found.confusion).tolist() == confusion_matrix(gold, (gold + 1) % 150).tolist()
