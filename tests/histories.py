"""Checkpoints with the frames of a training, made without one: straight from one set of weights to
another."""

import json
from pathlib import Path

from safetensors.torch import load_file, save_file

from finetune.checkpoint.run_files import HISTORY, HISTORY_PREFIX
from finetune.run.history import FRAME_FILE, WEIGHTS_FILE
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
        frame = frame_folder(folder, index)
        frame.mkdir(parents=True)
        save_file(weights, frame / WEIGHTS_FILE)
        about = {
            "format": 1,
            "step": index * STEPS,
            "epoch": 2 * share,
            "loss": 1.4 - share if index else None,
            "validation": {"validation_loss": 1.2, "accuracy": 0.5} if index == 2 else {},
            "finished": share == 1,
        }
        (frame / FRAME_FILE).write_text(json.dumps(about), "utf-8")
    return folder


def frame_folder(checkpoint: Path, index: int) -> Path:
    """Where a frame lies."""
    return checkpoint / HISTORY / f"{HISTORY_PREFIX}{index * STEPS:06d}"
