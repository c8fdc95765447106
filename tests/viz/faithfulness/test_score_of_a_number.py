"""A model that predicts a score: it is shown as a number, and the number itself is explained."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from typer.testing import CliRunner

from tests.page_content import component_data, page_text
from tests.tiny_models import FAMILIES, Family, edit_config, tiny_checkpoint
from viz import METHODS, Classifier, attribute
from viz.__main__ import app as command
from viz.app import keys
from viz.app.panels.scores import difference
from viz.attention.words import merge, spans
from viz.attribution import resolve_target
from viz.attribution.contribution import contribution
from viz.attribution.descriptions import (
    amount,
    explained_scalar,
    quantity,
    scale_ends,
    summary,
    verdict,
)
from viz.attribution.head_importance import ablate
from viz.attribution.target import Target
from viz.errors import SelectionError
from viz.export import FORMATS, FigureSpec, render
from viz.export.comparison import comparison_csv
from viz.export.report import report
from viz.export.score_table import score_table
from viz.faithfulness.compare import compare
from viz.faithfulness.evidence import Erasure, Evidence, evidence
from viz.faithfulness.judge_scores import JudgeScores
from viz.faithfulness.metrics import METRICS, measure, metrics_of
from viz.faithfulness.record import load
from viz.faithfulness.sanity import sanity
from viz.faithfulness.score import ScoreRun
from viz.faithfulness.score_row import ScoreConfig
from viz.faithfulness.summary import summarize
from viz.figures.layout import view_notes
from viz.model.perturbation import Perturbation
from viz.model.text_files import open_texts
from viz.types import Prediction, Reading
from viz.widgets.bars.payload import payload

TEXT = "the movie was good and the script was not bad"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scores") / "stars"
    return tiny_checkpoint(folder, labels=("score",), problem_type="regression")


@pytest.fixture(scope="module")
def stars(folder: Path) -> Classifier:
    return Classifier.load(folder, device="cpu")


@pytest.fixture(scope="module")
def reading(stars: Classifier) -> Reading:
    return stars.read(TEXT)


def predicted(text: str, folder: Path) -> float:
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.inference_mode():
        return float(model(**tokens).logits.item())


@pytest.mark.parametrize("family", FAMILIES)
def test_the_score_is_that_of_transformers(family: Family, tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path, family, labels=("score",), problem_type="regression")
    made = Classifier.load(folder, device="cpu").read(TEXT).prediction
    assert made.logits[0] == pytest.approx(predicted(TEXT, folder), abs=1e-5)
    assert (made.label, made.regression, made.probability) == ("score", True, None)
    assert made.probabilities.shape == (0,)


def test_a_lone_logit_is_a_score_where_the_folder_does_not_say(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path, labels=("LABEL_0",))
    edit_config(folder, problem_type=None)
    assert Classifier.load(folder, device="cpu").regression


def test_a_prediction_with_a_score_has_no_probability() -> None:
    with pytest.raises(ValueError, match="probabilities has shape"):
        Prediction(("score",), np.array([2.0]), np.array([1.0]), regression=True)


def test_the_plain_score_is_explained(stars: Classifier, reading: Reading) -> None:
    assert resolve_target(reading.prediction, None, "runner-up") == Target(0, None)
    found = attribute(stars, reading)
    assert found.value == pytest.approx(float(reading.prediction.logits[0]))
    assert found.bias is not None
    assert found.scores.sum() + found.bias == pytest.approx(found.value, abs=1e-5)
    assert contribution(stars, reading).value == found.value
    with pytest.raises(SelectionError, match="Class 1 does not exist"):
        attribute(stars, reading, target_class=1)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "search"])
def test_every_method_explains_a_score(method: str, stars: Classifier, reading: Reading) -> None:
    found = attribute(stars, reading, method)
    assert (found.target_class, found.against_class, found.against_all) == (0, None, False)
    assert np.isfinite(found.scores).all()


def test_occlusion_is_what_the_score_loses(stars: Classifier, reading: Reading) -> None:
    words = Perturbation(stars, reading.encoding)
    kept = ~np.eye(words.n_words, dtype=bool)
    lost = float(reading.prediction.logits[0]) - words.logits(kept, "mask")[:, 0]
    found = words.to_words(attribute(stars, reading, "occlusion").scores)
    np.testing.assert_allclose(found, lost, atol=1e-5)


def test_faithfulness_measures_the_score_itself(stars: Classifier, reading: Reading) -> None:
    words = Perturbation(stars, reading.encoding)
    scores = words.to_words(attribute(stars, reading).scores)
    found = measure(words, Target(0, None), scores, "mask")
    assert found["comprehensiveness"] == pytest.approx(found["margin_comprehensiveness"])
    assert found["sufficiency"] == pytest.approx(found["margin_sufficiency"])
    assert found["aopc"] == pytest.approx(found["margin_aopc"])
    decisive = {name for name, metric in METRICS.items() if metric.needs_decision}
    assert {name for name, value in found.items() if np.isnan(value)} == decisive
    assert metrics_of(stars) == tuple(name for name in METRICS if name not in decisive)


def in_other_unit(folder: Path, unit: float, target: Path, *, more: float = 0.0) -> Path:
    """The same model with scores that are `unit` times as large, and `more`."""
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        model.classifier.weight.mul_(unit)
        model.classifier.bias.mul_(unit).add_(more)
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(folder).save_pretrained(target)
    return target


@pytest.fixture(scope="module")
def tiny_scores(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose scores are 100,000 times smaller."""
    return in_other_unit(folder, 1e-5, tmp_path_factory.mktemp("unit") / "tiny")


