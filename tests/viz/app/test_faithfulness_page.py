"""What was measured for a checkpoint, on its page, in its chart, and as the app's default."""

import csv
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.tiny_models import tiny_checkpoint, without_mask_token
from viz import Classifier
from viz.app import keys
from viz.colors import PALETTES
from viz.faithfulness.interval import Interval
from viz.faithfulness.judge_scores import JudgeScores
from viz.faithfulness.planted_scores import (
    PlantedChance,
    PlantedMethod,
    PlantedScores,
    PlantedWord,
)
from viz.faithfulness.record import FILE, FaithfulnessRecord, MethodScores
from viz.faithfulness.score import ScoreRun
from viz.faithfulness.score_row import ScoreConfig
from viz.faithfulness.summary import summarize
from viz.figures.plots.faithfulness import faithfulness_chart
from viz.model.perturbation import OPERATORS
from viz.model.text_files import open_texts

ROOT = Path(__file__).resolve().parents[3]
TEXTS = ("oil prices rise as stocks fall", "the team wins the game", "peace talks on the moon")
METHODS = ("decomposition", "saliency", "attention", "occlusion")


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FaithfulnessRecord]:
    """A checkpoint, and what was measured of four methods for it."""
    room = tmp_path_factory.mktemp("scored")
    folder = tiny_checkpoint(room / "checkpoints" / "tiny")
    return folder, score_texts(folder, room)


def score_texts(folder: Path, room: Path) -> FaithfulnessRecord:
    """What is measured of the methods on the texts, for the checkpoint in a folder."""
    with (room / "texts.csv").open("w") as file:
        csv.writer(file).writerows([["text"], *([text] for text in TEXTS)])
    classifier, texts = Classifier.load(folder), open_texts(room / "texts.csv")
    run = ScoreRun(classifier, texts, ScoreConfig(METHODS, n_random=3), room / "lines")
    assert list(run.score(texts.rows)) == [0, 1, 2]
    return summarize(classifier, texts, run.config, run.results())


def winning(record: FaithfulnessRecord, name: str) -> FaithfulnessRecord:
    """The record, as it would be if a quick method were better than all others."""
    return replace(record, methods=tuple(_raised(one, name) for one in record.methods))


def _raised(one: MethodScores, name: str) -> MethodScores:
    under = {}
    for operator, found in one.under.items():
        assert found.share is not None
        share = replace(found.share, mean=1.0 if one.method == name else 0.0)
        under[operator] = replace(found, share=share)
    return replace(one, under=under)


