"""The command line: what it prints, and one sentence for whatever a user can mend."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, BertTokenizerFast, GPT2Config, GPT2LMHeadModel
from typer.testing import CliRunner, Result

from finetune.__main__ import app
from finetune.evaluation.metrics import measure_classes
from finetune.evaluation.report.terminal import describe
from tests.finetune.news import news, write_csv, write_jsonl
from tests.tiny_models import edit_config, tiny_checkpoint

LABELS = ("Business", "Sports", "World")


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def sentence(result: Result) -> str:
    """The one line on stderr of a command that failed as it should."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    (line,) = result.stderr.splitlines()
    return line


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Sixty rows of news."""
    return write_csv(tmp_path / "news.csv", news(60))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A random classifier of the three classes of news."""
    return tiny_checkpoint(tmp_path / "checkpoint", labels=LABELS)


def test_train_then_evaluate(data: Path, base: Path, tmp_path: Path) -> None:
    output, report = tmp_path / "out", tmp_path / "report.json"
    test = write_csv(tmp_path / "test.csv", news(120)[60:])
    trained = call(
        "train", "--data", data, "--model", base, "--output", output, "--test", test,
        "--epochs", 1, "--batch-size", 8, "--learning-rate", 0.005,
    )  # fmt: skip
    assert trained.exit_code == 0, trained.output
    assert "validation: 6 rows" in trained.stdout
    assert "test: 60 rows" in trained.stdout
    assert "Best epoch 1; checkpoint in" in trained.stdout

    measured = call("evaluate", "--checkpoint", output, "--data", data, "--output", report)
    assert measured.exit_code == 0, measured.output
    values = json.loads(report.read_text("utf-8"))
    metrics = values["metrics"]
    low, high = metrics["accuracy_interval"]
    assert values["labels"] == list(LABELS)
    assert (
        f"accuracy {metrics['accuracy']:.2%}  (95% interval {low:.2%} to {high:.2%})"
        in measured.stdout
    )
    for row, counts in zip(metrics["classes"], metrics["confusion"], strict=True):
        assert sum(counts) == row["support"] == 20
        assert f"{row['label']:<8}  {row['precision']:9.4f}  {row['recall']:.4f}" in measured.stdout


def test_evaluate_takes_the_first_rows_only(data: Path, checkpoint: Path) -> None:
    result = call("evaluate", "--checkpoint", checkpoint, "--data", data, "--limit", 7)
    assert "news.csv, all: 7 rows" in result.stdout


def test_help_is_quick_and_explains_every_option() -> None:
    heavy = "import sys, finetune.__main__; print({'torch', 'transformers'} & set(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", heavy], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "set()"
    text = call("train", "--help-all").stdout
    assert "--warmup-ratio" in text
    assert "Peak rate, reached" in text


def test_an_unknown_option_is_a_usage_error() -> None:
    assert call("train", "--epoch", 3).exit_code == 2


@pytest.mark.parametrize("option", ["--limit", "--batch-size"])
def test_numbers_below_one_are_one_sentence(option: str, data: Path, checkpoint: Path) -> None:
    result = call("evaluate", "--checkpoint", checkpoint, "--data", data, option, 0)
    assert sentence(result) == "--batch-size and --limit have to be at least 1"


def test_a_report_is_never_written_over_the_data(data: Path, checkpoint: Path) -> None:
    before, same = data.read_bytes(), data.parent / "." / data.name
    for words in (
        ("evaluate", "--checkpoint", checkpoint, "--data", data, "--output", same),
        ("check", "--data", data, "--json", same),
    ):
        message = sentence(call(*words))
        assert message == "'news.csv' is read and would be written over; name another file"
        assert data.read_bytes() == before


def test_evaluate_takes_named_columns(checkpoint: Path, tmp_path: Path) -> None:
    rows = [{"headline": row["text"], "topic": row["label"]} for row in news(6)]
    data = write_csv(tmp_path / "odd.csv", rows)
    named = ("--text-column", "headline", "--label-column", "topic")
    assert call("evaluate", "--checkpoint", checkpoint, "--data", data, *named).exit_code == 0
    result = call("evaluate", "--checkpoint", checkpoint, "--data", data)
    assert sentence(result).startswith("no text column among 'headline', 'topic'")


