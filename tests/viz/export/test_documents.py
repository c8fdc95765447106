"""Saved numbers of a document, and of one of its windows: named, cited and replayed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.tiny_models import tiny_checkpoint
from viz import Classifier, attribute, attribute_document, read_document
from viz.__main__ import app
from viz.documents.document import Document
from viz.documents.window_text import window_text
from viz.export.filenames import file_name
from viz.export.formats import render
from viz.figures.spec import FigureSpec

TEXT = "The team wins the game! Oil prices rise as stocks fall, and talks fall. " * 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("documents") / "tiny")


@pytest.fixture(scope="module")
def classifier(folder: Path) -> Classifier:
    return Classifier.load(folder)


@pytest.fixture(scope="module")
def document(classifier: Classifier) -> Document:
    # As nobody would read it by default.
    silenced = classifier.without([(1, 2)])
    return read_document(silenced, TEXT, stride=25, pooling="max", cut="tokens", size=40)


def saved(folder: Path, spec: FigureSpec) -> tuple[Path, dict[str, Any]]:
    path = folder / file_name(spec, "json")
    path.write_bytes(render(spec, "json"))
    values: dict[str, Any] = json.loads(path.read_bytes())
    return path, values


def replayed(path: Path, folder: Path) -> str:
    result = CliRunner().invoke(app, ["replay", str(path), "--checkpoint", str(folder)])
    return f"{result.exit_code} {result.stdout}"


def test_the_attribution_of_a_document_replays(
    folder: Path, classifier: Classifier, document: Document, tmp_path: Path
) -> None:
    attribution = attribute_document(classifier, document, "decomposition", 0, 3)
    spec = FigureSpec(document.pooled_reading, "attribution", attribution=attribution)
    path, values = saved(tmp_path, spec)
    assert path.name == "tiny-attribution-decomposition-class-0-against-3-off-1.2-windows.json"
    windows = {"stride": 25, "pooling": "max", "cut": "tokens", "size": 40, "index": None}
    assert values["windows"] == windows
    assert (
        "windows, at most 40 tokens, stride 25 · cut at tokens · max of logits"
        in (values["citation"]["sentence"])
    )
    assert replayed(path, folder).startswith("0 ")
    values["windows"]["stride"] = 30
    path.write_text(json.dumps(values), "utf-8")
    assert replayed(path, folder).startswith("1 ")


@pytest.mark.parametrize("whole", [True, False])
def test_one_window_of_a_document_replays(
    folder: Path, classifier: Classifier, document: Document, tmp_path: Path, whole: bool
) -> None:
    reading = document.reading(classifier, 2)
    if not whole:
        reading = replace(reading, encoding=window_text(reading.encoding))
    attribution = attribute(classifier, reading)
    for spec in (
        FigureSpec(reading, "head", layer=1, head=2),
        FigureSpec(reading, "attribution", attribution=attribution),
    ):
        path, values = saved(tmp_path, spec)
        assert path.stem.endswith("-off-1.2-window-2")
        assert values["windows"]["index"] == 2
        assert values["windows"]["text"] == TEXT
        assert "window 2 of a longer text" in values["citation"]["sentence"]
        assert replayed(path, folder).startswith("0 ")
    values["windows"]["index"] = 99
    path.write_text(json.dumps(values), "utf-8")
    assert (
        "99 does not exist"
        in CliRunner().invoke(app, ["replay", str(path), "--checkpoint", str(folder)]).output
    )
