"""The best and the worst order of a text: below and above all others, and searched for once."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from viz import Classifier
from viz.__main__ import app
from viz.attribution import best_order
from viz.faithfulness import limits as limits_module
from viz.faithfulness.compare import Comparison, compare
from viz.faithfulness.limits import FOLDER, LimitSearch
from viz.faithfulness.record import FaithfulnessRecord, load
from viz.model.perturbation import OPERATORS

TEXT = "Oil prices rise as stocks fall, the market was not good"
METHODS = ("decomposition", "attention")
N_VERSIONS = 70


@pytest.fixture(scope="module")
def double(checkpoint: Path) -> Classifier:
    return Classifier.load(checkpoint, dtype=torch.float64, device="cpu")


def compared(classifier: Classifier, folder: Path | None = None) -> Comparison:
    search = LimitSearch(folder, N_VERSIONS)
    return compare(classifier, classifier.read(TEXT), METHODS, limits=search)


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operators under which orders were searched for."""
    made: list[str] = []
    search = best_order.limit_orders

    def watched(inputs: object, operator: object, n_versions: int) -> object:
        made.append(str(operator))
        return search(inputs, operator, n_versions)  # type: ignore[arg-type]

    monkeypatch.setattr(limits_module, "limit_orders", watched)
    return made


def test_every_order_lies_between_the_two_that_a_search_finds(double: Classifier) -> None:
    plain = compare(double, double.read(TEXT), METHODS)
    searched = compared(double)
    assert plain.limits == {}
    assert set(searched.limits) == set(OPERATORS)
    for operator in OPERATORS:
        assert searched.worst_aopc(operator) < plain.worst_aopc(operator)
        assert searched.best_aopc(operator) > plain.best_aopc(operator)
        for row, same in zip(searched.rows, plain.rows, strict=True):
            assert row.measures == same.measures
            naopc, share = searched.naopc(row, operator), searched.share(row, operator)
            assert naopc is not None
            assert share is not None
            floor = searched.random_mean(operator)
            worst, best = searched.worst_aopc(operator), searched.best_aopc(operator)
            assert 0 <= naopc <= 1
            # Both place the same AOPC, from another end.
            assert worst + naopc * (best - worst) == pytest.approx(floor + share * (best - floor))


def test_a_search_is_made_once_for_a_text_and_a_checkpoint(
    double: Classifier, tmp_path: Path, searches: list[str]
) -> None:
    first = compared(double, tmp_path / FOLDER)
    assert searches == list(OPERATORS)
    again = compare(
        double, double.read(TEXT), ["saliency"], limits=LimitSearch(tmp_path / FOLDER, N_VERSIONS)
    )
    assert searches == list(OPERATORS)
    for operator, known in first.limits.items():
        same = pytest.approx((known.worst, known.best), abs=1e-12)  # other batches
        assert (again.limits[operator].worst, again.limits[operator].best) == same
    other = (first.target.target_class + 1) % double.n_classes
    for target, n_versions in ((other, N_VERSIONS), (None, 30)):  # another class, another budget
        search = LimitSearch(tmp_path / FOLDER, n_versions)
        compare(double, double.read(TEXT), ["saliency"], target, limits=search)
    assert len(searches) == 6


@pytest.mark.parametrize(
    "damage",
    [
        b"{",
        b'{"best": [0], "worst": [0], "best_aopc": 0.0, "worst_aopc": 0.0}',
        b'{"best": [0, 0, 1], "worst": [2, 1, 0], "best_aopc": NaN, "worst_aopc": 0.0}',
    ],
)
def test_a_damaged_or_foreign_order_is_searched_for_again(
    double: Classifier, tmp_path: Path, searches: list[str], damage: bytes
) -> None:
    first = compared(double, tmp_path)
    files = sorted(tmp_path.glob("*.json"))
    whole = [file.read_bytes() for file in files]
    for file in files:
        file.write_bytes(damage)
    assert compared(double, tmp_path).limits == first.limits
    assert len(searches) == 4
    assert [file.read_bytes() for file in files] == whole


def test_a_number_of_a_file_is_never_believed(
    double: Classifier, tmp_path: Path, searches: list[str]
) -> None:
    first = compared(double, tmp_path)
    for file in tmp_path.glob("*.json"):
        kept = json.loads(file.read_bytes())
        kept["best"], kept["best_aopc"] = kept["worst"], 0.99
        file.write_text(json.dumps(kept))
    assert compared(double, tmp_path).limits == first.limits
    assert len(searches) == 4


def test_where_orders_cannot_be_kept_they_are_searched_for(
    double: Classifier, tmp_path: Path, searches: list[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    compared(double, tmp_path / "file")
    compared(double, tmp_path / "file")
    assert len(searches) == 4


def scored(data: Path, checkpoint: Path, output: Path, methods: str, *more: str) -> bytes:
    paths = ["--data", str(data), "--checkpoint", str(checkpoint), "--output", str(output)]
    result = CliRunner().invoke(app, ["score", *paths, "--methods", methods, *more])
    assert result.exit_code == 0, result.output
    return output.read_bytes()


def without_seconds(record: FaithfulnessRecord) -> FaithfulnessRecord:
    return replace(record, seconds={})


def test_the_command_searches_both_limits_and_says_so(
    checkpoint: Path, tmp_path: Path, searches: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LimitSearch.__init__, "__defaults__", (None, N_VERSIONS))
    data, output = tmp_path / "texts.csv", tmp_path / "faithfulness.json"
    with data.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], [TEXT], ["good bad movie was not very good"]])
    options = ("--processes", "1")
    scored(data, checkpoint, output, "attention", *options)
    plain = load(output)
    assert (plain.searched, plain.was_searched("best"), searches) == (None, False, [])
    scored(data, checkpoint, output, "attention", "--search", *options)
    record = load(output)
    assert len(searches) == 4
    assert record.searched is not None
    assert (record.searched.n_versions, record.searched.n_texts) == (N_VERSIONS, 2)
    assert record.was_searched("worst")
    for operator in OPERATORS:
        assert record.worst[operator] < plain.worst[operator]
        assert record.best[operator] > plain.best[operator]
    scored(data, checkpoint, output, "attention", "--search", *options)
    assert without_seconds(load(output)) == without_seconds(record)
    scored(data, checkpoint, output, "search:goal=worst:rows=60", *options)
    assert load(output).was_searched("worst")
    assert not load(output).was_searched("best")
    assert len(searches) == 4
    # A record of before the worst order was measured is read as it is.
    old = json.loads(output.read_bytes())
    del old["worst"]
    for method in old["methods"]:
        for under in method["under"].values():
            del under["naopc"]
    output.write_text(json.dumps(old))
    before = load(output)
    assert (before.worst, before.mean_naopc(before.methods[0])) == ({}, None)
