"""Whole runs on a tiny model: what is left behind, what it is worth, and what stops a run."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import (
    AlbertConfig,
    AlbertModel,
    DataCollatorWithPadding,
    PreTrainedConfig,
    pipeline,
)

from finetune.checkpoint.layer_stack import find_layers
from finetune.checkpoint.models import load_base
from finetune.errors import ConfigError, FinetuneError, ModelError, OutputError
from finetune.evaluation.evaluate import evaluate
from finetune.run.config import TrainConfig
from finetune.run.progress import EpochLines
from finetune.run.record import RunRecord
from finetune.training.optimizer import build_optimizer, rate_for
from finetune.training.train import train
from tests.finetune.news import LABELS, news, of_classes, write_csv, write_jsonl
from tests.finetune.runs import check_close, silent, tiny_run
from tests.tiny_models import FAMILIES, Family, edit_config, tiny_base, tiny_checkpoint, tokenizer

settings = partial(tiny_run, epochs=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with a test split."""
    folder = tmp_path_factory.mktemp("news")
    rows = news(150)
    write_csv(folder / "train.csv", rows[:120])
    write_csv(folder / "test.csv", rows[120:])
    return folder


@pytest.fixture(scope="module")
def said() -> list[str]:
    """The lines of the run below."""
    return []


@pytest.fixture(scope="module")
def run(
    folder: Path, base: Path, said: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunRecord, Path]:
    """A run of two epochs with float16 weights, and the folder that it left."""
    output = tmp_path_factory.mktemp("runs") / "tiny-news"
    config = settings(
        folder, base, output, save_dtype="float16", layer_decay=0.9, label_smoothing=0.05
    )
    return train(config, say=said.append), output


def test_a_run_learns_what_two_epochs_can_teach(run: tuple[RunRecord, Path]) -> None:
    record, _ = run
    assert of_classes(record.validation).accuracy >= 0.75
    assert record.test is not None
    assert of_classes(record.test).accuracy >= 0.75
    assert record.epochs[1].train_loss < record.epochs[0].train_loss


def test_a_run_leaves_a_checkpoint_and_nothing_else(run: tuple[RunRecord, Path]) -> None:
    _, output = run
    assert {path.name for path in output.iterdir()} == {
        "README.md",
        "check.json",
        "events.jsonl",
        "config.json",
        "confusion.png",
        "model.safetensors",
        "reliability.png",
        "run.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "train.toml",
    }
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_config_names_the_classes(run: tuple[RunRecord, Path]) -> None:
    _, output = run
    config = json.loads((output / "config.json").read_text("utf-8"))
    assert config["id2label"] == {"0": "Business", "1": "Sports", "2": "World"}
    assert config["label2id"] == {"Business": 0, "Sports": 1, "World": 2}
    assert config["problem_type"] == "single_label_classification"


def test_weights_are_saved_in_the_dtype_asked_for(run: tuple[RunRecord, Path]) -> None:
    _, output = run
    weights = load_file(output / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values() if tensor.is_floating_point()} == {
        torch.float16
    }


def test_the_tokenizer_keeps_no_limit_of_the_run(run: tuple[RunRecord, Path]) -> None:
    _, output = run
    tokenizer = json.loads((output / "tokenizer.json").read_text("utf-8"))
    assert tokenizer["truncation"] is None
    assert tokenizer["padding"] is None
    assert '"max_length"' not in (output / "tokenizer_config.json").read_text("utf-8")


def test_no_file_holds_a_path_of_this_machine(
    run: tuple[RunRecord, Path], folder: Path, base: Path
) -> None:
    _, output = run
    contents = [path.read_bytes() for path in output.iterdir() if path.suffix != ".safetensors"]
    for place in (folder, base.parent, output.parent):
        assert not any(str(place).encode() in content for content in contents)


def test_the_record_tells_the_run(run: tuple[RunRecord, Path], folder: Path) -> None:
    record, output = run
    assert RunRecord.load(output) == record
    assert [point.epoch for point in record.epochs] == [1, 2]
    best = record.epochs[record.best_epoch - 1].measured
    assert best["macro_f1"] == max(point.measured["macro_f1"] for point in record.epochs)
    assert best["accuracy"] == pytest.approx(of_classes(record.validation).accuracy, abs=0.1)
    assert {name: split.rows for name, split in record.splits.items()} == {
        "train": 108,
        "validation": 12,
        "test": 30,
    }
    assert record.base == "tiny-bert"
    assert record.settings["data"] == [folder.name]


