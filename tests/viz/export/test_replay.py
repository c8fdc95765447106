"""Replaying saved numbers: passes on what was saved, fails on whatever was changed in it."""

import json
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile

import pytest
from typer.testing import CliRunner, Result

from tests.tiny_models import LABELS, tiny_checkpoint
from viz import METHODS, Classifier, attribute, contribution
from viz.__main__ import app
from viz.errors import RecordError, VizError
from viz.export import json_reader
from viz.export.formats import render
from viz.export.request import FigureRequest
from viz.mechanism.unfolding.unfold import Unfolder
from viz.runs import files
from viz.types import Reading

TEXT = "Oil prices rise as stocks fall, the market was not good."


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["replay", *map(str, arguments)])


def saved(classifier: Classifier, read: Reading, request: FigureRequest) -> dict[str, Any]:
    (spec,) = request.specs(classifier, read)
    values: dict[str, Any] = json.loads(render(spec, "json"))
    return values


def put(folder: Path, values: object) -> Path:
    path = folder / "numbers.json"
    path.write_text(json.dumps(values, ensure_ascii=False), "utf-8")
    return path


REQUESTS = [
    FigureRequest(kinds=("head",)),
    FigureRequest(kinds=("head",), layer=1, head=2, special=False, unit="wordpiece"),
    FigureRequest(kinds=("layer",), layer=0, quadrant="A-B"),
    FigureRequest(kinds=("arcs",), measure="contribution", special=False),
    FigureRequest(kinds=("atlas",), measure="contribution", target="World", against="none"),
    *(FigureRequest(kinds=("attribution",), method=method) for method in METHODS),
    FigureRequest(kinds=("attribution",), target="Sports", against="Sci/Tech"),
    FigureRequest(kinds=("attribution",), method="lime:rows=30:seed=4"),
]


def test_options_are_saved_and_an_older_file_has_none(
    checkpoint: Path, classifier: Classifier, reading: Reading, tmp_path: Path
) -> None:
    request = FigureRequest(kinds=("attribution",), method="lime:rows=30:seed=4")
    values = saved(classifier, reading, request)
    assert values["request"]["options"] == {"operator": "mask", "rows": 30, "seed": 4}
    assert {"rows 30", "seed 4"} <= set(values["citation"]["settings"])
    assert len(values["numbers"]["token_errors"]) == reading.encoding.n_tokens
    del (older := saved(classifier, reading, FigureRequest(kinds=("attribution",))))["request"][
        "options"
    ]
    assert run(put(tmp_path, older), "--checkpoint", checkpoint).exit_code == 0


@pytest.mark.parametrize("request_", REQUESTS)
def test_every_export_replays(
    checkpoint: Path, classifier: Classifier, tmp_path: Path, request_: FigureRequest
) -> None:
    read = classifier.read(TEXT, "good 你好 movie = <b>")
    path = put(tmp_path, saved(classifier, read, request_))
    result = run(path, "--checkpoint", checkpoint)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("numbers.json: all agree within 1e-6\n")
    assert "DIFFERS" not in result.stdout
    assert "largest difference" in result.stdout


def change(*keys: str | int, by: Callable[[Any], Any]) -> Callable[[dict[str, Any]], None]:
    def apply(values: Any) -> None:
        *path, last = keys
        for key in path:
            values = values[key]
        values[last] = by(values[last])

    return apply


ATTENTION_CHANGES = {
    "a weight": (change("numbers", "weights", 0, 0, 1, 2, by=lambda x: x + 2e-6), "weights"),
    "removed mass": (change("numbers", "removed", 0, 0, 1, by=lambda x: x + 1e-5), "removed"),
    "a logit": (change("prediction", "logits", 2, by=lambda x: x + 1e-4), "logits"),
    "a probability": (change("prediction", "probabilities", 0, by=lambda x: x + 2e-6), "prob"),
    "a label": (change("prediction", "labels", 0, by=lambda _: "Weather"), "labels"),
    "the predicted label": (change("prediction", "label", by=lambda _: "Weather"), "label"),
    "a token": (change("tokens", 2, "text", by=lambda _: "market"), "tokens"),
    "a lost token": (change("tokens", by=lambda x: x[:-1]), "tokens"),
    "the text": (change("text", by=lambda x: x.replace("good", "bad")), "text"),
    "only white space": (change("text", by=lambda x: x + " "), "text"),
    "a second text": (change("pair", by=lambda _: "good movie"), "text"),
    "a word of an axis": (change("numbers", "keys", 1, "label", by=lambda _: "gas"), "keys"),
    "a lost row": (change("numbers", "weights", 0, 0, by=lambda x: x[:-1]), "weights"),
    "a lost axis": (change("numbers", "weights", by=lambda x: x[0]), "weights"),
    "another head": (change("request", "head", by=lambda _: 1), "weights"),
    "another layer": (change("request", "layer", by=lambda _: 0), "weights"),
    "a sentence": (change("citation", "shows", by=lambda _: "rollout"), "citation"),
    "the sentence to cite": (change("citation", "sentence", by=lambda x: x + "!"), "citation"),
    "a version in the facts alone": (change("citation", "version", by=lambda _: "9"), "citation"),
    "a text's hash": (change("citation", "text_hash", by=lambda _: "0" * 64), "text"),
}


