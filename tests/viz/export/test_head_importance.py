"""What heads are worth: the table, the command that writes it, and the panel of the Read page."""

import csv
import io
import json
import threading
import time
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner, Result

from viz import Classifier
from viz.__main__ import app
from viz.app.panels import importance
from viz.attention.rank_correlation import spearman
from viz.attribution.head_importance import ablate, gate_gradients
from viz.colors import PALETTES
from viz.errors import SelectionError
from viz.export.head_importance import (
    agreement_sentence,
    expected_passes,
    head_table,
    single_text_table,
    table_csv,
)
from viz.figures.plots.heads import head_map
from viz.jobs.background import ProgressCallback

TEXTS = ("oil prices rise as stocks fall", "the team wins the game")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("data") / "texts.csv"
    file.write_text("text\n" + "\n".join((TEXTS[0], '""', TEXTS[1])) + "\n", "utf-8")
    return file


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["heads", *(str(argument) for argument in arguments)])


def test_a_table_holds_means_over_texts(classifier: Classifier) -> None:
    readings = [classifier.read(text) for text in TEXTS]
    done: list[float] = []
    found = head_table(classifier, readings, ablation=True, progress=done.append)
    slopes = [gate_gradients(classifier, reading) for reading in readings]
    lost = [ablate(classifier, reading) for reading in readings]
    assert found.ablation is not None
    np.testing.assert_allclose(found.gradient, sum(slopes) / 2, atol=1e-6)
    np.testing.assert_allclose(found.gradient_size, sum(map(abs, slopes)) / 2, atol=1e-6)
    np.testing.assert_allclose(found.ablation, sum(lost) / 2, atol=1e-6)
    assert found.correlation == spearman(found.gradient_size, np.mean(np.abs(lost), axis=0))
    assert sum(done) == expected_passes(classifier, 2, ablation=True)


def test_heads_are_ranked_by_ablation_where_that_is_known() -> None:
    gradient, ablation = np.array([[0.1, -3.0]]), np.array([[-2.0, 1.0]])
    assert single_text_table(gradient, None).by_size == [(0, 1), (0, 0)]
    assert single_text_table(gradient, ablation).by_size == [(0, 0), (0, 1)]
    assert single_text_table(gradient, ablation).correlation == pytest.approx(-1)


@pytest.mark.parametrize(
    ("correlation", "words"),
    [(0.9, "Both agree on which"), (0.5, "in part"), (-0.5, "disagree"), (np.nan, "nothing")],
)
def test_one_sentence_says_whether_both_agree(correlation: float, words: str) -> None:
    assert words in agreement_sentence(correlation)


def test_no_text_is_one_sentence(classifier: Classifier) -> None:
    with pytest.raises(SelectionError, match="No text was given"):
        head_table(classifier, [])


def test_the_command_writes_what_the_api_finds(
    checkpoint: Path, classifier: Classifier, texts: Path, tmp_path: Path
) -> None:
    target = tmp_path / "heads.csv"
    result = run("--data", texts, "--checkpoint", checkpoint, "--output", target)
    assert result.exit_code == 0, result.output
    assert result.stderr == "Could not be read: 1 text.\n"
    assert result.stdout.splitlines()[-1] == str(target)
    expected = head_table(classifier, [classifier.read(text) for text in TEXTS])
    assert target.read_bytes() == table_csv(expected)
    table = list(csv.DictReader(io.StringIO(target.read_text("utf-8"))))
    assert len(table) == classifier.n_layers * classifier.n_heads
    assert [*table[0]] == ["layer", "head", "gradient", "gradient_size"]


def test_the_command_compares_with_ablation_and_writes_json(
    checkpoint: Path, classifier: Classifier, texts: Path, tmp_path: Path
) -> None:
    target = tmp_path / "heads.json"
    arguments = ("--data", texts, "--checkpoint", checkpoint, "--output", target, "--ablation")
    result = run(*arguments, "--limit", "1")
    assert result.exit_code == 0, result.output
    assert "rank correlation" in result.stdout
    found = json.loads(target.read_text("utf-8"))
    expected = head_table(classifier, [classifier.read(TEXTS[0])], ablation=True)
    assert expected.ablation is not None
    assert (found["n_texts"], found["data"]) == (1, "texts.csv")
    assert found["fingerprint"] == classifier.fingerprint
    assert found["correlation"] == pytest.approx(expected.correlation)
    assert found["heads"][-1]["ablation"] == pytest.approx(expected.ablation[-1, -1], rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--limit", "0"], "--limit 0 leaves no row; give 1 or more."),
        (["--output", "."], "'.' is a folder; --output names a file."),
        (["--output", "a.xls"], "'a.xls' can't be written; --output ends in .csv or .json."),
    ],
)
def test_what_the_command_cannot_do_is_one_sentence(
    texts: Path, arguments: list[str], sentence: str
) -> None:
    result = run("--data", texts, *arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"{sentence}\n")