@pytest.mark.usefixtures("_no_pictures_here")
def test_the_best_epoch_is_saved_and_not_the_last(base: Path, tmp_path: Path) -> None:
    """Validation with its labels turned round gets worse the more the model learns."""
    turned = dict(zip(LABELS, (*LABELS[1:], LABELS[0]), strict=True))
    rows = [{**row, "label": turned[row["label"]]} for row in news(90, seed=5)]
    validation = write_csv(tmp_path / "v.csv", rows)
    data = write_csv(tmp_path / "x.csv", news(150))
    config = settings(
        data, base, tmp_path / "out", epochs=3, learning_rate=1e-3, validation=str(validation)
    )
    record = train(config, say=silent)
    assert record.best_epoch < 3
    best, last = (record.epochs[i].measured["accuracy"] for i in (record.best_epoch - 1, -1))
    assert of_classes(record.validation).accuracy == pytest.approx(best, abs=0.02)
    assert last < best - 0.05


def test_events_are_said_one_line_each(run: tuple[RunRecord, Path], said: list[str]) -> None:
    assert said[0] == "Columns: text 'text', label 'label'."
    assert said[1] == "Rows: 108 train, 12 validation, 30 test."
    assert said[2] == "Classes: Business 36, Sports 36, World 36."
    assert said[3].startswith("Base: tiny-bert, ")
    assert said[4].startswith("Check: 5 texts of train are nearly the same as another one, ")
    assert said[5].startswith("Check: 1 text of test is nearly the same as one of train, ")
    assert [line.split(":")[0] for line in said[6:]] == [
        "Precision",
        "Epoch 1 of 2",
        "Epoch 2 of 2",
    ]


def test_evaluate_gives_the_recorded_metrics_again(
    run: tuple[RunRecord, Path], folder: Path
) -> None:
    record, output = run
    report = evaluate(str(output), str(folder))
    check_close(report.metrics, record.test)
    assert report.fingerprint == record.splits["test"].fingerprint
    assert (report.split, report.checkpoint) == ("test", "tiny-news")


def test_a_pipeline_opens_the_folder_and_agrees(run: tuple[RunRecord, Path]) -> None:
    record, output = run
    classify = pipeline("text-classification", str(output))
    rows = news(150)[120:]
    labels = [answer["label"] for answer in classify([row["text"] for row in rows])]
    assert record.test is not None
    right = sum(label == row["label"] for label, row in zip(labels, rows, strict=True))
    assert right / len(rows) == of_classes(record.test).accuracy


@pytest.mark.usefixtures("_no_pictures_here")
def test_the_same_seed_gives_the_same_weights(
    run: tuple[RunRecord, Path], folder: Path, base: Path, tmp_path: Path
) -> None:
    again = settings(
        folder, base, tmp_path / "x", save_dtype="float16", layer_decay=0.9, label_smoothing=0.05
    )
    record = train(again, say=silent)
    assert record.epochs == run[0].epochs
    first, second = (load_file(p / "model.safetensors") for p in (run[1], tmp_path / "x"))
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.usefixtures("_no_pictures_here")
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_and_pairs_can_be_trained(family: Family, tmp_path: Path) -> None:
    base = tiny_checkpoint(tmp_path / family, family)
    rows = [{**row, "text_pair": "peace talks"} for row in news(40)]
    data = write_csv(tmp_path / "pairs.csv", rows)
    record = train(settings(data, base, tmp_path / "out", epochs=1), say=silent)
    assert record.labels == LABELS
    assert evaluate(str(tmp_path / "out"), str(data)).metrics.rows == 40


