"""The table of the comparison on the Read page: what it says of decisions."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.tiny_models import tiny_checkpoint, without_mask_token
from viz import Classifier, Reading
from viz.app.panels.compare import columns, entries
from viz.faithfulness.compare import Comparison, compare

TEXT = "the movie was good and the script was not bad"


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """A comparison for a model that predicts a score."""
    folder = tmp_path_factory.mktemp("scores") / "stars"
    tiny_checkpoint(folder, labels=("score",), problem_type="regression")
    stars = Classifier.load(folder, device="cpu")
    return compare(stars, stars.read(TEXT), ["decomposition", "saliency"])


def test_a_score_has_no_decision_to_flip(scored: Comparison) -> None:
    assert [entries(scored, row)["flips"] for row in scored.rows] == ["", ""]


def test_flips_are_named_by_how_words_are_hidden(classifier: Classifier, reading: Reading) -> None:
    found = compare(classifier, reading, ["decomposition"])
    row = found.rows[0]
    for flips, said in (((1, 0), "[MASK]"), ((1, 1), "[MASK], deletion"), ((0, 0), "no")):
        values = zip(row.measures.items(), flips, strict=True)
        measures = {name: {**one, "flip_20": flip} for (name, one), flip in values}
        assert entries(found, replace(row, measures=measures))["flips"] == said


def test_without_a_mask_token_deletion_is_all_that_is_spoken_of(tmp_path: Path) -> None:
    plain = Classifier.load(without_mask_token(tmp_path / "plain"))
    found = compare(plain, plain.read(TEXT), ["decomposition", "occlusion"])
    shown, config = entries(found, found.rows[1]), columns(found)
    assert set(shown) & {"mask", "delete", "mean"} == {"delete"}
    assert shown["shares"] == "deletion"
    assert "both" not in str(config)
    assert "other one" not in str(config)
    assert "MASK" not in str(config)
    values = found.rows[0].measures["delete"]
    for flip, said in ((1, "yes"), (0, "no")):
        row = replace(found.rows[0], measures={"delete": {**values, "flip_20": flip}})
        assert entries(found, row)["flips"] == said


def test_falls_of_a_score_are_written_with_digits(scored: Comparison) -> None:
    assert _formats(scored) == {"comprehensiveness": "%.3g", "sufficiency": "%.3g"}


def test_falls_of_a_probability_are_written_with_decimals(
    classifier: Classifier, reading: Reading
) -> None:
    found = compare(classifier, reading, ["decomposition"])
    assert _formats(found) == {"comprehensiveness": "%.2f", "sufficiency": "%.2f"}


def _formats(found: Comparison) -> dict[str, object]:
    written = {}
    for name in ("comprehensiveness", "sufficiency"):
        config = columns(found)[name]
        assert isinstance(config, dict)
        written[name] = dict(config["type_config"] or {})["format"]
    return written
