"""The command line of viz: what it prints and writes, and one sentence for whatever is wrong."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from tests.architectures import architecture_checkpoint
from viz import METHODS, Classifier, attribute
from viz.__main__ import app
from viz.attention.words import merge, spans
from viz.attribution.method import MAX_INTERACTIVE_PASSES
from viz.cli.export import as_subcommand
from viz.errors import MethodError
from viz.export.formats import FORMATS
from viz.export.replay import TOLERANCE
from viz.faithfulness.score import MAX_DEFAULT_PASSES
from viz.types import Reading

TEXT = "Oil prices rise as stocks fall, the market was not good."
ROOT = Path(__file__).resolve().parents[3]


def run(*arguments: str | Path, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=given)


def refused(result: Result) -> str:
    """The one sentence on stderr of a command that was refused."""
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith(".")
    return lines[0]


def test_read_prints_class_probabilities_and_words(checkpoint: Path, reading: Reading) -> None:
    result = run("read", TEXT, "--checkpoint", checkpoint)
    assert (result.exit_code, result.stderr) == (0, "")
    first, *rest = result.stdout.splitlines()
    most = float(reading.prediction.probabilities.max())
    assert first.startswith(f"{reading.prediction.label} ({100 * most:.1f}")
    assert all(any(label in line for line in rest) for label in reading.prediction.labels)
    over = spans(reading.encoding)
    scores = merge(attribute(Classifier.load(checkpoint), reading).shown, over)
    strongest = over[int(np.abs(scores[1:-1]).argmax()) + 1].label
    assert any(line.endswith(f"  {strongest}") for line in rest)
    parts = re.findall(r"[+−][\d.]+", rest[-1])
    hidden, words, value = (float(part.replace("−", "-")) for part in parts)
    assert rest[-1].startswith("every word hidden ")
    assert hidden + words == pytest.approx(value)  # as printed, to the last digit


def test_read_as_json_holds_the_same_numbers_as_the_api(
    checkpoint: Path, classifier: Classifier, reading: Reading
) -> None:
    result = run("read", TEXT, "--checkpoint", checkpoint, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    record = json.loads(result.stdout)
    expected = attribute(classifier, reading)
    labels = reading.prediction.labels
    assert record["label"] == reading.prediction.label
    assert record["labels"] == list(labels)
    np.testing.assert_allclose(record["logits"], reading.prediction.logits, rtol=1e-6)
    np.testing.assert_allclose(record["probabilities"], reading.prediction.probabilities, rtol=1e-6)
    np.testing.assert_allclose(
        record["attribution"]["scores"], expected.scores, rtol=1e-5, atol=1e-7
    )
    assert record["attribution"]["method"] == "decomposition"
    assert record["attribution"]["target_class"] == labels[expected.target_class]
    assert record["attribution"]["against_class"] in labels
    assert record["attribution"]["value"] == pytest.approx(expected.value, rel=1e-6)
    assert [token["text"] for token in record["tokens"]] == [
        token.text for token in reading.encoding.tokens
    ]
    assert {"checkpoint", "text", "pair", "notes"} <= set(record)


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_can_be_read(checkpoint: Path, method: str) -> None:
    result = run("read", TEXT, "--checkpoint", checkpoint, "--method", method)
    assert (result.exit_code, result.stderr) == (0, "")
    assert (METHODS[method].caveat or "") in result.stdout


def test_read_explains_the_classes_that_are_named(checkpoint: Path) -> None:
    arguments = ("read", TEXT, "--checkpoint", checkpoint, "--json", "--target", "sci/tech")
    record = json.loads(run(*arguments, "--against", "World").stdout)["attribution"]
    assert (record["target_class"], record["against_class"]) == ("Sci/Tech", "World")
    assert (
        json.loads(run(*arguments, "--against", "none").stdout)["attribution"]["against_class"]
        is None
    )


def test_a_minus_reads_standard_input(checkpoint: Path) -> None:
    arguments = ("read", "-", "--checkpoint", checkpoint, "--json")
    assert json.loads(run(*arguments, given=TEXT).stdout)["text"] == TEXT
    broken = json.loads(run(*arguments, given=b"good \xff market").stdout)
    assert "market" in broken["text"]


def test_a_text_beyond_the_limit_is_read_in_windows_where_that_is_asked_for(
    checkpoint: Path,
) -> None:
    arguments = ("read", "-", "--checkpoint", checkpoint, "--windows", "--window-stride", "40")
    long = f"{TEXT} " * 12
    result = run(*arguments, given=long)
    assert result.exit_code == 0
    assert "overlapping windows" in result.stderr
    assert "every word hidden " in result.stdout
    record = json.loads(run(*arguments, "--json", given=long).stdout)
    windows = record["windows"]
    assert (windows["stride"], windows["pooling"], windows["cut"]) == (40, "mean", "sentences")
    mean = np.mean([window["logits"] for window in windows["of"]], axis=0)
    assert np.abs(mean - record["logits"]).max() < 1e-5
    scores = record["attribution"]
    assert sum(scores["scores"]) + scores["bias"] == pytest.approx(scores["value"], abs=1e-3)
    assert len(scores["scores"]) == len(record["tokens"])
    assert "windows" not in json.loads(run(*arguments, "--json", given=TEXT).stdout)
    pair = ("--pair", "good")
    assert "Windows cover a single text" in refused(run(*arguments, *pair, given=long))


def test_notes_go_to_stderr_and_into_json(checkpoint: Path) -> None:
    long = "market " * 2000
    result = run("read", long, "--checkpoint", checkpoint)
    assert result.exit_code == 0
    assert "never saw" in result.stderr
    assert "never saw" not in result.stdout
    record = json.loads(run("read", long, "--checkpoint", checkpoint, "--json").stdout)
    assert "never saw" in record["notes"][0]


def test_control_characters_do_not_reach_the_terminal(checkpoint: Path) -> None:
    result = run("read", "good \x1b[31m market \x9b", "--checkpoint", checkpoint)
    assert result.exit_code == 0
    assert "\x1b" not in result.output
    assert "\x9b" not in result.output


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ((), "tiny-bert-head-L{last}-mean.png"),
        (("--layer", "1"), "tiny-bert-layer-L1.png"),
        (("--layer", "1", "--head", "0"), "tiny-bert-head-L1-H0.png"),
        (("--atlas", "--no-special"), "tiny-bert-atlas-no-special.png"),
        (("--arcs",), "tiny-bert-arcs-L{last}-mean.png"),
        (("--arcs", "--layer", "1", "--head", "0"), "tiny-bert-arcs-L1-H0.png"),
        (("--layer", "1", "--contribution"), "tiny-bert-layer-L1-contribution.png"),
        (("--atlas", "--measure", "contribution"), "tiny-bert-atlas-contribution.png"),
        (("--atlas", "--pair", "good", "--quadrant", "A-B"), "tiny-bert-atlas-A-B.png"),
        (("--attribution", "rollout"), "tiny-bert-attribution-rollout.png"),
        (("--layer", "0", "--head", "1", "--colormap", "magma"), "tiny-bert-head-L0-H1.png"),
        (
            ("--atlas", "--unit", "wordpiece", "--pair", "good movie"),
            "tiny-bert-atlas-wordpiece.png",
        ),
    ],
)
def test_export_writes_a_picture_and_prints_its_path(
    checkpoint: Path, classifier: Classifier, tmp_path: Path, options: tuple[str, ...], name: str
) -> None:
    folder = tmp_path / "new" / "folder"
    result = run("export", TEXT, "--checkpoint", checkpoint, "--output", folder, *options)
    assert (result.exit_code, result.stderr) == (0, "")
    path = folder / name.format(last=classifier.n_layers - 1)
    assert result.stdout == f"{path}\n"
    assert list(folder.iterdir()) == [path]
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert np.asarray(image.convert("L")).min() < 128


def test_every_format_is_written_under_one_name(checkpoint: Path, tmp_path: Path) -> None:
    place = ("--layer", "1", "--head", "2", "--checkpoint", checkpoint, "--output", tmp_path)
    formats = ("--format", "png,svg,pdf", "--format", "html", "--format", "csv, npz,json,csv")
    result = run("export", TEXT, *place, *formats)
    assert (result.exit_code, result.stderr) == (0, "")
    names = [f"tiny-bert-head-L1-H2.{format}" for format in FORMATS]
    assert result.stdout.splitlines() == [str(tmp_path / name) for name in names]
    starts = [b"\x89PNG", b"<?xml", b"%PDF", b"<!doctype html>", b"layer,", b"PK", b'{"clsight":']
    for name, start in zip(names, starts, strict=True):
        assert (tmp_path / name).read_bytes().lower().startswith(start.lower())


def test_a_finer_picture_has_more_pixels(checkpoint: Path, tmp_path: Path) -> None:
    sizes = []
    for dpi in ("75", "300"):
        run("export", TEXT, "--checkpoint", checkpoint, "--output", tmp_path, "--dpi", dpi)
        with Image.open(next(tmp_path.glob("*.png"))) as image:
            sizes.append(image.width)
    assert sizes[1] == pytest.approx(4 * sizes[0], rel=0.02)


@pytest.mark.parametrize("view", ["head", "model"])
def test_bertviz_is_saved_as_a_page(checkpoint: Path, tmp_path: Path, view: str) -> None:
    arguments = ("--checkpoint", checkpoint, "--output", tmp_path, "--bertviz", view)
    result = run("export", TEXT, *arguments)
    path = tmp_path / f"tiny-bert-bertviz-{view}.html"
    assert (result.exit_code, result.stdout) == (0, f"{path}\n"), result.output
    assert b"BertViz" in path.read_bytes()


def test_bertviz_shows_the_layers_and_heads_that_are_named(
    checkpoint: Path, tmp_path: Path
) -> None:
    given = ("--checkpoint", checkpoint, "--output", tmp_path)
    result = run(
        "export", "bertviz", TEXT, *given, "--view", "model", "--layers", "0,2", "--heads", "1"
    )
    path = tmp_path / "tiny-bert-bertviz-model-layers-0-2-heads-1.html"
    assert (result.exit_code, result.stdout) == (0, f"{path}\n"), result.output
    page = path.read_text("utf-8")
    assert '"include_layers":[0,2]' in page
    assert '"include_heads":[1]' in page
    for option, value, sentence in (
        ("--layers", "all", "--layers is 'all'; write numbers with commas between them"),
        ("--layers", "9", "Layer 9 does not exist; this model's layers are 0 to 2."),
        ("--heads", "-1", "Head -1 does not exist"),
    ):
        assert sentence in refused(run("export", "bertviz", TEXT, *given, option, value))


@pytest.mark.parametrize(
    ("figure", "options", "name"),
    [
        ("attribution", ("--windows",), "attribution-decomposition-windows"),
        ("attribution", ("--window", "1"), "attribution-decomposition-window-1"),
        ("head", ("--window-stride", "50", "--window", "2"), "head-L2-mean-window-2"),
    ],
)
def test_export_of_a_text_beyond_the_limit_shows_all_of_it_or_one_window(
    checkpoint: Path, tmp_path: Path, figure: str, options: tuple[str, ...], name: str
) -> None:
    given = ("--checkpoint", checkpoint, "--output", tmp_path, "--format", "json")
    result = run("export", figure, "-", *given, *options, given=f"{TEXT} " * 12)
    assert result.exit_code == 0, result.output
    assert "overlapping windows" in result.stderr
    (path,) = tmp_path.iterdir()
    assert path.stem.removeprefix("tiny-bert-").replace("-class-0", "") == name
    assert run("replay", path, "--checkpoint", checkpoint).exit_code == 0


@pytest.mark.parametrize(
    ("figure", "options", "sentence"),
    [
        ("head", ("--window", "99"), "Window 99 does not exist; the windows are 0 to "),
        ("head", ("--window", "1", "--no-windows"), "leave --no-windows out"),
        ("bertviz", ("--windows",), "name one of 5 by --window"),
    ],
)
def test_export_refuses_a_window_that_there_is_not(
    checkpoint: Path, tmp_path: Path, figure: str, options: tuple[str, ...], sentence: str
) -> None:
    given = ("--checkpoint", checkpoint, "--output", tmp_path)
    assert sentence in refused(run("export", figure, "-", *given, *options, given=f"{TEXT} " * 12))
    one = run("export", "head", TEXT, *given, "--window", "1")
    assert "Window 1 does not exist: the model reads this text at once" in refused(one)


def test_export_without_anything_to_read_says_so(tmp_path: Path) -> None:
    result = run("export", "--output", tmp_path / "new")
    assert result.exit_code == 2
    assert "Missing argument" in result.stderr


def test_export_replaces_a_picture_that_is_there(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "tiny-bert-atlas.png"
    path.write_text("old")
    run("export", TEXT, "--checkpoint", checkpoint, "--output", tmp_path, "--atlas")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--format", "gif"), "known are png, svg, pdf, html, csv, npz, json"),
        (("--format", "png,gif"), "Format 'gif' is unknown"),
        (("--arcs", "--atlas"), "--arcs and --atlas are different figures"),
        (("--zip", "--atlas"), "--atlas and --zip are different figures"),
        (("--atlas", "--attribution", "rollout"), "different figures"),
        (("--atlas", "--quadrant", "A-B"), "there is no quadrant A-B"),
        (("--dpi", "71"), "dpi is 71; use 72 to 1200"),
        (("--zip", "--colormap", "nope"), "Color map 'nope' is unknown"),
        (("--zip", "--dpi", "1201"), "dpi is 1201"),
        (("--head", "1"), "--head needs --layer"),
        (("--attribution", "magic"), "known are decomposition"),
        (("--colormap", "nope"), "Color map 'nope' is unknown"),
        (("--layer", "99"), "Layer 99 does not exist"),
        (("--layer", "-1"), "Layer -1 does not exist"),
        (("--layer", "0", "--head", "99"), "Head 99 does not exist"),
    ],
)
def test_export_refuses_with_one_sentence(
    checkpoint: Path, tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    folder = tmp_path / "pictures"
    result = run("export", TEXT, "--checkpoint", checkpoint, "--output", folder, *options)
    assert sentence in refused(result)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("options", "option"),
    [
        (("--bertviz", "head", "--layer", "1"), "--layer"),
        (("--bertviz", "head", "--format", "png"), "--format"),
        (("--attribution", "rollout", "--contribution"), "--contribution"),
        (("--attribution", "rollout", "--head", "1"), "--head"),
        (("--attribution", "rollout", "--colormap", "Blues"), "--colormap"),
        (("--atlas", "--layer", "1"), "--layer"),
        (("--text-column", "text"), "--text-column"),
        (("--limit", "3"), "--limit"),
    ],
)
def test_a_figure_has_no_option_that_it_would_not_heed(
    tmp_path: Path, options: tuple[str, ...], option: str
) -> None:
    result = run("export", TEXT, "--output", tmp_path / "new", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"No such option: {option}" in result.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("one_command", "subcommand"),
    [
        ("TEXT --output o", "head TEXT --output o"),
        ("TEXT --output o --layer 3 --head 7", "head --layer 3 --head 7 TEXT --output o"),
        ("--layer=3 --head=7 TEXT", "head --layer 3 --head 7 TEXT"),
        ("TEXT --layer 3", "layer --layer 3 TEXT"),
        ("TEXT --head 3", "head --head 3 TEXT"),
        ("TEXT --atlas --format svg", "atlas TEXT --format svg"),
        ("TEXT --arcs --layer 0", "arcs --layer 0 TEXT"),
        ("--attribution lime -- --atlas", "attribution --method lime -- --atlas"),
        ("TEXT --bertviz model", "bertviz --view model TEXT"),
        ("TEXT --zip --attribution lime", "all --method lime TEXT"),
        ("--data f.csv --limit 3", "dataset f.csv --figure head --limit 3"),
        ("--data f.csv --zip --layer 1", "dataset f.csv --figure all --layer 1"),
        (
            "--attribution lime --data f.csv",
            "dataset f.csv --figure attribution --method lime",
        ),
    ],
)
def test_the_form_of_one_command_means_a_subcommand(one_command: str, subcommand: str) -> None:
    assert as_subcommand(one_command.split()) == subcommand.split()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("head", "--layer", "1", "--head", "0"), "tiny-bert-head-L1-H0.csv"),
        (("layer", "--layer", "1", "--contribution"), "tiny-bert-layer-L1-contribution.csv"),
        (("atlas", "--no-special"), "tiny-bert-atlas-no-special.csv"),
        (("arcs", "--layer", "1"), "tiny-bert-arcs-L1-mean.csv"),
        (("attribution", "--method", "rollout"), "tiny-bert-attribution-rollout.csv"),
        (("all", "--unit", "wordpiece"), "tiny-bert-all-wordpiece-decomposition.zip"),
    ],
)
def test_each_subcommand_writes_its_file(
    checkpoint: Path, tmp_path: Path, arguments: tuple[str, ...], name: str
) -> None:
    place = ("--checkpoint", checkpoint, "--output", tmp_path)
    result = run("export", arguments[0], TEXT, *arguments[1:], *place, "--format", "csv")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{tmp_path / name}\n"


def test_a_text_that_is_the_name_of_a_subcommand_needs_one_before_it(
    checkpoint: Path, tmp_path: Path
) -> None:
    place = ("--checkpoint", checkpoint, "--output", tmp_path, "--format", "json")
    assert "Missing argument" in run("export", "atlas", *place).stderr
    assert run("export", "head", "atlas", *place).exit_code == 0
    assert json.loads(next(tmp_path.iterdir()).read_text("utf-8"))["text"] == "atlas"


def test_export_refuses_a_file_as_its_folder(checkpoint: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    result = run("export", TEXT, "--checkpoint", checkpoint, "--output", file)
    assert "is a file" in refused(result)
    result = run("export", TEXT, "--checkpoint", checkpoint, "--output", file / "below")
    assert "can't be written" in refused(result)
    assert file.read_text() == "mine"
    for name in ("long" * 100, Path("long" * 100) / "below"):
        result = run("export", TEXT, "--checkpoint", checkpoint, "--output", tmp_path / name)
        assert "can't be written: File name too long" in refused(result)


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    """No larger file can be written meanwhile; Python ignores the signal that would end it."""
    import resource  # not everywhere

    limit, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit to set")
@pytest.mark.parametrize("data", [False, True])
def test_a_full_disk_is_said_in_one_sentence(
    checkpoint: Path, tmp_path: Path, data: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit on the size of files refuses to write as a full disk does."""
    # Python would cut what it keeps of a module that is imported meanwhile, and trip over it later.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "rows.csv").write_text("text\nteam wins\n", "utf-8")
    source = ("--data", str(tmp_path / "rows.csv")) if data else (TEXT,)
    folder = tmp_path / "out"
    with _files_of_at_most(4000):
        done = run("export", *source, "--checkpoint", checkpoint, "--output", folder, "--atlas")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "can't be written: File too large; choose another folder." in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(folder.glob("*.png")) + list(folder.glob(".*"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--target", "Weather"), "the classes are World, Sports, Business, Sci/Tech"),
        (("--against", "Weather"), "There is no class 'Weather'"),
        (("--target", "World", "--against", "World"), "can't be compared with itself"),
        (("--method", "magic"), "known are decomposition"),
    ],
)
def test_read_refuses_with_one_sentence(
    checkpoint: Path, options: tuple[str, ...], sentence: str
) -> None:
    assert sentence in refused(run("read", TEXT, "--checkpoint", checkpoint, *options))


