"""Saved numbers of a document, and of one of its windows: named, cited and replayed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.tiny_models import tiny_checkpoint
from viz import Classifier, attribute, attribute_document, read_document
from viz.__main__ import app
from viz.documents.document import Document
from viz.documents.window_text import window_text
from viz.export.document_files import document_files
from viz.export.filenames import file_name
from viz.export.formats import render
from viz.export.options import ExportOptions
from viz.export.request import FigureRequest
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


@pytest.mark.parametrize("window", [None, 0])
def test_windows_are_explained_for_the_classes_of_the_whole_text(
    tmp_path: Path, window: int | None
) -> None:
    folder = tiny_checkpoint(tmp_path / "tiny", labels=("x", "x", "y"), seed=2)
    classifier = Classifier.load(folder)
    subjects = (
        "oil prices rise as stocks fall the market " * 6,
        "team wins game election peace talks minister " * 6,
        "space probe finds ice on moon good bad movie " * 5,
    )
    document = read_document(classifier, "".join(subjects), stride=25)
    target, against, _ = np.argsort(-document.prediction.logits)
    first_window = np.argsort(-document.windows[0].logits)
    assert target == 1  # of two classes of one name, the second
    assert first_window[1] != against
    request = FigureRequest(
        kinds=("head", "attribution"), method="decomposition", measure="contribution", layer=1
    )
    options = ExportOptions(request=request, formats=("json",))
    names = []
    for name, content in document_files(options, classifier, document, window=window):
        assert isinstance(content, bytes)
        explained = json.loads(content)["request"]
        assert (explained["target_class"], explained["against_class"]) == (target, against)
        names.append(name)
    assert len(names) == (2 if window == 0 else 1 + len(document.windows))
    (first,) = [name for name in names if "head" in name and name.endswith("-window-0.json")]
    assert f"-against-{against}-" in first
