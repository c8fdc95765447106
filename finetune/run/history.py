"""The history of a run: its weights at some steps, kept on the way and put together when read.

`finetune train --keep-epochs` and `--keep-steps N` leave a folder `history/step-000120` for each
kept step inside the checkpoint. The first frame is the base model before the first step, with its
new head where it got one; the last is the finished checkpoint. `history_writing` writes what is
read here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from safetensors import SafetensorError
from torch import Tensor

from finetune.checkpoint.folder import open_folder
from finetune.checkpoint.weights import find_weights, hash_files
from finetune.errors import ModelError, SnapshotError, quoted
from finetune.run.history_format import (
    FRAME_FILE,
    WEIGHTS_FILE,
    assembled,
    completed,
    frame_folders,
    load_tensors,
    read_description,
)
from finetune.run.snapshot_folders import verify


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryFrame:
    """The weights of a run at one step, and what was known of them then."""

    step: int
    """Steps of the optimizer before it; 0 is the base as it began."""
    epoch: float
    """Epochs before it, in fractions."""
    loss: float | None
    """Mean loss of the texts of its step in training, of the last batch where a step has several;
    None at step 0, and for a best epoch that was kept only because it is the checkpoint."""
    validation: Mapping[str, float]
    """What was measured on the validation rows, by name (`validation_loss`, `accuracy`,
    `macro_f1`, ... as in `run.json`); empty where the step doesn't end an epoch."""
    folder: Path
    """Where it lies."""
    bytes: int
    """What it takes on disk."""
    is_final: bool = False
    """Whether this is the end: the finished checkpoint."""


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
    """Whether a checkpoint has kept frames; none is opened."""
    return bool(frame_folders(checkpoint).steps())


def open_history(checkpoint: Path) -> History:
    """The frames that a run kept, by their descriptions; no weights are opened.

    Args:
        checkpoint: The folder of a checkpoint, or the working folder of a run that goes on.

    Raises:
        SnapshotError: It kept none, or a description is damaged.
    """
    folders = frame_folders(checkpoint)
    described = [_read(folders.path(step), step) for step in folders.steps()]
    if not described:
        raise SnapshotError(
            f"{quoted(checkpoint.resolve().name)} has no history; train it with --keep-epochs or"
            " --keep-steps"
        )
    frames = [replace(frame, is_final=False) for frame in described]
    frames[-1] = described[-1]
    frames += [frame for frame in described[:-1] if frame.is_final]
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
        SnapshotError: A file is missing, or is not what was written.
    """
    description = read_description(frame.folder)
    try:
        if description.checkpoint is not None:
            return assembled(_checkpoint_weights(checkpoint, description.checkpoint), description)
        stored = _stored(frame.folder)
        if description.step:
            first = _stored(frame_folders(checkpoint).path(0))
            stored = completed(stored, first, description)
        return assembled(stored, description)
    except (OSError, SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise SnapshotError(
            f"the weights of step {frame.step} of {quoted(checkpoint.resolve().name)} can't be read"
        ) from error


def _read(folder: Path, step: int) -> HistoryFrame:
    about = read_description(folder)
    if about.step != step:
        raise SnapshotError(
            f"{FRAME_FILE!r} in {folder.name} is damaged: it is of step {about.step}"
        )
    return HistoryFrame(
        step=about.step,
        epoch=about.epoch,
        loss=about.loss,
        validation=about.validation,
        folder=folder,
        bytes=sum(path.stat().st_size for path in folder.iterdir() if path.is_file()),
        is_final=about.finished,
    )


def _checkpoint_weights(checkpoint: Path, digest: str) -> dict[str, Tensor]:
    """The weights of the finished checkpoint, where they still are those of its history."""
    try:
        weights = find_weights(open_folder(str(checkpoint)))
    except ModelError as error:
        raise SnapshotError(str(error)) from error
    if _hash(weights.files, _signature(weights.files)) != digest:
        raise SnapshotError(
            f"the weights of {quoted(checkpoint.resolve().name)} are not those that its history"
            " ends with; train it again"
        )
    return weights.load()


def _signature(files: tuple[Path, ...]) -> tuple[tuple[int, int], ...]:
    """What changes when one of *files* does."""
    return tuple((status.st_size, status.st_mtime_ns) for status in map(Path.stat, files))


@lru_cache(maxsize=64)
def _hash(files: tuple[Path, ...], _: tuple[tuple[int, int], ...]) -> str:
    return hash_files(files)


def _stored(folder: Path) -> dict[str, Tensor]:
    """What a frame stores, compared with its manifest."""
    file = folder / WEIGHTS_FILE
    if file.is_symlink():
        raise SnapshotError(
            f"{WEIGHTS_FILE!r} in {folder.name} is a link; copy the file itself there"
        )
    _verify_once(folder, _signature(tuple(sorted(folder.iterdir()))))
    return load_tensors(file)


@lru_cache(maxsize=4096)
def _verify_once(folder: Path, _: tuple[tuple[int, int], ...]) -> None:
    """Compare a frame with its manifest, once for as long as its files don't change."""
    verify(folder)
