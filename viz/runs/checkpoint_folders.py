"""Where checkpoints are looked for: what ships, what the user put there, what was trained here."""

from pathlib import Path

from finetune.checkpoint.folder import is_checkpoint
from viz.runs import files

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("assets", "checkpoints")
"""Folders of checkpoints beside the app; the folder of runs is the third."""


def checkpoint_folders() -> list[Path]:
    """All folders that hold a checkpoint and aren't hidden, room by room, in order of their names.

    They are those that are there, so that a name out of a file or a link leads nowhere else.
    """
    return [
        folder
        for room in (*(ROOT / name for name in ROOMS), files.room())
        for folder in sorted(room.glob("*"))
        if not folder.name.startswith(".") and is_checkpoint(folder)
    ]
