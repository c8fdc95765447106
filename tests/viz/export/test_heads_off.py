"""What is saved of a text that was read with heads off says so, and replays."""

import io
import json
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from typer.testing import CliRunner

from viz import Classifier, attribute, audit
from viz.__main__ import app
from viz.errors import MethodError, RecordError, SelectionError
from viz.export.archive import archive
from viz.export.bertviz.page import bertviz_html
from viz.export.dataset_export import DatasetExport
from viz.export.filenames import archive_name, file_name, table_name
from viz.export.formats import render
from viz.export.json_reader import parse
from viz.export.options import ExportOptions
from viz.export.replay import replay
from viz.export.report import record, report
from viz.export.request import FigureRequest
from viz.export.step.file import export_step
from viz.export.step.record import unfolding_record
from viz.faithfulness.score import ScoreRun
from viz.faithfulness.score_row import ScoreConfig
from viz.figures.citation import citation
from viz.figures.kinds import FIGURE_KINDS
from viz.figures.spec import FigureSpec
from viz.mechanism.unfolding.unfold import unfold
from viz.model.text_files import open_texts
from viz.types import Reading

TEXT = "oil prices rise, the team wins"
OFF = ((0, 1), (1, 0))
SAID = "heads L0 · H1; L1 · H0 off"


@pytest.fixture(scope="module")
def silenced(classifier: Classifier) -> Reading:
    return classifier.read(TEXT, without=OFF)


def specs(classifier: Classifier, read: Reading, *kinds: str) -> list[FigureSpec]:
    return FigureRequest(kinds=kinds, measure="contribution").specs(classifier, read)


@pytest.mark.parametrize("kind", FIGURE_KINDS)
def test_numbers_with_heads_off_replay(
    classifier: Classifier, silenced: Reading, kind: str
) -> None:
    (spec,) = specs(classifier, silenced, kind)
    content = render(spec, "json")
    values = json.loads(content)
    assert values["without"] == [list(head) for head in OFF]
    assert SAID in citation(spec).sentence()
    assert all(part.agrees for part in replay(parse("a.json", content), classifier))
    del values["without"]
    differing = replay(parse("a.json", json.dumps(values).encode()), classifier)
    assert {part.name for part in differing if not part.agrees} >= {"logits", "citation"}


def test_a_file_of_before_has_no_heads_off(classifier: Classifier, reading: Reading) -> None:
    (spec,) = specs(classifier, reading, "head")
    assert "without" not in json.loads(render(spec, "json"))
    assert " off" not in citation(spec).sentence()
    assert "off" not in file_name(spec, "png")
    assert "without" not in np.load(io.BytesIO(render(spec, "npz")))


def test_every_file_says_which_heads_are_off(
    classifier: Classifier, silenced: Reading, tmp_path: Path
) -> None:
    (spec,) = specs(classifier, silenced, "head")
    assert file_name(spec, "png").endswith("-off-0.1-1.0.png")
    arrays = np.load(io.BytesIO(render(spec, "npz")), allow_pickle=False)
    np.testing.assert_array_equal(arrays["without"], OFF)
    assert SAID in str(arrays["citation"])
    assert SAID in render(spec, "html").decode()
    assert SAID in bertviz_html(silenced, view="head").decode()
    assert table_name("heads", silenced) == "heads-off-0.1-1.0.csv"
    assert archive_name([spec]).endswith("-off-0.1-1.0.zip")
    with ZipFile(io.BytesIO(archive([spec], ["json"]))) as packed:
        readme = packed.read("README.txt").decode()
    assert f"It was read with {SAID}." in readme
    explained = attribute(classifier, silenced)
    assert record(silenced, explained)["without"] == [list(head) for head in OFF]
    assert f"\nRead with {SAID}." in list(report(silenced, explained))