@pytest.mark.usefixtures("_no_pictures_here")
def test_lists_of_labels_make_a_multi_label_model(base: Path, tmp_path: Path) -> None:
    rows = [{"text": row["text"], "labels": [row["label"]]} for row in news(120)]
    rows += [
        {"text": f"{a['text']} {b['text']}", "labels": sorted({a["label"], b["label"]})}
        for a, b in zip(news(60), news(60)[1:], strict=False)
    ]
    data = write_jsonl(tmp_path / "many.jsonl", rows)
    record = train(settings(data, base, tmp_path / "out", epochs=4), say=silent)
    config = json.loads((tmp_path / "out" / "config.json").read_text("utf-8"))
    assert config["problem_type"] == record.problem_type == "multi_label_classification"
    assert of_classes(record.validation).confusion is None
    assert of_classes(record.validation).macro_f1 >= 0.8
    metrics = evaluate(str(tmp_path / "out"), str(data)).metrics
    assert of_classes(metrics).micro_f1 >= 0.8


@pytest.mark.usefixtures("_no_pictures_here")
def test_bfloat16_trains_on_a_cpu(folder: Path, base: Path, tmp_path: Path) -> None:
    config = settings(folder, base, tmp_path / "out", epochs=1, precision="bfloat16")
    assert train(config, say=silent).precision == "bfloat16"


@pytest.mark.usefixtures("_no_pictures_here")
def test_long_texts_are_cut_and_counted(base: Path, tmp_path: Path) -> None:
    rows = [{"text": row["text"] + " team" * 40, "label": row["label"]} for row in news(30)]
    data = write_csv(tmp_path / "long.csv", rows)
    record = train(settings(data, base, tmp_path / "out", epochs=1, max_length=16), say=silent)
    assert record.max_length == 16
    assert record.splits["train"].truncated == record.splits["train"].rows
    assert evaluate(str(tmp_path / "out"), str(data)).max_length == 16


@pytest.mark.parametrize(
    ("width", "more", "rate"),
    [
        (768, {}, 5e-5),
        (384, {}, 1e-4),
        (1024, {}, 3.8e-5),
        (768, {"lora_rank": 8}, 5e-4),
        (384, {"head_only": True}, 1e-3),
        (384, {"learning_rate": 3e-5}, 3e-5),
    ],
)
def test_the_rate_hangs_on_the_width_where_none_is_given(
    width: int, more: dict[str, Any], rate: float
) -> None:
    model = SimpleNamespace(config=PreTrainedConfig(hidden_size=width))
    config = TrainConfig(data=("x",), model="x", output=Path("x"), **more)
    assert rate_for(model, config) == pytest.approx(rate)


def test_layer_decay_slows_the_layers_from_the_head_down(base: Path, folder: Path) -> None:
    config = settings(folder, base, Path("out"), learning_rate=1.0, layer_decay=0.5)
    model = load_base(str(base), LABELS, multi_label=False).model
    names = {id(weights): name for name, weights in model.named_parameters()}
    at, seen = find_layers(model).height, 0
    for group in build_optimizer(model, config).param_groups:
        for weights in group["params"]:
            name = names[id(weights)]
            assert group["lr"] == 0.5 ** (4 - at(name))
            assert group["weight_decay"] == (0 if "bias" in name or "LayerNorm" in name else 0.01)
            seen += 1
    assert seen == len(names)


