"""Records show themselves in notebooks, as pages in frames and as PNG."""

import re
from base64 import b64decode
from dataclasses import replace
from html import unescape
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from IPython.terminal.interactiveshell import TerminalInteractiveShell
from PIL import Image

from tests.synthetic import attribution_of, contribution_of, figure_spec, read
from viz import Classifier, Reading, attribute, contribution
from viz.export import FIGURE_KINDS, FigureSpec, figure, notebook, render
from viz.figures import kinds
from viz.types import ShownInNotebooks

HOSTILE = """it's "quoted" & </iframe><script>alert('no')</script>"""


def shown(record: object) -> dict[str, str]:
    """What IPython hands to a notebook for a value."""
    data, _ = DisplayFormatter().format(record)  # type: ignore[no-untyped-call]
    return dict(data)


def page_in(html: str) -> str:
    """The page in the frame."""
    (page,) = re.findall(r"srcdoc='([^']*)'", html)
    return unescape(page)


@pytest.fixture
def records() -> dict[str, tuple[ShownInNotebooks, FigureSpec]]:
    """What can be shown, and the figure that is to be seen."""
    reading = read()
    attribution = replace(attribution_of(reading), reading=reading)
    share = replace(contribution_of(reading), reading=reading)
    arcs = figure_spec("arcs", reading)
    return {
        "reading": (reading, FigureSpec(reading, "atlas")),
        "attribution": (attribution, FigureSpec(reading, "attribution", attribution=attribution)),
        "contribution": (share, FigureSpec(reading, "atlas", contribution=share)),
        "figure_spec": (arcs, arcs),
    }


def test_a_reading_of_a_base_model_is_shown_without_a_class() -> None:
    data = shown(read(labels=()))
    assert "without a classification head" in page_in(data["text/html"])
    assert data["image/png"]


@pytest.mark.parametrize("name", ["reading", "attribution", "contribution", "figure_spec"])
def test_a_record_is_shown_as_its_page_and_as_its_picture(
    name: str, records: dict[str, tuple[ShownInNotebooks, FigureSpec]]
) -> None:
    record, expected = records[name]
    data = shown(record)
    assert data["text/html"] == record._repr_html_()
    assert page_in(data["text/html"]).encode() == render(expected, "html")
    assert b64decode(data["image/png"]) == render(expected, "png")
    # Where frames are taken out, the picture remains.
    without = re.sub(r"<iframe.*?</iframe>", "", data["text/html"], flags=re.DOTALL)
    (picture,) = re.findall(r'<img src="data:image/png;base64,([^"]+)"', without)
    assert picture == data["image/png"]


def test_the_frame_keeps_scripts_and_markup_inside() -> None:
    reading = read(HOSTILE, labels=(HOSTILE, "other"))
    html = shown(replace(attribution_of(reading), reading=reading))["text/html"]
    assert 'sandbox="allow-scripts"' in html  # not allow-same-origin: it can't touch the notebook
    assert page_in(html).startswith("<!DOCTYPE html>")
    outside = re.sub(r"srcdoc='[^']*'", "", html)
    assert "<script" not in outside
    assert re.findall("<(/?[a-z]+)", outside) == ["div", "img", "iframe", "/iframe", "/div"]


def test_results_know_what_they_explain(classifier: Classifier, reading: Reading) -> None:
    for result in (attribute(classifier, reading), contribution(classifier, reading)):
        assert result.reading is reading
        assert "image/png" in shown(result)
        assert "Encoding" not in repr(result)


def test_a_result_that_lost_its_reading_is_shown_as_text() -> None:
    for result in (attribution_of(read()), contribution_of(read())):
        assert result._repr_html_() is None
        assert shown(result).keys() == {"text/plain"}


def test_a_text_of_which_nothing_was_read_is_shown_as_text() -> None:
    nothing = FigureSpec(read(""), "atlas", special=False)
    assert shown(nothing).keys() == {"text/plain"}


def test_a_page_too_large_for_a_notebook_gives_way_to_its_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notebook, "MAX_PAGE", 1000)
    data = shown(read())
    assert "iframe" not in data["text/html"]
    assert data["image/png"] in data["text/html"]


def test_a_figure_without_a_page_is_shown_as_its_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = replace(FIGURE_KINDS["head"], name="mine", page=None)
    monkeypatch.setitem(kinds._kinds, "mine", mine)
    data = shown(FigureSpec(read(), "mine", layer=0, head=0))
    assert "iframe" not in data["text/html"]
    assert data["image/png"] in data["text/html"]


def test_a_terminal_draws_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shell = TerminalInteractiveShell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    assert read()._repr_mimebundle_() == {}
    assert shell.display_formatter is not None
    data, _ = shell.display_formatter.format(read())  # type: ignore[no-untyped-call]
    assert data.keys() == {"text/plain"}


def test_a_figure_of_matplotlib_is_shown_too() -> None:
    drawn = figure(figure_spec("head"))
    data = shown(drawn)
    with Image.open(BytesIO(data["image/png"])) as picture:  # type: ignore[arg-type]
        assert picture.size == tuple(np.round(drawn.get_size_inches() * drawn.dpi))
