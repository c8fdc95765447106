"""The JavaScript of the widgets: names, types, and unit tests of its pure parts, run by node."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent
SCRIPTS = sorted((ROOT / "viz/widgets").rglob("*.js"))
QUIET = "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"


@pytest.fixture(scope="module")
def node() -> str:
    """The node that comes with playwright."""
    driver = pytest.importorskip("playwright._impl._driver", reason="playwright brings node")
    path = str(driver.compute_driver_executable()[0])
    if not Path(path).exists():
        pytest.skip(f"no node at {path}; playwright's wheel for this platform brings it")
    return path


def run(*command: str | Path) -> tuple[int, str]:
    """Exit code and output of a command."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_every_name_is_declared_and_every_exported_function_typed(node: str) -> None:
    assert run(node, "--expose-internals", HERE / "lint.mjs", *SCRIPTS) == (0, "")


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("export const one = two;\n", "two is not declared"),
        ('import { one } from "./one.js";\n', "one is imported and not used"),
        (
            "/** What. */\nexport function add(one, other) {\n  return one + other;\n}\n",
            "add takes 2 parameters and gives the type of 0",
        ),
        (
            "/** @param {number} other - It. */\nexport function add(one) {\n  one.go();\n}\n",
            "add does not give the type of one",
        ),
        (
            "/** @param {number} one - It. */\nexport function add(one) {\n  return one;\n}\n",
            "add does not say what it returns",
        ),
    ],
)
def test_the_check_finds(node: str, tmp_path: Path, source: str, problem: str) -> None:
    script = tmp_path / "script.js"
    script.write_text(source, "utf-8")
    code, output = run(node, "--expose-internals", HERE / "lint.mjs", script)
    assert code == 1
    assert problem in output


def test_a_function_within_a_function_returns_for_itself_only(node: str, tmp_path: Path) -> None:
    script = tmp_path / "script.js"
    script.write_text("export function go() {\n  [1].map((one) => {\n    return one;\n  });\n}\n")
    assert run(node, "--expose-internals", HERE / "lint.mjs", script) == (0, "")


@pytest.mark.parametrize("file", sorted(HERE.glob("*.test.mjs")), ids=lambda file: file.name)
def test_pure_parts(node: str, file: Path) -> None:
    code, output = run(node, QUIET, "--test", file)
    assert code == 0, output
    assert "# fail 0" in output or "ℹ fail 0" in output
