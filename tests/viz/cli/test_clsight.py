"""The command `clsight`: one word for the app and for the commands of both packages."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from finetune.__main__ import app as finetune
from viz.__main__ import app as viz
from viz.cli.main import SUMMARIES, app
from viz.model.installation import version

ROOT = Path(__file__).resolve().parents[3]
HEAVY = {"torch", "transformers", "datasets", "pandas", "matplotlib", "plotly", "streamlit"}
PLAIN = {"COLUMNS": "80", "TERM": "dumb"}
RUN = "from viz.cli.main import app; app(prog_name='clsight')"


def called(*words: str, line: typer.Typer = app, name: str = "clsight") -> tuple[int, str]:
    """The exit code of a command and what it wrote."""
    result = CliRunner().invoke(line, words, env=PLAIN, prog_name=name)
    return result.exit_code, result.output


def test_it_says_its_version() -> None:
    assert called("--version") == (0, f"CLSight {version()}\n")


def test_its_help_fits_a_screen_and_names_every_command_in_one_line() -> None:
    code, text = called("--help")
    assert code == 0
    assert len(text.strip().splitlines()) <= 36
    for name, summary in SUMMARIES.items():
        assert any(name in line and summary in line for line in text.splitlines()), name


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_command_is_that_of_its_package(name: str) -> None:
    owns = [
        output.replace("PACKAGE", "clsight")
        for line in (viz, finetune)
        for code, output in [called(name, "--help", line=line, name="PACKAGE")]
        if code == 0
    ]
    assert [called(name, "--help")] == [(0, output) for output in owns]


def test_no_command_of_the_packages_is_left_out() -> None:
    own = typer.main.get_group(app).commands.keys()
    both = (
        typer.main.get_group(viz).commands.keys() | typer.main.get_group(finetune).commands.keys()
    )
    assert own == both | {"app"} == SUMMARIES.keys() | {"app"}


def test_a_text_is_read_as_by_the_package() -> None:
    words = ("read", "Oil prices rise as stocks fall", "--json")
    code, text = called(*words)
    assert (code, text) == called(*words, line=viz)
    assert json.loads(text)["label"] == "Business"


def test_help_imports_nothing_heavy() -> None:
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", RUN, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    modules = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "viz.cli.main" in modules
    assert not modules & HEAVY


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("re", {"read", "replay", "resume"}), ("", SUMMARIES.keys() | {"app"})],
)
def test_a_shell_completes_its_commands(typed: str, offered: set[str]) -> None:
    asking = {
        "_CLSIGHT_COMPLETE": "complete_bash",
        "COMP_WORDS": f"clsight {typed}",
        "COMP_CWORD": "1",
    }
    result = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=ROOT,
        env=asking,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(result.stdout.split()) == offered


def test_an_option_of_the_server_goes_to_the_server_with_or_without_the_command() -> None:
    for words in (["--server.prot=1"], ["app", "--server.prot", "1"]):
        code, text = called(*words)
        assert code == 2
        assert "No such option '--server.prot'" in text
        assert "--server.port" in text


def test_a_wrong_command_is_refused_with_the_nearest_one() -> None:
    code, text = called("raed")
    assert code == 2
    assert "Did you mean 'read'?" in text


@pytest.mark.parametrize("name", sorted(SUMMARIES.keys() - {"export"}))
def test_the_help_of_a_command_has_every_word_of_its_docstring(name: str) -> None:
    (own,) = (
        each.callback
        for line in (viz, finetune)
        for each in line.registered_commands
        if each.callback is not None and (each.name or each.callback.__name__) == name
    )
    shown = " ".join(called(name, "--help")[1].split())
    for paragraph in (own.__doc__ or "").split("\n\n"):
        assert " ".join(paragraph.split()) in shown


def test_no_help_of_an_option_has_brackets_that_are_left_out() -> None:
    for command in typer.main.get_group(app).commands.values():
        for option in command.params:
            assert not re.search(r"\[[a-z#/@]", getattr(option, "help", None) or "")


def test_paragraphs_of_the_help_are_as_wide_as_the_terminal() -> None:
    text = called("tune", "--help")[1]
    (line,) = [line for line in text.splitlines() if "What is tried" in line]
    assert len(line.rstrip()) > 70