@pytest.mark.usefixtures("_no_pictures_here")
def test_of_epochs_that_tell_the_rows_alike_the_surest_is_kept(
    base: Path, folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    config = settings(folder, base, output, epochs=8, learning_rate=1e-2, baseline=False)
    record = train(config, say=silent)
    most = max(point.measured["macro_f1"] for point in record.epochs)
    alike = [point for point in record.epochs if point.measured["macro_f1"] == most]
    assert len(alike) > 1
    surest = min(alike, key=lambda point: point.validation_loss)
    assert record.best_epoch == surest.epoch > alike[0].epoch
    assert record.calibration is not None
    assert record.calibration.before.nll == pytest.approx(surest.validation_loss, rel=0.05)


@pytest.fixture(scope="module")
def albert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model whose layers share their weights."""
    folder = tmp_path_factory.mktemp("bases") / "tiny-albert"
    words = tokenizer("bert")
    torch.manual_seed(0)
    AlbertModel(
        AlbertConfig(
            vocab_size=len(words),
            embedding_size=16,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=48,
            max_position_embeddings=64,
        )
    ).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def test_only_the_head_learns_where_layers_share_their_weights(
    albert: Path, folder: Path, tmp_path: Path
) -> None:
    train(settings(folder, albert, tmp_path / "out", head_only=True, baseline=False), say=silent)
    before, after = (load_file(place / "model.safetensors") for place in (albert, tmp_path / "out"))
    for name, weights in before.items():
        if "pooler" not in name:
            assert torch.equal(weights, after[f"albert.{name}"]), name


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            {"layer_decay": 0.9},
            "--layer-decay treats layers differently, but those of this albert share",
        ),
        ({"freeze_layers": 1}, "--freeze-layers treats layers differently"),
        ({"gradual_unfreezing": 0.5}, "--gradual-unfreezing treats layers differently"),
        ({"gradient_checkpointing": True}, "--gradient-checkpointing: no albert model has it"),
        ({"window_stride": 500, "max_length": 24}, "a window of 24 tokens holds 22 of the text"),
    ],
)
def test_what_the_base_model_cannot_have_is_refused(
    setting: dict[str, Any], message: str, albert: Path, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        train(settings(folder, albert, tmp_path / "out", **setting), say=silent)


@pytest.mark.usefixtures("_no_pictures_here")
def test_the_loss_of_an_epoch_is_that_of_a_text_however_many_batches_a_step_has(
    base: Path, folder: Path, tmp_path: Path
) -> None:
    """Nothing is learned, so all texts are read alike; 15 batches are 1, 2 or 15 steps."""
    losses = []
    for accumulation in (1, 8, 32):
        config = settings(
            folder, base, tmp_path / f"by-{accumulation}", epochs=1, learning_rate=1e-12,
            gradient_accumulation=accumulation, baseline=False,
        )  # fmt: skip
        losses.append(train(config, say=silent).epochs[0].train_loss)
    assert losses[1:] == pytest.approx([losses[0]] * 2, rel=1e-4)


def test_a_full_folder_is_refused_or_replaced(folder: Path, base: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "precious.txt").touch()
    config = settings(folder, base, output, epochs=1)
    with pytest.raises(OutputError, match="'out' isn't empty"):
        train(config, say=silent)
    train(replace(config, overwrite=True), say=silent)
    assert not (output / "precious.txt").exists()
    assert (output / "model.safetensors").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_file_in_the_place_of_the_folder_is_refused(
    folder: Path, base: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(OutputError, match="is a file"):
        train(settings(folder, base, tmp_path / "out"), say=silent)
    with pytest.raises(OutputError, match="can't be made beside the output"):
        train(settings(folder, base, tmp_path / "out" / "deeper"), say=silent)


@pytest.mark.parametrize(("epoch", "kept"), [(1, 0), (2, 1)])
def test_a_run_stopped_at_once_leaves_no_output_but_its_finished_epochs(
    epoch: int, kept: int, folder: Path, base: Path, tmp_path: Path
) -> None:
    def stop(line: str) -> None:
        if line.startswith(f"Epoch {epoch}"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="stopped on request; 'out' was not written"):
        train(settings(folder, base, tmp_path / "out"), say=stop)
    assert not (tmp_path / "out").exists()
    finished = list(tmp_path.glob(".out.partial/checkpoints/checkpoint-*"))
    assert len(finished) == kept
    for checkpoint in finished:
        assert evaluate(str(checkpoint), str(folder)).metrics.rows == 30


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"max_length": 65}, "'tiny-bert' reads 64 at most"),
        ({"text_column": "headline"}, "no column 'headline'"),
    ],
)
def test_what_does_not_fit_model_or_data_is_refused(
    more: dict[str, Any], message: str, folder: Path, base: Path, tmp_path: Path
) -> None:
    with pytest.raises(FinetuneError, match=message):
        train(settings(folder, base, tmp_path / "out", **more), say=silent)
    assert list(tmp_path.iterdir()) == []


def test_label_smoothing_is_for_one_class_per_text(base: Path, tmp_path: Path) -> None:
    rows = [{"text": row["text"], "labels": [row["label"]]} for row in news(30)]
    data = write_jsonl(tmp_path / "many.jsonl", rows)
    with pytest.raises(ConfigError, match="--label-smoothing"):
        train(settings(data, base, tmp_path / "out", label_smoothing=0.1), say=silent)


# --- failures half-way -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(28, "No space left on device", "/some/where"), "folder: No space left on device"),
        (SafetensorError("I/O error: /some/where"), "free up disk space"),
        (MemoryError("std::bad_alloc"), "memory is full; close other programs"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "memory is full"),
        (torch.OutOfMemoryError("CUDA out of memory"), "lower --batch-size or --max-length"),
    ],
)
def test_a_full_disk_or_memory_is_one_sentence(
    error: Exception,
    message: str,
    folder: Path,
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("finetune.training.results.save_tokenizer", fail)
    with pytest.raises(
        FinetuneError, match=f"{message}.*; 'out' was not .* resume .*out"
    ) as caught:
        train(settings(folder, base, tmp_path / "out", epochs=1), say=silent)
    assert "/some/where" not in str(caught.value)
    monkeypatch.undo()
    record = train(settings(folder, base, tmp_path / "out", epochs=1, resume=True), say=silent)
    check_close(evaluate(str(tmp_path / "out"), str(folder)).metrics, record.test)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_a_finished_training_can_do_without_never_costs_it(
    folder: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(error: BaseException) -> Callable[..., None]:
        def fail(*_: object, **__: object) -> None:
            raise error

        return fail

    monkeypatch.setattr(
        "finetune.evaluation.quality.metrics_plot", failing(MemoryError("std::bad_alloc"))
    )
    monkeypatch.setattr(
        "finetune.evaluation.quality.measure_baselines", failing(ValueError("no words\nat all"))
    )
    said: list[str] = []
    record = train(settings(folder, base, tmp_path / "out", epochs=1), say=said.append)
    left = "the checkpoint is complete without it."
    assert f"Left out: confusion.png (memory is full); {left}" in said
    compared = "the comparison with classical methods"
    assert f"Left out: {compared} (ValueError: no words); {left}" in said
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "confusion.png" not in card
    assert "](reliability.png)" in card
    assert evaluate(str(tmp_path / "out"), str(folder)).metrics == record.test
    monkeypatch.setattr(
        "finetune.training.results.write_card", failing(OSError(28, "No space left"))
    )
    train(settings(folder, base, tmp_path / "no-card", epochs=1), say=said.append)
    assert f"Left out: the model card README.md (No space left); {left}" in said
    assert load_base(str(tmp_path / "no-card"), LABELS, multi_label=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["no-card", "out"]


def test_a_family_that_cannot_read_a_batch_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    base = tiny_base(tmp_path / "base", "reformer")
    with pytest.raises(ModelError, match="this reformer model can't be trained on batches of"):
        train(settings(folder, base, tmp_path / "out"), say=silent)


def test_a_run_that_diverges_is_stopped(
    folder: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned(*arguments: Any, **more: Any) -> Any:
        opened = load_base(*arguments, **more)
        with torch.no_grad():
            opened.model.classifier.bias.fill_(float("nan"))
        return opened

    monkeypatch.setattr("finetune.training.prepare.load_base", poisoned)
    with pytest.raises(FinetuneError, match=r"not a number in epoch 1; lower --learning-rate"):
        train(settings(folder, base, tmp_path / "out"), say=silent)
    assert list(tmp_path.iterdir()) == []


def test_weights_beyond_float16_are_not_saved_in_it(
    folder: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def huge(*arguments: Any, **more: Any) -> Any:
        opened = load_base(*arguments, **more)
        with torch.no_grad():
            opened.model.classifier.bias.fill_(1e5)  # the same for all: softmax ignores it
        return opened

    monkeypatch.setattr("finetune.training.prepare.load_base", huge)
    config = settings(folder, base, tmp_path / "out", epochs=1, save_dtype="float16")
    with pytest.raises(FinetuneError, match=r"'classifier.bias' are too large for --save-dtype"):
        train(config, say=silent)
    assert not (tmp_path / "out").exists()


def test_the_bar_of_a_stopped_run_is_closed(
    folder: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[EpochLines] = []

    class Lines(EpochLines):
        def on_step_end(self, *arguments: Any, **more: Any) -> None:
            made.append(self)
            assert self.training_bar is not None
            raise KeyboardInterrupt

    monkeypatch.setattr("finetune.training.fit.EpochLines", Lines)
    with pytest.raises(KeyboardInterrupt):
        train(settings(folder, base, tmp_path / "out"), say=silent)
    assert made[0].training_bar is None


# --- the recipe ------------------------------------------------------------------------------


@pytest.mark.usefixtures("_no_pictures_here")
def test_the_rate_climbs_to_its_peak_and_falls_to_zero(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[float] = []

    class Lines(EpochLines):
        def on_step_begin(self, *_: Any, optimizer: Any, **__: Any) -> None:
            rates.append(optimizer.param_groups[0]["lr"])

        def on_train_end(self, *arguments: Any, optimizer: Any, **more: Any) -> None:
            rates.append(optimizer.param_groups[0]["lr"])
            super().on_train_end(*arguments, **more)

    monkeypatch.setattr("finetune.training.fit.EpochLines", Lines)
    train_rows, validation = (
        write_csv(tmp_path / "t.csv", news(40)),
        write_csv(tmp_path / "v.csv", news(52)[40:]),
    )
    config = settings(
        train_rows, base, tmp_path / "out", batch_size=4, learning_rate=1e-3, warmup_ratio=0.2,
        validation=str(validation),
    )  # fmt: skip
    train(config, say=silent)
    climb = [1e-3 * step / 4 for step in range(4)]
    fall = [1e-3 * (20 - step) / 16 for step in range(4, 21)]
    assert rates == pytest.approx([*climb, *fall])


class Batches(DataCollatorWithPadding):  # type: ignore[misc]
    """A collator that notes the lengths, the width and the first tokens of each batch."""

    lengths: list[list[int]]
    widths: list[int]
    tokens: list[list[list[int]]]

    def __call__(self, features: list[dict[str, Any]]) -> Any:
        batch = super().__call__(features)
        self.tokens.append([list(feature["input_ids"]) for feature in features])
        self.lengths.append([len(tokens) for tokens in self.tokens[-1]])
        self.widths.append(batch["input_ids"].shape[1])
        return batch


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> type[Batches]:
    """The batches of the runs of a test."""
    Batches.lengths, Batches.widths, Batches.tokens = [], [], []
    monkeypatch.setattr("finetune.training.fit.DataCollatorWithPadding", Batches)
    return Batches


def test_texts_of_like_length_share_a_batch_padded_to_the_longest(
    base: Path, batches: type[Batches], tmp_path: Path
) -> None:
    rows = [
        {"text": row["text"].split()[0] + " team" * (i % 48), "label": row["label"]}
        for i, row in enumerate(news(96))
    ]
    data = write_csv(tmp_path / "x.csv", rows)
    train(settings(data, base, tmp_path / "out", batch_size=4), say=silent)
    assert batches.widths == [max(lengths) for lengths in batches.lengths]
    assert len(set(batches.widths)) > 3
    assert len({len(lengths) for lengths in batches.lengths}) > 3
    assert sum(sum(max(lengths) - n for n in lengths) for lengths in batches.lengths) < 0.2 * sum(
        map(sum, batches.lengths)
    )


@pytest.mark.usefixtures("_no_pictures_here")
def test_another_seed_gives_another_head_and_another_order(
    base: Path, batches: type[Batches], tmp_path: Path
) -> None:
    """One step over all rows without dropout: only the head's first weights decide its loss."""
    still = tmp_path / "still"
    shutil.copytree(base, still)
    edit_config(still, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    data = write_csv(tmp_path / "t.csv", news(30))
    validation = write_csv(tmp_path / "v.csv", news(42)[30:])
    losses = [
        train(
            settings(
                data, still, tmp_path / f"out{seed}", epochs=1, batch_size=30, seed=seed,
                validation=str(validation),
            ),
            say=silent,
        ).epochs[0].train_loss
        for seed in (1, 2)
    ]  # fmt: skip
    assert abs(losses[0] - losses[1]) > 1e-3
    read = [
        tokens for batch in batches.tokens for tokens in batch
    ]  # of a seed 30, then 12 measured
    first, second = read[:30], read[42:72]
    assert sorted(first) == sorted(second)
    assert first != second
