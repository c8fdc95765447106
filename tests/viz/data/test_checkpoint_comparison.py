"""Two checkpoints on the same rows, compared as statistics compares paired proportions."""

from collections.abc import Sequence
from math import comb
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from finetune.run.column_names import ColumnNames
from viz.data.checkpoint_comparison import (
    CheckpointComparison,
    compare_checkpoints,
    compare_predictions,
    paired_difference_interval,
)
from viz.data.missing import Missing
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import RowPredictions
from viz.faithfulness.bootstrap import resampled_sums

LABELS = ("World", "Sports", "Business")
GOLD = np.array([0, 0, 1, 1, 2, 2, 2])
BEFORE = np.array([0, 1, 1, 2, 0, 2, 0])
AFTER = np.array([0, 0, 1, 0, 2, 1, 1])


def audit_rows(gold: np.ndarray | None) -> AuditRows:
    return AuditRows(
        name="x.csv",
        fingerprint="",
        columns=ColumnNames("text", None, "label"),
        texts=("a",) * 7,
        pairs=None,
        gold=gold,
        table={},
        places=range(7),
    )


def predictions(classes: np.ndarray, n_classes: int = 3) -> RowPredictions:
    logits = np.eye(n_classes, dtype=np.float32)[classes]
    n_tokens = np.ones(7, dtype=np.int64)
    return RowPredictions(
        read=np.ones(7, dtype=bool),
        logits=logits,
        probabilities=logits,
        n_tokens=n_tokens,
        n_unseen=n_tokens * 0,
        n_windows=n_tokens * 0 + 1,
        states=None,
    )


def reader(labels: Sequence[str] = LABELS, kind: str = "") -> Any:
    """What is asked of a classifier beside its predictions: its classes and its kind."""
    return SimpleNamespace(
        labels=tuple(labels), multi_label=kind == "multi_label", regression=kind == "regression"
    )