@pytest.mark.parametrize(("unit", "more"), [(1000.0, 5000.0), (1e-5, 0.0)])
def test_another_unit_changes_the_measures_by_as_much_and_no_verdict(
    folder: Path, tmp_path: Path, unit: float, more: float
) -> None:
    found = []
    for place in (folder, in_other_unit(folder, unit, tmp_path / "other", more=more)):
        classifier = Classifier.load(place, device="cpu")
        reading = classifier.read(TEXT)
        found.append(evidence(classifier, reading, attribute(classifier, reading)))
    assert found[1].value == pytest.approx(unit * found[0].value, rel=1e-3)
    assert found[0].sentence == found[1].sentence


def test_methods_can_be_compared(stars: Classifier, reading: Reading) -> None:
    found = compare(stars, reading, ("decomposition", "occlusion", "random"))
    assert len(found.measured) == 3
    rows = list(csv.DictReader(comparison_csv(found).decode().splitlines()))
    assert {row["mask_flip_20"] for row in rows} == {""}
    assert all(float(row["mask_aopc"]) for row in rows)


def test_sanity_compares_no_classes(stars: Classifier, reading: Reading) -> None:
    found = sanity(stars, [reading], ("decomposition",))
    assert found.methods[0].between_classes is None
    assert (found.methods[0].residual or 0) < 1e-4


def test_silencing_a_head_moves_the_score(stars: Classifier, reading: Reading) -> None:
    assert np.abs(ablate(stars, reading)).max() > 1e-4


@pytest.mark.parametrize(
    ("score", "written"),
    [
        (4.254, "4.25"),
        (-1987.3, "−1,987.30"),
        (0.12345, "0.1235"),
        (0.0, "0.0000"),
        (1.5e-5, "1.500e−05"),
        (2e9, "2.000e+09"),
    ],
)
def test_a_score_of_any_unit_is_written(score: float, written: str) -> None:
    assert amount(score) == written


def test_parts_of_a_tiny_score_are_written_with_their_digits() -> None:
    assert quantity(1.234e-4, 3, signed=True, regression=True) == "+1.234e−04"
    assert quantity(-0.0123, 3, signed=True, regression=True) == "−0.0123"
    assert quantity(2.5, signed=False, regression=True) == "2.50"
    assert quantity(0.0123, 3, signed=True, regression=False) == "+0.012"
    assert quantity(0.0123, signed=False, regression=False) == "0.01"


def test_words_on_a_score_name_no_class(stars: Classifier, reading: Reading) -> None:
    found = attribute(stars, reading)
    assert verdict(reading.prediction) == ("score", amount(found.value))
    assert explained_scalar(reading.prediction, found) == "score"
    assert scale_ends(reading.prediction, found) == ("lowers score", "raises score")
    assert summary(reading, found).endswith(" score")


