"""`clsight inside`: every equation behind one attention weight, in a terminal and as JSON."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from tests.families import family_checkpoint
from viz import Classifier, Reading, unfold
from viz.__main__ import app
from viz.export.step import record
from viz.export.step.report import WIDTH
from viz.mechanism.unfolding.cell import default_cell

TEXT = "Oil prices rise as stocks fall, the market was not good."


def run(checkpoint: Path, *arguments: str | Path, text: str = TEXT) -> Result:
    words = ["inside", text, "--checkpoint", str(checkpoint), *map(str, arguments)]
    return CliRunner().invoke(app, words)


def refused(result: Result) -> str:
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    (line,) = result.stderr.splitlines()
    assert line.endswith(".")
    return line


def test_the_story_fits_a_terminal(checkpoint: Path, reading: Reading) -> None:
    result = run(checkpoint)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    cell = default_cell(reading, layer=reading.attention.n_layers - 1)
    assert lines[0].startswith(reading.prediction.label)
    assert f"L{cell.layer} · H{cell.head}: [CLS] (0) looks at " in lines[1]
    weight = reading.attention.weights[cell]
    assert float(lines[2].rpartition(" ")[2]) == pytest.approx(weight, rel=1e-5)
    marks = {ord(mark): None for mark in "\u0302\u0303\u0304"}
    assert max(len(line.translate(marks)) for line in lines) <= WIDTH
    below = [line for line in lines if line.startswith("Layer 0: ")]
    assert len(below) == 1
    assert "equations" in below[0]
    headings = [line for line in lines if line and not line.startswith(" ")][4:]
    assert headings[0] == "Embeddings"
    assert headings[-1] == "Classifier"
    assert f"Layer {cell.layer}: attention" in headings


def test_all_layers_are_printed_where_asked_for(checkpoint: Path) -> None:
    brief, whole = run(checkpoint).stdout, run(checkpoint, "--all").stdout
    assert "\nLayer 0: attention\n" in whole
    assert "\nLayer 0: attention\n" not in brief


def test_json_holds_what_unfold_records(
    checkpoint: Path, classifier: Classifier, reading: Reading
) -> None:
    place = ("--layer", "1", "--head", "2", "--query", "stocks", "--key", "2", "--json")
    result = run(checkpoint, *place)
    assert (result.exit_code, result.stderr) == (0, "")
    values = json.loads(result.stdout)
    query = next(i for i, token in enumerate(reading.encoding.tokens) if token.text == "stocks")
    expected = unfold(classifier, reading, 1, 2, query, 2)
    assert [values[name] for name in ("layer", "head", "query", "key")] == [1, 2, query, 2]
    assert values["score"] == pytest.approx(expected.score, rel=1e-5)
    assert values["weight"] == pytest.approx(expected.weight, rel=1e-5)
    assert [step["name"] for step in values["steps"]] == [step.name for step in expected.steps]
    for saved, step in zip(values["steps"], expected.steps, strict=True):
        assert saved["operation"] == step.operation
        assert saved["difference"] is None or saved["difference"] < 1e-5
        for term_id, term in zip(saved["operands"], step.operands, strict=True):
            shown = values["terms"][term_id]
            assert (shown["name"], shown["shape"]) == (term.name, list(term.shape))
            if "values" in shown:
                np.testing.assert_allclose(shown["values"], term.values, rtol=1e-4, atol=1e-6)
            else:
                assert shown["left_out"] == term.values.size


def test_json_says_what_is_left_out(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "MAX_VALUES", 8)
    values = json.loads(run(checkpoint, "--json", "--step", "query").stdout)
    assert [step["name"] for step in values["steps"]] == ["query"]
    assert any(term.get("left_out", 0) > 8 for term in values["terms"].values())
    assert all(np.size(term.get("values", 0)) <= 8 for term in values["terms"].values())


def test_one_step_is_printed_alone(checkpoint: Path) -> None:
    lines = run(checkpoint, "--layer", "0", "--step", "score").stdout.splitlines()
    assert lines[0].startswith("  score of [CLS] (0): s_0,")
    assert lines[1].startswith("     = ")
    assert len(lines) == 2


def test_a_step_is_saved_in_every_format(checkpoint: Path, tmp_path: Path) -> None:
    result = run(
        *(checkpoint, "--layer", "1", "--head", "2", "--query", "5", "--key", "3"),
        *("--output", tmp_path / "out", "--format", "png, svg,pdf,html,tex"),
    )
    assert result.exit_code == 0, result.output
    files = [Path(line) for line in result.stdout.splitlines()]
    assert {file.suffix for file in files} == {".png", ".svg", ".pdf", ".html", ".tex"}
    assert all(file.name.startswith("tiny-bert-L1-H2-q5-k3-score.") for file in files)
    assert all(file.stat().st_size > 500 for file in files)


def test_heads_can_be_off(checkpoint: Path, classifier: Classifier, tmp_path: Path) -> None:
    off = ("--without", "1.0", "--layer", "1", "--head", "0")
    result = run(checkpoint, *off)
    assert result.exit_code == 0, result.output
    assert "Read with head L1 · H0 off." in result.stdout
    values = json.loads(run(checkpoint, *off, "--json", "--step", "logits").stdout)
    assert values["without"] == [[1, 0]]
    (step,) = values["steps"]
    without = classifier.read(TEXT, without=[(1, 0)]).prediction.logits
    np.testing.assert_allclose(values["terms"][step["result"]]["values"], without, atol=1e-5)
    saved = run(checkpoint, *off, "--output", tmp_path, "--format", "tex")
    assert r"head L1 \textperiodcentered{} H0 off" in Path(saved.stdout.strip()).read_text()


def test_a_key_that_a_causal_mask_forbids_has_weight_0(tmp_path: Path) -> None:
    folder = family_checkpoint(tmp_path / "gpt2", "gpt2")
    result = run(folder, "--layer", "1", "--head", "0", "--query", "2", "--key", "5", "--json")
    assert result.exit_code == 0, result.output
    values = json.loads(result.stdout)
    assert values["weight"] == 0
    assert np.isfinite(values["score"])


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--layer", "7"), "Layer 7 does not exist"),
        (("--head", "9"), "Head 9 does not exist"),
        (("--query", "bonds"), "'bonds' is not a word of this text"),
        (("--key", "99"), "'99' is not a word of this text; name one, or a position from 0 to"),
        (("--step", "soup"), "no step 'soup'"),
        (("--output", "x", "--format", "gif"), "'gif'"),
        (("--output", "x", "--format", ","), "No format"),
        (("--output", "x", "--json"), "ask for one of them"),
        (("--format", "png"), "--format does nothing without --output; leave it out, or name"),
        (("--all", "--step", "score"), "--all does nothing with --step; leave one of them out."),
        (("--all", "--json"), "--all does nothing with --json; leave one of them out."),
        (("--all", "--output", "x"), "--all does nothing with --output; leave one of them out."),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    checkpoint: Path, tmp_path: Path, words: tuple[str, ...], named: str
) -> None:
    assert named in refused(run(checkpoint, *words))


def test_a_file_in_the_place_of_the_folder_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "is a file" in refused(run(checkpoint, "--output", tmp_path / "file"))
