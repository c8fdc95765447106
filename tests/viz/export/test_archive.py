"""One ZIP of a reading: everything in it, and said in it what is not."""

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest
from typer.testing import CliRunner

from viz import Classifier
from viz.__main__ import app
from viz.export import formats
from viz.export.archive import README, archive
from viz.export.filenames import file_name
from viz.export.formats import FORMATS, render
from viz.export.request import FigureRequest
from viz.figures.citation import citation
from viz.figures.kinds import FIGURE_KINDS
from viz.figures.spec import FigureSpec
from viz.types import Reading

TEXT = "Oil prices rise as stocks fall, the market was not good."


@pytest.fixture(scope="module")
def specs(classifier: Classifier, reading: Reading) -> list[FigureSpec]:
    return FigureRequest(kinds=tuple(FIGURE_KINDS), special=False).specs(classifier, reading)


def opened(content: bytes) -> ZipFile:
    return ZipFile(BytesIO(content))


def test_it_holds_every_figure_in_every_format_and_a_readme(specs: list[FigureSpec]) -> None:
    packed = opened(archive(specs, tuple(FORMATS)))
    wanted = {file_name(spec, format) for spec in specs for format in FORMATS}
    assert set(packed.namelist()) == wanted | {README}
    assert packed.testzip() is None
    readme = packed.read(README).decode()
    assert all(name in readme for name in wanted)
    assert all(citation(spec).sentence() in readme for spec in specs)
    assert specs[0].reading.fingerprint in readme
    assert "clsight replay" in readme
    assert "WHAT WAS LEFT OUT" not in readme


def test_its_files_are_those_that_are_saved_one_by_one(specs: list[FigureSpec]) -> None:
    packed = opened(archive(specs, ("json", "npz", "csv")))
    for spec in specs:
        for format in ("json", "npz", "csv"):
            assert packed.read(file_name(spec, format)) == render(spec, format)


def test_the_same_figures_make_the_same_bytes(
    specs: list[FigureSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = archive(specs, ("json", "npz", "png"))
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("time.localtime", lambda *_: (2030, 1, 1, 0, 0, 0, 0, 0, 0))
    assert archive(specs, ("json", "npz", "png")) == first


def test_what_is_compressed_already_is_stored(specs: list[FigureSpec]) -> None:
    packed = opened(archive(specs, ("png", "npz", "json")))
    for info in packed.infolist():
        assert (info.compress_type == ZIP_STORED) == info.filename.endswith((".png", ".npz"))


def test_what_a_format_refuses_is_listed_with_its_sentence(
    specs: list[FigureSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(FORMATS["json"], limit=200)
    monkeypatch.setitem(formats._formats, "json", small)
    packed = opened(archive(specs, ("json", "npz")))
    readme = " ".join(packed.read(README).decode().split())
    atlas = next(spec for spec in specs if spec.kind == "atlas")
    assert file_name(atlas, "json") not in packed.namelist()
    assert file_name(atlas, "npz") in packed.namelist()
    left_out = readme[readme.index("WHAT WAS LEFT OUT") :]
    assert f"{file_name(atlas, 'json')}: These are {atlas.view().weights.size:,} num" in left_out


def test_a_zip_saved_by_the_command_line_replays(checkpoint: Path, tmp_path: Path) -> None:
    arguments = ("export", TEXT, "--checkpoint", checkpoint, "--output", tmp_path, "--zip")
    named = ("--format", "json,csv")
    made = CliRunner().invoke(app, [str(part) for part in (*arguments, *named)])
    assert (made.exit_code, made.stderr) == (0, "")
    path = tmp_path / "tiny-bert-all-decomposition.zip"
    assert made.stdout == f"{path}\n"
    again = CliRunner().invoke(app, ["replay", str(path), "--checkpoint", str(checkpoint)])
    assert again.exit_code == 0, again.output
    assert again.stdout.count("all agree within 1e-6") == len(FIGURE_KINDS)


def test_a_changed_number_in_a_zip_is_found(
    checkpoint: Path, specs: list[FigureSpec], tmp_path: Path
) -> None:
    whole, path = opened(archive(specs, ("json",))), tmp_path / "changed.zip"
    changed = file_name(specs[1], "json")
    with ZipFile(path, "w") as packed:
        for name in whole.namelist():
            content = whole.read(name)
            if name == changed:
                values = json.loads(content)
                values["numbers"]["weights"][0][0][0][0] += 1e-5
                content = json.dumps(values).encode()
            packed.writestr(name, content)
    result = CliRunner().invoke(app, ["replay", str(path), "--checkpoint", str(checkpoint)])
    assert result.exit_code == 1
    assert f"{changed}: DIFFERS in weights" in result.stdout
    assert result.stdout.count("all agree") == len(specs) - 1


def test_a_damaged_zip_is_refused(specs: list[FigureSpec], tmp_path: Path) -> None:
    content = bytearray(archive(specs, ("json",)))
    content[200:260] = bytes(60)
    path = tmp_path / "damaged.zip"
    path.write_bytes(content)
    result = CliRunner().invoke(app, ["replay", str(path)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "damaged ZIP" in result.stderr