def paired(both: int, lost: int, gained: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Which rows are right of two classifiers, by how many are right of both, one or none."""
    counts = [both, lost, gained, neither]
    first = np.repeat([True, True, False, False], counts)
    second = np.repeat([True, False, True, False], counts)
    return first, second


def macro_f1(gold: np.ndarray, predicted: np.ndarray) -> float:
    hits = np.bincount(gold[gold == predicted], minlength=3)
    return float((2 * hits / (np.bincount(gold) + np.bincount(predicted))).mean())


def test_rows_that_were_mended_and_broken_are_told() -> None:
    found = compare_predictions(GOLD, BEFORE, AFTER, LABELS)
    assert (found.mended, found.broken, found.changed) == ((1, 4), (5,), (3, 6))
    assert found.accuracy_before == pytest.approx(3 / 7)
    assert found.accuracy_difference.mean == pytest.approx(1 / 7)
    assert found.p_value == 1  # 2 against 1
    assert found.macro_f1_after == pytest.approx(f1_score(GOLD, AFTER, average="macro"))
    assert [(each.mended, each.broken) for each in found.classes] == [(1, 0), (0, 0), (1, 1)]
    assert found.classes[2].recall_after == pytest.approx(1 / 3)


def test_the_test_is_mcnemars_exact_one() -> None:
    first, second = paired(50, 3, 12, 9)
    gold = np.zeros(74, dtype=np.int64)
    found = compare_predictions(gold, (~first).astype(int), (~second).astype(int), ("a", "b"))
    tail = sum(comb(15, k) for k in range(4)) / 2**15
    assert found.p_value == pytest.approx(2 * tail)
    assert (len(found.mended), len(found.broken)) == (12, 3)


def test_the_interval_of_a_published_table() -> None:
    """Airway responsiveness before and after a transplant, Fagerland et al. 2013, table 2."""
    low, high = paired_difference_interval(*paired(1, 1, 7, 12))
    assert (round(-high, 3), round(-low, 3)) == (-0.507, -0.026)


@pytest.mark.parametrize("counts", [(1, 1, 7, 12), (0, 0, 0, 5), (5, 0, 0, 0), (0, 5, 0, 0)])
def test_the_interval_turns_with_its_sides(counts: tuple[int, int, int, int]) -> None:
    first, second = paired(*counts)
    low, high = paired_difference_interval(first, second)
    assert -1 <= low <= second.mean() - first.mean() <= high <= 1
    assert paired_difference_interval(second, first) == pytest.approx((-high, -low))


def test_the_interval_holds_the_truth_in_95_of_100_tables() -> None:
    draw = np.random.default_rng(0)
    chances = np.array([0.7, 0.05, 0.12, 0.13])
    inside = 0
    for counts in draw.multinomial(60, chances, size=150):
        low, high = paired_difference_interval(*paired(*counts.tolist()))
        inside += low <= 0.07 <= high
    assert inside / 150 > 0.93


def test_the_interval_of_macro_f1_is_that_of_resampled_rows() -> None:
    draw = np.random.default_rng(1)
    gold = draw.integers(3, size=300)
    before, after = (
        np.where(draw.random(300) < share, gold, draw.integers(3, size=300)) for share in (0.6, 0.8)
    )
    found = compare_predictions(gold, before, after, LABELS).macro_f1_difference
    differences = []
    for _ in range(500):
        rows = draw.integers(300, size=300)
        differences.append(macro_f1(gold[rows], after[rows]) - macro_f1(gold[rows], before[rows]))
    assert (found.low, found.high) == pytest.approx(
        np.quantile(differences, (0.025, 0.975)), abs=0.02
    )


def test_rows_put_together_are_drawn_as_often() -> None:
    values = np.array([[0.0], [1.0]])
    apart = resampled_sums(np.repeat(values, [30, 70], axis=0))
    together = resampled_sums(values, counts=np.array([30, 70]))
    assert together.mean() == pytest.approx(apart.mean(), abs=0.3)
    assert together.std() == pytest.approx(apart.std(), rel=0.05)


def test_classes_are_matched_by_name_and_rows_without_a_label_left_out() -> None:
    gold = np.where(np.arange(7) == 1, -1, GOLD)
    order = np.array([2, 0, 1])  # the new classifier numbers World 2, Sports 0, Business 1
    found = compare_checkpoints(
        audit_rows(gold),
        predictions(BEFORE),
        predictions(order[AFTER], 4),
        reader(),
        reader(("sports", "Business", "world", "Sci/Tech")),  # the case that a file has
    )
    assert isinstance(found, CheckpointComparison)
    assert (found.n_rows, found.mended, found.broken) == (6, (4,), (5,))
    assert [each.label for each in found.classes] == [*LABELS, "Sci/Tech"]


def test_classes_that_differ_in_case_alone_are_two() -> None:
    old = new = predictions(BEFORE)
    names = ("World", "world", "Sports")
    found = compare_checkpoints(audit_rows(GOLD), old, new, reader(names), reader(LABELS))
    assert isinstance(found, CheckpointComparison)
    assert [each.label for each in found.classes] == [*names, "Business"]
    found = compare_checkpoints(audit_rows(GOLD), old, new, reader(names), reader(["WORLD"]))
    assert isinstance(found, Missing)


def test_of_several_classes_in_a_row_each_has_to_be_right() -> None:
    gold = np.eye(3)[GOLD]
    gold[0, 1] = 1
    old = predictions(BEFORE)
    several = reader(kind="multi_label")
    found = compare_checkpoints(audit_rows(gold), old, predictions(AFTER), several, several)
    assert isinstance(found, CheckpointComparison)
    assert (found.mended, found.broken) == ((1, 4), (5,))
    assert found.classes[1].support == 3


def test_what_cannot_be_compared_is_a_sentence() -> None:
    old = predictions(BEFORE)
    one, several, score = (reader(kind=kind) for kind in ("", "multi_label", "regression"))
    flags, scores = np.eye(3)[GOLD], np.full(7, 0.5)
    for gold, before, after, sentence in (
        (None, one, one, "The file has no labels"),
        (np.full(7, -1), one, one, "No row has both a label"),
        (scores, score, score, "Scores are not right or wrong"),
        (scores, score, one, "One checkpoint predicts a score and the other a class"),
        (GOLD, one, score, "One checkpoint predicts a score and the other a class"),
        (flags, several, one, "One checkpoint puts each row into one class"),
        (GOLD, one, several, "One checkpoint puts each row into one class"),
        (GOLD, one, reader("abc"), "The checkpoints have no class in common"),
    ):
        found = compare_checkpoints(audit_rows(gold), old, old, before, after)
        assert isinstance(found, Missing)
        assert found.missing.startswith(sentence)
