"""The names of classes: whatever a file lists, each is one class's."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from finetune.checkpoint.class_names import distinct_names, names_by_number
from finetune.checkpoint.models import load_checkpoint
from tests.tiny_models import tiny_checkpoint
from viz import Classifier
from viz.cli.commands import app

ALIKE = ("spam", "spam", "ham")
DISTINCT = ("spam (class 0)", "spam (class 1)", "ham")


@pytest.fixture(scope="module")
def alike(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with two classes of one name."""
    return tiny_checkpoint(tmp_path_factory.mktemp("names") / "alike", labels=ALIKE)


@pytest.mark.parametrize(
    ("names", "reserved", "expected"),
    [
        ((), (), ()),
        (("a", "A"), (), ("a", "A")),
        (ALIKE, (), DISTINCT),
        (("a", "none"), ("none",), ("a", "none (class 1)")),
        (
            ("a", "a", "a (class 1)"),
            (),
            ("a (class 0)", "a (class 1) (class 1)", "a (class 1) (class 2)"),
        ),
        (("a", "b"), ("b", "b (class 1)"), ("a", "b (class 1) (class 1)")),
    ],
)  # fmt: skip
def test_a_name_that_two_have_gets_the_number_of_its_class(
    names: tuple[str, ...], reserved: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert distinct_names(names, reserved) == expected


def test_a_file_may_list_names_in_any_order_but_none_may_be_missing() -> None:
    assert names_by_number({"1": "spam", 0: "spam", "2": "ham"}) == DISTINCT
    assert names_by_number({"0": "spam", "2": "ham"}) == ()


def test_both_halves_tell_classes_of_one_name_apart(alike: Path, tmp_path: Path) -> None:
    classifier = Classifier.load(alike)
    assert classifier.labels == load_checkpoint(str(alike)).labels == DISTINCT
    data, output = tmp_path / "rows.csv", tmp_path / "predictions.csv"
    data.write_text("text\n" + "".join(f"{text}\n" for text in ("oil prices", "team wins")))
    command = ["predict", "--data", data, "--checkpoint", alike, "--output", output]
    result = CliRunner().invoke(app, [*map(str, command)])
    assert result.exit_code == 0, result.output
    for row in csv.DictReader(output.read_text().splitlines()):
        assert row["prediction"] == classifier.read(row["text"]).prediction.label
        assert row["prediction"] in DISTINCT


def test_either_of_two_is_asked_for_and_the_name_of_both_is_refused(alike: Path) -> None:
    def read(target: str) -> tuple[int, str]:
        command = ["read", "oil prices rise", "--checkpoint", str(alike), "--json"]
        result = CliRunner().invoke(app, [*command, "--target", target])
        return result.exit_code, result.output

    for index in (0, 1):
        code, output = read(DISTINCT[index])
        assert code == 0, output
        assert json.loads(output)["attribution"]["target_class"] == DISTINCT[index]
    code, output = read("spam")
    assert code == 1
    assert (
        "There is no class 'spam'; the classes are spam (class 0), spam (class 1), ham." in output
    )
