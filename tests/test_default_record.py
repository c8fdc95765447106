"""What was measured of the methods for the shipped checkpoint: whole, good enough, and as told."""

import re
from pathlib import Path

import pytest

from viz import METHODS, Classifier
from viz.faithfulness import sanity_record
from viz.faithfulness.interval import Interval
from viz.faithfulness.record import FILE, FaithfulnessRecord, MethodScores, load
from viz.faithfulness.score import default_methods
from viz.model.classifier import default_checkpoint

README = Path(__file__).resolve().parents[1] / "viz/attribution/README.md"
WEAKER = ("attention", "rollout", "saliency", "input-x-gradient", "occlusion")
ROW = re.compile(r"^\| ([^|]+) \| (\d+) \| ([^|]*\)) \| ([^|]*\)) \|$", re.MULTILINE)
"""A method of the table on methods: its name, its passes, and its share under either operator."""


@pytest.fixture(scope="module")
def record() -> FaithfulnessRecord:
    return load(default_checkpoint() / FILE)


def of(record: FaithfulnessRecord, name: str) -> MethodScores:
    """What the record says of a method."""
    (found,) = (one for one in record.methods if one.method == name)
    return found


def share(record: FaithfulnessRecord, name: str, operator: str) -> Interval:
    """How far a method comes from random orders to the best."""
    found = of(record, name).under[operator].share
    assert found is not None
    return found


def test_it_is_of_these_weights_and_of_methods_that_exist(record: FaithfulnessRecord) -> None:
    assert record.fingerprint == Classifier.load(default_checkpoint()).fingerprint
    assert record.n_texts >= 200
    # A method that was added later need not have been measured.
    assert {one.method for one in record.methods} <= set(default_methods()) <= set(METHODS)
    assert len(record.methods) >= 22
    assert not [one.method for one in record.methods if one.refused]


def test_what_methods_react_to_was_checked_on_the_same_texts_and_weights(
    record: FaithfulnessRecord,
) -> None:
    checked = sanity_record.load(default_checkpoint() / sanity_record.FILE)
    assert (checked.fingerprint, checked.data_fingerprint) == (
        record.fingerprint,
        record.data_fingerprint,
    )
    assert record.default in {each.method for each in checked.methods}


def test_the_app_begins_with_a_method_that_is_faithful_at_two_passes(
    record: FaithfulnessRecord,
) -> None:
    assert record.default == record.best_method() == "decomposition-path"
    assert of(record, record.default).passes <= 2
    assert share(record, record.default, "mask").mean >= 0.74


@pytest.mark.parametrize("operator", ["mask", "delete"])
@pytest.mark.parametrize("name", WEAKER)
def test_it_beats_what_others_show_with_intervals_that_exclude_zero(
    record: FaithfulnessRecord, name: str, operator: str
) -> None:
    assert of(record, name).under[operator].minus_default["aopc"].below_zero


def test_a_hundred_passes_buy_more_under_masks_and_lose_nothing_under_deletion(
    record: FaithfulnessRecord,
) -> None:
    assert share(record, "decomposition+", "mask").mean >= 0.88
    aopc = {
        name: of(record, name).under["delete"].means["aopc"]
        for name in ("decomposition+", "decomposition")
    }
    assert aopc["decomposition+"] >= 0.85 * aopc["decomposition"]


def test_the_page_on_methods_tells_the_same(record: FaithfulnessRecord) -> None:
    told = {name.partition(",")[0]: rest for name, *rest in ROW.findall(README.read_text("utf-8"))}
    rows = {one.label: one for one in record.methods}
    told = {rows_label(name, rows): rest for name, rest in told.items()}
    assert set(told) == {one.method for one in record.methods} - {"random", "search"}
    for name, (passes, *shares) in told.items():
        assert passes == f"{of(record, name).passes:.0f}"
        assert shares == [written(share(record, name, o)) for o in ("mask", "delete")]


def rows_label(name: str, rows: dict[str, MethodScores]) -> str:
    """The method that a row of the table is about."""
    (found,) = (one.method for label, one in rows.items() if label.partition(",")[0] == name)
    return found


def written(found: Interval) -> str:
    """An interval as the table has it."""
    low, mean, high = (
        f"{value:.2f}".replace("-", "−").replace("0.", ".", 1)
        for value in (found.low, found.mean, found.high)
    )
    return f"{mean} ({low} to {high})"