@pytest.mark.parametrize("more", [[], ["--curve"]])
def test_the_file_that_is_read_is_never_written_over(
    texts: Path, checkpoint: Path, more: list[str]
) -> None:
    before = texts.read_bytes()
    result = run("--data", texts, "--checkpoint", checkpoint, "--output", texts, *more)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("would be written over; name another file with --output.\n")
    assert texts.read_bytes() == before


def test_a_file_without_a_text_is_one_sentence(checkpoint: Path, tmp_path: Path) -> None:
    blank = tmp_path / "blank.csv"
    blank.write_text('text\n" "\n""\n', "utf-8")
    result = run("--data", blank, "--checkpoint", checkpoint)
    assert (result.exit_code, result.stdout) == (1, "")
    said = "Of 2 rows of 'blank.csv' none can be read; give rows with a text.\n"
    assert result.stderr == said


def test_the_map_is_centered_at_zero_in_the_colors_of_the_page() -> None:
    values = np.array([[0.5, -2.0], [0.0, 1.0], [0.25, 0.125]])
    (drawn,) = head_map(values, theme="dark").data
    assert (drawn.zmin, drawn.zmax) == (-2, 2)
    assert drawn.colorscale[3] == (0.5, PALETTES["dark"].diverging[3])
    assert (list(drawn.y), list(drawn.x)) == (["L0", "L1", "L2"], ["H0", "H1"])
    np.testing.assert_array_equal(drawn.z, values)
    assert np.isfinite(head_map(np.zeros((2, 2))).data[0].zmax)


def _panel(source: str, text: str) -> None:
    from viz.app.background import ExplanationRequest
    from viz.app.panels.importance import offer

    request = ExplanationRequest(source, text, None, "decomposition", 1, 3)
    offer(request)


@pytest.fixture
def panel(checkpoint: Path) -> AppTest:
    """The panel for one text, as the page opens with it."""
    return open_panel(checkpoint, TEXTS[0])


def open_panel(checkpoint: Path, text: str) -> AppTest:
    return AppTest.from_function(_panel, args=(str(checkpoint), text), default_timeout=60).run()


def maps(panel: AppTest) -> list[list[list[float]]]:
    """The numbers of the maps that are shown."""
    figures = [json.loads(chart.proto.spec) for chart in panel.get("plotly_chart")]
    return [decoded(figure["data"][0]["z"]) for figure in figures]


def decoded(numbers: object) -> list[list[float]]:
    """Numbers as plotly sends them: packed, or as lists."""
    if not isinstance(numbers, dict):
        return cast("list[list[float]]", numbers)
    import base64

    shape = [int(size) for size in str(numbers["shape"]).split(",")]
    packed = np.frombuffer(base64.b64decode(numbers["bdata"]), numbers["dtype"])
    return cast("list[list[float]]", packed.reshape(shape).tolist())


def test_the_panel_computes_nothing_until_asked(panel: AppTest) -> None:
    assert not panel.exception
    assert maps(panel) == []
    assert not panel.button


def test_the_panel_shows_slopes_and_on_demand_what_is_lost(
    panel: AppTest, classifier: Classifier
) -> None:
    reading = classifier.read(TEXTS[0])
    slopes, lost = gate_gradients(classifier, reading, 1, 3), ablate(classifier, reading, 1, 3)
    panel.toggle[0].set_value(True).run()
    assert not panel.exception
    np.testing.assert_allclose(maps(panel)[0], slopes, atol=1e-5)
    assert not any("rank correlation" in caption.value for caption in panel.caption)
    panel.button(key="ablation").click().run()
    deadline = time.monotonic() + 30
    while len(maps(panel)) < 2 and time.monotonic() < deadline:
        panel.run()
    assert not panel.exception
    np.testing.assert_allclose(maps(panel)[1], lost, atol=1e-5)
    written = f"{spearman(abs(slopes), abs(lost)):.2f}".replace("-", "−")
    assert any(written in caption.value for caption in panel.caption)


def test_silencing_the_heads_can_be_cancelled_and_done_after_all(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A text of its own, since answers are kept.
    panel = open_panel(checkpoint, "the bank warns of weak profits")
    ended = threading.Event()

    def endless(*_: object, progress: ProgressCallback) -> None:
        try:
            while True:
                progress(0)
                time.sleep(0.01)
        finally:
            ended.set()

    with monkeypatch.context() as patch:
        patch.setattr(importance, "ablate", endless)
        panel.toggle[0].set_value(True).run()
        panel.button(key="ablation").click().run()
        (cancel,) = [button for button in panel.button if button.label == "Cancel"]
        cancel.click().run()
        assert ended.wait(10)
    assert not panel.exception
    assert len(maps(panel)) == 1
    assert any("canceled" in caption.value for caption in panel.caption)
    panel.button(key="ablation-again").click().run()
    deadline = time.monotonic() + 30
    while len(maps(panel)) < 2 and time.monotonic() < deadline:
        panel.run()
    assert not panel.exception
    assert len(maps(panel)) == 2
