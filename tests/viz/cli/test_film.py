"""`clsight film`: a line for each frame, a file of each kind, and refusals in a sentence."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.conftest import TEXT
from tests.histories import damage_frame, tiny_history
from viz.cli.commands import app


def run(*arguments: str | Path) -> Result:
    """The command with its arguments."""
    return CliRunner().invoke(app, ["film", TEXT, *map(str, arguments)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_history(tmp_path_factory.mktemp("film"), 3)


def test_each_frame_has_a_line_and_words_have_their_onsets(folder: Path) -> None:
    result = run("--checkpoint", folder)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].startswith("base · step 0: ")
    assert lines[2].startswith("finished · step 20 · epoch 2: ")
    assert "Since step 10, the head that changed most is L" in lines[2]
    assert lines[3] == "When each word began to matter:"


@pytest.mark.parametrize("kind", ["html", "json", "csv"])
def test_a_file_of_each_kind_is_written(folder: Path, tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"film.{kind}"
    result = run("--checkpoint", folder, "--output", file)
    assert result.exit_code == 0, result.output
    assert str(file) in result.output.replace("\n", "")
    content = file.read_text("utf-8")
    if kind == "json":
        assert len(json.loads(content)["frames"]) == 3
    assert content.startswith({"html": "<!DOCTYPE", "json": "{", "csv": "frame,step"}[kind])


def test_what_can_not_be_shown_is_refused_in_a_sentence(
    folder: Path, checkpoint: Path, tmp_path: Path
) -> None:
    for arguments, sentence in (
        (("--checkpoint", checkpoint), "has no history; train it with --keep-epochs"),
        (("--checkpoint", "somebody/model"), "is on the Hub and has no history"),
        (
            ("--checkpoint", folder, "--output", tmp_path / "film.gif"),
            "'film.gif' can't be written",
        ),
        (("--checkpoint", folder, "--method", "none-such"), "Unknown method 'none-such'"),
    ):
        result = run(*arguments)
        assert result.exit_code == 1
        assert sentence in result.output.replace("\n", " ")


def test_a_broken_frame_is_a_line_too(tmp_path: Path) -> None:
    folder = tiny_history(tmp_path, 3)
    damage_frame(folder, 1)
    result = run("--checkpoint", folder)
    assert result.exit_code == 0
    assert "step 10 · epoch 1: " in result.output
    assert "is not what was written" in result.output