Open = Callable[[Path, str], AppTest]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens a page of the app in a place where there is but one checkpoint.

    AppTest loses what was typed into a field on the way to another page; a browser does not.
    """

    def open_page(folder: Path, page: str) -> AppTest:
        monkeypatch.setattr("viz.runs.checkpoint_folders.ROOT", folder.parents[1])
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
        assert app.selectbox(key=keys.CHECKPOINT).value == f"checkpoints/{folder.name}"
        return app if page == "read" else app.switch_page(f"viz/app/pages/{page}.py").run()

    return open_page


def test_a_checkpoint_that_was_not_measured_says_how_to(opened: Open, tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "checkpoints" / "new")
    app = opened(folder, "faithfulness")
    assert not app.exception
    assert app.subheader[0].value == "Not measured yet for this checkpoint"
    assert "clsight score --checkpoint=checkpoints/new" in app.code[0].value


@pytest.mark.parametrize("name", ["a b", "it's", '$(x) "y"; `z`', "-x"])
def test_the_commands_to_copy_name_the_folder_to_a_shell(
    opened: Open, tmp_path: Path, name: str
) -> None:
    tiny_checkpoint(tmp_path / "checkpoints" / name)
    app = opened(tmp_path / "checkpoints" / name, "faithfulness")
    assert not app.exception
    for shown, verb in zip(app.code, ("score", "sanity"), strict=True):
        words = shlex.split(shown.value)
        assert words[:2] == ["clsight", verb]
        assert f"--checkpoint=checkpoints/{name}" in words
        assert "--data=validation.csv" in words


def test_what_was_measured_is_drawn_and_listed(
    opened: Open, scored: tuple[Path, FaithfulnessRecord]
) -> None:
    folder, record = scored
    first = PlantedMethod(8, Interval(0.75, 0.4, 0.9), Interval(0.8, 0.6, 1.0))
    words = (PlantedWord("zeugma", "business", 8, 0, {"mask": Interval(1.0, 0.7, 1.0)}),)
    planted = PlantedScores(words, 0, {"occlusion": first}, PlantedChance(0.1, 0.3))
    (folder / FILE).write_text(replace(record, planted=planted).to_json())
    app = opened(folder, "faithfulness")
    assert not app.exception
    assert not app.error
    assert not app.warning
    assert app.dataframe[0].value["planted"].dropna().tolist() == [75]
    assert any("was planted for" in each.value for each in app.caption)
    assert "Measured on 3 texts of texts.csv" in app.caption[0].value
    assert app.caption[1].value.startswith("Only 3 texts were measured, so that intervals are")
    assert len(app.get("plotly_chart")) == 2
    assert set(app.dataframe[0].value["method"]) == {one.label for one in record.methods}
    merits = list(app.dataframe[0].value["merit"])
    assert merits == sorted(merits, reverse=True)
    expected = {record.mean_naopc(each) for each in record.methods}
    assert set(app.dataframe[0].value["naopc"]) == expected


def test_a_metric_that_fails_its_test_is_not_shown(
    opened: Open, scored: tuple[Path, FaithfulnessRecord]
) -> None:
    folder, record = scored
    test = record.metric_test
    assert test is not None
    verdicts = {"aopc": (-0.2, 1.0), "comprehensiveness": (1.0, 0.5), "flip_20": (0.95, 0.96)}
    under = {
        operator: {
            name: replace(each, spearman=verdicts.get(name, (1.0, 1.0))[at])
            for name, each in test.under[operator].items()
        }
        for at, operator in enumerate(OPERATORS)
    }
    failing = replace(record, metric_test=replace(test, n_texts=20, under=under))
    (folder / FILE).write_text(failing.to_json())
    app = opened(folder, "faithfulness")
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1
    table = app.dataframe[0].value
    assert {"delete", "naopc", "sufficiency", "flip_20"} <= set(table)
    assert not {"mask", "default-mask", "merit", "comprehensiveness"} & set(table)
    assert list(table["delete"]) == sorted(table["delete"], reverse=True)
    left_out = "left out are Comprehensiveness (0.500 by deletion), AOPC (−0.200 by [MASK]) ("
    assert any(left_out in each.value.replace("\\", "") for each in app.caption)
    passing = {one.method: one.under["delete"].share for one in failing.methods}
    best = failing.best_method()
    assert best is not None
    assert passing[best] == max(
        (passing[one.method] for one in failing.methods if one.passes <= 2),
        key=lambda share: 0 if share is None else share.mean,
    )
    none = {o: {**under[o], "aopc": replace(under[o]["aopc"], spearman=0.0)} for o in OPERATORS}
    unranked = replace(failing, metric_test=replace(test, n_texts=20, under=none))
    assert unranked.best_method() is None


def test_without_a_mask_token_there_is_one_chart_and_no_mean(opened: Open, tmp_path: Path) -> None:
    folder = without_mask_token(tmp_path / "checkpoints" / "plain")
    record = score_texts(folder, tmp_path)
    assert set(record.random) == {"delete"}
    assert {one.shares_operator for one in record.methods} == {None, "delete"}
    (folder / FILE).write_text(record.to_json())
    app = opened(folder, "faithfulness")
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1
    assert "merit" not in app.dataframe[0].value
    assert "which helps it here." in app.caption[0].value
    shares = list(app.dataframe[0].value["delete"])
    assert shares == sorted(shares, reverse=True)


def test_numbers_of_other_weights_are_said_to_be(
    opened: Open, scored: tuple[Path, FaithfulnessRecord]
) -> None:
    folder, record = scored
    (folder / FILE).write_text(replace(record, fingerprint="0" * 64).to_json())
    assert "different weights" in opened(folder, "faithfulness").warning[0].value


def test_a_damaged_file_is_one_sentence_and_the_app_reads_on(
    opened: Open, scored: tuple[Path, FaithfulnessRecord]
) -> None:
    folder, _ = scored
    (folder / FILE).write_text("{}")
    app = opened(folder, "faithfulness")
    assert "is damaged" in app.error[0].value
    assert "Not checked yet for this checkpoint." in app.markdown[-1].value
    assert not opened(folder, "read").error


def test_the_app_starts_with_the_most_faithful_quick_method(
    opened: Open, scored: tuple[Path, FaithfulnessRecord]
) -> None:
    folder, record = scored
    (folder / FILE).write_text(winning(record, "saliency").to_json())
    app = opened(folder, "read")
    assert app.selectbox(key=keys.METHOD).value == "saliency"
    assert keys.METHOD not in app.query_params
    app.selectbox(key=keys.METHOD).select("rollout").run()
    assert app.query_params[keys.METHOD] == "rollout"


def test_the_winner_comes_with_the_options_that_it_was_measured_with(
    opened: Open, scored: tuple[Path, FaithfulnessRecord]
) -> None:
    folder, record = scored
    _, *others = winning(record, "saliency").methods
    faded = replace(
        winning(record, "decomposition").methods[0],
        method="decomposition-path:share=20",
        name="decomposition-path",
    )
    best = replace(record, methods=(faded, *(_raised(one, "") for one in others)))
    (folder / FILE).write_text(best.to_json())
    app = opened(folder, "read")
    assert app.selectbox(key=keys.METHOD).value == "decomposition-path"
    share = "option-decomposition-path-share"
    assert app.number_input(key=share).value == 20
    app.number_input(key=share).set_value(40).run()
    assert app.number_input(key=share).value == 40


def test_numbers_of_other_weights_change_no_default(
    opened: Open, scored: tuple[Path, FaithfulnessRecord]
) -> None:
    folder, record = scored
    best = winning(record, "saliency")
    (folder / FILE).write_text(replace(best, fingerprint="0" * 64).to_json())
    assert opened(folder, "read").selectbox(key=keys.METHOD).value == "decomposition"


def judged(record: FaithfulnessRecord) -> FaithfulnessRecord:
    """The record with a judge that says the same, but of one method less."""
    methods = {one.method: one.under for one in record.methods if one.name != "attention"}
    judge = JudgeScores(
        *("twin", "0" * 64, False, 3, 2, methods),
        random=record.random,
        best=record.best,
        worst=record.worst,
    )
    return replace(record, judge=judge)


def test_what_a_twin_says_stands_beside(
    opened: Open, scored: tuple[Path, FaithfulnessRecord]
) -> None:
    folder, record = scored
    (folder / FILE).write_text(record.to_json())
    plain = opened(folder, "faithfulness")
    (folder / FILE).write_text(judged(record).to_json())
    app = opened(folder, "faithfulness")
    assert not app.exception
    assert "The twin 'twin' predicts the same class for 2 of 3 texts." in app.caption[1].value
    assert "trained without hidden words" in app.caption[1].value
    table = app.dataframe[0].value
    added = set(table) - set(plain.dataframe[0].value)
    assert added == {"judge-mask", "judge-delete"}
    known = table.dropna(subset=["judge-mask"])
    assert len(known) == len(table) - 1 == 3
    assert list(known["judge-mask"]) == list(known["mask"])
    assert len(plain.caption) == len(app.caption) - 1


def test_the_pointer_tells_what_a_twin_says(scored: tuple[Path, FaithfulnessRecord]) -> None:
    record = judged(scored[1])
    (points,) = faithfulness_chart(record, "mask").data
    for one, entries in zip(record.methods, points.customdata, strict=True):
        share = one.under["mask"].share
        assert share is not None
        expected = "" if one.name == "attention" else f"<br>by the twin {share.mean:.2f} ("
        assert expected in entries[3]
        assert ("twin" in entries[3]) == bool(expected)


def test_the_axis_of_quick_methods_alone_has_more_than_one_number(
    scored: tuple[Path, FaithfulnessRecord],
) -> None:
    _, record = scored
    for passes, numbers in ((2, (1, 2, 5)), (100, (1, 10, 100))):
        methods = tuple(replace(one, passes=passes) for one in record.methods)
        axis = faithfulness_chart(replace(record, methods=methods), "mask").layout.xaxis
        assert axis.tickvals[: len(numbers)] == numbers


@pytest.mark.parametrize("operator", ["mask", "delete"])
def test_the_chart_shows_every_method_with_its_interval(
    scored: tuple[Path, FaithfulnessRecord], operator: str
) -> None:
    _, record = scored
    (points,) = faithfulness_chart(record, operator).data
    for index, one in enumerate(record.methods):
        share = one.under[operator].share
        assert share is not None
        assert points.y[index] == share.mean
        assert points.x[index] == max(one.passes, 1)
        assert points.y[index] + points.error_y.array[index] == pytest.approx(share.high)
    hollow = [color == PALETTES["light"].ground for color in points.marker.color]
    assert hollow == [one.shares_operator in (operator, "both") for one in record.methods]
