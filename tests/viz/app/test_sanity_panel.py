"""Sanity checks from the command line, and on the Faithfulness page."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner, Result

from tests.tiny_models import tiny_checkpoint
from viz import Classifier
from viz.__main__ import app
from viz.app.markdown import plain
from viz.faithfulness import sanity_record
from viz.faithfulness.sanity import sanity
from viz.faithfulness.sanity_record import NO_WEIGHTS


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["sanity", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("data") / "texts.csv"
    file.write_text("text\noil prices rise as stocks fall\nteam\nthe team wins the game\n", "utf-8")
    return file


def test_the_command_checks_a_file_and_saves_what_the_api_finds(
    checkpoint: Path, classifier: Classifier, texts: Path, tmp_path: Path
) -> None:
    target = tmp_path / "sanity.json"
    methods = "random,decomposition"
    result = run(
        *("--data", texts, "--checkpoint", checkpoint, "--output", target, "--methods", methods)
    )
    assert result.exit_code == 0, result.output
    assert result.stderr == "Too short to check: 1 text.\n"
    lines = result.stdout.splitlines()
    assert (len(lines), lines[-1]) == (4, str(target))
    assert lines[1] == f"random: +1.00, {NO_WEIGHTS}"
    read = [
        classifier.read(text)
        for text in ("oil prices rise as stocks fall", "the team wins the game")
    ]
    expected = sanity(classifier, read, methods.split(","))
    found = sanity_record.load(target)
    assert found.n_texts == 2
    assert found.data == "texts.csv"
    assert found.methods[1].cascade == pytest.approx(expected.methods[1].cascade, rel=1e-3)


def test_by_default_the_file_lies_beside_the_weights(texts: Path, tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "tiny")
    result = run("--data", texts, "--checkpoint", folder, "--methods", "rollout", "--limit", "1")
    assert result.exit_code == 0, result.output
    assert sanity_record.load(folder / "sanity.json").n_texts == 1
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--limit", "0"], "--limit 0 leaves no row; give 1 or more."),
        (["--methods", " , "], "No method was named; give at least one with --methods."),
        (["--methods", "lemon"], "Unknown method 'lemon'; known are"),
        (["--checkpoint", "owner/name"], "'owner/name' has no folder on this machine"),
        (["--output", "."], "'.' is a folder; --output names a file."),
    ],
)
def test_what_the_command_cannot_do_is_one_sentence(
    texts: Path, arguments: list[str], sentence: str
) -> None:
    result = run("--data", texts, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(sentence)


def test_the_file_that_is_read_is_never_written_over(texts: Path) -> None:
    before = texts.read_bytes()
    result = run("--data", texts, "--output", texts.parent / "." / texts.name)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("would be written over; name another file with --output.\n")
    assert texts.read_bytes() == before


def _panel(source: str) -> None:
    from viz.app.panels.sanity import show_sanity

    show_sanity(source)


def test_the_panel_says_how_to_check_a_checkpoint(checkpoint: Path) -> None:
    shown = AppTest.from_function(_panel, args=(str(checkpoint),), default_timeout=60).run()
    assert not shown.exception
    assert "clsight sanity --checkpoint=" in shown.code[0].value


def test_the_panel_shows_each_method_and_what_is_wrong_with_it(texts: Path, tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "tiny")
    methods = "random,decomposition"
    assert run("--data", texts, "--checkpoint", folder, "--methods", methods).exit_code == 0
    shown = AppTest.from_function(_panel, args=(str(folder),), default_timeout=60).run()
    assert not shown.exception
    assert not shown.warning
    table = shown.dataframe[0].value
    assert list(table["method"]) == ["Random", "Decomposition"]
    assert table["verdict"][0] == "flagged"
    assert table["cascade"][0] == pytest.approx([1, 1, 1, 1, 1])
    assert list(table["residual"]) == ["", "< 0.1%"]
    assert any(plain(NO_WEIGHTS) in caption.value for caption in shown.caption)
    tiny_checkpoint(folder, seed=1)
    again = shown.run()
    assert again.warning[0].value == "This was checked with different weights; check again."
