"""Commands on a text whose weights are not kept: an answer, or one sentence."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from tests.families import LONG_TEXT, family_checkpoint
from viz import Classifier
from viz.__main__ import app
from viz.attention.long_attention import LongAttention, statistics_of
from viz.comparison.readings import compare_readings
from viz.errors import LongTextError
from viz.export.options import ExportOptions
from viz.export.request import FigureRequest
from viz.mechanism.lesson.subject import lesson_subject
from viz.mechanism.unfolding.unfold import Unfolder

OTHER_TEXT = LONG_TEXT.replace("good", "bad")
HEAD = ("--layer", "1", "--head", "2")
NOT_KEPT = "needs the weights of all heads at once, which are not kept of"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    folder = tmp_path_factory.mktemp("long") / "modernbert"
    return Classifier.load(family_checkpoint(folder, "modernbert"))


@pytest.fixture
def modernbert(loaded: Classifier, monkeypatch: pytest.MonkeyPatch) -> Classifier:
    """What every command loads, whatever checkpoint it names."""
    monkeypatch.setattr(Classifier, "load", lambda *_, **__: loaded)
    return loaded


@pytest.fixture
def _long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights of 30 tokens are the most that are kept: those of `LONG_TEXT` are not."""
    monkeypatch.setattr("viz.model.classifier.MAX_ATTENTION_BYTES", 4 * 12 * 30**2)


def run(command: str, *arguments: object) -> Result:
    result = CliRunner().invoke(app, [*command.split(), *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.mark.usefixtures("_long", "modernbert")
def test_a_long_text_is_read_with_a_sentence_on_its_maps() -> None:
    result = run("read", LONG_TEXT)
    assert result.exit_code == 0
    assert "Heads by their pattern: " in result.output
    assert "computed when asked for: clsight export atlas" in result.output
    assert "Strongest words by decomposition" in result.output


@pytest.mark.usefixtures("_long", "modernbert")
def test_its_json_holds_the_statistics_of_heads(modernbert: Classifier) -> None:
    values = json.loads(run("read", LONG_TEXT, "--json").output)
    statistics = statistics_of(modernbert.read(LONG_TEXT))
    np.testing.assert_allclose(values["head_statistics"]["entropy"], statistics.entropy, rtol=1e-5)
    assert values["head_statistics"]["pattern"] == statistics.pattern.tolist()
    assert "clsight export atlas" in values["maps"]
    assert values["attribution"]["method"] == "decomposition"


@pytest.mark.usefixtures("modernbert")
def test_a_text_that_is_kept_says_nothing_of_it() -> None:
    assert "Heads by their pattern" not in run("read", LONG_TEXT).output
    assert "maps" not in json.loads(run("read", LONG_TEXT, "--json").output)


@pytest.mark.usefixtures("_long", "modernbert")
@pytest.mark.parametrize("measure", ["weights", "contribution"])
def test_a_region_of_a_long_text_replays(tmp_path: Path, measure: str) -> None:
    region = ("--rows", "2:9", "--columns", "0:5", "--measure", measure)
    files = ("--output", tmp_path, "--format", "json")
    assert run("export head", LONG_TEXT, *HEAD, *region, *files).exit_code == 0
    (path,) = tmp_path.iterdir()
    assert run("replay", path, "--checkpoint", "any").exit_code == 0


@pytest.mark.usefixtures("_long", "modernbert")
def test_a_head_is_streamed_into_its_file(
    modernbert: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viz.figures.spec.MAX_VIEW_NUMBERS", 100)
    monkeypatch.setattr("viz.figures.long_maps.MAX_BLOCK_NUMBERS", 1000)
    files = ("--output", tmp_path, "--format", "npz")
    result = run("export head", LONG_TEXT, *HEAD, *files, "--unit", "wordpiece")
    assert result.exit_code == 0, result.output
    (path,) = tmp_path.iterdir()
    monkeypatch.undo()
    reading = modernbert.read(LONG_TEXT)
    with np.load(path, allow_pickle=False) as stored:
        np.testing.assert_allclose(stored["weights"], reading.attention.weights[1, 2], atol=1e-6)


@pytest.mark.usefixtures("_long", "modernbert")
@pytest.mark.parametrize(
    ("command", "options", "sentence"),
    [
        ("export atlas", ("--format", "json"), "numbers, .* too many for one file; choose"),
        ("export bertviz", (), "All weights of 58 tokens"),
        ("export all", (), "too many for one ZIP; save one figure, or a region of it"),
        ("read", ("--method", "globenc"), "GlobEnc needs the weights of all heads at once"),
        ("inside", (), NOT_KEPT),
    ],
)
def test_what_needs_all_weights_is_refused_in_one_sentence(
    tmp_path: Path, command: str, options: tuple[str, ...], sentence: str
) -> None:
    files = ("--output", tmp_path) if command.startswith("export") else ()
    result = run(command, LONG_TEXT, *options, *files)
    assert result.exit_code == 1
    last = result.output.strip().splitlines()[-1]
    assert re.search(sentence, last)
    assert last.endswith(".")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("_long", "modernbert")
def test_classes_and_words_of_long_texts_are_compared_without_their_heads() -> None:
    result = run("compare", LONG_TEXT, OTHER_TEXT)
    assert result.exit_code == 0
    assert f"Comparing heads {NOT_KEPT} " in result.output


@pytest.mark.usefixtures("_long", "modernbert")
def test_the_mechanism_says_that_weights_are_not_kept(modernbert: Classifier) -> None:
    reading = modernbert.read(LONG_TEXT)
    assert isinstance(reading.attention, LongAttention)
    with pytest.raises(LongTextError, match=NOT_KEPT):
        Unfolder(modernbert, reading)
    assert NOT_KEPT in lesson_subject(modernbert, reading).refusal
    assert NOT_KEPT in compare_readings(reading, reading).refused["heads"]


@pytest.mark.usefixtures("_long", "modernbert")
def test_a_row_of_a_data_set_has_the_files_that_can_be_made(modernbert: Classifier) -> None:
    export = ExportOptions(request=FigureRequest(kinds=("atlas",)), formats=("json", "csv"))
    refusals: list[str] = []
    files = dict(export.files(modernbert, modernbert.read(LONG_TEXT), refusals))
    assert [*files] == ["modernbert-atlas.csv"]
    assert len(refusals) == 1
    assert refusals[0].startswith("json: These are ")