def test_a_score_has_no_bars(reading: Reading) -> None:
    said = payload(reading.prediction)
    assert (said["name"], said["rows"]) == ("score", [])
    assert said["percent"] == amount(float(reading.prediction.logits[0]))


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_saves_a_score(format: str, stars: Classifier, reading: Reading) -> None:
    spec = FigureSpec(reading, "attribution", attribution=attribute(stars, reading))
    assert render(spec, format)


def test_read_prints_a_number_and_no_per_cent(folder: Path, reading: Reading) -> None:
    result = CliRunner().invoke(command, ["read", TEXT, "--checkpoint", str(folder)])
    assert result.exit_code == 0, result.output
    score = amount(float(reading.prediction.logits[0]))
    assert result.stdout.startswith(f"score {score} says stars\n")
    assert "%" not in result.stdout
    result = CliRunner().invoke(command, ["read", TEXT, "--checkpoint", str(folder), "--json"])
    said = json.loads(result.stdout)
    assert said["logits"] == reading.prediction.logits.tolist()
    assert (said["label"], "probabilities" in said) == ("score", False)


def test_a_saved_score_is_replayed(folder: Path, tmp_path: Path) -> None:
    words = ["export", TEXT, "--checkpoint", str(folder), "--output", str(tmp_path)]
    result = CliRunner().invoke(command, [*words, "--attribution", "lime", "--format", "json"])
    assert result.exit_code == 0, result.output
    (file,) = tmp_path.glob("*.json")
    result = CliRunner().invoke(command, ["replay", str(file), "--checkpoint", str(folder)])
    assert result.exit_code == 0, result.output


def test_a_data_set_of_scores_is_exported_and_scored(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "x.csv"
    data.write_text("text,label\n" + "".join(f"{TEXT} {i},{i}.5\n" for i in range(3)), "utf-8")
    out = tmp_path / "out"
    about = ["--checkpoint", str(folder), "--data", str(data)]
    result = CliRunner().invoke(
        command, ["export", *about, "--output", str(out), "--atlas", "--format", "csv"]
    )
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader((out / "index.csv").read_text("utf-8").splitlines()))
    assert float(rows[0]["label"]) == pytest.approx(predicted(f"{TEXT} 0", folder), abs=1e-4)
    assert (rows[0]["probability"], rows[0]["gold_label"]) == ("", "0.5")
    file = tmp_path / "faithfulness.json"
    words = ["score", *about, "--methods", "decomposition,random", "--output", str(file)]
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 0, result.output
    assert set(load(file).methods[0].under["mask"].means) == {
        name for name, metric in METRICS.items() if not metric.needs_decision
    }


def test_the_page_shows_a_score_and_asks_for_no_class(folder: Path, reading: Reading) -> None:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params.update({"checkpoint": str(folder), "text": TEXT})
    test.run()
    assert not test.exception
    assert not test.error
    assert component_data(test, "bars")["percent"] == amount(float(reading.prediction.logits[0]))
    assert "Why this score?" in page_text(test)
    assert not {"Explain", "Against"} & {box.label for box in test.selectbox}


def test_contributions_are_to_the_score(folder: Path) -> None:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params.update({"checkpoint": str(folder), "text": TEXT})
    test.query_params.update({"show": "contribution to the score", "view": "on the text"})
    test.run()
    assert not test.exception
    rows = str([json.loads(each.proto.json) for each in test.get("bidi_component")])
    assert "contributes to the score through each token" in rows
    assert "against" not in rows
    assert "to the class" not in page_text(test)


def test_the_contributions_of_a_score_survive_a_change_to_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_checkpoint(tmp_path / "checkpoints" / "news")
    tiny_checkpoint(
        tmp_path / "checkpoints" / "stars", labels=("score",), problem_type="regression"
    )
    monkeypatch.setattr("viz.runs.checkpoint_folders.ROOT", tmp_path)
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params.update({"checkpoint": "checkpoints/stars", "text": TEXT})
    test.query_params["show"] = "contribution to the score"
    test.run()
    assert component_data(test, "heatmap")["signed"]
    test.selectbox(key=keys.CHECKPOINT).set_value("checkpoints/news").run()
    assert not test.exception
    assert "Why this class?" in page_text(test)
    test.segmented_control(key=keys.MEASURE).set_value("contribution").run()
    assert component_data(test, "heatmap")["signed"]


