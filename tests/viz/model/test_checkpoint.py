"""Every folder that is not a checkpoint, and every broken one, is refused in one sentence."""

import hashlib
import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    LongformerConfig,
    LongformerForSequenceClassification,
)

from finetune.checkpoint.hub import hub_answers
from tests.tiny_models import edit_config, tiny_checkpoint, tokenizer
from viz import Classifier
from viz.errors import CheckpointError


def emptied(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def cut_short(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])


def garbage(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 300)


def only_a_pickle(folder: Path) -> None:
    without_weights(folder)
    torch.save({}, folder / "pytorch_model.bin")


def missing_shard(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    index = {"weight_map": {"b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")


def broken_config(folder: Path) -> None:
    (folder / "config.json").write_text("{", "utf-8")


def unknown_architecture(folder: Path) -> None:
    edit_config(folder, model_type="perceptron9000")


def generative(folder: Path) -> None:
    config = GPT2Config(n_layer=1, n_head=2, n_embd=8, vocab_size=50, n_positions=16)
    GPT2LMHeadModel(config).save_pretrained(folder)


def without_head(folder: Path) -> None:
    config = BertConfig(
        num_hidden_layers=1,
        num_attention_heads=2,
        hidden_size=8,
        intermediate_size=8,
        vocab_size=50,
    )
    BertModel(config).save_pretrained(folder)


def more_classes_than_weights(folder: Path) -> None:
    edit_config(folder, id2label={str(i): f"c{i}" for i in range(9)}, label2id={})


def more_layers_than_weights(folder: Path) -> None:
    edit_config(folder, num_hidden_layers=7)


def classes_from_one(folder: Path) -> None:
    edit_config(folder, id2label={str(i): f"c{i}" for i in range(1, 5)}, label2id={})


def broken_index(folder: Path) -> None:
    without_weights(folder)
    (folder / "model.safetensors.index.json").write_text('{"weight_map": 3}', "utf-8")


def odd_architectures(folder: Path) -> None:
    edit_config(folder, architectures=[3])


def several_numbers(folder: Path) -> None:
    edit_config(folder, problem_type="regression")


def no_class(folder: Path) -> None:
    edit_config(folder, id2label={}, label2id={})


def without_tokenizer(folder: Path) -> None:
    for file in folder.glob("tokenizer*"):
        file.unlink()


def small_embedding(folder: Path) -> None:
    words = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    entries = words["model"]["vocab"]
    entries |= {f"extra{i}": len(entries) + i for i in range(50)}
    (folder / "tokenizer.json").write_text(json.dumps(words), "utf-8")


def not_finite(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights["classifier.weight"][:] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


CASES: list[tuple[Callable[[Path], None], str]] = [
    (emptied, "'broken' is not a checkpoint: config.json is missing"),
    (without_weights, "'broken' has a config.json but model.safetensors is missing"),
    (cut_short, "'model.safetensors' in 'broken' is damaged or truncated"),
    (garbage, "'model.safetensors' in 'broken' is damaged or truncated"),
    (only_a_pickle, "'broken' holds its weights only as a pickle (pytorch_model.bin)"),
    (missing_shard, "'broken' lacks 'model-2.safetensors', which its index names"),
    (broken_config, "'config.json' in 'broken' can't be read as JSON"),
    (
        unknown_architecture,
        "names the model_type 'perceptron9000', which transformers doesn't know",
    ),
    (generative, "'broken' holds GPT2LMHeadModel, which has no classification head"),
    (without_head, "'broken' holds BertModel, which has no classification head"),
    (more_classes_than_weights, "The head of 'broken' has 4 classes, but config.json names 9"),
    (more_layers_than_weights, "The weights of 'broken' are incomplete: 'bert.encoder.layer.3."),
    (classes_from_one, "aren't numbered from 0 without a gap (1, 2, 3, 4)"),
    (broken_index, "'model.safetensors.index.json' in 'broken' names no files of weights"),
    (odd_architectures, "The architectures in config.json of 'broken' is [3]"),
    (several_numbers, "'broken' predicts 4 numbers; CLSight reads models that predict one"),
    (no_class, "'broken' has no classes; fine-tune one with"),
    (without_tokenizer, "'broken' has no tokenizer; save the one it was trained with"),
    (
        small_embedding,
        "The tokenizer of 'broken' has 165 entries, but the model has only",
    ),
    (not_finite, "'broken' contains weights that are not finite numbers"),
]


@pytest.mark.parametrize(("spoil", "message"), CASES, ids=[case[0].__name__ for case in CASES])
def test_a_broken_checkpoint_is_one_sentence(
    tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    folder = tiny_checkpoint(tmp_path / "broken")
    spoil(folder)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(CheckpointError) as caught:
        Classifier.load(folder)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "No checkpoint was named"),
        ("./nowhere/at all", "There is no folder './nowhere/at all'"),
        ("someone/some-model", "the Hugging Face Hub has no such model or can't be reached"),
        ("no-such-model", "the Hugging Face Hub has no such model or can't be reached"),
        ("a\x00b", "There is no folder"),
        ("~nobody-of-that-name/x", "There is no folder"),
        ("x" * 5000, "There is no folder 'xxx"),
    ],
)
def test_a_source_that_leads_nowhere_is_one_sentence(source: str, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        Classifier.load(source)


def test_a_hub_that_does_not_answer_is_noticed_at_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The Hub's client would retry for half a minute and report each try."""
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", "http://localhost:9")
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    assert not hub_answers()
    with pytest.raises(
        CheckpointError, match="the Hugging Face Hub has no such model or can't be reached"
    ):
        Classifier.load("someone/some-model")
    assert capfd.readouterr() == ("", "")


def test_a_hub_that_answers_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        assert hub_answers()


def test_a_file_is_not_a_folder(checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match="is a file; give the checkpoint's folder instead"):
        Classifier.load(checkpoint / "config.json")


def test_a_family_without_a_map_for_each_head_says_why(tmp_path: Path) -> None:
    """Longformer's weights are windows, not token by token."""
    words = tokenizer("roberta")
    config = LongformerConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=48, attention_window=4, max_position_embeddings=66, num_labels=3,
    )  # fmt: skip
    LongformerForSequenceClassification(config).save_pretrained(tmp_path)
    words.save_pretrained(tmp_path)
    classifier = Classifier.load(tmp_path)
    assert classifier.capabilities.no_attention.startswith("This model has no attention to show")


def test_loading_prints_nothing(checkpoint: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Classifier.load(checkpoint)
    assert capfd.readouterr() == ("", "")


def test_a_config_that_asks_for_attentions_is_read_all_the_same(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "asks")
    edit_config(folder, output_attentions=True, output_hidden_states=True)
    assert Classifier.load(folder).read("oil prices").attention.n_layers == 3


def test_the_fingerprint_is_what_sha256sum_says_of_the_weights(checkpoint: Path) -> None:
    weights = (checkpoint / "model.safetensors").read_bytes()
    classifier = Classifier.load(checkpoint)
    assert classifier.fingerprint == hashlib.sha256(weights).hexdigest()
    assert classifier.read("oil prices").fingerprint == classifier.fingerprint
