"""Checkpoints with the frames of a training, made without one: straight from one set of weights to
another."""

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from finetune.run.history_format import WEIGHTS_FILE, FrameDescription, frame_folders
from finetune.run.history_writing import HistoryWriter, KeptWeights
from tests.tiny_models import Family, tiny_checkpoint

STEPS = 10
"""Between two frames."""


def tiny_history(path: Path, n_frames: int = 4, family: Family = "bert") -> Path:
    """Save a random classifier whose weights went in equal steps from other random ones."""
    folder = tiny_checkpoint(path / "checkpoint", family, seed=1)
    base = load_file(tiny_checkpoint(path / "base", family, seed=2) / "model.safetensors")
    last = load_file(folder / "model.safetensors")
    for index in range(n_frames):
        share = index / (n_frames - 1)
        weights = last if share == 1 else {n: base[n].lerp(last[n], share) for n in last}
        write_frame(folder, index, n_frames, weights)
    return folder


def write_frame(checkpoint: Path, index: int, n_frames: int, weights: Mapping[str, Tensor]) -> None:
    """Keep weights as one of the frames of two epochs, in the place of what was kept there."""
    share, writer = index / (n_frames - 1), HistoryWriter(checkpoint)
    about = FrameDescription(
        step=index * STEPS,
        epoch=2 * share,
        loss=1.4 - share if index else None,
        validation={"validation_loss": 1.2, "accuracy": 0.5} if index == 2 else {},
    )
    writer.write(about, KeptWeights(tensors=dict(weights)))
    if share == 1:
        writer.finish(about, KeptWeights(tensors=dict(weights)))


def damage_frame(checkpoint: Path, index: int) -> None:
    """Overwrite the weights of a frame with what are none."""
    (frame_folders(checkpoint).path(index * STEPS) / WEIGHTS_FILE).write_bytes(b"no weights")