@pytest.mark.parametrize("name", ATTENTION_CHANGES)
def test_a_changed_record_of_attention_differs(
    checkpoint: Path, classifier: Classifier, reading: Reading, tmp_path: Path, name: str
) -> None:
    apply, part = ATTENTION_CHANGES[name]
    values = saved(classifier, reading, FigureRequest(kinds=("head",), head=0, special=False))
    apply(values)
    result = run(put(tmp_path, values), "--checkpoint", checkpoint)
    assert result.exit_code == 1, result.output
    line = result.stdout.splitlines()[0]
    assert line.startswith("numbers.json: DIFFERS in ")
    assert part in line


@pytest.mark.parametrize("part", ["value", "bias", "scores", "token_scores"])
def test_a_changed_record_of_an_attribution_differs(
    checkpoint: Path, classifier: Classifier, reading: Reading, tmp_path: Path, part: str
) -> None:
    values = saved(classifier, reading, FigureRequest(kinds=("attribution",)))
    numbers = values["numbers"]
    if isinstance(numbers[part], list):
        numbers[part][3] += 1e-3
    else:
        numbers[part] += 1e-3
    result = run(put(tmp_path, values), "--checkpoint", checkpoint)
    assert result.exit_code == 1
    assert f"DIFFERS in {part}\n" in result.stdout
    assert "1.0e-03" in result.stdout