@pytest.mark.parametrize("text", ["", " \n\t "])
@pytest.mark.parametrize("command", ["read", "export"])
def test_a_blank_text_is_refused(checkpoint: Path, tmp_path: Path, command: str, text: str) -> None:
    output = ("--output", tmp_path) if command == "export" else ()
    refused(run(command, text, "--checkpoint", checkpoint, *output))


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    assert "is not a checkpoint" in refused(run("read", TEXT, "--checkpoint", tmp_path))


def test_a_misspelled_option_is_a_usage_error() -> None:
    assert run("read", TEXT, "--nope").exit_code == 2


def test_the_module_runs_as_a_program_without_noise(checkpoint: Path) -> None:
    command = (sys.executable, "-m", "viz", "read", TEXT, "--checkpoint", checkpoint, "--json")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert json.loads(done.stdout)["checkpoint"] == "tiny-bert"


def test_a_terminal_without_unicode_still_reads_signs(checkpoint: Path) -> None:
    runner = CliRunner(charset="ascii")
    result = runner.invoke(app, ["read", TEXT, "--checkpoint", str(checkpoint)])
    assert result.exit_code == 0
    assert "?" not in result.stdout
    assert " -0." in result.stdout


@pytest.fixture(scope="module")
def modern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ModernBERT that reads its class from a mean."""
    folder = tmp_path_factory.mktemp("modern") / "modern"
    return architecture_checkpoint(folder, "modernbert", classifier_pooling="mean")


@pytest.mark.usefixtures("_no_pass_adds_up")
def test_read_explains_by_the_first_method_that_the_checkpoint_allows(modern: Path) -> None:
    result = run("read", TEXT, "--checkpoint", modern)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Strongest words by gradient × attention" in result.stdout
    record = json.loads(run("read", TEXT, "--checkpoint", modern, "--json").stdout)
    assert record["attribution"]["method"] == "grad-attention"
    classifier = Classifier.load(modern)
    expected = attribute(classifier, classifier.read(TEXT), "grad-attention")
    assert record["attribution"]["scores"] == expected.scores.tolist()


@pytest.mark.usefixtures("_no_pass_adds_up")
def test_read_tells_the_class_where_the_method_asked_for_is_refused(modern: Path) -> None:
    label = Classifier.load(modern).read(TEXT).prediction.label
    result = run("read", TEXT, "--checkpoint", modern, "--method", "decomposition-path")
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{label} (")
    assert "Strongest words" not in result.stdout
    assert "does not add up for the architecture ModernBert" in result.stderr
    result = run("read", TEXT, "--checkpoint", modern, "--method", "decomposition", "--json")
    assert result.exit_code == 1
    record = json.loads(result.stdout)
    assert (record["label"], record["attribution"]) == (label, None)


@pytest.mark.usefixtures("_no_pass_adds_up")
def test_export_colors_by_the_first_method_that_the_checkpoint_allows(
    modern: Path, tmp_path: Path
) -> None:
    place = ("--checkpoint", modern, "--output", tmp_path)
    result = run("export", TEXT, "--zip", "--format", "json", *place)
    assert result.exit_code == 0, result.output
    (file,) = tmp_path.glob("*.zip")
    with zipfile.ZipFile(file) as archive:
        (name,) = [name for name in archive.namelist() if "attribution" in name]
        assert json.loads(archive.read(name))["request"]["method"] == "grad-attention"


def test_read_tells_the_class_where_no_method_runs(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise MethodError("No.")

    monkeypatch.setattr("viz.attribution.class_names.attribute", refuse)
    result = run("read", TEXT, "--checkpoint", checkpoint)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0].endswith("says tiny-bert")
    assert result.stderr == "No.\n"


@pytest.mark.parametrize(
    ("command", "bound"),
    [
        ("score", f"at most {MAX_DEFAULT_PASSES} passes"),
        ("sanity", f"at most {MAX_INTERACTIVE_PASSES:.0f} passes"),
        ("replay", f"agree within {TOLERANCE:.0e}".replace("e-0", "e-")),
    ],
)
def test_help_states_the_bounds_that_hold(command: str, bound: str) -> None:
    assert bound in " ".join(run(command, "--help").stdout.replace("│", " ").split())
