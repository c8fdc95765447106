"""What stands around the code: versions, the changelog, the workflow, templates and hooks."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

from viz.model.installation import version

ROOT = Path(__file__).resolve().parents[1]
GITHUB = ROOT / ".github"
CHANGELOG = (GITHUB / "CHANGELOG.md").read_text("utf-8")
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("[!c]*.yml"))


def loaded(file: Path) -> Any:
    return yaml.safe_load(file.read_text("utf-8"))


def test_the_version_is_the_newest_of_the_changelog() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    versions = re.findall(r"^## (\d+\.\d+\.\d+) \(\d{4}-\d\d-\d\d\)$", CHANGELOG, re.MULTILINE)
    assert project["version"] == version() == versions[0]
    assert len(re.findall("^## ", CHANGELOG, re.MULTILINE)) == len(versions)


def test_the_workflow_runs_what_contributors_run() -> None:
    (job,) = loaded(GITHUB / "workflows" / "ci.yml")["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert job["container"].startswith("python:3.11-")


def test_the_hook_before_a_commit_is_the_check() -> None:
    (repository,) = loaded(ROOT / ".pre-commit-config.yaml")["repos"]
    (hook,) = repository["hooks"]
    assert (repository["repo"], hook["entry"]) == ("local", ".ci/check")


@pytest.mark.parametrize("script", ["check", "run"])
def test_the_scripts_can_be_run_and_parse(script: str) -> None:
    file = ROOT / ".ci" / script
    assert os.access(file, os.X_OK)
    subprocess.run(["bash", "-n", str(file)], check=True)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_an_issue_form_has_what_github_asks_for(form: Path) -> None:
    content = loaded(form)
    assert {"name", "description", "body"} <= content.keys()
    fields = [field for field in content["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert all(field["type"] in ("textarea", "input") for field in fields)
    assert all(field["attributes"]["label"] for field in fields)


def test_the_guides_link_to_what_is_there() -> None:
    guides = sorted(GITHUB.glob("*.md"))
    assert {"CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"} <= {guide.name for guide in guides}
    for guide in guides:
        for link in re.findall(r"\]\((?!https?://)([^)#]+)\)", guide.read_text("utf-8")):
            assert (guide.parent / link).exists(), f"{guide.name}: {link}"


def test_every_library_that_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {re.split("[~<>=]", line)[0].lower() for line in project["dependencies"]}
    homes = packages_distributions()
    for name in sorted(imported() - sys.stdlib_module_names - {"viz", "finetune"}):
        assert declared & {home.lower() for home in homes.get(name, [])}, name


def imported() -> set[str]:
    """The outermost packages that the code imports, wherever it does so."""
    files = (ROOT / "app.py", *(ROOT / "viz").rglob("*.py"), *(ROOT / "finetune").rglob("*.py"))
    names = set()
    for node in (node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names.add(node.module.partition(".")[0])
    return names
