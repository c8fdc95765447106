"""What the README files print exists and runs, and their maps match the packages."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from finetune.__main__ import app as finetune
from tests.readmes import READMES, ROOT, Readme
from viz.__main__ import app as viz
from viz.cli.export import as_subcommand
from viz.cli.main import app as clsight
from viz.export.formats import _formats
from viz.figures.kinds import _kinds

LINES = {"clsight": clsight, "python -m viz": viz, "python -m finetune": finetune}
"""The ways in to a command, and the command line that each is of."""
WRITTEN: dict[object, tuple[str, ...]] = {
    None: ("none", "by width"),
    False: ("off", "0"),
    True: ("on", "1"),
}
"""How defaults are told that are written in another way in Python."""
SAFE = {"read", "inside", "export", "replay"}
"""Commands that need no more than the shipped checkpoint."""
TOP = READMES[0]
OF = {readme.name: readme for readme in READMES}


def taken_apart(command: str) -> tuple[typer.Typer, list[str]] | None:
    """The command line that a printed command is of, and its words; None of another program."""
    for start, line in LINES.items():
        if command.startswith(f"{start} "):
            return line, shlex.split(command.removeprefix(start))
    return None


COMMANDS = sorted(
    {
        command
        for readme in READMES
        for command in readme.lines("sh", "text")
        if taken_apart(command) is not None
    }
)


def test_every_room_that_promises_a_readme_has_one() -> None:
    assert {
        "README.md", "finetune/README.md", "viz/README.md", "viz/app/README.md",
        "viz/attribution/README.md", "viz/export/README.md", "viz/faithfulness/README.md",
        "tests/benchmarks/README.md",
    } <= OF.keys()  # fmt: skip


def test_the_first_page_has_two_commands_and_fits_in_900_words() -> None:
    assert "pip install -e . && streamlit run app.py" in TOP.lines("sh")
    assert 'pip install -e ".[test]" && pytest' in TOP.lines("sh")
    assert len(TOP.text.split()) <= 900


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_in_a_printed_command_exists(command: str) -> None:
    found = taken_apart(command)
    assert found is not None
    line, words = found
    verbs = _verbs(line, words)
    if verbs == ["export"]:
        words = ["export", *as_subcommand(words[1:])]
        verbs = _verbs(line, words)
    options = {word for word in words if word.startswith("--")} - {"--"}
    every = "--help-all" if verbs == ["train"] else "--help"
    result = CliRunner().invoke(line, [*verbs, every], env={"COLUMNS": "200", "TERM": "dumb"})
    assert result.exit_code == 0
    for option in options:
        assert re.search(rf"{option}\b", result.output), f"{option} is not an option of {verbs}"


def _verbs(line: typer.Typer, words: list[str]) -> list[str]:
    """The leading words that name a command, and one of its commands where it has some."""
    command: Any = typer.main.get_command(line)
    verbs: list[str] = []
    for word in words:
        context = typer.Context(command)
        if not hasattr(command, "list_commands") or word not in command.list_commands(context):
            break
        command = command.get_command(context, word)
        verbs.append(word)
    return verbs


@pytest.mark.parametrize("readme", READMES, ids=lambda readme: readme.name)
def test_every_printed_command_of_a_text_runs_on_the_shipped_checkpoint(
    readme: Readme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order printed: a later command may read what an earlier one wrote."""
    monkeypatch.chdir(tmp_path)
    for command in readme.lines("sh"):
        found = taken_apart(command)
        if found is not None and found[1][0] in SAFE:
            result = CliRunner().invoke(*found)
            assert result.exit_code == 0, f"{command}\n{result.output}"


@pytest.fixture
def registries() -> Iterator[None]:
    """What examples register is forgotten again."""
    registries: tuple[dict[str, Any], ...] = (_formats, _kinds)
    known = [(registry, dict(registry)) for registry in registries]
    yield
    for registry, before in known:
        registry.clear()
        registry.update(before)


@pytest.mark.usefixtures("registries")
@pytest.mark.parametrize("readme", READMES, ids=lambda readme: readme.name)
def test_python_examples_run_as_printed(
    readme: Readme, monkeypatch: pytest.MonkeyPatch, own_methods: None
) -> None:
    """One after the other, so that a later one may use what an earlier one made."""
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    for example in readme.blocks("python"):
        exec(example, names)


def test_the_first_page_has_a_python_example() -> None:
    (example,) = TOP.blocks("python")
    assert len([line for line in example.splitlines() if line]) <= 10


@pytest.mark.parametrize("readme", READMES, ids=lambda readme: readme.name)
def test_every_link_leads_somewhere(readme: Readme) -> None:
    for file, anchor in readme.links():
        target = (readme.path.parent / file).resolve() if file else readme.path
        assert target.exists(), file
        if anchor:
            assert anchor in Readme(target).anchors(), f"{file}#{anchor}"


@pytest.mark.parametrize("readme", READMES, ids=lambda readme: readme.name)
def test_every_module_that_is_printed_as_a_program_exists(readme: Readme) -> None:
    for module in re.findall(r"python -m ([\w.]+)", readme.text):
        assert importlib.util.find_spec(module) is not None, module


@pytest.mark.parametrize("room", ["viz", "finetune"])
def test_the_map_of_a_room_names_all_that_stands_in_it(room: str) -> None:
    rows = re.findall(r"^\| \[`([^`]+)`\]\(([^)]+)\)", OF[f"{room}/README.md"].text, re.MULTILINE)
    there = {
        f"{each.name}/" if each.is_dir() else each.name
        for each in (ROOT / room).iterdir()
        if each.suffix == ".py" or list(each.glob("*.py"))
    }
    assert {shown for shown, _ in rows} == there - {"__init__.py", "__main__.py"}
    assert all(shown.rstrip("/") == link for shown, link in rows)


def test_the_settings_of_training_are_told_with_their_defaults() -> None:
    params = {
        param.name: param for param in typer.main.get_group(finetune).commands["train"].params
    }
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", OF["finetune/README.md"].text, re.MULTILINE)
    assert len(rows) > 20
    for name, default in rows:
        assert default in WRITTEN.get(params[name].default, (str(params[name].default),)), name
