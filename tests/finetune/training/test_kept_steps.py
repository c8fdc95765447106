"""The history of a run: every kept frame is the model of its step, and the last its checkpoint."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from finetune.checkpoint.models import load_checkpoint
from finetune.errors import OutputError, SnapshotError
from finetune.run.history import frame_weights, has_history, open_history
from finetune.run.history_format import FrameDescription, same_bits
from finetune.run.history_writing import HistoryWriter, KeptWeights
from finetune.training.kept_steps import HistoryCallback, planned_steps
from finetune.training.plain_weights import plain_weights
from finetune.training.train import train
from tests.finetune.news import news, scored_reviews, write_csv, write_jsonl
from tests.finetune.runs import silent, tiny_run
from viz import Classifier

pytestmark = pytest.mark.usefixtures("_no_pictures")

Weights = dict[str, Tensor]
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {"keep_steps": 4, "max_length": 12, "window_stride": 6},
    "best before the last": {"keep_steps": 5, "keep_epochs": False, "epochs": 3, "patience": 1},
    "lora": {"lora_rank": 2, "learning_rate": 2e-2},
    "adapter": {"lora_rank": 2, "save": "adapter", "save_dtype": "float16"},
    "head": {"head_only": True, "save_dtype": "float16"},
    "several": {"gradual_unfreezing": 0.9},
    "scores": {"lora_rank": 2, "save_dtype": "float16"},
    "bfloat16": {"precision": "bfloat16", "freeze_layers": 1},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, rows = tmp_path_factory.mktemp("rows"), news(60)
    several = [
        {"text": row["text"], "labels": [row["label"], "Short"][: 1 + i % 2]}
        for i, row in enumerate(rows)
    ]
    return {
        "scores": write_csv(folder / "scores.csv", scored_reviews(60)),
        "several": write_jsonl(folder / "several.jsonl", several),
    } | dict.fromkeys(SETTINGS.keys() - {"scores", "several"}, write_csv(folder / "news.csv", rows))


@pytest.fixture(scope="module")
def finished(
    data: dict[str, Path], base: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Path, dict[int, Weights]]]:
    """The checkpoint of each run, and the plain weights of its model whenever it kept some."""
    runs = {}
    keep = HistoryCallback._keep
    for name, more in SETTINGS.items():
        models: dict[int, Weights] = {}

        def note(
            self: HistoryCallback, about: FrameDescription, models: dict[int, Weights] = models
        ) -> None:
            weights = plain_weights(self.run.base.model, self.run.scale)
            models[about.step] = {key: tensor.clone() for key, tensor in weights.items()}
            keep(self, about)

        output = tmp_path_factory.mktemp("runs") / "out"
        usual: dict[str, Any] = {"epochs": 2, "keep_epochs": True, "baseline": False}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(HistoryCallback, "_keep", note)
            train(tiny_run(data[name], base, output, **usual | more), say=silent)
        runs[name] = output, models
    return runs


def check_equal(weights: Weights, expected: Weights, dtype: torch.dtype | None = None) -> None:
    assert weights.keys() == expected.keys()
    for name, tensor in weights.items():
        other = expected[name]
        rounded = other if dtype is None or not other.is_floating_point() else other.to(tensor)
        assert same_bits(tensor, rounded), name


@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "adapter"])
def test_a_frame_is_the_model_of_its_step(
    name: str, finished: dict[str, tuple[Path, dict[int, Weights]]]
) -> None:
    output, models = finished[name]
    frames = [frame for frame in open_history(output).frames if frame.step in models]
    assert {frame.step for frame in frames} == models.keys()
    for frame in frames:
        dtype = getattr(torch, SETTINGS[name].get("save_dtype", "float32"))
        check_equal(frame_weights(output, frame), models[frame.step], dtype)
        assert frame.folder.name == f"step-{frame.step:06d}"


@pytest.mark.parametrize("name", SETTINGS)
def test_the_last_frame_is_the_finished_checkpoint(
    name: str, finished: dict[str, tuple[Path, dict[int, Weights]]]
) -> None:
    output, _ = finished[name]
    first, *_, last = open_history(output).frames
    model = load_checkpoint(str(output)).model
    check_equal(
        {key: tensor.float() for key, tensor in frame_weights(output, last).items()},
        {key: tensor.float() for key, tensor in model.state_dict().items()},
    )
    assert [frame.is_final for frame in open_history(output).frames].index(True) == (
        len(open_history(output).frames) - 1
    )
    if name != "adapter":  # of which the factors are stored, as of any frame
        assert last.bytes < 2000
    with torch.no_grad():
        model.load_state_dict(frame_weights(output, first))
    assert Classifier.load(output).labels == load_checkpoint(str(output)).labels


def test_the_first_frame_is_the_base_with_a_new_head(
    base: Path, finished: dict[str, tuple[Path, dict[int, Weights]]]
) -> None:
    output, _ = finished["plain"]
    first = open_history(output).frames[0]
    weights, own = frame_weights(output, first), load_file(base / "model.safetensors")
    assert (first.step, first.epoch, first.loss, first.validation) == (0, 0.0, None, {})
    encoder = {name: tensor for name, tensor in own.items() if name.startswith("bert.")}
    check_equal({name: weights[name] for name in encoder}, encoder)
    assert weights.keys() == own.keys()
    assert not torch.equal(weights["classifier.weight"], own["classifier.weight"])


def test_frames_tell_of_the_run_what_its_record_does(
    finished: dict[str, tuple[Path, dict[int, Weights]]],
) -> None:
    output, _ = finished["plain"]
    run = json.loads((output / "run.json").read_text())
    frames = open_history(output).frames
    once_more = [] if run["best_epoch"] == 2 else [7]  # where the best epoch isn't the last one
    assert [frame.step for frame in frames] == [0, 4, 7, 8, 12, 14, *once_more]
    assert [frame.epoch for frame in frames] == pytest.approx([each.step / 7 for each in frames])
    for frame, epoch in ((frames[2], run["epochs"][0]), (frames[5], run["epochs"][1])):
        assert frame.validation == {
            name: value for name, value in epoch.items() if name not in ("epoch", "train_loss")
        }
    losses = [frame.loss for frame in frames[1:]]
    assert all(loss is not None and 0 < loss < 3 for loss in losses)
    assert all(frame.validation == {} for frame in (frames[1], frames[3], frames[4]))


def test_a_best_epoch_that_was_passed_comes_once_more_at_the_end(
    finished: dict[str, tuple[Path, dict[int, Weights]]],
) -> None:
    output, models = finished["best before the last"]
    run = json.loads((output / "run.json").read_text())
    *frames, last = open_history(output).frames
    steps, end = [frame.step for frame in frames], 7 * len(run["epochs"])
    assert last.step == 7 * run["best_epoch"] < end
    assert steps == sorted({*range(0, end, 5), end, last.step})
    assert max(models) == end
    again = frames[steps.index(last.step)]
    check_equal(frame_weights(output, again), frame_weights(output, last))


@pytest.mark.parametrize(
    ("name", "changed"),
    [("head", ""), ("lora", ".lora_"), ("scores", ".lora_"), ("adapter", ".lora_")],
)
def test_what_does_not_learn_is_stored_once(
    name: str, changed: str, finished: dict[str, tuple[Path, dict[int, Weights]]]
) -> None:
    output, _ = finished[name]
    folders = sorted((output / "history").iterdir())
    stored = [set(load_file(folder / "weights.safetensors")) for folder in folders]
    assert {"bert.embeddings.word_embeddings.weight", "classifier.weight"} <= stored[0]
    for names in filter(None, stored[1:]):
        assert {each for each in names if changed not in each or not changed} <= {
            each for each in stored[0] if each.startswith(("bert.pooler", "classifier"))
        }


# --- what is not there, or is something else -------------------------------------------------


@pytest.fixture
def copied(finished: dict[str, tuple[Path, dict[int, Weights]]], tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished["plain"][0], tmp_path / "copy"))


def test_a_damaged_frame_is_refused(copied: Path) -> None:
    history = open_history(copied)
    file = history.frames[1].folder / "weights.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(SnapshotError, match="in step-000004 is not what was written"):
        frame_weights(copied, history.frames[1])
    between = history.frames[3]  # of no epoch, so that it is never the finished checkpoint
    frame_weights(copied, between)
    (history.frames[0].folder / "weights.safetensors").unlink()
    with pytest.raises(SnapshotError, match="step-000000"):
        frame_weights(copied, between)


def test_another_checkpoint_is_not_taken_for_the_last_frame(copied: Path) -> None:
    last, file = open_history(copied).frames[-1], copied / "model.safetensors"
    frame_weights(copied, last)
    weights = load_file(file)
    save_file({name: tensor + 1 for name, tensor in weights.items()}, file, {"format": "pt"})
    with pytest.raises(SnapshotError, match="'copy' are not those that its history ends with"):
        frame_weights(copied, last)


def test_a_damaged_description_is_one_sentence(copied: Path) -> None:
    (copied / "history" / "step-000004" / "frame.json").write_text('{"format": 1, "step": -4}')
    with pytest.raises(SnapshotError, match=r"'frame\.json' in step-000004 is damaged"):
        open_history(copied)
    (copied / "history" / "step-000004").rename(copied / "history" / "step-000005")
    shutil.copytree(copied / "history" / "step-000007", copied / "history" / "step-000006")
    with pytest.raises(SnapshotError, match=r"'frame\.json' in step-00000[56] is damaged"):
        open_history(copied)


def test_a_link_is_not_followed(copied: Path) -> None:
    frame = open_history(copied).frames[1]
    file = frame.folder / "weights.safetensors"
    file.rename(copied / "elsewhere")
    file.symlink_to(copied / "elsewhere")
    with pytest.raises(SnapshotError, match="in step-000004 is a link"):
        frame_weights(copied, frame)


def test_a_checkpoint_without_a_history_says_how_to_get_one(base: Path) -> None:
    assert not has_history(base)
    with pytest.raises(SnapshotError, match="has no history; train it with --keep-epochs or"):
        open_history(base)


# --- what is kept, and where there is no room for it ------------------------------------------


def test_steps_are_planned() -> None:
    def planned(**settings: Any) -> list[int]:
        config: Any = SimpleNamespace(**{"keep_epochs": False, "keep_steps": 0} | settings)
        return planned_steps(config, 7, 3)

    assert planned(keep_epochs=True) == [0, 7, 14, 21]
    assert planned(keep_steps=6) == [0, 6, 12, 18, 21]
    assert planned(keep_steps=7, keep_epochs=True) == [0, 7, 14, 21]
    assert planned(keep_steps=100) == [0, 21]


def test_the_cost_is_said_before_and_refused_without_room(
    data: dict[str, Path], base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    config = tiny_run(data["plain"], base, tmp_path / "out", keep_epochs=True, baseline=False)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=30_000))
    with pytest.raises(OutputError, match=r"the history may take 0\.\d MB, and 0\.0 MB are free;"):
        train(config, say=lines.append)
    monkeypatch.undo()
    train(replace(config, epochs=1), say=lines.append)
    (cost,) = (line for line in lines if line.startswith("History: "))
    assert cost.startswith("History: 2 frames, the first of 0.1 MB, the others of 0.1 MB at most;")
    assert lines.index(cost) < next(at for at, line in enumerate(lines) if "Epoch 1" in line)
    history, settings = open_history(tmp_path / "out"), SETTINGS["plain"]
    assert history.bytes < 300_000
    assert not settings.get("keep_epochs")


def test_shared_weights_are_stored_once(tmp_path: Path) -> None:
    writer, table = HistoryWriter(tmp_path), torch.arange(6.0)
    weights = KeptWeights(tensors={"table": table}, aliases={"head": "table"})
    writer.write(FrameDescription(step=0, epoch=0, loss=None), weights)
    (frame,) = open_history(tmp_path).frames
    check_equal(frame_weights(tmp_path, frame), {"table": table, "head": table})


def test_a_kill_at_the_end_does_not_lose_the_loss_of_the_last_frame(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Path(shutil.copytree(base, tmp_path / "work"))
    writer, tensors = HistoryWriter(work), load_file(work / "model.safetensors")
    first = {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}
    writer.write(FrameDescription(step=0, epoch=0, loss=None), KeptWeights(tensors=first))
    last, weights = FrameDescription(step=7, epoch=1, loss=0.5), KeptWeights(tensors=tensors)
    writer.write(last, weights)

    def removed_and_killed(folder: Path) -> None:
        shutil.rmtree(folder)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("finetune.run.snapshot_folders.remove_atomically", removed_and_killed)
        with pytest.raises(KeyboardInterrupt):
            writer.finish(replace(last, loss=None), weights)
    assert [frame.step for frame in open_history(work).frames] == [0]
    writer.finish(replace(last, loss=None), weights)
    frame = open_history(work).frames[-1]
    assert (frame.step, frame.loss, frame.is_final) == (7, 0.5, True)
    check_equal(frame_weights(work, frame), tensors)