def test_a_figure_of_contributions_names_no_class(stars: Classifier, reading: Reading) -> None:
    spec = FigureSpec(reading, "head", contribution=contribution(stars, reading))
    first = next(view_notes(spec, spec.view()))
    assert (
        first
        == "What each weight contributes to the score: blue raises score, orange lowers score."
    )


@pytest.mark.parametrize("name", METHODS)
def test_a_caveat_is_true_of_a_score(name: str) -> None:
    caveat = METHODS[name].caveat
    assert caveat is None or "score" in caveat or "class" not in caveat


@pytest.mark.parametrize("method", ["decomposition", "saliency"])
def test_words_of_a_tiny_score_are_printed_with_their_digits(
    method: str, tiny_scores: Path
) -> None:
    classifier = Classifier.load(tiny_scores, device="cpu")
    reading = classifier.read(TEXT)
    found = attribute(classifier, reading, method)
    lines = list(report(reading, found))
    over = spans(reading.encoding)
    scores = merge(found.shown, over)
    strongest = max(
        (abs(score), score) for score, span in zip(scores, over, strict=True) if not span.special
    )[1]
    assert 0 < abs(strongest) < 1e-4
    assert amount(strongest, signed=METHODS[method].signed) in "\n".join(lines)
    assert set("123456789") & set(lines[-1])  # and not all zeros


def test_evidence_of_a_tiny_score_that_beats_random_orders_is_better() -> None:
    def one(value: float) -> Erasure:
        return Erasure(value, 0.0)

    known = Evidence(5, {"mask": one(9e-7)}, {"mask": (one(1e-8), one(2e-8), one(1.5e-8))})
    assert not known.better
    assert replace(known, score=1e-6).better
    assert not replace(known, score=1e3).better


def test_a_record_of_tiny_scores_keeps_their_digits(
    folder: Path, tiny_scores: Path, tmp_path: Path
) -> None:
    data = tmp_path / "x.csv"
    data.write_text("text\n" + "".join(f"{TEXT} {more}\n" for more in ("oil", "team")), "utf-8")
    texts, config = open_texts(data), ScoreConfig(("decomposition", "random"), n_random=3)
    records = []
    for name, place in (("usual", folder), ("tiny", tiny_scores)):
        classifier = Classifier.load(place, device="cpu")
        run = ScoreRun(classifier, texts, config, tmp_path / name)
        list(run.score(texts.rows))
        records.append(summarize(classifier, texts, config, run.results()))
    usual, tiny = records
    for operator, best in usual.best.items():
        assert tiny.best[operator] == pytest.approx(1e-5 * best, rel=1e-3)
    one, same = (record.methods[1].under["mask"].minus_default["aopc"] for record in records)
    assert same.mean == pytest.approx(1e-5 * one.mean, rel=1e-2)
    assert "0.00 " not in difference(same, regression=True)
    table = score_table(tiny)
    assert "AOPC, what the predicted score loses on average" in table.notes[1]
    for section in table.sections:
        for column, heading in enumerate(section.header):
            if heading.endswith(" − random"):
                means = [row[column].partition(" (")[0] for row in section.rows]
                digits = [re.sub(r"\D", "", mean).lstrip("0") for mean in means]
                assert max(map(len, digits)) >= 2  # of nine decimals at most
    twin = replace(
        tiny,
        judge=JudgeScores("twin", "f" * 64, None, 2, None, {}, tiny.random, tiny.best, tiny.worst),
    )
    assert "the same orders by the predicted scores of a twin." in score_table(twin).notes[1]


def test_heads_of_a_tiny_score_are_printed_with_their_digits(
    tiny_scores: Path, tmp_path: Path
) -> None:
    data = tmp_path / "x.csv"
    data.write_text(f"text\n{TEXT}\n", "utf-8")
    said = CliRunner().invoke(
        command, ["heads", "--checkpoint", str(tiny_scores), "--data", str(data)]
    )
    assert said.exit_code == 0
    assert "e−" in said.output.splitlines()[1]
