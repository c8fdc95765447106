"""The README's commands exist, its map matches the rooms, and what it prints runs."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from finetune.__main__ import app as finetune_app
from viz.__main__ import app as viz_app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
SHELL = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
COMMANDS = [line for line in SHELL if line.startswith("python -m ")]
MAP = next(block for kind, block in BLOCKS if not kind)


def test_the_two_commands_are_printed_as_promised() -> None:
    assert "pip install -e . && streamlit run app.py" in SHELL
    assert 'pip install -e ".[test]" && pytest' in SHELL


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_in_a_printed_command_exists(command: str) -> None:
    _, _, package, verb, *words = shlex.split(command)
    app = {"viz": viz_app, "finetune": finetune_app}[package]
    result = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert result.exit_code == 0
    for option in (word for word in words if word.startswith("--")):
        assert re.search(rf"{option}\b", result.output), f"{option} is not an option of {verb}"


@pytest.mark.parametrize("block", [text for kind, text in BLOCKS if kind == "sh"])
def test_every_printed_viz_command_runs_on_the_shipped_checkpoint(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order printed: a later command may read what an earlier one wrote."""
    monkeypatch.chdir(tmp_path)
    for command in block.splitlines():
        if command.startswith("python -m viz"):
            result = CliRunner().invoke(viz_app, shlex.split(command)[3:])
            assert result.exit_code == 0, result.output


def test_the_python_example_runs_as_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    example = next(block for kind, block in BLOCKS if kind == "python")
    names: dict[str, object] = {}
    exec(example, names)
    assert {"classifier", "reading"} <= names.keys()


def test_the_map_names_every_room_and_only_rooms_that_exist() -> None:
    named = {line.split()[0] for line in MAP.splitlines()}
    assert {name for name in named if not (ROOT / name).exists()} == set()
    modules = {f"viz/{file.name}" for file in (ROOT / "viz").glob("*.py")}
    rooms = {
        f"viz/{file.name}/" for file in (ROOT / "viz").iterdir() if (file / "__init__.py").exists()
    }
    assert modules | rooms <= named | {"viz/__init__.py"}


def test_every_link_to_a_file_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