def test_many_heads_that_are_off_get_a_name_of_their_own(classifier: Classifier) -> None:
    every = [(layer, head) for layer in range(3) for head in range(classifier.n_heads)]
    names = []
    for heads in (every[:-1], every[1:], every):
        (spec,) = specs(classifier, classifier.read(TEXT, without=heads), "head")
        names.append(file_name(spec, "png"))
    assert len({*names}) == 3
    assert names[-1].endswith("-off-0-1-2.png")


def test_an_export_of_rows_says_which_heads_are_off(classifier: Classifier, tmp_path: Path) -> None:
    data = tmp_path / "rows.csv"
    data.write_text("text\noil prices rise\n", "utf-8")
    options = ExportOptions(request=FigureRequest(kinds=("head",)), formats=("json",))
    folder = tmp_path / "out"
    export = DatasetExport(classifier.without(OFF), open_texts(data), options, folder)
    (row,) = export.run()
    assert json.loads((folder / row.files[0]).read_bytes())["without"] == [*map(list, OFF)]
    with pytest.raises(SelectionError, match=r"other settings .*without"):
        DatasetExport(classifier, open_texts(data), options, folder)


@pytest.mark.parametrize("wrong", ["x", [[0]], [[0, 1, 2]], [["a", 1]], 7])
def test_heads_that_are_none_are_refused(
    classifier: Classifier, silenced: Reading, wrong: object
) -> None:
    (spec,) = specs(classifier, silenced, "head")
    values = json.loads(render(spec, "json")) | {"without": wrong}
    with pytest.raises(RecordError, match="export it again"):
        parse("a.json", json.dumps(values).encode())


def test_the_command_turns_heads_off(checkpoint: Path, tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, [*arguments, "--checkpoint", str(checkpoint)])
        return result.exit_code, result.output

    code, output = run("read", TEXT, "--without", "0.1", "--without", "1.0", "--json")
    assert code == 0
    assert json.loads(output)["without"] == [list(head) for head in OFF]
    code, output = run("read", TEXT, "--without", "0.1,1.0")
    assert f"Read with {SAID}." in output
    code, output = run(
        "export", "head", TEXT, "--output", str(tmp_path), "--without", "1", "--format", "json"
    )
    assert code == 0
    saved = json.loads(next(tmp_path.glob("*-off-1.json")).read_bytes())
    assert saved["without"] == [[1, head] for head in range(4)]
    for wrong, sentence in (("1.9", "Head 9 of layer 1 does not exist"), ("H1", "is not a head")):
        code, output = run("read", TEXT, "--without", wrong)
        assert code == 1
        assert sentence in output
        assert output.count("\n") == 1


def test_what_is_measured_of_a_checkpoint_needs_all_heads(
    classifier: Classifier, tmp_path: Path
) -> None:
    data = tmp_path / "rows.csv"
    data.write_text("text,label\noil prices rise,Business\n", "utf-8")
    with pytest.raises(MethodError, match=r"^An audit is of a checkpoint with all of its heads"):
        audit(classifier.without(OFF), ["oil prices rise"])
    with pytest.raises(MethodError, match=r"^A record of faithfulness is .*; turn them on\.$"):
        ScoreRun(classifier.without(OFF), open_texts(data), ScoreConfig(("occlusion",)), tmp_path)


def test_an_equation_says_which_heads_are_off(
    classifier: Classifier, silenced: Reading, checkpoint: Path
) -> None:
    unfolding = unfold(classifier, silenced, 1, 2, 0, 3)
    (logits,) = [step for step in unfolding.steps if step.name == "logits"]
    np.testing.assert_allclose(
        np.ravel(logits.result.values), silenced.prediction.logits, atol=1e-5
    )
    said = SAID.replace("·", r"\textperiodcentered{}")
    assert said in export_step(unfolding, logits, "tex").decode()
    assert unfolding_record(unfolding, [logits])["without"] == [list(head) for head in OFF]
    result = CliRunner().invoke(
        app, ["inside", TEXT, "--without", "0.1,1.0", "--checkpoint", str(checkpoint)]
    )
    assert f"Read with {SAID}." in result.output.replace("\n", " ")
