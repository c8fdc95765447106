"""The history of a run: its weights at some steps, kept on the way and put together when read.

`finetune train --keep-epochs` and `--keep-steps N` leave a folder `history/step-000120` for each
kept step inside the checkpoint. The first frame is the base model with its new head before the
first step; the last is the finished checkpoint.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from safetensors import SafetensorError, safe_open
from torch import Tensor

from finetune.checkpoint.run_files import HISTORY, HISTORY_PREFIX
from finetune.errors import RecordError, SnapshotError, quoted
from finetune.run.json_files import Amount, Count, Number, Schema

FRAME_FILE = "frame.json"
WEIGHTS_FILE = "weights.safetensors"


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryFrame:
    """The weights of a run at one step, and what was known of them then."""

    step: int
    """Steps of the optimizer before it; 0 is the base with its new head."""
    epoch: float
    """Epochs before it, in fractions."""
    loss: float | None
    """Mean loss of the texts of its step, in training; None at step 0."""
    validation: Mapping[str, float]
    """What was measured on the validation rows, by name (`validation_loss`, `accuracy`,
    `macro_f1`, ... as in `run.json`); empty where the step doesn't end an epoch."""
    folder: Path
    """Where it lies."""
    bytes: int
    """What it takes on disk."""
    is_final: bool = False
    """Whether these are the weights of the finished checkpoint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """What a run kept of its weights, in the order of its steps.

    The last frame of a finished run is its checkpoint. Where an earlier epoch was the best, that
    one is the checkpoint: the frames go on to the last step, and after them comes the frame of the
    best epoch once more, with `is_final`.
    """

    checkpoint: Path
    frames: tuple[HistoryFrame, ...]

    @property
    def bytes(self) -> int:
        """What all frames take on disk."""
        return sum({frame.folder: frame.bytes for frame in self.frames}.values())


def has_history(checkpoint: Path) -> bool:
    """Whether a checkpoint has kept frames; nothing is opened."""
    return any((checkpoint / HISTORY).glob(f"{HISTORY_PREFIX}*/{FRAME_FILE}"))


def open_history(checkpoint: Path) -> History:
    """The frames that a run kept, read from their descriptions; no weights are opened.

    Args:
        checkpoint: The folder of a checkpoint, or that of a run that goes on.

    Raises:
        SnapshotError: It kept none, or a description is damaged.
    """
    places = sorted((checkpoint / HISTORY).glob(f"{HISTORY_PREFIX}*"))
    frames = sorted((_read(place) for place in places), key=lambda frame: frame.step)
    if not frames:
        raise SnapshotError(
            f"{quoted(checkpoint.resolve().name)} has no history; train it with --keep-epochs or"
            " --keep-steps"
        )
    return History(checkpoint=checkpoint, frames=tuple(frames))


def frame_weights(checkpoint: Path, frame: HistoryFrame) -> dict[str, Tensor]:
    """All weights of the model at a frame, bit for bit, by the names of the model's `state_dict`.

    They are what a checkpoint saved at that step would hold: adapters merged, scores in their own
    unit, in the number format of the checkpoint. The model that the checkpoint opens as takes them
    by `load_state_dict`.

    Args:
        checkpoint: The folder that the frame is of.
        frame: One of `open_history(checkpoint).frames`.

    Raises:
        SnapshotError: A file is missing or damaged.
    """
    first = checkpoint / HISTORY / f"{HISTORY_PREFIX}{0:06d}"
    weights: dict[str, Tensor] = {}
    for folder in (first, frame.folder):
        try:
            with safe_open(str(folder / WEIGHTS_FILE), framework="pt") as file:
                weights |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is not a dict
        except (OSError, SafetensorError) as error:
            raise SnapshotError(f"the weights in {folder.name} can't be read") from error
    return weights


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameDescription:
    """The content of `frame.json`."""

    format: Literal[1] = 1
    step: Count
    epoch: Amount
    loss: Number | None
    validation: dict[str, Number] = field(default_factory=dict)
    finished: bool = False


@cache
def _schema() -> Schema[FrameDescription]:
    return Schema(FrameDescription, format=1)


def _read(folder: Path) -> HistoryFrame:
    try:
        about = _schema().read(folder / FRAME_FILE, f"{FRAME_FILE} in {folder.name}")
    except RecordError as error:
        raise SnapshotError(str(error)) from error
    return HistoryFrame(
        step=about.step,
        epoch=about.epoch,
        loss=about.loss,
        validation=about.validation,
        folder=folder,
        bytes=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        is_final=about.finished,
    )
