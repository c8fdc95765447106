"""The notebooks run from top to bottom, in any folder, and show what they say."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from IPython.core.formatters import DisplayFormatter

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "assets" / "notebooks").glob("*.ipynb"))
RECORDS = {"Reading", "Attribution", "Contribution", "FigureSpec"}


def cells(notebook: Path, kind: str) -> list[dict[str, Any]]:
    content = json.loads(notebook.read_text("utf-8"))
    return [cell for cell in content["cells"] if cell["cell_type"] == kind]


def run(source: str, names: dict[str, Any]) -> object:
    """Run a cell, and return the value of its last line if that has one."""
    body = ast.parse(source).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    return None if last is None else eval(ast.unparse(last), names)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_runs_and_its_records_are_shown_as_pictures(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    values = [run("".join(cell["source"]), names) for cell in cells(notebook, "code")]
    records = [value for value in values if type(value).__name__ in RECORDS]
    assert {type(record).__name__ for record in records} == RECORDS
    for record in records:
        data, _ = DisplayFormatter().format(record)  # type: ignore[no-untyped-call]
        assert {"text/html", "image/png"} <= data.keys()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_is_of_the_format_that_tools_expect_and_holds_no_outputs(notebook: Path) -> None:
    content = json.loads(notebook.read_text("utf-8"))
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    assert content["metadata"]["kernelspec"]["name"] == "python3"
    assert len({cell["id"] for cell in content["cells"]}) == len(content["cells"])
    code = cells(notebook, "code")
    assert len(code) + len(cells(notebook, "markdown")) == len(content["cells"])
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_there_is_one() -> None:
    assert NOTEBOOKS
