"""A checkpoint with heads cut out, opened by transformers alone, against the one with them off."""

import json
import re
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from typer.testing import CliRunner

from finetune.checkpoint.loading import open_plainly
from finetune.checkpoint.models import load_base
from tests.families import family_checkpoint
from tests.tiny_models import LABELS, Family, tiny_checkpoint
from viz import Classifier
from viz.__main__ import app
from viz.errors import CheckpointError, MethodError, SelectionError
from viz.mechanism.pruning import prune
from viz.mechanism.pruning.selection import least_important
from viz.types import Reading

TEXTS = ("oil prices rise", "the team wins the game !", "not good , not bad : peace talks fall")


def plain_logits(folder: Path, text: str) -> np.ndarray:
    """What transformers says, with nothing of this project."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    inputs = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.inference_mode():
        return np.asarray(model(**inputs).logits[0])


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def check_pruned(source: Path, output: Path, heads: list[tuple[int, int]]) -> Classifier:
    """Cut, compare with transformers and with heads off, and open again."""
    whole = Classifier.load(source, device="cpu")
    pruned = prune(whole, heads, output)
    assert pruned.bytes_after == size(output) < size(source) == pruned.bytes_before
    silenced, back = whole.without(heads), Classifier.load(output, device="cpu")
    for text in TEXTS:
        expected = silenced.read(text).prediction.logits
        assert np.abs(whole.read(text).prediction.logits - expected).max() > 1e-3
        np.testing.assert_allclose(plain_logits(output, text), expected, atol=1e-4)
        np.testing.assert_allclose(back.read(text).prediction.logits, expected, atol=1e-4)
    entry = json.loads((output / "config.json").read_text("utf-8"))["cut_heads"]
    assert entry["fingerprint"] == whole.fingerprint
    card = (output / "README.md").read_text("utf-8")
    assert pruned.sentence in card
    assert f"`{entry['heads']}`" in card
    return back


@pytest.mark.parametrize("family", ["bert", "gpt2", "modernbert", "deberta-v2"])
def test_a_layer_without_heads_goes_where_projections_keep_their_width(
    family: str, tmp_path: Path
) -> None:
    source = family_checkpoint(tmp_path / "whole", family)
    back = check_pruned(source, tmp_path / "smaller", [(1, head) for head in range(4)])
    config = json.loads((tmp_path / "smaller" / "config.json").read_text("utf-8"))
    assert config["cut_heads"]["absent"]
    assert config["num_attention_heads" if family != "gpt2" else "n_head"] == back.n_heads == 4
    held = load_file(tmp_path / "smaller" / "model.safetensors")
    assert not held.keys() & set(config["cut_heads"]["absent"])


def test_a_folder_can_lose_the_heads_of_another_layer_later(tmp_path: Path) -> None:
    source = family_checkpoint(tmp_path / "whole", "bert")
    first = [(1, head) for head in range(4)]
    check_pruned(source, tmp_path / "smaller", first)
    with pytest.raises(MethodError, match="All heads of layer 1 are gone from 'smaller' already"):
        prune(tmp_path / "smaller", first, tmp_path / "same")
    check_pruned(tmp_path / "smaller", tmp_path / "smallest", [(0, head) for head in range(4)])
    assert size(tmp_path / "smallest") < size(tmp_path / "smaller")


@pytest.mark.parametrize(
    ("family", "heads", "left"),
    [
        # Two groups of two heads with the same keys: each layer loses one of them.
        ("llama", [(0, 0), (0, 1), (1, 2), (1, 3)], [(2, 3), (0, 1)]),
        # Queries, keys and values in one tensor, one behind the other.
        ("phi3", [(0, 0), (0, 1), (1, 2), (1, 3)], [(2, 3), (0, 1)]),
        # A head of its own keys each; one head more is off than every layer loses.
        ("gte", [(0, 0), (0, 1), (1, 1), (1, 2), (1, 3)], [(2, 3), (0, 1)]),
    ],
)
def test_each_layer_loses_heads_where_config_says_how_wide_they_are(
    family: str, heads: list[tuple[int, int]], left: list[tuple[int, ...]], tmp_path: Path
) -> None:
    source = family_checkpoint(tmp_path / "whole", family)
    back = check_pruned(source, tmp_path / "smaller", heads)
    assert back.n_heads == 2
    silenced = Classifier.load(source, device="cpu").without(heads)
    for text in TEXTS:
        maps, smaller = silenced.read(text).attention, back.read(text).attention
        for layer, kept in enumerate(left):
            np.testing.assert_allclose(
                smaller.weights[layer], maps.weights[layer, list(kept)], atol=1e-5
            )


def test_what_the_folder_says_of_classes_and_storage_stays(tmp_path: Path) -> None:
    source = tiny_checkpoint(tmp_path / "whole", dtype=torch.float16)
    config = json.loads((source / "config.json").read_text("utf-8"))
    (source / "config.json").write_text(
        json.dumps(config | {"calibration_temperature": 1.5}), "utf-8"
    )
    (source / "README.md").write_text("# Mine\n", "utf-8")
    output = tmp_path / "smaller"
    output.mkdir()
    pruned = prune(source, [(0, head) for head in range(4)], output)
    assert len({file.stat().st_mode for file in output.iterdir()}) == 1
    back = Classifier.load(output, device="cpu")
    assert (back.labels, back.temperature) == (LABELS, 1.5)
    held = load_file(output / "model.safetensors")
    assert {tensor.dtype for tensor in held.values()} == {torch.float16}
    assert (output / "README.md").read_text("utf-8").startswith("# Mine\n\n## Heads cut out\n")
    assert pruned.bytes_before - pruned.bytes_after > 4 * 32 * 32 * 2 - 1000
    # Heads that are off beside those of a whole layer stay off.
    beside = prune(source, [*((0, head) for head in range(4)), (2, 1)], tmp_path / "beside")
    assert beside.bytes_after == pruned.bytes_after
    expected = Classifier.load(source, device="cpu").without(beside.heads)
    np.testing.assert_allclose(
        plain_logits(tmp_path / "beside", TEXTS[0]),
        expected.read(TEXTS[0]).prediction.logits,
        atol=1e-4,
    )


def test_what_would_not_get_smaller_is_refused(tmp_path: Path) -> None:
    bert = tiny_checkpoint(tmp_path / "bert")
    with pytest.raises(MethodError, match=r"as wide as its states, whatever config.json says"):
        prune(bert, [(0, 1), (2, 3)], tmp_path / "out")
    llama = family_checkpoint(tmp_path / "llama", "llama")
    with pytest.raises(MethodError, match=r"a group of heads that share .* Layers 1 lose none\."):
        prune(llama, [(0, 0), (0, 1)], tmp_path / "out")
    albert = family_checkpoint(tmp_path / "albert", "albert")
    with pytest.raises(MethodError, match=r"share their weights, so no head of one layer"):
        prune(albert, [(0, head) for head in range(4)], tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["albert", "bert", "llama"]


def test_a_folder_that_answers_otherwise_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tiny_checkpoint(tmp_path / "bert")

    def with_a_fault(folder: Path) -> torch.nn.Module:
        model: torch.nn.Module = open_plainly(folder)
        with torch.no_grad():
            model.get_parameter("classifier.bias")[0] += 0.01
        return model

    monkeypatch.setattr("viz.mechanism.pruning.pruned_checkpoint.open_plainly", with_a_fault)
    with pytest.raises(MethodError):
        prune(source, [(0, head) for head in range(4)], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["bert"]


def test_a_config_that_declares_other_tensors_absent_is_refused(tmp_path: Path) -> None:
    source = tiny_checkpoint(tmp_path / "bert")
    output = tmp_path / "smaller"
    prune(source, [(0, head) for head in range(4)], output)
    config = json.loads((output / "config.json").read_text("utf-8"))
    (output / "config.json").write_text(json.dumps(config | {"initializer_range": 0.02}), "utf-8")
    with pytest.raises(CheckpointError, match=r"it doesn't begin at zero"):
        Classifier.load(output)
    (output / "config.json").write_text(json.dumps(config | {"cut_heads": [1]}), "utf-8")
    with pytest.raises(CheckpointError, match=r"incomplete: 'bert\.encoder\.layer\.0\."):
        Classifier.load(output)


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_what_is_fine_tuned_from_it_begins_with_a_usual_head(
    family: Family, tmp_path: Path
) -> None:
    source = tiny_checkpoint(tmp_path / "whole", family)
    prune(source, [(0, head) for head in range(4)], tmp_path / "smaller")
    base = load_base(str(tmp_path / "smaller"), ("no", "yes"), multi_label=False).model
    body, _, name = sorted(
        json.loads((tmp_path / "smaller" / "config.json").read_text("utf-8"))["cut_heads"]["absent"]
    )[0].partition(".")
    assert not (getattr(base, body).get_parameter(name).abs() > 1e-20).any()
    for part in base.classifier.modules():
        if isinstance(part, torch.nn.Linear):
            assert float(part.weight.detach().std()) > 0.01
    base.save_pretrained(tmp_path / "trained")
    config = json.loads((tmp_path / "trained" / "config.json").read_text("utf-8"))
    assert config["initializer_range"] == 0.02
    assert "absent" not in config["cut_heads"]


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    source = tiny_checkpoint(tmp_path / "bert")
    classifier = Classifier.load(source, device="cpu")
    with pytest.raises(SelectionError, match=r"No head was named"):
        prune(classifier, [], tmp_path / "out")
    with pytest.raises(SelectionError, match=r"Head 9 of layer 0 does not exist"):
        prune(classifier, [(0, 9)], tmp_path / "out")
    with pytest.raises(SelectionError, match=r"has heads off already"):
        prune(classifier.without([(0, 1)]), [(0, 0)], tmp_path / "out")
    with pytest.raises(SelectionError, match=r"holds files already"):
        prune(classifier, [(0, 0)], source)
    (tmp_path / "file").touch()
    whole = [(0, head) for head in range(classifier.n_heads)]
    with pytest.raises(SelectionError, match=r"can't be written: .*; name another folder"):
        prune(classifier, whole, tmp_path / "file" / "out")


def test_the_least_important_heads_that_can_go(tmp_path: Path) -> None:
    worth = np.array([[4.0, 1, 1, 4], [1, 2, 3, 0.5]])
    llama = Classifier.load(family_checkpoint(tmp_path / "llama", "llama"), device="cpu")
    # Groups of two: 2.5 and 2.5 in the lower layer, 1.5 and 1.75 in the upper.
    assert least_important(llama, worth, 4) == ((0, 0), (0, 1), (1, 0), (1, 1))
    with pytest.raises(SelectionError, match=r"choose 4 heads or more"):
        least_important(llama, worth, 3)
    bert = Classifier.load(family_checkpoint(tmp_path / "bert", "bert"), device="cpu")
    assert least_important(bert, worth, 5) == ((1, 0), (1, 1), (1, 2), (1, 3))
    with pytest.raises(SelectionError, match=r"only whole layers"):
        least_important(bert, worth, 3)


def test_heads_that_are_gone_are_not_cut_again(tmp_path: Path) -> None:
    first, second = ([(layer, head) for head in range(4)] for layer in (1, 2))
    prune(tiny_checkpoint(tmp_path / "bert"), first, tmp_path / "smaller")
    smaller = Classifier.load(tmp_path / "smaller", device="cpu")
    worth = np.array([[4.0] * 4, [0] * 4, [2] * 4])
    assert least_important(smaller, worth, 4) == tuple(second)
    with pytest.raises(SelectionError, match="8 of 8 heads can't be cut; choose 1 to 7"):
        least_important(smaller, worth, 8)
    pruned = prune(smaller, [*first, *second], tmp_path / "smallest")
    assert pruned.heads == tuple(second)
    assert pruned.sentence.startswith("Cut 4 heads of smaller")
    config = json.loads((tmp_path / "smallest" / "config.json").read_text("utf-8"))
    assert config["cut_heads"]["heads"] == "2"
    rows = tmp_path / "rows.csv"
    rows.write_text("text\n" + "\n".join(f'"{text}"' for text in TEXTS), "utf-8")
    place = ["--checkpoint", tmp_path / "smaller", "--output", tmp_path / "half", "--data", rows]
    for fraction, sentence in ((0.4, "3 heads are too few"), (0.5, "Cut 4 heads of smaller")):
        given = ["prune", *place, "--fraction", fraction]
        result = CliRunner().invoke(app, [str(each) for each in given])
        assert sentence in result.output


def test_the_command_cuts_what_matters_least(tmp_path: Path) -> None:
    source = tiny_checkpoint(tmp_path / "bert")
    rows = tmp_path / "rows.csv"
    rows.write_text("text\n" + "\n".join(f'"{text}"' for text in TEXTS), "utf-8")

    def run(*arguments: object) -> tuple[int, str]:
        given = ["prune", "--checkpoint", source, "--output", tmp_path / "smaller", *arguments]
        result = CliRunner().invoke(app, [str(each) for each in given])
        return result.exit_code, result.output

    assert "--data" in run("--fraction", 0.4)[1]
    assert "by one of --heads" in run("--heads", "0", "--lowest", 3)[1]
    for option, value in (("--limit", 64), ("--text-column", "text"), ("--pair-column", "b")):
        sentence = f"{option} does nothing without --data; leave it out, or name a file.\n"
        assert run("--heads", "3", option, value) == (1, sentence)
    code, output = run("--fraction", 0.4, "--data", rows)  # 4.8 of 12 heads: one layer
    assert code == 0, output
    assert re.search(r"Least important: [012]\n", output)
    assert "Cut 4 heads of bert" in output
    assert Classifier.load(tmp_path / "smaller").n_heads == 4


def test_pairs_of_the_file_prove_it_too(tmp_path: Path) -> None:
    source = tiny_checkpoint(tmp_path / "bert")
    rows = tmp_path / "rows.csv"
    rows.write_text("premise,hypothesis\n" + "oil prices rise,bad movie\n" * 5, "utf-8")
    columns = ["--text-column", "premise", "--pair-column", "hypothesis"]
    given = ["prune", "--checkpoint", source, "--output", tmp_path / "smaller", "--heads", "1"]
    result = CliRunner().invoke(app, [str(each) for each in [*given, "--data", rows, *columns]])
    assert "logits of 11 texts differ" in result.output


def test_a_folder_that_answers_pairs_otherwise_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tiny_checkpoint(tmp_path / "bert")

    def with_a_fault(folder: Path) -> torch.nn.Module:
        model: torch.nn.Module = open_plainly(folder)
        with torch.no_grad():  # of second texts alone
            model.get_parameter("bert.embeddings.token_type_embeddings.weight")[1] *= -3
        return model

    monkeypatch.setattr("viz.mechanism.pruning.pruned_checkpoint.open_plainly", with_a_fault)
    heads = [(0, head) for head in range(4)]
    prune(source, heads, tmp_path / "single", texts=["oil prices rise"])
    with pytest.raises(MethodError, match="not with the same logits"):
        prune(source, heads, tmp_path / "pairs", texts=[("oil prices rise", "bad movie")])


def test_what_the_proof_cannot_read_is_passed_over(tmp_path: Path) -> None:
    source = tiny_checkpoint(tmp_path / "bert")
    weights = load_file(source / "model.safetensors")
    token = AutoTokenizer.from_pretrained(source).convert_tokens_to_ids("alert")
    weights["bert.embeddings.word_embeddings.weight"][token] = 3e38  # finite, unlike its square
    save_file(weights, source / "model.safetensors", {"format": "pt"})
    classifier, heads = Classifier.load(source, device="cpu"), [(0, head) for head in range(4)]
    pruned = prune(classifier, heads, tmp_path / "smaller", texts=[" ", "alert", "oil"])
    assert pruned.n_texts == prune(classifier, heads, tmp_path / "own").n_texts + 1
    with pytest.raises(SelectionError, match="Of 2 texts to prove the folder on none can be read"):
        prune(classifier, heads, tmp_path / "none", texts=[" ", "alert"])


def test_rows_are_read_only_where_they_order_heads_and_one_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, file = tiny_checkpoint(tmp_path / "bert"), tmp_path / "rows.csv"
    file.write_text("text\n" + "oil prices rise\n" * 5 + " \n", "utf-8")
    maps: list[weakref.ref[np.ndarray]] = []
    most_alive = 0
    read = Classifier.read

    def counted(classifier: Classifier, *arguments: Any) -> Reading:
        nonlocal most_alive
        reading = read(classifier, *arguments)
        maps.append(weakref.ref(reading.attention.weights))
        most_alive = max(most_alive, sum(each() is not None for each in maps))
        return reading

    monkeypatch.setattr(Classifier, "read", counted)

    def run(*arguments: object) -> str:
        given = [*arguments, "--checkpoint", source, "--data", file]
        result = CliRunner().invoke(app, [str(each) for each in given])
        assert result.exit_code == 0, result.output
        return result.output

    assert "logits of 11 texts" in run("prune", "--heads", 1, "--output", tmp_path / "named")
    assert not maps
    assert "logits of 11 texts" in run("prune", "--lowest", 4, "--output", tmp_path / "least")
    assert "Could not be read: 1 text." in run("heads", "--limit", 6)
    assert len(maps) == 10
    assert most_alive <= 2  # the one before goes when the next is there