# --- bad data --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("headline,label\nx,a\ny,b\n", "no text column among 'headline', 'label' of 'bad.csv'"),
        ("text,label\nx,a\ny,a\nz,a\n", "all training rows have the class 'a'"),
        ("text,label\n ,a\n,b\n", "no training row is left"),
        ("text,label\n", "'bad.csv' has a header but no rows"),
        ("", "'bad.csv' is empty"),
        ('text,label\n"x,a\n', "'bad.csv' can't be read as csv"),
    ],
)
def test_bad_data_is_one_sentence(content: str, message: str, base: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text(content)
    arguments = ("--data", tmp_path / "bad.csv", "--model", base, "--output", tmp_path / "out")
    assert sentence(call("train", *arguments)).startswith(message)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["gone.csv", "./gone", "nobody/nothing"])
def test_data_that_is_not_there_is_one_sentence(name: str, base: Path, tmp_path: Path) -> None:
    result = call("train", "--data", name, "--model", base, "--output", tmp_path / "out")
    assert sentence(result).startswith(f"no file or folder {name!r}")


def test_a_setting_out_of_range_is_one_sentence(data: Path, base: Path, tmp_path: Path) -> None:
    result = call(
        "train", "--data", data, "--model", base, "--output", tmp_path / "out", "--epochs", 0
    )
    assert sentence(result) == "--epochs is 0; it has to be at least 1"


# --- bad models ------------------------------------------------------------------------------


def no_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def broken_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def corrupt_weights(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])


