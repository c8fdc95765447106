"""Every table and chart of the app has a name that a screen reader says."""

import ast
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).resolve().parents[3] / "viz" / "app"
DRAWN = {
    "dataframe",
    "data_editor",
    "plotly_chart",
    "vega_lite_chart",
    "altair_chart",
    "pyplot",
    "image",
}
"""Elements of Streamlit that have no label of their own."""


def drawn(script: Path) -> Iterator[ast.Call]:
    """The calls of a script that put one of them onto a page."""
    for node in ast.walk(ast.parse(script.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in DRAWN:
            yield node


def test_every_table_and_chart_has_an_accessible_name() -> None:
    calls = [(script, call) for script in APP.rglob("*.py") for call in drawn(script)]
    assert len(calls) > 12
    unnamed = [
        f"{script.relative_to(APP)}:{call.lineno}"
        for script, call in calls
        if "alt" not in {keyword.arg for keyword in call.keywords}
    ]
    assert unnamed == []
