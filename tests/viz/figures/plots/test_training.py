"""The curves of runs as charts."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.viz.rooms import START, Event, epoch, leave, step
from viz.colors import Theme
from viz.figures.plots.training import (
    COLORS,
    MOST,
    Chart,
    comparison,
    gradient_chart,
    loss_chart,
    measured,
    quality_chart,
)
from viz.runs import files, state
from viz.runs.history import POINTS, Step, thinned
from viz.runs.state import Run

SCORED: Event = {"kind": "epoch", "epoch": 1, "r2": -0.5, "rmse": 2.0, "validation_loss": 4.0}


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs for each test."""
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def run(room: Path, name: str, *events: Event) -> Run:
    """A run with these events."""
    leave(room, name, events)
    return state.open_run(name)


def points(chart: Chart, line: str) -> list[tuple[float, float]]:
    """Where a line of a chart goes."""
    return [(row["epoch"], row["value"]) for row in chart.rows if row["line"] == line]


def axes(chart: Chart) -> tuple[str, str]:
    """The titles of both axes."""
    return chart.spec["encoding"]["x"]["title"], chart.spec["encoding"]["y"]["title"]


def test_validation_loss_stands_beside_the_loss_of_the_steps(room: Path) -> None:
    chart = loss_chart(run(room, "mine", START, step(5, 0.75), step(10, 0.5), epoch(1)))
    assert points(chart, "Training loss") == [(0.5, 0.75), (1.0, 0.5)]
    assert points(chart, "Validation loss") == [(1.0, 0.8)]
    assert [row["dot"] for row in chart.rows] == [False, False, True]
    assert axes(chart) == ("Epoch", "Loss")
    assert chart.spec["encoding"]["y"]["axis"]["format"] == ".5~g"


def test_each_layer_has_a_line_for_its_gradient(room: Path) -> None:
    norms = [{"layer 10": 2.0, "head": 4.0}, {"embeddings": 0.5, "layer 9": 1.0, "head": 0.0}]
    steps = [step(5 * (1 + i)) | {"gradient_norms": each} for i, each in enumerate(norms)]
    chart = gradient_chart(run(room, "mine", START, *steps))
    assert chart is not None
    assert chart.lines == ("embeddings", "layer 9", "layer 10", "head")
    assert points(chart, "head") == [(0.5, 4.0), (1.0, None)]
    assert points(chart, "embeddings") == [(0.5, None), (1.0, 0.5)]
    color = chart.spec["encoding"]["color"]["scale"]
    assert len(set(color["range"])) == len(color["domain"]) == 4
    assert axes(chart) == ("Epoch", "Gradient norm")


def test_a_run_of_an_older_version_has_no_gradients(room: Path) -> None:
    assert gradient_chart(run(room, "mine", START, step(5))) is None
    assert gradient_chart(run(room, "empty", START)) is None


def test_accuracy_and_macro_f1_share_a_chart_from_nothing_to_all(room: Path) -> None:
    chart = quality_chart(run(room, "mine", START, epoch(1), epoch(2, 0.75)))
    assert points(chart, "Accuracy") == [(1.0, 0.5), (2.0, 0.75)]
    assert points(chart, "Macro F1") == [(1.0, 0.4), (2.0, 0.4)]
    assert chart.spec["encoding"]["y"]["scale"] == {"domain": [0, 1]}
    assert axes(chart) == ("Epoch", "Accuracy · Macro F1")


def test_a_run_on_scores_shows_how_much_of_them_it_explains(room: Path) -> None:
    scored = run(room, "mine", START, SCORED)
    chart = quality_chart(scored)
    assert points(chart, "R²") == [(1.0, -0.5)]
    assert "domain" not in chart.spec["encoding"]["y"]["scale"]
    assert measured([scored]) == ["r2", "rmse", "validation_loss"]


def test_the_specification_stays_while_points_come(room: Path) -> None:
    """Streamlit draws a chart anew, with a flicker, where its specification is another."""
    first = run(room, "first", START, step(1), epoch(1))
    second = run(room, "second", START, step(1), epoch(1), step(12), epoch(2))
    assert loss_chart(first).spec == loss_chart(second).spec
    assert quality_chart(first).spec == quality_chart(second).spec


def test_until_an_epoch_is_measured_no_measure_is_named(room: Path) -> None:
    """It may become a run on scores, which has no accuracy."""
    chart = quality_chart(run(room, "mine", START, step(1)))
    encoding = chart.spec["encoding"]
    assert (chart.lines, chart.title, encoding["y"]["title"]) == ((), "Quality", "Quality")
    assert encoding["color"]["legend"] is None
    assert not encoding["y"]["axis"]["labels"]
    assert quality_chart(run(room, "other", START, epoch(1))).spec["encoding"]["color"]["legend"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_runs_are_compared_by_one_measure_in_colors_of_the_theme(room: Path, theme: Theme) -> None:
    longer: Event = START | {"epochs": 5}
    pair = [run(room, "a", START, epoch(1, 0.25)), run(room, "b", longer, epoch(1, 0.5))]
    chart = comparison(pair, "accuracy", theme=theme)
    assert points(chart, "a") == [(1.0, 0.25)]
    assert points(chart, "b") == [(1.0, 0.5)]
    assert axes(chart) == ("Epoch", "Accuracy")
    assert chart.spec["encoding"]["x"]["scale"]["domain"] == [0, 5]
    colors = chart.spec["encoding"]["color"]["scale"]
    assert colors == {"domain": ["a", "b"], "range": list(COLORS[theme][:2])}


def test_a_run_without_the_measure_is_left_out(room: Path) -> None:
    longer: Event = START | {"epochs": 5}
    pair = [run(room, "a", START, epoch(1)), run(room, "b", longer, SCORED)]
    chart = comparison(pair, "accuracy")
    assert (chart.title, chart.lines) == ("Accuracy", ("a",))
    assert chart.spec["encoding"]["color"]["scale"]["domain"] == ["a"]
    assert chart.spec["encoding"]["x"]["scale"]["domain"] == [0, 2]


def test_there_is_a_color_for_each_run_that_is_compared() -> None:
    assert all(len(set(colors)) == MOST for colors in COLORS.values())


def test_a_run_without_a_point_still_has_its_axes(room: Path) -> None:
    for chart in (loss_chart(run(room, "mine")), quality_chart(run(room, "other"))):
        assert chart.rows == []
        assert chart.spec["encoding"]["x"]["scale"]["domain"] == [0, 1]
        assert chart.spec["encoding"]["y"]["scale"]["domain"] == [0, 1]


def test_a_loss_that_is_no_number_is_a_gap(room: Path) -> None:
    chart = loss_chart(run(room, "mine", START, step(1, float("nan"))))
    assert [row["value"] for row in chart.rows] == [None]


@pytest.mark.parametrize("count", [0, 1, POINTS, POINTS + 1, 7 * POINTS])
def test_a_long_line_is_thinned_to_means(count: int) -> None:
    steps: Sequence[Step] = [Step(number, number / 10, 2.0) for number in range(count)]
    few = thinned(steps)
    assert len(few) <= POINTS
    assert count <= POINTS or len(few) >= POINTS / 2
    assert {one.loss for one in few} <= {2.0}
    assert [one.step for one in few][-1:] == [one.step for one in steps][-1:]