REFUSED = {
    "a ragged table": (change("numbers", "weights", 0, 0, 1, by=lambda x: x[:-1]), "rows differ"),
    "a text as number": (change("numbers", "weights", 0, 0, 1, 2, by=str), "not a number"),
    "null as number": (change("prediction", "logits", 1, by=lambda _: None), "not a number"),
    "truth as number": (change("prediction", "logits", by=lambda _: [True] * 4), "not a number"),
    "an endless number": (change("prediction", "logits", 1, by=lambda _: 10**400), "not a number"),
    "infinity": (change("prediction", "logits", 1, by=lambda _: float("inf")), "not a number"),
    "another format": (change("clsight", by=lambda _: 2), "has format 2"),
    "no format": (lambda values: values.pop("clsight"), "it has no clsight"),
    "no numbers": (lambda values: values.pop("numbers"), "in 'numbers', field required"),
    "no weights": (lambda values: values["numbers"].pop("weights"), "lacks 'weights'"),
    "more numbers": (change("numbers", by=lambda x: x | {"more": 1}), "unknown 'more'"),
    "no text": (change("text", by=lambda _: None), "in 'text', input should"),
    "a blank text": (change("text", by=lambda _: " "), "text is empty"),
    "tokens as text": (change("tokens", by=lambda _: "Oil"), "in 'tokens', input should"),
    "no citation": (lambda values: values.pop("citation"), "in 'citation', field required"),
    "no version": (change("citation", "version", by=lambda _: None), "in 'citation.version', in"),
    "no fingerprint": (lambda values: values["citation"].pop("fingerprint"), "fingerprint', field"),
    "an unknown kind": (change("request", "kind", by=lambda _: "film"), "known are head"),
    "a layer too high": (change("request", "layer", by=lambda _: 99), "Layer 99 does not exist"),
    "a layer as text": (change("request", "layer", by=lambda _: "1"), "in 'request.layer', input"),
    "special as number": (change("request", "special", by=lambda _: 1), "in 'request.special', in"),
    "no class": (change("request", "measure", by=lambda _: "contribution"), "'target_class'"),
    "no method": (change("request", by=lambda x: x | {"kind": "attribution", "target_class": 0}),
                  "'method'"),
    "a quadrant": (change("request", "quadrant", by=lambda _: "A-B"), "Only one text"),
    "other weights": (change("citation", "fingerprint", by=lambda _: "ab" * 32), "weights abab"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_record_is_refused_in_one_sentence(
    checkpoint: Path, classifier: Classifier, reading: Reading, tmp_path: Path, name: str
) -> None:
    apply, sentence = REFUSED[name]
    values = saved(classifier, reading, FigureRequest(kinds=("head",), head=0))
    apply(values)
    refused(run(put(tmp_path, values), "--checkpoint", checkpoint), sentence)


def refused(result: Result, sentence: str) -> None:
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    assert len(result.stderr.splitlines()) == 1
    assert sentence in result.stderr


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it isn't JSON"),
        (b"{", "it isn't JSON"),
        (b"\xff\xfe\x00", "it isn't JSON"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b"[1, 2]", "input should be an object"),
        (b"{}", "it has no clsight"),
        (b'{"clsight": true}', "has format True, and this version of CLSight reads 1"),
        (b'{"clsight": NaN}', "has format nan"),
        (b'{"clsight": 2, "clsight": 1}', "'clsight' occurs twice"),
        (b"PK\x05\x06" + b"\0" * 18, "holds no JSON"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "numbers.json"
    path.write_bytes(content)
    refused(run(path), sentence)


@pytest.mark.parametrize("method", [ZIP_STORED, ZIP_DEFLATED, ZIP_BZIP2, ZIP_LZMA])
def test_a_damaged_zip_is_refused(tmp_path: Path, method: int) -> None:
    path, content = tmp_path / "all.zip", BytesIO()
    with ZipFile(content, "w", method) as packed:
        packed.writestr("numbers.json", json.dumps({"clsight": list(range(60))}))
    whole = content.getvalue()
    damaged = [
        *(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(len(whole))),
        *(whole[:size] for size in range(len(whole) - 200, len(whole))),
    ]
    for wrong in damaged:
        path.write_bytes(wrong)
        with pytest.raises(RecordError):
            list(json_reader.read_records(path))
    refused(run(path), ".")


def test_what_differs_is_said_in_few_words(
    checkpoint: Path, classifier: Classifier, reading: Reading, tmp_path: Path
) -> None:
    values = saved(classifier, reading, FigureRequest(kinds=("head",)))
    values["tokens"][1]["text"] = "x" * 1_000_000
    result = run(put(tmp_path, values), "--checkpoint", checkpoint)
    assert result.exit_code == 1
    assert "1: text: 'xxx" in result.stdout
    assert len(result.stdout) < 2_000


def test_a_record_of_another_version_replays(
    checkpoint: Path, classifier: Classifier, reading: Reading, tmp_path: Path
) -> None:
    values = saved(classifier, reading, FigureRequest(kinds=("head",)))
    cited = values["citation"]
    cited["sentence"] = cited["sentence"].replace(f"CLSight {cited['version']}", "CLSight 0.0.9")
    cited["version"] = "0.0.9"
    assert run(put(tmp_path, values), "--checkpoint", checkpoint).exit_code == 0


@pytest.mark.parametrize("kind", ["file", "zip", "endless"])
def test_a_file_too_large_is_refused_before_it_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(json_reader, "MAX_BYTES", 1000)
    path = tmp_path / "numbers"
    if kind == "zip":
        with ZipFile(path, "w", ZIP_DEFLATED) as packed:
            packed.writestr("numbers.json", " " * 1001)
    elif kind == "file":
        path.write_bytes(b" " * 1001)
    elif Path("/dev/zero").exists():
        path = Path("/dev/zero")
    else:
        pytest.skip("this system has no endless file")
    is_device = kind == "endless"
    sentence = "not a regular file" if is_device else "is too large; a record has 1,000 bytes"
    refused(run(path), sentence)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    refused(run(tmp_path / "nothing.json"), "can't be read")
    refused(run(tmp_path), "can't be read")


def test_the_checkpoint_is_found_by_name_and_by_its_weights(
    checkpoint: Path,
    classifier: Classifier,
    reading: Reading,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = put(tmp_path, saved(classifier, reading, FigureRequest(kinds=("head",))))
    monkeypatch.setattr("viz.runs.checkpoint_folders.ROOT", tmp_path)
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(tmp_path / "runs"))
    refused(run(path), "There is no checkpoint 'tiny-bert' in assets/, in checkpoints/ or among")
    tiny_checkpoint(tmp_path / "assets" / "tiny-bert", labels=LABELS, seed=1)
    refused(run(path), f"was made with weights {classifier.fingerprint[:12]}")
    broken = shutil.copytree(checkpoint, tmp_path / "checkpoints" / "tiny-bert")
    (broken / "config.json").write_text("{")
    refused(run(path), f"was made with weights {classifier.fingerprint[:12]}")
    shutil.copytree(checkpoint, tmp_path / "runs" / "tiny-bert")
    assert run(path).exit_code == 0


def test_a_base_model_is_replayed_and_has_no_class_to_explain(
    checkpoint: Path, tmp_path: Path
) -> None:
    base = Classifier.load(checkpoint, base=True)
    reading = base.read(TEXT)
    values = saved(base, reading, FigureRequest(kinds=("head",)))
    assert (values["prediction"]["label"], values["prediction"]["labels"]) == (None, [])
    again = run(put(tmp_path, values), "--checkpoint", checkpoint)
    assert again.exit_code == 0, again.output
    for explain in (attribute, contribution, Unfolder):
        with pytest.raises(VizError, match="has no classification head"):
            explain(base, reading)


@pytest.mark.parametrize("name", ["../tiny-bert", "/etc", "owner/model", ""])
def test_a_name_in_a_file_leads_nowhere_else(
    classifier: Classifier, reading: Reading, tmp_path: Path, name: str
) -> None:
    values = saved(classifier, reading, FigureRequest(kinds=("head",)))
    values["citation"]["checkpoint"] = name
    refused(run(put(tmp_path, values)), "There is no checkpoint")


def test_an_export_of_the_shipped_checkpoint_replays_without_naming_it(tmp_path: Path) -> None:
    export = ["export", TEXT, "--output", str(tmp_path), "--attribution", "decomposition"]
    made = CliRunner().invoke(app, [*export, "--format", "json"])
    assert made.exit_code == 0, made.output
    result = run(made.stdout.strip())
    assert result.exit_code == 0, result.output