def only_a_pickle(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def missing_tensors(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["bert.encoder.layer.1.attention.self.query.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def broken_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{")


def foreign_tokenizer(folder: Path) -> None:
    words = [f"word{i}" for i in range(5000)]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    BertTokenizerFast(vocab={word: i for i, word in enumerate(vocabulary)}).save_pretrained(folder)


def generative(folder: Path) -> None:
    config = GPT2Config(vocab_size=200, n_embd=16, n_layer=1, n_head=2)
    GPT2LMHeadModel(config).save_pretrained(folder)


def translating(folder: Path) -> None:
    edit_config(folder, model_type="m2m_100")


BROKEN = [
    (no_folder, "there is no folder "),
    (no_config, "'checkpoint' is not a checkpoint: config.json is missing"),
    (broken_config, "'config.json' in 'checkpoint' can't be read as JSON"),
    (no_weights, "'checkpoint' has a config.json but model.safetensors is missing"),
    (corrupt_weights, "'model.safetensors' in 'checkpoint' is damaged or truncated"),
    (only_a_pickle, "'checkpoint' holds its weights only as a pickle (pytorch_model.bin)"),
    (missing_tensors, "the weights of 'checkpoint' are incomplete: 'bert.encoder.layer.1"),
    (no_tokenizer, "'checkpoint' has no tokenizer"),
    (broken_tokenizer, "'tokenizer.json' in 'checkpoint' can't be read as JSON"),
    (foreign_tokenizer, "the tokenizer of 'checkpoint' has 5,005 entries"),
]


@pytest.mark.parametrize(
    ("harm", "message"),
    [*BROKEN, (generative, "'checkpoint' holds GPT2LMHeadModel, which has no classification head")],
)
def test_a_bad_checkpoint_is_one_sentence(
    harm: Callable[[Path], None], message: str, checkpoint: Path, data: Path
) -> None:
    harm(checkpoint)
    result = call("evaluate", "--checkpoint", checkpoint, "--data", data)
    assert sentence(result).startswith(message)


@pytest.mark.parametrize(
    ("harm", "message"),
    [*BROKEN, (translating, "'checkpoint' is an m2m_100 model, on which transformers puts no")],
)
def test_a_bad_base_is_one_sentence(
    harm: Callable[[Path], None], message: str, checkpoint: Path, data: Path, tmp_path: Path
) -> None:
    harm(checkpoint)
    result = call("train", "--data", data, "--model", checkpoint, "--output", tmp_path / "out")
    assert sentence(result).startswith(message)
    assert not (tmp_path / "out").exists()


def test_an_encoder_without_a_head_is_no_checkpoint(checkpoint: Path, data: Path) -> None:
    AutoModel.from_pretrained(checkpoint).save_pretrained(checkpoint)
    result = call("evaluate", "--checkpoint", checkpoint, "--data", data)
    assert sentence(result).startswith(
        "'checkpoint' holds BertModel, which has no classification head"
    )


def test_a_head_that_was_never_trained_is_no_checkpoint(checkpoint: Path, data: Path) -> None:
    AutoModel.from_pretrained(checkpoint).save_pretrained(checkpoint)
    edit_config(checkpoint, architectures=["BertForSequenceClassification"])
    result = call("evaluate", "--checkpoint", checkpoint, "--data", data)
    assert "'classifier.bias' is missing (tensors missing: 2)" in sentence(result)


@pytest.mark.parametrize("command", ["evaluate", "train"])
def test_a_hub_model_out_of_reach_is_one_sentence(command: str, data: Path, tmp_path: Path) -> None:
    option = "--checkpoint" if command == "evaluate" else "--model"
    rest = () if command == "evaluate" else ("--output", tmp_path / "out")
    result = call(command, "--data", data, option, "nobody/nothing", *rest)
    assert "the Hugging Face Hub has no such model" in sentence(result)


def test_labels_of_another_task_are_one_sentence(data: Path, tmp_path: Path) -> None:
    reviews = tiny_checkpoint(tmp_path / "reviews", labels=("negative", "positive"))
    line = sentence(call("evaluate", "--checkpoint", reviews, "--data", data))
    assert line == "'news.csv' has the class 'Business'; the model knows 'negative', 'positive'"


def test_lists_of_labels_need_a_multi_label_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    data = write_jsonl(tmp_path / "x.jsonl", [{"text": "oil", "labels": ["World", "Sports"]}])
    result = call("evaluate", "--checkpoint", checkpoint, "--data", data)
    assert sentence(result).startswith("the rows have lists of labels")


def test_a_report_that_cannot_be_written_is_one_sentence(
    data: Path, checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "no").write_text("a file, and not a folder")
    report = tmp_path / "no" / "report.json"
    result = call("evaluate", "--checkpoint", checkpoint, "--data", data, "--output", report)
    assert sentence(result).startswith("'report.json' can't be written")


def test_ctrl_c_is_one_sentence(
    data: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("finetune.evaluation.evaluate.evaluate", interrupt)
    result = call("evaluate", "--checkpoint", checkpoint, "--data", data)
    assert result.exit_code == 130
    assert result.stderr == "stopped by the keyboard; nothing was written\n"


def test_ctrl_c_in_a_run_says_what_is_left(
    data: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("finetune.training.train.fit", interrupt)
    result = call("train", "--data", data, "--model", base, "--output", tmp_path / "out")
    assert result.exit_code == 130
    assert result.stderr == "stopped on request; 'out' was not written\n"


def test_the_network_is_looked_for_on_behalf_of_every_source(
    data: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "finetune.__main__.prefer_cache_without_network", lambda *sources: asked.extend(sources)
    )
    sources = ("--validation", tmp_path / "v.csv", "--test", tmp_path / "t.csv")
    call("train", "--data", data, "--model", base, "--output", tmp_path / "out", *sources)
    assert asked == [str(base), str(data), str(tmp_path / "v.csv"), str(tmp_path / "t.csv")]


def test_columns_stand_under_their_names_however_short_the_classes() -> None:
    truth = np.array([0, 1])
    lines = describe(measure_classes(truth, truth, ("a", "b")), title="x").splitlines()
    (head,) = (line for line in lines if line.startswith("  class"))
    row = lines[lines.index(head) + 1]
    assert row.startswith("  a ")
    assert row.index("1.0000") + len("1.0000") == head.index("precision") + len("precision")
    assert len(row) == len(head)


def test_a_long_class_is_shown_as_cut_above_its_column() -> None:
    truth, names = np.array([0, 1]), ("computer.graphics", "computer.hardware")
    lines = describe(measure_classes(truth, truth, names), title="x").splitlines()
    across = lines[lines.index("  true class down, predicted across") + 1]
    assert across.split() == ["computer.gr…", "computer.ha…"]
