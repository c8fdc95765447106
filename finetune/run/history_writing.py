"""Writes the weights of kept steps into the folder of a run: each whole, or not at all."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from finetune.checkpoint.folder import ADAPTER, open_folder
from finetune.checkpoint.weights import find_weights, hash_files
from finetune.errors import SnapshotError
from finetune.run.history_format import (
    FRAME_FILE,
    WEIGHTS_FILE,
    FrameDescription,
    Merging,
    assembled,
    frame_folders,
    load_tensors,
    read_description,
    same_bits,
    slimmed,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptWeights:
    """The weights of a step as they are stored."""

    tensors: dict[str, Tensor]
    """On the CPU, by the names of the plain model; factors of adapters beside their matrices."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Names of tensors that share the memory of another, with its name."""
    merging: Merging | None = None


def described(description: FrameDescription, weights: KeptWeights) -> FrameDescription:
    """The same description, with how its weights are put together."""
    return replace(description, aliases=weights.aliases, merging=weights.merging)


class HistoryWriter:
    """The kept steps of the run in the folder *work*."""

    def __init__(self, work: Path) -> None:
        self.work, self.folders = work, frame_folders(work)

    def write(self, description: FrameDescription, weights: KeptWeights) -> None:
        """Keep the weights of a step; the first, step 0, whole.

        Raises:
            SnapshotError: The disk is full, or the first step is missing.
        """
        stored, differences = weights.tensors, description.differences
        if description.step:
            first = load_tensors(self._first())
            stored, differences = slimmed(weights.tensors, first)
        self._write(
            replace(described(description, weights), differences=differences),
            {name: tensor.contiguous() for name, tensor in stored.items()},
        )

    def forget_after(self, step: int) -> None:
        """Remove what a run that goes on after *step* will write again.

        Raises:
            SnapshotError: What it kept before is not there.
        """
        self.folders.keep({kept for kept in self.folders.steps() if kept <= step})
        if step:
            self._first()

    def finish(self, description: FrameDescription, weights: KeptWeights) -> None:
        """Mark the step of the finished checkpoint; its weights are kept once, as those of that.

        Args:
            description: Of the step; the loss of its texts is taken from what was kept of it.
            weights: The weights that were saved.
        """
        loss = self._known_loss(description.step)
        description = replace(description, loss=loss, finished=True)
        digest = self._digest_of_same(description, weights)
        if digest is not None:
            # Its adapters are merged already.
            shared = replace(description, checkpoint=digest, aliases=weights.aliases)
            self._write(shared, {})
        else:
            self.write(description, weights)

    def _known_loss(self, step: int) -> float | None:
        """The loss of the texts of a step that was kept, if it was."""
        # A process that was killed as it finished left it under one of these names.
        for folder in (self.folders.path(step), self.folders.partial_path(step)):
            with suppress(SnapshotError):
                return read_description(folder).loss
        return None

    def _digest_of_same(self, description: FrameDescription, weights: KeptWeights) -> str | None:
        """SHA-256 of the weights of the checkpoint; None where they are others, if only by name."""
        if (self.work / ADAPTER).exists():
            return None
        files = find_weights(open_folder(str(self.work)))
        saved, model = files.load(), assembled(weights.tensors, described(description, weights))
        same = model.keys() - weights.aliases.keys() == saved.keys() and all(
            same_bits(model[name], tensor) for name, tensor in saved.items()
        )
        return hash_files(files.files) if same else None

    def _first(self) -> Path:
        file = self.folders.path(0) / WEIGHTS_FILE
        if not file.is_file():
            raise SnapshotError(
                "the weights before the first step are not there any more; start over with"
                " --overwrite"
            )
        return file

    def _write(self, description: FrameDescription, stored: dict[str, Tensor]) -> None:
        with self.folders.writing(description.step) as folder:
            save_file(stored, folder / WEIGHTS_FILE)
            text = json.dumps(asdict(description), indent=1, allow_nan=False)
            (folder / FRAME_FILE).write_text(text, encoding="utf-8")
