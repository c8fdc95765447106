"""What is told of many classes stays short, everywhere."""

from dataclasses import replace

import numpy as np
import pytest

from finetune.evaluation.metrics import measure_classes, measure_multi_label
from finetune.evaluation.report.abbreviate import (
    abbreviated,
    abbreviated_counts,
    one_line,
    top_confusions,
    worst_classes,
)
from finetune.evaluation.report.card import model_card
from finetune.evaluation.report.terminal import describe, describe_run
from finetune.run.measurements import Metrics
from finetune.run.record import RunRecord


def of_many(classes: int) -> Metrics:
    """Two rows a class; class 7 is always taken for 8, and some for the next, once."""
    gold = np.arange(2 * classes) % classes
    predicted = np.where((np.arange(2 * classes) < 100) & (gold % 10 == 1), gold + 1, gold)
    predicted[gold == 7] = 8
    return measure_classes(gold, predicted, tuple(f"intent {i}" for i in range(classes)))


@pytest.fixture
def many(record: RunRecord) -> RunRecord:
    """The record of a run on 5,000 classes."""
    found = of_many(5_000)
    labels = tuple(row.label for row in found.classes)
    splits = {
        name: replace(split, rows=10_000, class_counts=dict.fromkeys(labels, 2))
        for name, split in record.splits.items()
    }
    return replace(record, labels=labels, splits=splits, validation=found, test=found)


def test_the_first_few_names_stand_for_all() -> None:
    names = list(map(str, range(3_000)))
    assert abbreviated(names) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2,990 more"
    assert abbreviated(names[:11]) == ", ".join(names[:11])
    assert abbreviated_counts({"a": 1_200, "b\n\x1b[0m": 3}) == "a 1,200, b \ufffd[0m 3"


def test_of_many_classes_the_ones_with_rows_and_the_lowest_f1_are_told() -> None:
    shown = worst_classes(of_many(5_000))
    assert len(shown) == 20
    assert shown[0].label == "intent 7"
    assert len(worst_classes(of_many(30))) == 30
    (first, *others) = top_confusions(of_many(5_000))
    assert first == ("intent 7", "intent 8", 2)
    assert len(others) == 9
    assert {each.rows for each in others} == {1}


def test_the_terminal_says_what_matters_of_5000_classes(many: RunRecord) -> None:
    text = describe_run(many)
    assert len(text.splitlines()) < 100
    assert max(map(len, text.splitlines())) < 120
    assert "… and 4,980 more; these have the lowest F1" in text
    assert "2 of intent 7 taken for intent 8" in text


def test_the_card_says_what_matters_of_5000_classes(many: RunRecord) -> None:
    card = model_card(many)
    assert len(card) < 12_000
    assert "one of 5,000 classes: intent 0, intent 1," in card
    assert "intent 9 and 4,990 more" in card
    assert "| train | 10,000 | 5,000 | 2 | 2 | 2 |" in card
    assert "`run.json` has the 4,980 others:" in card
    assert "| intent 7 | intent 8 | 2 |" in card


def test_the_record_of_5000_classes_stays_small(
    many: RunRecord, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    many.save(folder)
    assert (folder / "run.json").stat().st_size < 4_000_000
    assert RunRecord.load(folder) == many


def test_several_of_many_classes_a_row_are_told_alike() -> None:
    flags = np.eye(200, dtype=np.int64)
    text = describe(measure_multi_label(flags, flags, tuple(map(str, range(200)))), title="test")
    assert "… and 180 more" in text


def test_no_confusion_is_told_where_there_is_none() -> None:
    gold = np.arange(40)
    assert "confused" not in describe(
        measure_classes(gold, gold, tuple(map(str, range(40)))), title="test"
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a\tb\nc", "a b c"), ("\x1b]0;evil\x07", "\ufffd]0;evil\ufffd"), ("x" * 50, "x" * 39 + "…")],
)
def test_a_name_in_the_terminal_is_one_short_line(name: str, shown: str) -> None:
    assert one_line(name) == shown
